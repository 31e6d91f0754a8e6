"""Policies: what they derive is grammatical, and a law that is known is learnt with its dependences."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from metasim.base.streams import seeded_layers, stream
from metasim.grammar.expansion import Expansion, Step
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.structure.derivation import as_tensors, derive, fit_policy
from metasim.model.policy import ExpansionPolicy

SIZE = {"range": [0, 1], "mutable": True, "law": {"uniform": [0, 1]}}
NESTED = SceneGrammar.from_mapping(
    {
        "start": "street",
        "symbols": {
            "street": {
                "productions": [
                    {"children": [{"symbol": "house", "count": {"uniform": [1, 3]}}, "tree"]},
                    {"children": [{"symbol": "tree", "count": {"uniform": [0, 4]}}]},
                ]
            },
            "house": {
                "classes": ["brick", "wood"],
                "children": [{"symbol": "tree", "count": {"uniform": [0, 2]}}],
            },
            "tree": {"attributes": {"size": SIZE}},
        },
    }
)
FIRST = SceneGrammar.from_mapping(
    {
        "start": "table",
        "symbols": {
            "table": {"children": ["leader", {"symbol": "thing", "count": {"uniform": [0, 3]}}]},
            "leader": {"classes": ["mug", "shoe", "bowl"], "attributes": {"size": SIZE}},
            "thing": {"attributes": {"size": SIZE}},
        },
    }
)
# How many things there are, by the class of the first object.
LAW = np.array([[0.35, 0.05, 0.05, 0.05], [0.02, 0.03, 0.15, 0.1], [0.05, 0.05, 0.05, 0.05]])


@pytest.mark.parametrize("seed", range(3))
def test_every_scene_that_a_policy_derives_is_one_of_the_grammar(seed: int) -> None:
    with seeded_layers(seed, "test"):
        policy = ExpansionPolicy(Expansion(NESTED.rules).sizes)
    graphs = derive(NESTED, policy, [stream(seed, "test", i) for i in range(40)])
    assert all(np.isfinite(NESTED.log_prob(graph)) for graph in graphs)
    assert len({tuple(node.name for node in graph.nodes) for graph in graphs}) > 5


def derivation(cls: int, count: int) -> list[Step]:
    """Steps of the grammar ``FIRST``, whose numbers come before the classes."""
    slots = [(slot.symbol, slot.place) for slot in Expansion(FIRST.rules).slots]
    return [(slots.index(("table", (0, 1))), count), (slots.index(("leader", "class")), cls)]


def information(law: np.ndarray) -> float:
    """Mutual information of rows and columns, in nats."""
    apart = law.sum(1, keepdims=True) * law.sum(0)
    return float((law * np.log(law / apart)).sum())


@pytest.fixture(scope="module")
def learnt() -> tuple[np.ndarray, int]:
    """The exact law of a policy that has seen draws of ``LAW``, and how many."""
    count = 6000
    cells = np.random.default_rng(0).choice(LAW.size, count, p=LAW.ravel())
    shown = [derivation(*divmod(int(cell), LAW.shape[1])) for cell in cells]
    held = np.arange(count) % 5 == 4
    policy = fit_policy(Expansion(FIRST.rules).sizes, shown, held, 400, 0, lambda *_: None)
    everything = [derivation(*cell) for cell in product(range(3), range(4))]
    with torch.no_grad():
        logs = policy.log_prob(*as_tensors(everything))
    return logs.exp().double().numpy().reshape(LAW.shape), count


def test_a_known_law_is_reproduced(learnt: tuple[np.ndarray, int]) -> None:
    """The expected total variation of n draws of k cells is below sqrt(k / n) / 2; thrice that is allowed."""
    law, count = learnt
    assert abs(law.sum() - 1) < 1e-5
    assert np.abs(law - LAW).sum() / 2 < 3 * np.sqrt(LAW.size / count) / 2


def test_numbers_go_on_depending_on_the_class_of_the_first(learnt: tuple[np.ndarray, int]) -> None:
    law, _ = learnt
    assert abs(information(law) / information(LAW) - 1) < 0.2
