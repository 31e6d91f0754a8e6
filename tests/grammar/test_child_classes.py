"""Classes of a production's own: drawn as often as it says, with probabilities summed over derivations."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest

from metasim.base.errors import InputError
from metasim.grammar.grammar import SceneGrammar
from metasim.scene.graph import SceneGraph, SceneNode

FEW = {"symbol": "mug", "count": {"weights": {1: 1, 2: 3}}, "classes": {"red": 1}}
MANY = {"symbol": "mug", "count": 2, "classes": {"red": 1, "blue": 3}}
SYMBOLS = {
    "table": {"productions": [{"weight": 1, "children": [FEW]}, {"weight": 3, "children": [MANY]}]},
    "mug": {"classes": {"red": 1, "blue": 1, "green": 2}},
}
GRAMMAR = SceneGrammar.from_mapping({"start": "table", "symbols": SYMBOLS})


def scene(*classes: str) -> SceneGraph:
    names = ["mug", *(f"mug_{i}" for i in range(2, len(classes) + 1))]
    mugs = (SceneNode(n, "mug", c, 0, {}) for n, c in zip(names, classes, strict=False))
    return SceneGraph((SceneNode("table", "table", "table", None, {}), *mugs))


def test_probabilities_of_all_scenes_are_those_of_the_laws_and_sum_to_one() -> None:
    assert np.exp(GRAMMAR.log_prob(scene("red"))) == pytest.approx(1 / 16)
    assert np.exp(GRAMMAR.log_prob(scene("red", "red"))) == pytest.approx(3 / 16 + 3 / 4 / 16)
    assert np.exp(GRAMMAR.log_prob(scene("red", "blue"))) == pytest.approx(3 / 4 * 3 / 16)
    known = ["red", "blue", "green"]
    everything = [scene(*c) for n in (1, 2) for c in product(known, repeat=n)]
    assert sum(np.exp(GRAMMAR.log_prob(graph)) for graph in everything) == pytest.approx(1)


def test_scenes_are_drawn_as_often_as_they_are_probable() -> None:
    rng, count = np.random.default_rng(0), 4000
    drawn = Counter(tuple(n.cls for n in GRAMMAR.sample(rng).nodes[1:]) for _ in range(count))
    for classes, times in drawn.items():
        p = float(np.exp(GRAMMAR.log_prob(scene(*classes))))
        assert abs(times / count - p) < 4 * np.sqrt(p * (1 - p) / count)


def test_classes_that_some_production_draws_are_known() -> None:
    assert GRAMMAR.drawn_classes("mug") == ("red", "blue")
    assert GRAMMAR.drawn_classes("table") == ("table",)


def test_the_form_of_a_file_is_given_back() -> None:
    assert SceneGrammar.from_mapping(GRAMMAR.to_mapping()) == GRAMMAR


@pytest.mark.parametrize(
    ("classes", "told"), [({"grey": 1}, "unknown class 'grey' of mug"), ({"red": 0}, "weight above 0")]
)
def test_classes_that_cannot_be_drawn_are_refused(classes: dict[str, float], told: str) -> None:
    table = {"children": [{"symbol": "mug", "classes": classes}]}
    with pytest.raises(InputError, match=told):
        SceneGrammar.from_mapping({"start": "table", "symbols": {**SYMBOLS, "table": table}})
