"""Known scenes: readings are paired with what they are of, and what reading adds to a law is taken out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from structure_scenes import INVENTORY, rendered  # pyright: ignore[reportMissingImports]

from metasim.base.streams import stream
from metasim.matching.bank import Scenes
from metasim.matching.population import Posteriors, Unknown
from metasim.matching.structure.bank import SetBank, SetRenders
from metasim.matching.structure.known import Found, Known
from metasim.matching.structure.objects import Inferred
from metasim.matching.structure.proposals import wide_sets
from metasim.matching.structure.readings import Readings
from metasim.matching.structure.rehearsal import Studied
from metasim.rendering.pool import RenderPool
from metasim.scene.layout import Drawn

QUERIES, DRAWS, NUM = 6, 4, 80
LAYOUT = INVENTORY.part(0)
OBJECTS, TIMES = 1500, 8  # times: of draws of one posterior
ERROR = 5 / (2 * OBJECTS) ** 0.5  # five standard errors of a spread


@pytest.fixture(scope="module")
def renders() -> SetRenders:
    return rendered(NUM)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> SetBank:
    graphs = [INVENTORY.grammar.sample(stream(0, "prior", i)) for i in range(60)]
    with RenderPool("sprites", {"size": 32}) as pool:
        scenes = Scenes(INVENTORY.grammar, INVENTORY.layout, pool, 0)
        bank = SetBank(Path(tmp_path_factory.mktemp("bank")), scenes, INVENTORY)
        bank.grow(lambda: wide_sets(INVENTORY, graphs), 40, lambda *_: None)
    return bank


def perfect(renders: SetRenders, rng: np.random.Generator) -> tuple[Readings, np.ndarray]:
    """Readings without an error, objects answered for by queries in random order; (n, N) by which."""
    n, most = renders.kinds.shape
    queries = np.stack([rng.permutation(QUERIES)[:most] for _ in range(n)])
    image, thing = np.nonzero(renders.pixels > 0)
    query = queries[image, thing]
    presence, places = np.full((n, QUERIES), 0.02), rng.random((n, QUERIES, 2))
    presence[image, query] = 0.98
    places[image, query] = ((renders.boxes[..., :2] + renders.boxes[..., 2:]) / 2)[image, thing]
    kinds = np.full((n, QUERIES, len(INVENTORY.kinds)), 0.5)
    kinds[image, query] = np.eye(len(INVENTORY.kinds))[renders.kinds[image, thing]]
    drawn = np.zeros((n, QUERIES, DRAWS), np.int64)
    drawn[image, query] = renders.kinds[image, thing][:, None]
    units = np.full((n, QUERIES, DRAWS, 2), np.nan)
    units[image, query] = renders.units[image, thing][:, None]
    tallies = np.eye(len(INVENTORY.tallies))[renders.tallies]
    return Readings(tallies, presence, places, kinds, drawn, units, np.zeros((n, 1, 0))), queries


def test_objects_are_found_by_the_queries_that_stand_where_they_are(renders: SetRenders) -> None:
    readings, queries = perfect(renders, stream(0, "test"))
    found = Found.of(renders, readings, INVENTORY)
    assert len(found.image) > NUM
    assert (queries[found.image, found.thing] == found.query).mean() > 0.98  # two may lie on each other
    later = found.among(range(20, 50))
    assert later.image.min() == 0
    assert later.image.max() == 29
    np.testing.assert_array_equal(later.query, found.query[(found.image >= 20) & (found.image < 50)])


def test_what_is_read_stands_beside_what_is_true(renders: SetRenders, bank: SetBank) -> None:
    readings, _ = perfect(renders, stream(0, "test"))
    found = Found.of(renders, readings, INVENTORY)
    known = Known.objects(renders, readings, found, bank, INVENTORY, 0)
    assert known is not None
    assert len(known.units) == len(found.image)
    same = np.abs(known.multiples(LAYOUT.periodic)[:, 0] - known.units).max(1) < 1e-9
    assert same.mean() > 0.98
    np.testing.assert_array_equal(known.posteriors.classes[same][:, 0], known.classes[same])
    few = Found(*(column[:5] for column in (found.image, found.query, found.thing)))
    assert Known.objects(renders, readings, few, bank, INVENTORY, 0) is None


def read(units: np.ndarray, classes: np.ndarray, noise: float, rng: np.random.Generator) -> Posteriors:
    """What a reader sees that errs and does not know it."""
    wrong = units + noise * rng.standard_normal(units.shape)
    draws = np.repeat(wrong[:, None], TIMES, 1) + 0.01 * rng.standard_normal((len(units), TIMES, 2))
    return Posteriors(draws.clip(0, 1), np.repeat(classes[:, None], TIMES, 1), np.zeros(draws.shape[:2]))


def objects(spread: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    units = np.array([0.4, 0.6]) + spread * rng.standard_normal((OBJECTS, 2))
    return units, rng.integers(0, 2, (OBJECTS, 1))


def studied(unknown: tuple[Unknown, ...], noise: float = 0.06) -> tuple[Inferred, Studied]:
    """A law of spread 0.08 that was read with unknown noise, and the same rehearsed."""
    rng = stream(0, "test/studied")
    target, classes = objects(0.08, rng)
    inferred = Inferred.of(read(target, classes, noise, rng), LAYOUT, 0)
    units, kinds = inferred.population.sample(rng, OBJECTS)
    rehearsed = Known(units, kinds, read(units, kinds, noise, rng))
    prior = Drawn(rng.uniform(0, 1, (OBJECTS, 2)), rng.integers(0, 2, (OBJECTS, 1)))
    part = Studied.of(LAYOUT, inferred, [rehearsed], rehearsed, prior, lambda *_: unknown, 0)
    return inferred, part


def test_a_spread_that_reading_adds_is_taken_out() -> None:
    """Of a variance of .08^2 + .06^2 the rehearsal adds .06^2 again; what is left is .08 within its error."""
    inferred, part = studied(())
    widened = inferred.population.sample(stream(0, "drawn"), OBJECTS)[0].std(0)
    mended = part.inferred.population.sample(stream(0, "drawn"), OBJECTS)[0].std(0)
    assert (widened > 0.1 * (1 - ERROR)).all()
    # The correction knows the ratio at the wide law: (1 + .0036/.01)^-1/2 of it, 0.086.
    np.testing.assert_allclose(mended, 0.1 * (1 + 0.36) ** -0.5, rtol=2 * ERROR)


def test_what_is_not_told_of_a_class_keeps_the_law_of_the_grammar() -> None:
    """A Kolmogorov distance of n draws from the uniform law: beyond 1.95 / sqrt(n) once in a thousand."""
    _, part = studied((Unknown(0, 0, 1),))
    units, classes = part.inferred.population.sample(stream(0, "drawn"), OBJECTS)
    hidden = np.sort(units[classes[:, 0] == 1, 0])
    steps = np.arange(1, len(hidden) + 1) / len(hidden)
    assert np.abs(hidden - steps).max() < 1.95 * (1 / len(hidden) + 1 / OBJECTS) ** 0.5
    assert units[classes[:, 0] == 0, 0].std() < 0.15
    assert units[:, 1].std() < 0.15
