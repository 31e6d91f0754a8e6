"""Laws of scene graphs as tensors: nothing is lost, alone or in a batch."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Batch

from metasim.base.errors import InputError
from metasim.scene.attribute import AttributeSpec
from metasim.scene.encoding import GraphEncoder, SceneData
from metasim.scene.graph import SceneGraph, SceneNode
from metasim.scene.schema import SceneSchema, SymbolSpec

SCHEMA = SceneSchema(
    (
        SymbolSpec("scene", ("scene",)),
        SymbolSpec(
            "object", ("mug", "shoe"), (AttributeSpec("yaw", "deg", 0, 1), AttributeSpec("x", "m", 0, 1))
        ),
        SymbolSpec("light", ("light",), (AttributeSpec("x", "m", 0, 1), AttributeSpec("power", "W", 0, 1))),
    )
)
ENCODER = GraphEncoder(SCHEMA)
values = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def graphs(draw: st.DrawFn) -> SceneGraph:
    nodes = [SceneNode("root", "scene", "scene", None, {})]
    for index in range(draw(st.integers(0, 5))):
        symbol = draw(st.sampled_from(SCHEMA.symbols))
        attributes = {spec.name: draw(values) for spec in symbol.attributes if draw(st.booleans())}
        mutable = frozenset(name for name in attributes if draw(st.booleans()))
        cls, parent = draw(st.sampled_from(symbol.classes)), draw(st.integers(0, index))
        nodes.append(SceneNode(f"{symbol.name}_{index}", symbol.name, cls, parent, attributes, mutable))
    return SceneGraph(tuple(nodes))


def bits(graph: SceneGraph) -> list[bytes]:
    """Every value to the last bit, so that 0.0 and -0.0 differ."""
    return [struct.pack("d", value) for node in graph.nodes for value in node.attributes.values()]


@given(graphs())
def test_a_graph_survives_encoding(graph: SceneGraph) -> None:
    decoded = ENCODER.decode(ENCODER.encode(graph))
    assert decoded == graph
    assert hash(decoded) == hash(graph)
    assert bits(decoded) == bits(graph)
    orders = [[list(node.attributes) for node in g.nodes] for g in (decoded, graph)]
    assert orders[0] == orders[1]


@given(st.lists(graphs(), min_size=1, max_size=4))
def test_graphs_survive_a_batch(many: list[SceneGraph]) -> None:
    batch = Batch.from_data_list([ENCODER.encode(graph) for graph in many])
    assert batch.num_graphs == len(many)
    assert cast(SceneData, batch).values.shape == (sum(len(graph.nodes) for graph in many), 3)
    assert [ENCODER.decode(cast(SceneData, data)) for data in batch.to_data_list()] == many


@given(st.lists(graphs(), min_size=1, max_size=4))
def test_a_batch_is_that_of_the_library(many: list[SceneGraph]) -> None:
    ours = ENCODER.batch(many)
    theirs = cast(SceneData, Batch.from_data_list([ENCODER.encode(graph) for graph in many]))
    assert (ours.names, ours.num_nodes) == (theirs.names, theirs.num_nodes)
    for key in ("values", "present", "mutable", "symbol", "cls", "edge_index", "batch"):
        assert ours[key].dtype == theirs[key].dtype
        assert torch.equal(ours[key], theirs[key])


@given(graphs())
def test_shapes_and_types_are_those_promised(graph: SceneGraph) -> None:
    data, n = ENCODER.encode(graph), len(graph.nodes)
    assert data.num_nodes == n
    assert (data.values.shape, data.values.dtype) == ((n, 3), torch.float64)
    assert (data.present.shape, data.present.dtype) == ((n, 3), torch.bool)
    assert (data.mutable.shape, data.mutable.dtype) == ((n, 3), torch.bool)
    assert (data.symbol.shape, data.symbol.dtype) == ((n,), torch.int64)
    assert (data.cls.shape, data.cls.dtype) == ((n,), torch.int64)
    edges = cast(torch.Tensor, data.edge_index)
    assert (edges.shape, edges.dtype) == ((2, n - 1), torch.int64)
    assert edges[0].tolist() == [node.parent for node in graph.nodes[1:]]
    assert edges[1].tolist() == list(range(1, n))
    assert not (data.mutable & ~data.present).any()
    assert not data.values[~data.present].any()
    for row, node in enumerate(graph.nodes):
        assert SCHEMA.symbols[int(data.symbol[row])].name == node.symbol
        assert SCHEMA.class_names[int(data.cls[row])] == node.cls
        for column, name in enumerate(SCHEMA.attribute_names):
            assert bool(data.present[row, column]) == (name in node.attributes)
            assert float(data.values[row, column]) == node.attributes.get(name, 0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"symbol": "lamp"}, "node it: unknown symbol 'lamp'; expected one of scene, object, light"),
        ({"cls": "boot"}, "node it: unknown class 'boot'; expected one of mug, shoe"),
        ({"attributes": {"power": 1.0}}, "node it: unknown attribute 'power'; expected one of yaw, x"),
        ({"mutable": frozenset({"power"})}, "node it: unknown attribute 'power'; expected one of yaw, x"),
    ],
)
def test_what_the_schema_lacks_is_refused(change: dict[str, Any], message: str) -> None:
    node = replace(SceneNode("it", "object", "mug", None, {"x": 0.5}), **change)
    with pytest.raises(InputError) as caught:
        ENCODER.encode(SceneGraph((node,)))
    assert str(caught.value) == f"scene graph: {message}"
