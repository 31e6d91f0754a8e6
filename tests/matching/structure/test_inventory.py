"""Inventory: scenes to sets and back; grammars of which more varies than is learnt are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metasim.base.errors import InputError
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.structure.inventory import Inventory, Sets

SIZE = {"range": [0, 2], "mutable": True, "law": {"uniform": [0, 2]}}
SYMBOLS: dict[str, Any] = {
    "table": {
        "productions": [
            {"weight": 3, "children": [{"symbol": "mug", "count": {"uniform": [1, 3]}}]},
            {"children": [{"symbol": "mug", "count": {"uniform": [0, 1]}}, {"symbol": "shoe", "count": 2}]},
        ]
    },
    "mug": {
        "classes": ["red", "blue"],
        "attributes": {"size": SIZE, "asset": {"range": [0, 9], "law": {"uniform": [0, 9]}}},
    },
    "shoe": {"attributes": {"size": SIZE, "yaw": {**SIZE, "periodic": True}}},
}


def grammar(**changes: Any) -> SceneGrammar:
    return SceneGrammar.from_mapping({"start": "table", "symbols": {**SYMBOLS, **changes}})


def content(sets: Sets, row: int) -> list[tuple[float, ...]]:
    """The objects of a scene, whatever their order."""
    objects = [
        (float(k), *np.nan_to_num(u, nan=-1)) for k, u in zip(sets.kinds[row], sets.units[row], strict=True)
    ]
    return sorted(tuple(round(x, 9) for x in thing) for thing in objects)


def test_all_numbers_that_can_be_made_are_known_with_their_probability() -> None:
    inventory = Inventory.of(grammar())
    assert inventory.tallies == ((0, 2), (1, 0), (1, 2), (2, 0), (3, 0))
    np.testing.assert_allclose(inventory.prior, [1 / 8, 1 / 4, 1 / 8, 1 / 4, 1 / 4])


def test_a_scene_made_of_a_set_has_the_objects_of_the_set() -> None:
    inventory = Inventory.of(grammar())
    rng = np.random.default_rng(0)
    graphs = [inventory.grammar.sample(rng) for _ in range(60)]
    sets = inventory.sets(graphs)
    made = [
        inventory.scene(int(t), k[: inventory.sizes[t]], u[: inventory.sizes[t]], s, rng)
        for t, k, u, s in zip(sets.tallies, sets.kinds, sets.units, sets.scenery, strict=True)
    ]
    again = inventory.sets(made)
    np.testing.assert_array_equal(again.tallies, sets.tallies)
    assert all(content(again, row) == content(sets, row) for row in range(60))
    assert all(np.isfinite(inventory.grammar.log_prob(graph)) for graph in made)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"mug": {**SYMBOLS["mug"], "children": ["shoe"]}},
            "symbols.mug.children: children of an object",
        ),
        (
            {"table": {"children": [{"symbol": s, "count": {"uniform": [0, 20]}} for s in ("mug", "shoe")]}},
            "441 combinations of counts",
        ),
        ({"shoe": {"classes": ["old", "new"]}}, "symbols.shoe: no mutable attribute"),
    ],
)
def test_what_is_not_learnt_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Inventory.of(grammar(**changes))
