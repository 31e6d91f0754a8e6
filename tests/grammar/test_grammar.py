"""Laws of scene grammars: what is drawn is probable, written forms round trip, faults are named."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.grammar.grammar import SceneGrammar
from metasim.scene.graph import SceneGraph, SceneNode

TABLE = """
start: scene
symbols:
  scene: {children: [camera, light, {symbol: object, count: {uniform: [1, 3]}}]}
  camera:
  light:
    attributes:
      intensity: {range: [0, 2], mutable: true, law: {normal: {mean: 0.5, std: 0.3}}}
  object:
    classes: {shoe: 1, mug: 3}
    attributes:
      glow: {range: [-5, 5], law: {follow: {attribute: light.intensity, std: 0.1}}}
      loc_z: {range: [0.5, 1.5], mutable: true, law: {follow: {attribute: loc_x, std: 0.003}}}
      loc_x: {range: [0.5, 1.5], mutable: true, law: {normal: {mean: 1, std: 0.05}}}
      yaw:
        unit: deg
        range: [0, 360]
        periodic: true
        mutable: true
        law: {by_class: {shoe: {normal: {mean: 180, std: 10}}, mug: {von_mises: {mean: 0, concentration: 5}}}}
      size: 0.8
"""
BRANCHES = """
start: tree
symbols:
  tree:
    productions:
      - {weight: 2, children: [leaf]}
      - {weight: 1, children: [tree, leaf, tree]}
  leaf: {classes: [0, 1, 2], attributes: {x: {range: [0, 1], law: {uniform: [0, 1]}}}}
