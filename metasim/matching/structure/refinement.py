r"""Refinement where nodes vary: policy and attribute network follow an image MMD by the score function.

A scene's nodes are drawn by the policy and its attributes explored around the attribute network's output;
each scene is credited with the witness function of its one render, less a leave-one-out baseline:
:math:`\nabla MMD^2 = 2 E[w(x_i) (\nabla \log \pi(d_i) + \nabla \log q(\theta_i | d_i))]`. The distribution
matching of Meta-Sim2 (Devaranjan, Kar and Fidler, ECCV 2020), without bias in the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from metasim.base.streams import stream, torch_stream
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.gradients import gradient_norms
from metasim.matching.refinement import EXPLORATION, OURS
from metasim.matching.structure.derivation import as_tensors, derived
from metasim.model.attribute_gcn import AttributeNetwork
from metasim.model.policy import ExpansionPolicy
from metasim.scene.encoding import GraphEncoder
from metasim.scene.graph import SceneGraph
from metasim.stats.fourier import FourierMMD
from metasim.stats.mmd import MMDTarget

POLICY_RATE = 2e-3  # more than that of the attribute network: a slot has but a few options

Embed = Callable[[list[SceneGraph], str], Tensor]
"""Scenes and a stage to (n, F) features of their renders."""


@dataclass(frozen=True)
class Drawn:
    """n scenes as they were drawn, with what their gradient needs.

    Attributes:
        graphs: The scenes.
        log_policy: (n,) log-probability of their derivations.
        units: (nodes, A) output of the attribute network.
        noise: (nodes, A) exploration around it, in its spreads; 0 where nothing is free.
        owner: (nodes,) the scene of each node.
    """

    graphs: list[SceneGraph]
    log_policy: Tensor
    units: Tensor
    noise: Tensor
    owner: Tensor

    def surrogate(self, credit: Tensor) -> Tensor:
        r"""A number whose gradient is the mean of ``credit`` (n,) times that of the log-probability.

        Exploration is normal, so :math:`\nabla \log q = \epsilon / \sigma \; \nabla \mu`.
        """
        slopes = credit[self.owner][:, None] * self.noise / EXPLORATION
        return (credit @ self.log_policy + (slopes * self.units).sum()) / len(credit)


def draw(
    grammar: SceneGrammar,
    policy: ExpansionPolicy,
    network: AttributeNetwork,
    count: int,
    stage: str,
    seed: int,
) -> Drawn:
    """Draws scenes of a stage from both networks."""
    found = derived(grammar, policy, [stream(seed, stage, i) for i in range(count)])
    encoder = GraphEncoder(grammar.schema)
    data = encoder.batch(found.graphs)
    assert data.batch is not None
    generator = torch_stream(seed, stage)
    units = network(data, network.draw_noise(len(data.values), generator))
    noise = torch.randn(units.shape, generator=generator) * data.mutable
    values = network.to_values(data, units.detach() + EXPLORATION * noise)
    graphs = encoder.rewritten(found.graphs, values)
    return Drawn(graphs, policy.log_prob(*as_tensors(found.steps)), units, noise, data.batch)


def refine_structure(
    grammar: SceneGrammar,
    policy: ExpansionPolicy,
    network: AttributeNetwork,
    target: MMDTarget | FourierMMD,
    embed: Embed,
    steps: int,
    seed: int,
    record: Callable[[int, dict[str, float]], None],
) -> None:
    """Moves policy and attribute network down the image MMD, one render a scene.

    Args:
        grammar: The generator's.
        policy: Chooses nodes; changed in place.
        network: Gives them attributes; changed in place.
        target: Target features with their kernel.
        embed: Renders scenes and looks at them.
        steps: Optimiser steps, each of as many renders as ``OURS`` has.
        seed: Root seed.
        record: Told step and losses.
    """
    groups = [
        {"params": list(network.parameters()), "lr": OURS.rate},
        {"params": list(policy.parameters()), "lr": POLICY_RATE},
    ]
    optimiser = torch.optim.Adam(groups)
    network.train()
    policy.train()
    for step in range(steps):
        drawn = draw(grammar, policy, network, OURS.batch, f"refine/{step}", seed)
        features = embed(drawn.graphs, f"refine/{step}")
        optimiser.zero_grad()
        drawn.surrogate(2 * target.witness(features).advantage.float()).backward()
        flow = gradient_norms(network)
        for group in groups:
            torch.nn.utils.clip_grad_norm_(group["params"], 1.0)
        optimiser.step()
        record(step, {"mmd2": float(target.mmd2(features))} | flow)
