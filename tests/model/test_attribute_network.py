"""Laws of the attribute network: what stays, what may move, and that the tree alone decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch_geometric.data import Batch

from metasim.base.streams import seeded_layers, stream, torch_stream
from metasim.model.attribute_gcn import AttributeNetwork, SceneConv
from metasim.scene.attribute import AttributeSpec
from metasim.scene.encoding import GraphEncoder, SceneData
from metasim.scene.graph import SceneGraph, SceneNode
from metasim.scene.schema import SceneSchema, SymbolSpec

SCHEMA = SceneSchema(
    (
        SymbolSpec("room", ("room",)),
        SymbolSpec(
            "thing",
            ("mug", "shoe"),
            (
                AttributeSpec("x", "m", -1.7, 0.1, mutable=True),
                AttributeSpec("yaw", "deg", -90, 270, periodic=True, mutable=True),
                AttributeSpec("shade", "1", 0, 1),
            ),
        ),
        SymbolSpec("light", ("light",), (AttributeSpec("power", "W", 10, 60, mutable=True),)),
    )
)
ENCODER = GraphEncoder(SCHEMA)
COLUMN = {name: j for j, name in enumerate(SCHEMA.attribute_names)}
MUTABLE = frozenset({"x", "yaw"})


def network(seed: int = 0) -> AttributeNetwork:
    with seeded_layers(seed, "test/attribute-network"):
        return AttributeNetwork(SCHEMA, hidden=16, latent=8)


def thing(name: str, parent: int, index: int, mutable: frozenset[str] = MUTABLE) -> SceneNode:
    rng = stream(0, f"test/{name}", index)
    values = {"x": rng.uniform(-1.7, 0.1), "yaw": rng.uniform(-90, 270), "shade": rng.random()}
    return SceneNode(name, "thing", ("mug", "shoe")[rng.integers(2)], parent, values, mutable)


def room(index: int = 0) -> SceneGraph:
    """A room with a light and things on things."""
    power = {"power": stream(0, "test/power", index).uniform(10, 60)}
    return SceneGraph(
        (
            SceneNode("room", "room", "room", None, {}),
            SceneNode("light", "light", "light", 0, power, frozenset({"power"})),
            thing("thing", 0, index),
            thing("thing_2", 2, index),
            thing("thing_3", 2, index, frozenset({"x"})),
            thing("thing_4", 4, index, frozenset()),
        )
    )


def stacked(graphs: Sequence[SceneGraph]) -> SceneData:
    data = Batch.from_data_list([ENCODER.encode(graph) for graph in graphs])
    assert isinstance(data, SceneData)
    return data


def with_yaw(graph: SceneGraph, yaw: float) -> SceneGraph:
    changed = [
        replace(n, attributes={**n.attributes, "yaw": yaw}) if n.name == "thing" else n for n in graph.nodes
    ]
    return SceneGraph(tuple(changed))


def last_layer(net: AttributeNetwork) -> nn.Linear:
    layer = net.write[-1]
    assert isinstance(layer, nn.Linear)
    return layer


def force_output(net: AttributeNetwork, attribute: str, value: float, x: float, y: float) -> None:
    """Makes the decoder say the same everywhere: the value and the 2-vector, and nothing of the input."""
    layer = last_layer(net)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.unflatten(0, (-1, 4))[COLUMN[attribute]] = torch.tensor([value, x, y, -100.0])


def turns(a: Tensor, b: Tensor) -> Tensor:
    """Distance on a circle of length 1."""
    return ((a - b) - (a - b).round()).abs()


@given(st.integers(0, 50), st.floats(0, 8))
def test_immutable_attributes_keep_their_bits(index: int, loudness: float) -> None:
    net, data = network(index), stacked([room(index)])
    noise = loudness * net.draw_noise(len(data.values), torch_stream(index, "test/noise"))
    values = net.rewrite(data, noise)
    assert torch.equal(values[~data.mutable], data.values[~data.mutable])
    assert (values != data.values)[data.mutable].all()


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0, 1e4])
def test_outputs_stay_in_the_range_whatever_the_decoder_says(size: float) -> None:
    net, data = network(), stacked([room(i) for i in range(20)])
    with torch.no_grad():
        last_layer(net).weight.mul_(size)
    units = net(data, net.draw_noise(len(data.values), torch_stream(0, "test/noise")))[data.mutable]
    assert ((units >= 0) & (units <= 1)).all()


def test_scenes_stay_in_the_range_of_their_attributes() -> None:
    net, graph = network(), room()
    data = stacked([graph])
    for value in (-1e3, -3.3, 3.3, 1e3):
        force_output(net, "x", value, 1, 0)
        decoded = ENCODER.decode(replace_values(ENCODER.encode(graph), net.rewrite(data, torch.zeros(6, 4))))
        assert SCHEMA.spec("thing", "x").contains(decoded.by_name["thing"].attributes["x"])


def replace_values(data: SceneData, values: Tensor) -> SceneData:
    data._store["values"] = values.detach()
    return data


@pytest.mark.parametrize("value", [-40.0, -2.5, 0.3, 2.5, 40.0])
def test_cut_outputs_still_have_a_gradient(value: float) -> None:
    net, data = network(), stacked([room()])
    force_output(net, "x", value, 1, 0)
    out = net(data, torch.zeros(6, 4))[2, COLUMN["x"]]
    (slope,) = torch.autograd.grad(out, last_layer(net).bias)
    expected = min(max(0.5 + 0.25 * value, 0.0), 1.0)
    assert float(out.detach()) == pytest.approx(expected)
    assert float(slope.unflatten(0, (-1, 4))[COLUMN["x"], 0]) == pytest.approx(0.25)


def test_an_angle_turns_evenly_through_the_end_of_its_range() -> None:
    net, data = network(), stacked([room()])
    for turn in torch.linspace(-0.5, 1.5, 81).tolist():
        angle = torch.tensor(2 * torch.pi * turn, dtype=torch.float64)
        force_output(net, "yaw", 0, float(angle.cos()), float(angle.sin()))
        out = net(data, torch.zeros(6, 4))[2, COLUMN["yaw"]]
        (slope,) = torch.autograd.grad(out, last_layer(net).bias)
        _, dx, dy, _ = slope.unflatten(0, (-1, 4))[COLUMN["yaw"]].tolist()
        around = -dx * float(angle.sin()) + dy * float(angle.cos())
        assert float(turns(out.detach(), torch.tensor(turn))) < 1e-5
        assert around == pytest.approx(1 / (2 * torch.pi), rel=1e-3)


@given(st.integers(0, 20), st.integers(-3, 3))
def test_whole_turns_of_the_input_change_nothing(index: int, turn: int) -> None:
    net, graph = network(index), room(index)
    yaw = graph.by_name["thing"].attributes["yaw"]
    noise = net.draw_noise(6, torch_stream(index, "test/noise"))
    before, after = (net(stacked([g]), noise) for g in (graph, with_yaw(graph, yaw + 360 * turn)))
    rows = stacked([graph]).mutable
    assert turns(before, after)[rows].max() < 1e-5


def test_the_ends_of_an_angle_s_range_are_neighbours() -> None:
    net, noise = network(), torch.zeros(6, 4)
    below, above, away = (net(stacked([with_yaw(room(), yaw)]), noise) for yaw in (-89.999, 269.999, 90.0))
    rows = stacked([room()]).mutable
    assert turns(below, above)[rows].max() < 1e-4
    assert turns(below, away)[rows].max() > 1e-3


@given(st.permutations(range(6)), st.integers(0, 20))
def test_the_order_of_nodes_does_not_matter(order: list[int], index: int) -> None:
    net, data = network(index), ENCODER.encode(room(index))
    noise = net.draw_noise(6, torch_stream(index, "test/noise"))
    pick, place = torch.tensor(order), torch.argsort(torch.tensor(order))
    edges = data.edge_index
    assert edges is not None
    shuffled = SceneData(
        values=data.values[pick],
        present=data.present[pick],
        mutable=data.mutable[pick],
        symbol=data.symbol[pick],
        cls=data.cls[pick],
        edge_index=place[edges].flip(1),
    )
    assert torch.allclose(net(shuffled, noise[pick]), net(data, noise)[pick], atol=1e-5)


def test_scenes_of_a_batch_do_not_know_each_other() -> None:
    net, graphs = network(), [room(i) for i in range(7)]
    noise = net.draw_noise(42, torch_stream(0, "test/noise"))
    together = net(stacked(graphs), noise)
    alone = torch.cat([net(stacked([g]), noise[6 * i : 6 * i + 6]) for i, g in enumerate(graphs)])
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("name", ["noise", "class", "parent", "child"])
def test_what_a_node_gets_to_know(name: str) -> None:
    """Noise, class, parent and child of ``thing_2`` all change what is drawn for it."""
    net, graph = network(), room()
    noise = torch.zeros(6, 4)
    index = {"noise": 3, "class": 3, "parent": 2, "child": 3}[name]
    seen = {"noise": 3, "class": 3, "parent": 3, "child": 2}[name]
    changed, nodes = noise.clone(), list(graph.nodes)
    if name == "class":
        other = {"mug": "shoe", "shoe": "mug"}[nodes[index].cls]
        nodes[index] = replace(nodes[index], cls=other)
    else:
        changed[index] = 1.0
    before, after = net(stacked([graph]), noise), net(stacked([SceneGraph(tuple(nodes))]), changed)
    assert (before - after)[seen, COLUMN["x"]].abs() > 1e-4


def test_every_parameter_learns() -> None:
    net = network()
    data = stacked([room(i) for i in range(10)])
    out = net(data, net.draw_noise(len(data.values), torch_stream(0, "test/noise")))
    (out * torch.randn(out.shape, generator=torch_stream(0, "test/slope"))).sum().backward()
    still = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def chain(edges: list[tuple[int, int]]) -> Tensor:
    return torch.tensor(edges).T


def test_down_and_up_the_tree_have_weights_of_their_own() -> None:
    with seeded_layers(0, "test/conv"):
        conv = SceneConv(8)
    nodes = torch.randn(3, 8, generator=torch_stream(0, "test/nodes"))
    down, up = chain([(0, 1), (1, 2)]), chain([(1, 0), (2, 1)])
    assert (conv(nodes, down) - conv(nodes, up)).abs().max() > 1e-2
    conv.from_children.weight.data = conv.from_parent.weight.data.clone()
    assert torch.allclose(conv(nodes, down), conv(nodes, up), atol=1e-6)


def test_brothers_are_averaged() -> None:
    """Twice the same children say what they say once."""
    with seeded_layers(0, "test/conv"):
        conv = SceneConv(8)
    parent, child = torch.randn(2, 1, 8, generator=torch_stream(0, "test/nodes"))
    once = conv(torch.cat([parent, child]), chain([(0, 1)]))
    twice = conv(torch.cat([parent, child, child]), chain([(0, 1), (0, 2)]))
    assert torch.allclose(once[0], twice[0], atol=1e-6)


def test_it_learns_one_scene_by_heart_whatever_the_noise() -> None:
    net, data = network(), stacked([room()])
    wanted = net.to_units(data)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    for step in range(250):
        out = net(data, net.draw_noise(6, torch_stream(0, "test/learn", step)))
        loss = turns(out, wanted)[data.mutable].square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    out = net(data, net.draw_noise(6, torch_stream(1, "test/learn")))
    assert turns(out, wanted)[data.mutable].max() < 0.05


def test_outputs_take_the_centre_and_scale_of_a_population() -> None:
    net, data = network(), stacked([room(i) for i in range(300)])
    net.fit_output(data.symbol, net.to_units(data), data.mutable)
    x = torch.tensor(
        [room(i).by_name[f"thing{n}"].attributes["x"] for i in range(300) for n in ("", "_2", "_3")]
    )
    units = (x + 1.7) / 1.8
    assert float(net.centre[1, COLUMN["x"]]) == pytest.approx(float(units.mean()), abs=1e-6)
    assert float(net.scale[1, COLUMN["x"]]) == pytest.approx(float(units.std(correction=0)), abs=1e-6)