"""


def table() -> SceneGrammar:
    return SceneGrammar.from_mapping(yaml.safe_load(TABLE))


def one_symbol(**symbol: Any) -> dict[str, Any]:
    return {"start": "s", "symbols": {"s": symbol, "a": {}, "b": {}}}


@st.composite
def grammars(draw: st.DrawFn) -> dict[str, Any]:
    """Mappings of sound grammars: symbols make only later ones, and some of them themselves."""
    names = draw(st.lists(st.sampled_from("pqrstuvw"), min_size=1, max_size=5, unique=True))
    symbols = {name: draw(symbol_forms(name, names[i + 1 :])) for i, name in enumerate(names)}
    for i, name in enumerate(names[1:]):  # everything is made by what stands before it
        symbols[names[i]]["productions"][0]["children"].append(name)
    return {"start": names[0], "symbols": symbols}


@st.composite
def symbol_forms(draw: st.DrawFn, name: str, later: list[str]) -> dict[str, Any]:
    productions = draw(st.lists(productions_of(later), min_size=1, max_size=3))
    if draw(st.booleans()):
        total = sum(production["weight"] for production in productions)
        productions.append({"weight": total / 2, "children": [name, name][: draw(st.integers(1, 2))]})
    names = draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3))
    return {
        **({"classes": {cls: draw(weights) for cls in names}} if names else {}),
        "productions": productions,
        "attributes": draw(st.dictionaries(st.sampled_from(["x", "y", "z"]), attribute_forms, max_size=3)),
    }


weights = st.floats(0.1, 10)
counts = st.one_of(
    st.integers(0, 3),
    st.tuples(st.integers(0, 2), st.integers(0, 2)).map(lambda c: {"uniform": [c[0], sum(c)]}),
    st.dictionaries(st.integers(0, 3), weights, min_size=1).map(lambda w: {"weights": w}),
)
laws = st.one_of(
    st.floats(-1, 1),
    st.builds(lambda m, s: {"normal": {"mean": m, "std": s}}, st.floats(-1, 1), st.floats(0, 3)),
    st.builds(lambda m, s: {"truncated_normal": {"mean": m, "std": s}}, st.floats(-1, 1), st.floats(0.1, 3)),
    st.builds(lambda a, b: {"uniform": [a, b]}, st.floats(-1, -0.1), st.floats(0.1, 1)),
    st.dictionaries(st.floats(-1, 1), weights, min_size=1).map(lambda w: {"categorical": w}),
)
attribute_forms = st.builds(
    lambda law, periodic, mutable: {"range": [-1, 1], "law": law, "periodic": periodic, "mutable": mutable},
    laws | st.builds(lambda a, b: {"mixture": [{"law": a}, {"weight": 2, "law": b}]}, laws, laws),
    st.booleans(),
    st.booleans(),
)


@st.composite
def productions_of(draw: st.DrawFn, later: list[str]) -> dict[str, Any]:
    child = st.builds(lambda s, c: {"symbol": s, "count": c}, st.sampled_from(later), counts)
    children = draw(st.lists(child, max_size=2)) if later else []
    return {"weight": draw(weights), "children": children}


@given(grammars(), st.integers(0, 1000))
def test_what_is_drawn_is_probable_and_round_trips(data: dict[str, Any], seed: int) -> None:
    grammar = SceneGrammar.from_mapping(data)
    graph = grammar.sample(stream(seed, "test"))
    assert np.isfinite(grammar.log_prob(graph))
    again = SceneGrammar.from_mapping(yaml.safe_load(yaml.safe_dump(grammar.to_mapping(), sort_keys=False)))
    assert again == grammar
    assert (again.digest, hash(again)) == (grammar.digest, hash(grammar))
    assert again.sample(stream(seed, "test")) == graph
    for node in graph.nodes:
        symbol = grammar.schema.by_name[node.symbol]
        assert list(node.attributes) == [spec.name for spec in symbol.attributes]
        assert node.mutable == {spec.name for spec in symbol.attributes if spec.mutable}
        assert all(spec.low <= node.attributes[spec.name] <= spec.high for spec in symbol.attributes)


@given(grammars())
def test_fixed_structures_never_vary(data: dict[str, Any]) -> None:
    grammar = SceneGrammar.from_mapping(data)
    drawn = {tuple((n.name, n.parent) for n in grammar.sample(stream(s, "t")).nodes) for s in range(20)}
    assert not grammar.fixed_structure or len(drawn) == 1


def test_structures_have_the_probability_they_are_drawn_with() -> None:
    grammar = SceneGrammar.from_mapping(
        one_symbol(
            productions=[
                {"weight": 2, "children": [{"symbol": "a", "count": {"uniform": [0, 2]}}, "a", "b"]},
                {"weight": 1, "children": ["a", {"symbol": "a", "count": {"weights": {0: 1, 2: 3}}}]},
                {"weight": 1, "children": ["a", "a"]},
            ]
        )
    )
    n, rng = 6000, np.random.default_rng(11)
    counts: Counter[SceneGraph] = Counter(grammar.sample(rng) for _ in range(n))
    expected = np.array([np.exp(grammar.log_prob(graph)) for graph in counts])
    assert expected.sum() == pytest.approx(1.0)  # the rarest of all has 0.06: none is left unseen
    assert stats.chisquare(list(counts.values()), n * expected).pvalue > 1e-3


def test_classes_have_their_weights() -> None:
    grammar, rng = table(), np.random.default_rng(2)
    drawn = Counter(node.cls for _ in range(2000) for node in grammar.sample(rng).of_symbol("object"))
    assert stats.binomtest(drawn["mug"], drawn.total(), 0.75).pvalue > 1e-3
    assert grammar.class_weights("object") == {"shoe": 0.25, "mug": 0.75}
    assert grammar.class_weights("light") == {"light": 1.0}


def test_log_prob_is_the_sum_of_its_parts() -> None:
    grammar = table()
    graph = grammar.sample(np.random.default_rng(0))
    objects = graph.of_symbol("object")
    light = graph.by_name["light"].attributes["intensity"]
    total = -np.log(3) + stats.norm.logpdf(light, 0.5, 0.3)
    for node in objects:
        x, z, yaw = (node.attributes[name] for name in ("loc_x", "loc_z", "yaw"))
        total += stats.norm.logpdf(x, 1, 0.05) + stats.norm.logpdf(z, x, 0.003)
        total += stats.norm.logpdf(node.attributes["glow"], light, 0.1)
        around = stats.vonmises.logpdf(np.radians(yaw), 5) + np.log(np.pi / 180)
        total += stats.norm.logpdf(yaw, 180, 10) if node.cls == "shoe" else around
        total += np.log({"shoe": 0.25, "mug": 0.75}[node.cls])
    assert grammar.log_prob(graph) == pytest.approx(total)


def test_nodes_are_numbered_and_equal_streams_give_equal_scenes() -> None:
    grammar = table()
    graphs = [grammar.sample(stream(3, "scene", i)) for i in range(50)]
    assert graphs == [grammar.sample(stream(3, "scene", i)) for i in range(50)]
    longest = max(graphs, key=lambda graph: len(graph.nodes))
    assert [n.name for n in longest.nodes] == ["scene", "camera", "light", "object", "object_2", "object_3"]
    assert not grammar.fixed_structure


def test_recursive_grammars_end() -> None:
    grammar = SceneGrammar.from_mapping(yaml.safe_load(BRANCHES))
    sizes = [len(grammar.sample(stream(0, "tree", i)).nodes) for i in range(2000)]
    # m = 1 + 2/3 * 1 + 1/3 * (2 m + 1) nodes on average, of a spread that leaves 0.5 four standard errors
    assert np.mean(sizes) == pytest.approx(6.0, abs=4 * np.std(sizes) / np.sqrt(2000))
    assert not grammar.fixed_structure


def change(graph: SceneGraph, index: int, **fields: Any) -> SceneGraph:
    nodes = list(graph.nodes)
    nodes[index] = replace(nodes[index], **fields)
    return SceneGraph(tuple(nodes))


@pytest.mark.parametrize(
    "altered",
    [
        lambda g: change(g, 3, cls="boot"),
        lambda g: change(g, 2, symbol="lamp"),
        lambda g: change(g, 3, parent=2),
        lambda g: change(g, 3, name="thing"),
        lambda g: change(g, 2, attributes={}),
        lambda g: change(g, 2, mutable=frozenset()),
        lambda g: g.with_attributes({"object": {"size": 0.9}}),
        lambda g: g.with_attributes({"light": {"intensity": 3.0}}),
        lambda g: SceneGraph(g.nodes[:-1]) if len(g.of_symbol("object")) == 1 else SceneGraph(g.nodes[:1]),
        lambda g: SceneGraph((*g.nodes, SceneNode("camera_2", "camera", "camera", 0, {}))),
        lambda g: SceneGraph((g.nodes[0], g.nodes[2], g.nodes[1], *g.nodes[3:])),
        lambda g: SceneGraph((SceneNode("light", "light", "light", None, {"intensity": 0.5}),)),
    ],
)
def test_graphs_of_another_grammar_are_impossible(altered: Any) -> None:
    grammar = table()
    graph = grammar.sample(np.random.default_rng(0))
    assert np.isfinite(grammar.log_prob(graph))
    assert grammar.log_prob(altered(graph)) == -np.inf


def test_periodic_values_are_as_probable_a_turn_on() -> None:
    grammar = table()
    graph = grammar.sample(np.random.default_rng(0))
    turned = {"object": {"yaw": graph.by_name["object"].attributes["yaw"] + 360.0}}
    assert grammar.log_prob(graph.with_attributes(turned)) == pytest.approx(grammar.log_prob(graph))


def test_class_weights_can_be_replaced() -> None:
    grammar = table()
    tuned = grammar.with_class_weights({"object": {"mug": 2.0}})
    assert tuned.class_weights("object") == {"shoe": 0.0, "mug": 1.0}
    assert tuned.schema == grammar.schema
    assert tuned.digest != grammar.digest
    assert {n.cls for i in range(30) for n in tuned.sample(stream(0, "c", i)).of_symbol("object")} == {"mug"}
    assert grammar.class_weights("object") == {"shoe": 0.25, "mug": 0.75}
    for wrong in ({"objct": {"mug": 1}}, {"object": {"mgu": 1}}, {"object": {"mug": 0}}):
        with pytest.raises(InputError, match=r"class weights.*expected"):
            grammar.with_class_weights(wrong)


def test_grammars_are_immutable() -> None:
    grammar = table()
    with pytest.raises(FrozenInstanceError):
        grammar.rules = grammar.rules  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        grammar.rules.start = "light"


def test_short_forms_mean_the_long_ones() -> None:
    short = one_symbol(
        classes=["a", 7], attributes={"size": 0.8}, children=["a", {"symbol": "b", "count": 2}]
    )
    long = one_symbol(
        classes={"a": 1, "7": 1.0},
        attributes={"size": {"law": {"fixed": 0.8}}},
        productions=[
            {"weight": 1, "children": [{"symbol": "a"}, {"symbol": "b", "count": {"weights": {2: 1}}}]}
        ],
    )
    assert SceneGrammar.from_mapping(short).digest == SceneGrammar.from_mapping(long).digest
    spec = SceneGrammar.from_mapping(short).schema.spec("s", "size")
    assert (spec.low, spec.high, spec.mutable) == (pytest.approx(-0.2), pytest.approx(1.8), False)


X = {"range": [0, 1], "law": {"uniform": [0, 1]}}


def follows(attribute: str) -> dict[str, Any]:
    return {"range": [0, 1], "law": {"follow": {"attribute": attribute}}}


@pytest.mark.parametrize(
    ("data", "where", "expected"),
    [
        ({**one_symbol(children=["a", "b"]), "start": "t"}, "start", "one of s, a, b"),
        ({**one_symbol(children=["a", "b"]), "strat": "s"}, "strat", "'start' perhaps"),
        ({"start": "s"}, "symbols", "a value"),
        ({"start": "s", "symbols": {}}, "symbols", "at least 1"),
        (one_symbol(children=["a"]), "symbols.b", "reached from 's'"),
        (one_symbol(children=["a", {"symbol": "b", "count": 0}]), "symbols.b", "reached"),
        (one_symbol(children=["a", "b", "bb"]), "symbols.s.children.2", "'b' perhaps"),
        (one_symbol(childern=["a", "b"]), "symbols.s.childern", "'children' perhaps"),
        (one_symbol(children=["a", "b"], productions=[]), "symbols.s", "either"),
        (one_symbol(productions=[]), "symbols.s.productions", "at least 1"),
        (one_symbol(children=["a", {"symbol": "b", "count": -1}]), "symbols.s.children.1.count", "0"),
        (one_symbol(children=["a", {"symbol": "b", "count": "two"}]), "symbols.s.children.1.count", "whole"),
        (
            one_symbol(children=["a", {"symbol": "b", "count": {"uniform": [3, 1]}}]),
            "children.1.count",
            "least",
        ),
        (
            one_symbol(children=["a", {"symbol": "b", "count": {"weights": {1: 0}}}]),
            "children.1.count",
            "than 0",
        ),
        (one_symbol(children=["a", {"symbol": "b", "count": 10_001}]), "symbols.s.children.1.count", "10000"),
        (
            one_symbol(children=["a", {"symbol": "b", "count": {"uniform": [0, 10**12]}}]),
            "children.1.count",
            "10000",
        ),
        (one_symbol(children=["a", *[{"symbol": "b", "count": 5000}] * 2]), "symbols", "at most 10000"),
        (one_symbol(children=["a", "b"], classes={"x": -1}), "symbols.s.classes.x", "0"),
        (one_symbol(children=["a", "b"], classes={"x": 0}), "symbols.s", "above 0"),
        (one_symbol(children=["a", "b"], classes=["x", "x"]), "symbols.s.classes", "differ"),
        (one_symbol(children=["a", "b", "s"]), "symbols.s", "less than once on average"),
        (one_symbol(productions=[{"children": ["a", "b", "s", "s"]}, {}]), "symbols.s", "less than once"),
        ({"start": "s_2", "symbols": {"s_2": {}}}, "symbols.s_2", "without"),
        ({"start": "s.x", "symbols": {"s.x": {}}}, "symbols.s.x", "match pattern"),
        (one_symbol(children=["a", "b"], attributes={"x.y": X}), "symbols.s.attributes.x.y", "match pattern"),
        (one_symbol(children=["a", "b"], attributes={"x": follows("y")}), "attributes.x.law", "one of x"),
        (
            one_symbol(children=["a", "b"], attributes={"x": follows("c.y")}),
            "attributes.x.law",
            "one of s, a, b",
        ),
        (
            one_symbol(children=["a", "b"], attributes={"x": follows("y"), "y": follows("x")}),
            "symbols",
            "laws that end",
        ),
    ],
)
def test_a_fault_is_one_line_with_its_path(data: dict[str, Any], where: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        SceneGrammar.from_mapping(data, "my.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert re.fullmatch(rf"my.yaml: (.*\.)?{re.escape(where)}: .*; expected .*{expected}.*", message), message


def test_only_what_is_always_there_can_be_followed() -> None:
    data = one_symbol(children=["a", {"symbol": "b", "count": {"uniform": [0, 2]}}])
    data["symbols"]["b"] = {"attributes": {"x": X}}
    data["symbols"]["a"] = {"attributes": {"y": follows("b.x")}}
    with pytest.raises(InputError, match="every scene has"):
        SceneGrammar.from_mapping(data)
    data["symbols"]["s"]["children"][1]["count"] = {"uniform": [1, 2]}
    graph = SceneGrammar.from_mapping(data).sample(np.random.default_rng(0))
    assert graph.by_name["a"].attributes["y"] == graph.by_name["b"].attributes["x"]


def test_deep_grammars_without_recursion_are_finite() -> None:
    symbols: dict[str, Any] = {f"s{i}x": {"children": [f"s{i + 1}x", f"s{i + 1}x"]} for i in range(10)}
    symbols = {"s0x": symbols["s0x"], **symbols, "s10x": {}}
    grammar = SceneGrammar.from_mapping({"start": "s0x", "symbols": symbols})
    assert len(grammar.sample(np.random.default_rng(0)).nodes) == 2**11 - 1
    assert grammar.fixed_structure


def test_files_are_read_by_their_suffix(tmp_path: Path) -> None:
    path = tmp_path / "table.yaml"
    path.write_text(TABLE)
    assert SceneGrammar.from_file(path) == table()
    with pytest.raises(InputError, match=r"none.yaml: No such file"):
        SceneGrammar.from_file(tmp_path / "none.yaml")
    path.write_text("start: [")
    with pytest.raises(InputError, match=r"table.yaml: .*line 1.*; expected valid YAML"):
        SceneGrammar.from_file(path)
    path.write_text("3")
    with pytest.raises(InputError, match="a mapping"):
        SceneGrammar.from_file(path)


def test_grammars_need_no_torch() -> None:
    code = "import sys, metasim.grammar.grammar; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
