"""Context: where classes go with numbers, the policy's law keeps how much they tell of each other."""

from __future__ import annotations

import numpy as np
import pytest

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.structure.check import check_classes
from metasim.matching.structure.derivation import derive, fit_policy
from metasim.matching.structure.draws import draw_sets
from metasim.matching.structure.inventory import Inventory, Sets
from metasim.matching.structure.law import StructureLaw, corrected, fit_law, shown_derivations
from metasim.matching.structure.readings import Readings
from metasim.stats.information import mutual_information

PLACE = {"range": [0, 1], "mutable": True, "law": {"uniform": [0, 1]}}
MUG = {"classes": ["red", "blue", "green"], "attributes": {"loc_x": PLACE}}
FEW = {"symbol": "mug", "count": {"uniform": [1, 2]}, "classes": {"red": 8, "blue": 1, "green": 1}}
MANY = {"symbol": "mug", "count": {"uniform": [3, 4]}, "classes": {"red": 1, "blue": 4, "green": 5}}


def grammar(table: dict) -> SceneGrammar:
    symbols = {"image": {"children": ["table"]}, "table": table, "mug": MUG}
    return SceneGrammar.from_mapping({"start": "image", "symbols": symbols})


GENERATOR = grammar({"children": [{"symbol": "mug", "count": {"uniform": [1, 4]}}]})
TARGET = grammar({"productions": [{"children": [FEW]}, {"children": [MANY]}]})
INVENTORY = Inventory.of(GENERATOR)
IMAGES, QUERIES, SURE = 600, 6, 0.9


def shared(sets: Sets) -> float:
    """Mutual information of the number of objects and the class of one of them."""
    joint = np.zeros((len(INVENTORY.tallies), len(INVENTORY.kinds)))
    rows, _ = np.nonzero(sets.kinds >= 0)
    sizes = INVENTORY.sizes[sets.tallies]
    np.add.at(joint, (sets.tallies[rows], sets.kinds[sets.kinds >= 0]), 1 / sizes[rows])
    return mutual_information(joint)


def readings(sets: Sets, rng: np.random.Generator) -> Readings:
    """What a calibrated reader makes of scenes: nine classes in ten are plain, the others guessed."""
    kinds = np.pad(sets.kinds, ((0, 0), (0, QUERIES - sets.kinds.shape[1])), constant_values=-1)
    looks = np.where(rng.random(kinds.shape) < SURE, kinds, rng.integers(0, 3, kinds.shape))
    off = (1 - SURE) / 3
    chances = off + (1 - 3 * off) * np.eye(3)[looks]
    count = len(sets)
    return Readings(
        0.01 + 0.96 * np.eye(4)[sets.tallies],
        np.where(kinds >= 0, 0.999, 0.001),
        np.zeros((count, QUERIES, 2)),
        chances,
        np.repeat(looks[..., None], 2, axis=2),
        np.zeros((count, QUERIES, 2, 1)),
        np.zeros((count, 1, 0)),
    )


def test_what_is_learnt_of_images_keeps_the_dependence_of_classes_on_numbers() -> None:
    rng = np.random.default_rng(0)
    truth = INVENTORY.sets([TARGET.sample(rng) for _ in range(3000)])
    read = readings(INVENTORY.sets([TARGET.sample(rng) for _ in range(IMAGES)]), rng)
    even = StructureLaw(np.full(4, 1 / 4), np.full(3, 1 / 3))
    draws = draw_sets(read, INVENTORY, 1e-3, rng)
    law, weights = fit_law(draws, even, INVENTORY)
    weights = corrected(draws, weights, law, INVENTORY)
    shown = shown_derivations(draws, weights, law, INVENTORY, 3000, rng)
    policy = fit_policy(INVENTORY.expansion.sizes, *shown, 300, 0, lambda *_: None)
    made = INVENTORY.sets(derive(GENERATOR, policy, [stream(0, "test", i) for i in range(2000)]))
    assert shared(INVENTORY.sets([GENERATOR.sample(rng) for _ in range(1500)])) < 0.02
    assert shared(truth) > 0.15
    assert shared(made) / shared(truth) == pytest.approx(1, abs=0.2)


def test_productions_with_classes_of_their_own_are_for_targets_alone() -> None:
    check_classes(GENERATOR)
    with pytest.raises(InputError, match=r"symbols.table.children: classes of its own for mug"):
        check_classes(TARGET)
