"""The original JSON format: every quirk of its reader, on files of that shape."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.grammar.grammar import SceneGrammar

DATA = Path(__file__).parent / "data"
FILES = sorted(DATA.glob("*.json"))
FOUR = ["Image", "Scene", "object", "Background"]


def load(name: str) -> SceneGrammar:
    return SceneGrammar.from_file(DATA / f"{name}.json")


def drawn(grammar: SceneGrammar, node: str, attribute: str, n: int = 2000) -> np.ndarray:
    graphs = (grammar.sample(stream(0, "legacy", i)) for i in range(n))
    return np.array([graph.by_name[node].attributes[attribute] for graph in graphs])


def tree(*attributes: Any, cls: Any = ("Random", ["a"]), **root: Any) -> dict[str, Any]:
    """A root with one object; ``attributes`` are (name, value) pairs of the object."""
    features = ["class", *(name for name, _ in attributes)]
    settings = {"features": features, "mutable": features[1:], "immutable": True}
    given = {name: ["Deterministic", 0, 0, 1] for name in features[1:]}
    child = {
        "class": list(cls),
        "attributes": {"immutable": False, **dict(attributes)},
        "num_child": ["Deterministic", 0],
        "child": [],
    }
    return {
        "class": ["Deterministic", "Image"],
        "attributes": {**settings, **given, **root},
        "num_child": ["Deterministic", 1],
        "child": [child],
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_read_and_its_draws_are_probable(path: Path) -> None:
    grammar = SceneGrammar.from_file(path)
    assert grammar.fixed_structure
    assert all(np.isfinite(grammar.log_prob(grammar.sample(stream(0, "legacy", i)))) for i in range(20))
    assert SceneGrammar.from_mapping(grammar.to_mapping()) == grammar
    assert SceneGrammar.from_mapping(json.loads(path.read_text())) == grammar


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("digits", FOUR),
        ("unity_1_class_1_attribute", FOUR),
        ("unity_1_class_8_attributes", ["Image", "Scene", "Camera", "Light", "object", "Background"]),
    ],
)
def test_nodes_have_the_original_order_whatever_num_child_says(name: str, nodes: list[str]) -> None:
    graph = load(name).sample(stream(0, "legacy"))
    assert [node.name for node in graph.nodes] == nodes
    parents = {node.name: node.parent for node in graph.nodes}
    assert parents["Background"] == parents["Scene"] == 0
    assert parents["object"] == 1


@pytest.mark.parametrize(
    ("name", "count"), [("unity_1_class_1_attribute", 1), ("unity_5_classes_1_attribute", 5)]
)
def test_random_classes_are_equally_likely(name: str, count: int) -> None:
    weights = load(name).class_weights("object")
    assert list(weights.values()) == pytest.approx([1 / count] * count)
    assert set(weights) == ({"1"} if count == 1 else set("01234"))


def test_mutable_is_the_global_list_on_nodes_that_are_not_immutable() -> None:
    graph = load("unity_1_class_8_attributes").sample(stream(0, "legacy"))
    everything = {"loc_x", "loc_z", "yaw", "pitch", "roll", "intensity", "camera_pitch", "camera_roll"}
    for node in graph.nodes:
        assert node.mutable == (everything if node.name in ("object", "Light", "Camera") else frozenset())


def test_the_normaliser_is_the_range() -> None:
    schema = load("unity_1_class_8_attributes").schema
    loc, pitch = schema.spec("object", "loc_x"), schema.spec("Camera", "camera_pitch")
    assert (loc.low, loc.high, loc.periodic) == (0.0, 200.0, False)
    assert (pitch.low, pitch.high, pitch.periodic, pitch.unit) == (0.0, 720.0, True, "deg")


def test_features_come_first_and_in_their_order() -> None:
    names = load("unity_1_class_8_attributes").schema.attribute_names
    assert names == (
        "size_x", "loc_x", "loc_z", "yaw", "pitch", "roll", "intensity", "camera_pitch", "camera_roll",
    )  # fmt: skip


def test_angles_are_wrapped_at_their_maximum() -> None:
    yaw = drawn(load("digits"), "object", "yaw")
    assert yaw.min() >= 0
    assert yaw.max() < 360
    assert min((yaw > 180).mean(), (yaw < 180).mean()) > 0.45  # four standard errors of a half
    assert stats.kstest((yaw + 180) % 360 - 180, "norm", args=(0, 10)).pvalue > 1e-3
    wound = SceneGrammar.from_mapping(tree(("pitch", ["Deterministic", 750, 0, 720])))
    assert wound.sample(stream(0, "x")).by_name["object"].attributes["pitch"] == 30.0


def test_intensities_are_magnitudes_cut_at_their_maximum() -> None:
    grammar = SceneGrammar.from_mapping(
        tree(
            ("intensity", ["Gaussian", 0.1, 0.5, 0.6]),
            ("roughness", ["Deterministic", -3, 0, 2]),
        )
    )
    values = drawn(grammar, "object", "intensity")
    original = np.minimum(np.abs(np.random.default_rng(9).normal(0.1, 0.5, 20_000)), 0.6)
    assert values.max() == 0.6
    counts = [int((values == 0.6).sum()), int((original == 0.6).sum())]
    table = [counts, [len(values) - counts[0], len(original) - counts[1]]]
    tests: list[Any] = [
        stats.chi2_contingency(table),
        stats.ks_2samp(values[values < 0.6], original[original < 0.6]),
    ]
    assert all(test.pvalue > 1e-3 for test in tests)
    assert set(drawn(grammar, "object", "roughness", 3)) == {2.0}


def test_only_numbers_become_attributes(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        graph = load("digits").sample(stream(0, "legacy"))
    assert list(graph.by_name["object"].attributes) == ["size_x", "loc_x", "yaw", "scale"]
    assert graph.by_name["object"].attributes["scale"] == 1.5
    assert "scale" not in graph.by_name["object"].mutable
    assert list(graph.by_name["Image"].attributes) == ["size_x", "loc_x", "yaw", "texture"]
    dropped = " ".join(record.message for record in caplog.records)
    assert "texture: 'Random'" in dropped
    assert "visible: True" in dropped
    assert "num_samples: 100" in dropped


def test_equal_nodes_share_a_symbol_and_others_do_not() -> None:
    data = tree(("loc_x", ["Gaussian", 1, 1, 2]))
    one = data["child"][0]
    other = {**one, "attributes": {"immutable": False, "loc_x": ["Uniform", 0, 2, 2]}}
    data["child"] = [other, one, one]
    grammar = SceneGrammar.from_mapping(data)
    graph = grammar.sample(stream(0, "x"))
    assert [node.name for node in graph.nodes] == ["Image", "object", "object_2", "object_b"]
    assert np.isfinite(grammar.log_prob(graph))


def test_a_fixed_value_beyond_its_maximum_widens_the_range() -> None:
    grammar = SceneGrammar.from_mapping(tree(("loc_x", ["Deterministic", -4, 0, 2])))
    spec = grammar.schema.spec("object", "loc_x")
    assert (spec.low, spec.high) == (-4.0, 2.0)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (tree(("yaw", ["Random", 0, 1, 9])), "child.0.attributes.yaw"),
        (tree(("yaw", ["Gaussian", 0, 1])), "child.0.attributes.yaw"),
        (tree(("yaw", ["Gaussian", 0, 1, 0])), "child.0.attributes.yaw"),
        (tree(("yaw", ["Gaussian", "a", 1, 9])), "child.0.attributes.yaw"),
        (tree(("yaw", ["Gaussian", 0, -1, 9])), "symbols.object.attributes.yaw.law.normal.std"),
        (tree(("yaw", "left")), "child.0.attributes.yaw"),
        (tree(mutable=["class"]), "attributes.mutable"),
        (tree(features="yaw"), "attributes.features"),
        (tree(features=["class", "yaw"]), "child.0.attributes.yaw"),
        (tree(cls=("Markov", ["a"])), "child.0.class"),
        (tree(cls=("Random", [])), "child.0.class"),
        ({**tree(), "num_child": ["Uniform", 1]}, "num_child"),
        ({**tree(), "child": [3]}, "child.0"),
        ({**tree(), "child": 3}, ""),
        ({**tree(), "attributes": []}, "attributes.features"),
    ],
)
def test_what_the_original_could_not_read_is_refused_in_one_line(data: dict[str, Any], where: str) -> None:
    with pytest.raises(InputError) as caught:
        SceneGrammar.from_mapping(data, "old.json")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"old.json: {where}".strip(": "))


def test_broken_json_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text('{"class":\n]')
    with pytest.raises(InputError, match=r"old.json: .*line 2.*expected valid JSON"):
        SceneGrammar.from_file(path)
