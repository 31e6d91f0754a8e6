"""The law of a structure: a reader that errs in a known way is seen through; hidden objects count."""

from __future__ import annotations

import numpy as np

from metasim.grammar.grammar import SceneGrammar
from metasim.matching.structure.draws import UNSEEN, SetDraws, draw_sets
from metasim.matching.structure.inventory import ABSENT, Inventory
from metasim.matching.structure.law import Confusion, StructureLaw, corrected, fill_unseen, fit_law
from metasim.matching.structure.readings import Readings

PLACE = {"range": [0, 1], "mutable": True, "law": {"uniform": [0, 1]}}
INVENTORY = Inventory.of(
    SceneGrammar.from_mapping(
        {
            "start": "table",
            "symbols": {
                "table": {"children": [{"symbol": "mug", "count": {"uniform": [1, 3]}}]},
                "mug": {"classes": ["red", "blue"], "attributes": {"loc_x": PLACE}},
            },
        }
    )
)
IMAGES, QUERIES = 1000, 5
EVEN = StructureLaw(np.full(3, 1 / 3), np.full(2, 1 / 2))
TRUTH = StructureLaw(np.array([0.1, 0.2, 0.7]), np.array([0.85, 0.15]))
SURE, UNSURE = 0.98, 0.8  # chance that a number is read right, and that a kind is


def readings(law: StructureLaw, sharp: bool, seed: int) -> tuple[Readings, np.ndarray, np.ndarray]:
    """What a reader with known errors, taught on even numbers and kinds, says of scenes of a law.

    Args:
        law: The law.
        sharp: Whether it is surer of kinds than it may be.
        seed: Seed.
    """
    rng = np.random.default_rng(seed)
    tallies = rng.choice(3, IMAGES, p=law.tallies)
    kinds = rng.choice(2, (IMAGES, QUERIES), p=law.kinds)
    said = np.where(rng.random(IMAGES) < SURE, tallies, rng.integers(0, 3, IMAGES))
    looks = np.where(rng.random(kinds.shape) < UNSURE, kinds, 1 - kinds)
    right = 0.999 if sharp else UNSURE
    presence = np.where(np.arange(QUERIES) <= tallies[:, None], 0.999, 0.001)
    off = (1 - SURE) / 3
    read = Readings(
        np.full((IMAGES, 3), off) + (1 - 3 * off) * np.eye(3)[said],
        presence,
        np.zeros((IMAGES, QUERIES, 2)),
        np.where(np.eye(2)[looks] > 0, right, 1 - right),
        np.repeat(looks[..., None], 2, axis=2),
        np.zeros((IMAGES, QUERIES, 2, 1)),
        np.zeros((IMAGES, 1, 0)),
    )
    return read, tallies, np.where(np.arange(QUERIES) <= tallies[:, None], kinds, ABSENT)


def bound(share: float, count: float) -> float:
    """Four standard errors of a share."""
    return 4 * float(np.sqrt(share * (1 - share) / count))


def test_a_calibrated_reader_needs_no_known_renders() -> None:
    read, *_ = readings(TRUTH, sharp=False, seed=0)
    draws = draw_sets(read, INVENTORY, 1e-3, np.random.default_rng(1))
    law, weights = fit_law(draws, EVEN, INVENTORY)
    np.testing.assert_allclose(weights.sum(1), 1)
    # A kind is read through a channel that keeps 2 * UNSURE - 1 of a difference.
    objects = IMAGES * float(TRUTH.tallies @ [1, 2, 3])
    assert abs(law.kinds[0] - TRUTH.kinds[0]) < bound(0.5, objects) / (2 * UNSURE - 1) + 0.01
    assert np.abs(law.tallies - TRUTH.tallies).max() < bound(0.5, IMAGES) / SURE


def test_known_renders_see_through_a_reader_that_is_too_sure() -> None:
    read, *_ = readings(TRUTH, sharp=True, seed=0)
    known, tallies, kinds = readings(EVEN, sharp=True, seed=1)
    taken = Confusion(
        np.stack([known.tallies[tallies == t].mean(0) for t in range(3)]),
        np.stack([known.kinds[(kinds == k) & known.seen].mean(0) for k in range(2)]),
        np.ones(2),
    )
    plain = read.kinds[read.seen].mean(0)
    law = taken.undo(read, EVEN, INVENTORY)
    assert abs(plain[0] - TRUTH.kinds[0]) > 0.1
    objects = IMAGES * float(TRUTH.tallies @ [1, 2, 3])
    assert abs(law.kinds[0] - TRUTH.kinds[0]) < bound(0.5, objects) * 2**0.5 / (2 * UNSURE - 1)
    assert np.abs(law.tallies - TRUTH.tallies).max() < bound(0.5, IMAGES) * 2**0.5 / SURE


