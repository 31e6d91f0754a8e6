"""Scenery: it stands about objects wherever it is in the tree; its attributes follow a law of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from metasim.base.errors import InputError
from metasim.base.streams import seeded_layers
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.bank import Scenes
from metasim.matching.generator import Generator
from metasim.matching.population import Posteriors, fit_population
from metasim.matching.structure.bank import SetProposal, render_sets
from metasim.matching.structure.inventory import Inventory
from metasim.matching.structure.proposals import wide_sets
from metasim.matching.structure.reader import SetReader
from metasim.matching.structure.transfer import Wanted, transfer_objects
from metasim.matching.transfer import new_network
from metasim.rendering.pool import RenderPool

FREE = {"range": [0, 2], "mutable": True, "law": {"uniform": [0, 2]}}
PLACE = {"unit": "px", "range": [4, 28], "mutable": True, "law": {"uniform": [4, 28]}}
SYMBOLS: dict[str, Any] = {
    "image": {"children": ["rig", "room"]},
    "rig": {"children": ["camera"]},
    "camera": {"attributes": {"pitch": {**FREE, "mutable": False}}},
    "light": {"attributes": {"intensity": FREE, "turn": FREE}},
    "room": {"children": ["light", "table"]},
    "table": {
        "productions": [
            {"children": [{"symbol": "digit", "count": {"uniform": [0, 2]}}, "cloth"]},
            {"children": ["cloth", {"symbol": "digit", "count": 3}]},
        ]
    },
    "cloth": {"attributes": {"shade": FREE}},
    "digit": {"classes": [1, 4], "attributes": {"loc_x": PLACE, "loc_y": PLACE, "scale": 0.5}},
}


def grammar(**changes: Any) -> SceneGrammar:
    return SceneGrammar.from_mapping({"start": "image", "symbols": {**SYMBOLS, **changes}})


INVENTORY = Inventory.of(grammar())


def test_what_is_always_there_is_scenery_and_the_rest_are_objects() -> None:
    anatomy = INVENTORY.anatomy
    assert anatomy.scenery == ("image", "rig", "camera", "light", "room", "table", "cloth")
    assert (anatomy.host, anatomy.objects) == ("table", ("digit",))
    assert INVENTORY.scenery.names == ("light.intensity", "light.turn", "cloth.shade")
    assert INVENTORY.layout.names == (*INVENTORY.scenery.names, "digit.loc_x", "digit.loc_y")
    assert INVENTORY.tallies == ((0,), (1,), (2,), (3,))


def test_a_scene_made_of_objects_and_scenery_has_them_and_is_one_of_the_grammar() -> None:
    rng = np.random.default_rng(0)
    sets = INVENTORY.sets([INVENTORY.grammar.sample(rng) for _ in range(60)])
    for row in range(60):
        size = INVENTORY.sizes[sets.tallies[row]]
        kinds, units = sets.kinds[row][:size], sets.units[row][:size]
        made = INVENTORY.scene(int(sets.tallies[row]), kinds, units, sets.scenery[row], rng)
        again = INVENTORY.sets([made])
        assert np.isfinite(INVENTORY.grammar.log_prob(made))
        np.testing.assert_allclose(again.scenery[0], sets.scenery[row])
        assert again.tallies[0] == sets.tallies[row]
        assert sorted(again.kinds[0]) == sorted(sets.kinds[row])
        assert all(made.nodes[i].symbol == "digit" for i in INVENTORY.places(made))


def test_each_scene_tells_its_scenery_once() -> None:
    rng = np.random.default_rng(0)
    sets = INVENTORY.sets([INVENTORY.grammar.sample(rng) for _ in range(60)])
    told = np.isfinite(INVENTORY.rows(sets)).sum(0)
    objects = int(INVENTORY.sizes[sets.tallies].sum())
    assert told.tolist() == [60, 60, 60, objects, objects]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"room": {"children": ["light", "table", {"symbol": "digit", "count": 2}]}},
            "table.children: objects here",
        ),
        ({"table": {**SYMBOLS["table"], "classes": ["oak", "elm"]}}, "symbols.table.classes: a choice"),
        (
            {"room": {"productions": [{"children": ["light", "table"]}, {"children": ["table", "light"]}]}},
            "symbols.room.productions: several",
        ),
        (
            {"digit": {**SYMBOLS["digit"], "children": ["shadow"]}, "shadow": {}},
            "digit.children: children of",
        ),
    ],
)
def test_what_varies_beyond_the_objects_of_one_node_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Inventory.of(grammar(**changes))


def test_the_proposal_of_scenery_is_kept_with_the_others(tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    wide = wide_sets(INVENTORY, [INVENTORY.grammar.sample(rng) for _ in range(40)])
    wide.save(tmp_path / "proposal.npz")
    again = SetProposal.load(tmp_path / "proposal.npz")
    scenes = [p.scene(INVENTORY, np.random.default_rng(1)) for p in (wide, again)]
    assert scenes[0] == scenes[1]


def test_boxes_are_those_of_objects_whatever_stands_about_them() -> None:
    rng = np.random.default_rng(0)
    graphs = [INVENTORY.grammar.sample(rng) for _ in range(40)]
    with RenderPool("sprites", {"size": 32}) as pool:
        renders = render_sets(Scenes(INVENTORY.grammar, INVENTORY.layout, pool, 0), INVENTORY, graphs, "test")
    seen = np.isfinite(renders.boxes[..., 0])
    assert (renders.kinds[seen] >= 0).all()
    centres = (renders.boxes[..., :2] + renders.boxes[..., 2:]) / 2
    wanted = np.stack([4 + 24 * renders.units[..., 0], 4 + 24 * renders.units[..., 1]], -1) / 32
    alone = seen & (renders.tallies == 1)[:, None]
    np.testing.assert_allclose(centres[alone], wanted[alone], atol=0.08)
    read = SetReader(INVENTORY, torch.device("cpu"), 0).read(renders.images, "test")
    assert read.drawn_scenery.shape[2] == 3
    assert ((read.drawn_scenery >= 0) & (read.drawn_scenery <= 1)).all()


def test_objects_that_no_image_shows_keep_the_law_of_the_grammar() -> None:
    """Places are uniform: four standard errors of a median of the objects learnt from and of those made."""
    rng = np.random.default_rng(0)
    graphs = [INVENTORY.grammar.sample(rng) for _ in range(512)]
    network = new_network(INVENTORY.grammar, 0)
    with seeded_layers(0, "test"):
        law = Wanted.objects(INVENTORY, 0, INVENTORY.objects_of(0, INVENTORY.sets(graphs)), 0)
        transfer_objects(network, graphs, [law], INVENTORY, 100, 0, lambda *_: None)
    scenes = Generator(INVENTORY.grammar, network, 0).scenes(512, "test")
    made = INVENTORY.objects_of(0, INVENTORY.sets(scenes))
    levels = np.array([0.1, 0.5, 0.9])
    error = 4 * (2 * 0.25 / len(made.units)) ** 0.5
    assert np.abs(np.quantile(made.units, levels, 0) - levels[:, None]).max() < error
    classes = [node.cls == "4" for scene in scenes for node in scene.of_symbol("digit")]
    assert made.classes[:, 0].tolist() == classes


def test_the_generator_carries_the_joint_law_of_the_scenery() -> None:
    """Strength and turn of the light together in two modes; each margin is exact by the quantile maps."""
    rng = np.random.default_rng(0)
    middle = rng.choice([0.3, 0.7], 400)
    points = np.stack([middle, 1 - middle, np.full(400, 0.6)], 1) + 0.03 * rng.standard_normal((400, 3))
    posteriors = Posteriors(points[:, None], np.zeros((400, 1, 0), np.int64), np.zeros((400, 1)))
    population = fit_population(posteriors, INVENTORY.scenery.periodic, (), 0)
    graphs = [INVENTORY.grammar.sample(rng) for _ in range(512)]
    network = new_network(INVENTORY.grammar, 0)
    with seeded_layers(0, "test"):
        law = Wanted.scenery(INVENTORY, population, 0)
        transfer_objects(network, graphs, [law], INVENTORY, 200, 0, lambda *_: None)
    made = INVENTORY.sets(Generator(INVENTORY.grammar, network, 0).scenes(512, "test")).scenery
    ours, wanted = (np.quantile(values, [0.1, 0.9], 0) for values in (made, points))
    assert np.abs(ours - wanted).max() < 0.03
    assert np.corrcoef(made.T)[0, 1] < -0.7
