"""Classes: those of several nodes that go together in the population go together in what is generated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matching_scenes import attribute, one_normal

from metasim.base.streams import stream
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.bank import Scenes
from metasim.matching.classes import class_rows, tuned_grammar
from metasim.matching.generator import Generator
from metasim.matching.population import Population, Posteriors
from metasim.matching.proposal import wide_proposal
from metasim.matching.transfer import new_network
from metasim.rendering.pool import RenderPool
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import SceneLayout

PLACE = attribute({"uniform": [4, 28]}, unit="px", range=[4, 28])
SCALE = {"range": [0, 2], "law": {"by_class": {"1": {"fixed": 0.5}, "4": {"fixed": 1.5}}}}


def grammar(*children: object) -> SceneGrammar:
    digit = {"classes": [1, 4], "attributes": {"loc_x": PLACE, "scale": SCALE}}
    symbols = {"image": {"children": list(children)}, "digit": digit}
    return SceneGrammar.from_mapping({"start": "image", "symbols": symbols})


def population(classes: list[tuple[int, ...]]) -> Population:
    """As many images as there are rows, whose classes are known."""
    rows, width = np.array(classes, dtype=np.int64)[:, None], len(classes[0])
    units = np.full((len(rows), 1, width), 0.5)
    draws = Posteriors(units, rows, np.zeros((len(rows), 1)))
    return Population(draws, np.ones((len(rows), 1)), one_normal(width), np.ones(len(rows), bool))


def generated(of: SceneGrammar, found: Population, tmp_path: Path) -> list[SceneGraph]:
    """Scenes of a generator that went through its file."""
    layout = SceneLayout.of(of.schema, of.sample(stream(0, "layout")))
    tuned = tuned_grammar(of, layout, found)
    rows = class_rows(of, layout, found, 0)
    Generator(tuned, new_network(of, 0), 0, classes=rows).save(tmp_path / "best.pt")
    return Generator.load(tmp_path / "best.pt").scenes(400, "test")


def test_classes_that_go_together_do_so_in_what_is_generated(tmp_path: Path) -> None:
    two = grammar({"symbol": "digit", "count": 2})
    scenes = generated(two, population([(0, 1)] * 30 + [(1, 1)] * 10), tmp_path)
    pairs = [tuple(node.cls for node in scene.of_symbol("digit")) for scene in scenes]
    assert set(pairs) == {("1", "4"), ("4", "4")}
    error = 4 * (0.75 * 0.25 * (1 / 400 + 1 / 4096)) ** 0.5
    assert pairs.count(("1", "4")) / 400 == pytest.approx(0.75, abs=error)


def test_classes_of_a_child_that_has_its_own_are_learnt(tmp_path: Path) -> None:
    own = grammar({"symbol": "digit", "classes": {1: 0.5, 4: 0.5}})
    scenes = generated(own, population([(1,)] * 40), tmp_path)
    assert {scene.by_name["digit"].cls for scene in scenes} == {"4"}


def test_frequencies_say_all_where_there_is_one_choice() -> None:
    one = grammar("digit")
    layout = SceneLayout.of(one.schema, one.sample(stream(0, "layout")))
    found = population([(0,)] * 10 + [(1,)] * 30)
    assert class_rows(one, layout, found, 0) is None
    assert tuned_grammar(one, layout, found).class_weights("digit") == {"1": 0.25, "4": 0.75}


def test_what_follows_the_class_follows_the_one_that_is_rendered() -> None:
    """The bank's classes are not the grammar's draw: what is not learnt must be that of the class shown."""
    one = grammar("digit")
    layout = SceneLayout.of(one.schema, one.sample(stream(0, "layout")))
    units, classes = np.full((2, 1), 0.5), np.array([[0], [1]])
    wide = wide_proposal(units, classes, layout.periodic, layout.class_numbers)
    with RenderPool("sprites", {"size": 32}) as pool:
        scenes = Scenes(one, layout, pool, 0)
        drawn = [scenes.draw(wide, "test", i) for i in range(60)]
    for graphs in (drawn, scenes.placed(units, classes, "test")):
        nodes = [graph.by_name["digit"] for graph in graphs]
        assert {(node.cls, node.attributes["scale"]) for node in nodes} == {("1", 0.5), ("4", 1.5)}
