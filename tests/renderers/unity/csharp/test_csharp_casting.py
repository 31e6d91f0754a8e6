"""Which object of a Unity scene stands for which node, under mono: laws of the casting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conversation import Conversation
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.rendering.protocol import Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.unity.batch import batch_message

INSIDE = {"car": [None], "wheel": ["car"], "driver": ["car"], "tree": [None], "hat": ["driver", None]}
"""The symbols of the scene of the driver, with those that their actors lie inside; ``None`` for outside."""


@dataclass(frozen=True)
class Role:
    """An actor as it was cast: its number, its symbol and the number of the actor that it lies inside."""

    number: int
    symbol: str
    owner: int


@st.composite
def graphs(draw: st.DrawFn) -> SceneGraph:
    """Any tree of the symbols that there are, and of one that nothing stands for."""
    symbols = draw(st.lists(st.sampled_from([*INSIDE, "ghost"]), max_size=9))
    nodes = [SceneNode("root", "root", "root", None, {})]
    for index, symbol in enumerate(symbols, start=1):
        parent = draw(st.integers(0, index - 1))
        nodes.append(SceneNode(f"{symbol}_{index}", symbol, symbol, parent, {}))
    return SceneGraph(tuple(nodes))


def cast(converse: Callable[[str], Conversation], scenes: list[SceneGraph]) -> list[dict[int, Role]]:
    """The roles of each scene by node index."""
    batch = batch_message(1, scenes, [0] * len(scenes), [Pass.RGB])
    lines = converse("casting").ask(batch.pack()).decode().split("\n")
    rows = [[entry.split(",") for entry in line.split()] for line in lines]
    return [{int(i) - 1: Role(int(n), symbol, int(owner)) for i, n, symbol, owner in row} for row in rows]


def expected_owner(scene: SceneGraph, index: int, roles: dict[int, Role]) -> int | None:
    """The number of the actor that a node's must lie inside, -1 for outside; ``None`` if it has no actor."""
    inside = INSIDE.get(scene.nodes[index].symbol, [])
    parent = scene.nodes[index].parent
    while parent is not None:
        if parent in roles and roles[parent].symbol in inside:
            return roles[parent].number
        parent = scene.nodes[parent].parent
    return -1 if None in inside else None


@settings(max_examples=40, deadline=None)
@given(scene=graphs())
def test_every_node_has_an_actor_of_its_own_inside_the_nearest_that_has_its_symbol(
    converse: Callable[[str], Conversation], scene: SceneGraph
) -> None:
    (roles,) = cast(converse, [scene])
    assert len({role.number for role in roles.values()}) == len(roles)
    for index, node in enumerate(scene.nodes):
        owner = expected_owner(scene, index, roles)
        assert (index in roles) == (owner is not None)
        if owner is not None:
            assert (roles[index].symbol, roles[index].owner) == (node.symbol, owner)


@settings(max_examples=20, deadline=None)
@given(scene=graphs(), other=graphs())
def test_casting_does_not_depend_on_the_scenes_before_and_wastes_no_copies(
    converse: Callable[[str], Conversation], scene: SceneGraph, other: SceneGraph
) -> None:
    first, _, again = cast(converse, [scene, other, scene])
    assert again == first
