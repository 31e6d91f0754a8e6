"""Expansion: choices make nodes and nodes tell their choices, with alternatives and counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.errors import MetasimError
from metasim.grammar.derivation import Place, log_prob_places
from metasim.grammar.expansion import Expansion, Nodes
from metasim.grammar.grammar import SceneGrammar
from metasim.scene.graph import SceneGraph, SceneNode

GRAMMAR = SceneGrammar.from_mapping(
    {
        "start": "street",
        "symbols": {
            "street": {
                "productions": [
                    {"weight": 2, "children": [{"symbol": "house", "count": {"uniform": [1, 3]}}, "tree"]},
                    {"children": ["tree", {"symbol": "car", "count": {"weights": {0: 1, 2: 3}}}]},
                ]
            },
            "house": {
                "classes": {"brick": 1, "wood": 3},
                "children": [{"symbol": "tree", "count": {"weights": {0: 2, 1: 1}}}],
            },
            "tree": {},
            "car": {"classes": ["red", "blue", "green"]},
        },
    }
)
EXPANSION = Expansion(GRAMMAR.rules)


def unfolded(choices: list[int]) -> tuple[Nodes, list[tuple[int, int]]]:
    """Nodes of a derivation that takes the given choices, over and over, and the steps that were taken."""
    walk, steps, at = EXPANSION.unfold(), [], 0
    try:
        slot = next(walk)
        while True:
            steps.append((slot, choices[at % len(choices)] % EXPANSION.sizes[slot]))
            slot, at = walk.send(steps[-1][1]), at + 1
    except StopIteration as end:
        return end.value, steps


def as_graph(nodes: Nodes) -> SceneGraph:
    return SceneGraph(tuple(SceneNode(p.name, p.symbol, cls, p.parent, {}) for p, cls in nodes))


@given(st.lists(st.integers(0, 11), min_size=1, max_size=20))
def test_any_choices_make_nodes_that_the_grammar_can_make_and_that_tell_them(choices: list[int]) -> None:
    nodes, steps = unfolded(choices)
    assert np.isfinite(log_prob_places(GRAMMAR.rules, as_graph(nodes)))
    assert EXPANSION.steps(nodes) == steps


@given(st.integers(0, 10**6))
def test_scenes_of_the_grammar_are_unfolded_again_from_their_steps(seed: int) -> None:
    graph = GRAMMAR.sample(np.random.default_rng(seed))
    nodes = [(Place(n.name, n.symbol, n.parent), n.cls) for n in graph.nodes]
    steps = EXPANSION.steps(nodes)
    walk = EXPANSION.unfold()
    asked = next(walk)
    for slot, choice in steps[:-1]:
        assert slot == asked
        asked = walk.send(choice)
    with pytest.raises(StopIteration) as end:
        walk.send(steps[-1][1])
    assert end.value.value == nodes


def test_nodes_that_cannot_be_made_have_no_steps() -> None:
    root = (Place("street", "street", None), "street")
    with pytest.raises(MetasimError, match="street"):
        EXPANSION.steps([root, (Place("car", "car", 0), "red")])
