"""Laws of the JSON form of scene graphs: exact, versioned, and strict."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.errors import InputError
from metasim.scene.graph import SceneGraph, SceneNode
from metasim.scene.serialization import from_json, to_json

values = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def graphs(draw: st.DrawFn) -> SceneGraph:
    nodes = []
    for index in range(draw(st.integers(1, 6))):
        attributes = draw(st.dictionaries(st.text(max_size=5), values, max_size=3))
        mutable = frozenset(name for name in attributes if draw(st.booleans()))
        parent = draw(st.integers(0, index - 1)) if index else None
        nodes.append(
            SceneNode(f"node_{index}", draw(st.text()), draw(st.text()), parent, attributes, mutable)
        )
    return SceneGraph(tuple(nodes))


def bits(graph: SceneGraph) -> list[bytes]:
    """Every value to the last bit, so that 0.0 and -0.0 differ."""
    return [struct.pack("d", value) for node in graph.nodes for value in node.attributes.values()]


@given(graphs())
def test_a_graph_survives_json(graph: SceneGraph) -> None:
    again = from_json(json.loads(json.dumps(to_json(graph), allow_nan=False)))
    assert again == graph
    assert hash(again) == hash(graph)
    assert bits(again) == bits(graph)


def plain(**changes: Any) -> dict[str, Any]:
    root = {
        "name": "a",
        "symbol": "a",
        "class": "a",
        "parent": None,
        "attributes": {"x": 1},
        "mutable": ["x"],
    }
    child = {**root, "name": "b", "parent": "a", **changes}
    return {"format": "metasim/scene-graph", "version": 1, "nodes": [root, child]}


def test_the_form_is_the_documented_one() -> None:
    assert to_json(from_json(plain())) == plain()


@pytest.mark.parametrize(
    ("data", "where", "expected"),
    [
        ({}, "g.json", "version 1"),
        ({**plain(), "version": 2}, "g.json", "'metasim/scene-graph' version 1"),
        ({**plain(), "format": "other"}, "g.json", "'metasim/scene-graph' version 1"),
        ({**plain(), "extra": 1}, "g.json: extra", "one of format, version, nodes"),
        ({**plain(), "nodes": 3}, "g.json: nodes", "list"),
        ({**plain(), "nodes": []}, "scene graph", "a root"),
        (plain(parent="c"), "g.json: nodes.1.parent", "an earlier node"),
        (plain(parent="b"), "scene graph: node b", "an earlier node"),
        (plain(parent=None), "scene graph: node b", "an earlier node"),
        (plain(name="a"), "scene graph", "unique names"),
        (plain(attributes={"x": "wide"}), "g.json: nodes.1.attributes.x", "number"),
        (plain(attributes={"x": float("nan")}), "g.json: nodes.1.attributes.x", "finite"),
        (plain(klass="a"), "g.json: nodes.1.klass", "'class' perhaps"),
        (plain(mutable=["y"]), "g.json: nodes.1.mutable", "attributes of the node"),
    ],
)
def test_other_data_are_refused_in_one_line(data: dict[str, Any], where: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        from_json(data, "g.json")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{where}: ")
    assert expected in message.partition("; expected ")[2]
