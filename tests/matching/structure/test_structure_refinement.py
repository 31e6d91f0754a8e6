"""Refinement where nodes vary: the gradient is that of the discrepancy, and a wrong policy is mended."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from metasim.base.streams import seeded_layers, stream, torch_stream
from metasim.grammar.expansion import Expansion
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.features import RandomConvolutions
from metasim.matching.refinement import EXPLORATION, image_target
from metasim.matching.structure.derivation import as_tensors, derive
from metasim.matching.structure.refinement import Drawn, draw, refine_structure
from metasim.matching.transfer import new_network
from metasim.model.policy import ExpansionPolicy
from metasim.rendering.protocol import Pass
from metasim.scene.graph import SceneGraph
from metasim.stats.kernels import GaussianMixture
from metasim.stats.mmd import MMDTarget
from renderers.sprites.renderer import SpritesRenderer

PLACE = {"unit": "px", "range": [4, 28], "mutable": True, "law": {"uniform": [6, 26]}}
MOST = 3
GRAMMAR = SceneGrammar.from_mapping(
    {
        "start": "image",
        "symbols": {
            "image": {"children": [{"symbol": "digit", "count": {"uniform": [0, MOST]}}]},
            "digit": {"attributes": {"loc_x": PLACE, "loc_y": PLACE, "scale": 0.5}, "classes": [1]},
        },
    }
)
SIZES = Expansion(GRAMMAR.rules).sizes
BATCH = 24


def count(graph: SceneGraph) -> int:
    return len(graph.nodes) - 1


def last_layer(policy: ExpansionPolicy) -> torch.nn.Linear:
    last = policy.write[-1]
    assert isinstance(last, torch.nn.Linear)
    return last


def policy_of(*odds: float) -> ExpansionPolicy:
    """A policy with given chances of each number."""
    with seeded_layers(0, "test/policy"):
        policy = ExpansionPolicy(SIZES)
    last = last_layer(policy)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor(odds).log())
    return policy


def numbers(policy: ExpansionPolicy) -> Tensor:
    """(MOST + 1,) the exact law of the numbers."""
    return policy.log_prob(*as_tensors([[(0, n)] for n in range(MOST + 1)])).exp()


def test_the_gradient_is_that_of_the_discrepancy_between_the_laws_of_numbers() -> None:
    """Features are the numbers themselves, so the MMD of two laws is a quadratic form in them."""
    odds = torch.tensor([0.1, 0.2, 0.3, 0.4])
    target = MMDTarget(
        torch.repeat_interleave(torch.eye(MOST + 1), (40 * odds).long(), 0), GaussianMixture((1.0,))
    )
    policy, network = policy_of(0.4, 0.3, 0.2, 0.1), new_network(GRAMMAR, 0)
    bias = last_layer(policy).bias
    gram = target.kernel(torch.eye(MOST + 1), torch.eye(MOST + 1))
    apart = numbers(policy) - odds
    (exact,) = torch.autograd.grad(apart @ gram @ apart, bias)
    found = []
    for i in range(200):
        drawn = draw(GRAMMAR, policy, network, BATCH, f"test/{i}", 0)
        features = torch.eye(MOST + 1)[[count(graph) for graph in drawn.graphs]]
        credit = 2 * target.witness(features).advantage
        found.append(torch.autograd.grad(drawn.surrogate(credit), bias)[0].double())
    estimates = torch.stack(found)
    z = (estimates.mean(0) - exact) / (estimates.std(0) / len(found) ** 0.5)
    assert z.abs().max() < 4.0  # of four; beyond 4 once in 4,000
    assert (exact / (estimates.std(0) / len(found) ** 0.5)).abs().max() > 8.0  # and it is far from nothing


def test_the_gradient_of_attributes_is_that_of_what_is_credited() -> None:
    """A credit that is linear in what was explored has its slopes as gradient, up to the noise of a mean."""
    nodes, scenes = 40, 20
    owner = torch.arange(scenes).repeat_interleave(nodes // scenes)
    slopes = torch.randn(nodes, 2, generator=torch_stream(0, "slopes"))
    units = torch.full((nodes, 2), 0.5, requires_grad=True)
    found = []
    for i in range(4000):
        noise = torch.randn(nodes, 2, generator=torch_stream(i, "noise"))
        moved = (slopes * EXPLORATION * noise).sum(1)
        credit = torch.zeros(scenes).index_add(0, owner, moved)
        drawn = Drawn([], torch.zeros(scenes), units, noise, owner)
        found.append(torch.autograd.grad(drawn.surrogate(credit), units)[0])
    estimates = torch.stack(found)
    z = (estimates.mean(0) - slopes / scenes) / (estimates.std(0) / len(found) ** 0.5)
    assert z.square().mean() < 1 + 4 * (2 / z.numel()) ** 0.5


def test_scenes_keep_what_is_not_free_and_lie_in_range() -> None:
    drawn = draw(GRAMMAR, policy_of(0.1, 0.2, 0.3, 0.4), new_network(GRAMMAR, 0), BATCH, "test", 0)
    assert all(np.isfinite(GRAMMAR.log_prob(graph.with_attributes({}))) for graph in drawn.graphs)
    assert len(drawn.owner) == sum(len(graph.nodes) for graph in drawn.graphs)
    for graph in drawn.graphs:
        assert all(node.attributes["scale"] == 0.5 for node in graph.nodes[1:])


@pytest.mark.slow
def test_wrong_numbers_are_mended_by_images_of_digits() -> None:
    """From a law of numbers that is the wrong way round; features of real renders are all that is seen."""
    engine, look = SpritesRenderer(32), RandomConvolutions(0)

    def images(graphs: list[SceneGraph]) -> np.ndarray:
        frames = engine.render(graphs, frozenset({Pass.RGB}), 0)
        return np.stack([np.asarray(frame[Pass.RGB], np.uint8) for frame in frames])

    wanted, policy = policy_of(0.1, 0.2, 0.3, 0.4), policy_of(0.4, 0.3, 0.2, 0.1)
    shown = derive(GRAMMAR, wanted, [stream(0, "test/target", i) for i in range(400)])
    target = image_target(look(images(shown)), None, 0)
    network = new_network(GRAMMAR, 0)
    before = float((numbers(policy) - numbers(wanted)).abs().sum().detach() / 2)

    def embed(graphs: list[SceneGraph], stage: str) -> Tensor:
        return torch.cat(look(images(graphs)), 1)

    refine_structure(GRAMMAR, policy, network, target, embed, 150, 0, lambda *_: None)
    after = float((numbers(policy) - numbers(wanted)).abs().sum().detach() / 2)
    assert before == pytest.approx(0.4)
    assert after < before / 2