def test_kinds_that_are_missed_more_often_are_made_up_for() -> None:
    read, *_ = readings(EVEN, sharp=False, seed=0)
    blind = Confusion(np.eye(3), np.eye(2), np.array([1.0, 0.5]))
    fair = Confusion(np.eye(3), np.eye(2), np.ones(2))
    seen, missed = fair.undo(read, EVEN, INVENTORY).kinds, blind.undo(read, EVEN, INVENTORY).kinds
    np.testing.assert_allclose(missed, seen / [1, 0.5] / (seen / [1, 0.5]).sum())


def test_kinds_of_what_no_image_shows_stay_what_they_were() -> None:
    """The reader takes plates for mugs less often than of known renders, so that no mugs are left."""
    kinds = {"classes": ["red", "blue"], "attributes": {"loc_x": PLACE}}
    table = [{"symbol": "plate", "count": 1}, {"symbol": "mug", "count": {"uniform": [0, 1]}}]
    inventory = Inventory.of(
        SceneGrammar.from_mapping(
            {"start": "table", "symbols": {"table": {"children": table}, "plate": kinds, "mug": kinds}}
        )
    )
    mugs = inventory.symbols.index("mug")
    shows = np.array([tally[mugs] for tally in inventory.tallies])
    is_mug = np.array(inventory.symbol_of) == mugs
    plate = np.where(is_mug, 1e-3, 0.5)
    read = Readings(
        np.tile(np.where(shows, 1e-3, 1.0), (IMAGES, 1)),
        np.full((IMAGES, 1), 0.999),
        np.zeros((IMAGES, 1, 2)),
        np.tile(plate, (IMAGES, 1, 1)),
        np.zeros((IMAGES, 1, 4, 2), np.int64),
        np.zeros((IMAGES, 1, 4, 1)),
        np.zeros((IMAGES, 1, 0)),
    )
    confusion = Confusion(
        np.where(np.eye(2), 0.98, 0.02), 0.95 * np.eye(4) + 0.05 * (1 - np.eye(4)) / 3, np.ones(4)
    )
    start = StructureLaw(np.full(2, 1 / 2), np.where(is_mug, [0.3, 0.7] * 2, 1 / 2))
    once = confusion.undo(read, start, inventory)
    law = confusion.undo(read, once, inventory)
    assert law.tallies[shows > 0].sum() < 1e-9
    np.testing.assert_allclose(law.kinds[~is_mug], 0.5, atol=1e-6)
    np.testing.assert_array_equal(law.kinds[is_mug], once.kinds[is_mug])
    np.testing.assert_allclose(law.kinds[is_mug].sum(), 1)


def test_corrected_draws_have_the_margins_of_the_law() -> None:
    read, *_ = readings(TRUTH, sharp=False, seed=0)
    draws = draw_sets(read, INVENTORY, 1e-3, np.random.default_rng(1))
    _, weights = fit_law(draws, EVEN, INVENTORY)
    wanted = StructureLaw(np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.4]))
    flat = corrected(draws, weights, wanted, INVENTORY)
    kinds = fill_unseen(draws, wanted, INVENTORY, np.random.default_rng(2))
    tallies = np.bincount(draws.tallies.ravel(), flat.ravel(), 3)
    numbers = [(flat * (kinds == k).sum(2)).sum() for k in range(2)]
    np.testing.assert_allclose(tallies, wanted.tallies, atol=2e-3)
    np.testing.assert_allclose(numbers[0] / sum(numbers), wanted.kinds[0], atol=5e-3)


def test_draws_hold_as_many_objects_as_their_number_says() -> None:
    read, *_ = readings(EVEN, sharp=False, seed=0)
    draws = draw_sets(read, INVENTORY, 0.05, np.random.default_rng(1))
    np.testing.assert_array_equal((draws.kinds != ABSENT).sum(2), draws.tallies + 1)
    np.testing.assert_array_equal((draws.symbols != ABSENT).sum(2), draws.tallies + 1)
    assert (draws.kinds == UNSEEN).any()


def test_objects_beyond_what_is_seen_are_drawn_from_the_law() -> None:
    draws = SetDraws(
        np.zeros((1, 1), dtype=np.int64),
        np.full((1, 1, 4000), UNSEEN),
        np.zeros((1, 1, 4000), dtype=np.int64),
    )
    kinds = fill_unseen(draws, TRUTH, INVENTORY, np.random.default_rng(0))
    assert abs((kinds == 0).mean() - TRUTH.kinds[0]) < bound(TRUTH.kinds[0], 4000)
