"""Tilts: they stay within the trust, leave the mass of a population what it is, and go where they point."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching_scenes import one_normal  # pyright: ignore[reportMissingImports]
from task_scenes import PERIODIC  # pyright: ignore[reportMissingImports]

from metasim.matching.population import Population, Posteriors
from metasim.matching.task.tilt import FARTHEST, Statistics, Weighed, tilted_population, within_trust

SEEDS = st.integers(0, 10**6)


def scenes(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = rng.random(count)
    return rng.random((count, 2)), rng.integers(0, 2, (count, 1)), weights / weights.sum()


@given(SEEDS, st.floats(0.1, 30), st.floats(0.01, 1.5))
def test_no_tilt_goes_further_than_trusted(seed: int, size: float, trust: float) -> None:
    units, classes, weights = scenes(seed)
    known = Statistics.of(units, classes, weights, PERIODIC, (2,))(units, classes)
    wish = size * np.random.default_rng(seed).normal(size=known.shape[1])
    laws = Weighed(weights, known), Weighed(weights[::-1], known)
    found = within_trust(laws, wish, trust)
    moved = max(law.divergence(found) for law in laws)
    assert moved <= trust + 1e-9
    if not np.array_equal(found, wish):  # cut short: then it goes all the way that is trusted
        assert moved == pytest.approx(trust, rel=1e-3)


@given(SEEDS)
def test_statistics_are_standardised_under_their_law(seed: int) -> None:
    units, classes, weights = scenes(seed)
    known = Statistics.of(units, classes, weights, PERIODIC, (2,))(units, classes)
    assert np.abs(known).max() <= FARTHEST
    if np.abs(known).max() < FARTHEST:  # nothing was cut off
        np.testing.assert_allclose(weights @ known, 0, atol=1e-9)
        np.testing.assert_allclose(weights @ known**2, 1, atol=1e-9)


@given(SEEDS)
def test_whole_turns_change_nothing(seed: int) -> None:
    units, classes, weights = scenes(seed)
    statistics = Statistics.of(units, classes, weights, PERIODIC, (2,))
    turned = units + np.array([0, 3])
    np.testing.assert_allclose(statistics(turned, classes), statistics(units, classes), atol=1e-9)


def test_what_never_varies_has_no_statistic() -> None:
    units, classes, weights = scenes(0)
    units[:, 0], classes[:] = 0.3, 1
    known = Statistics.of(units, classes, weights, PERIODIC, (2,))(units, classes)
    assert np.isfinite(known).all()
    assert (known[:, [0, 2, 4, 5]] == 0).all()


@given(SEEDS, st.floats(0.2, 2))
def test_a_population_goes_where_the_tilt_points(seed: int, size: float) -> None:
    units, classes, weights = scenes(seed, 200)
    statistics = Statistics.of(units, classes, weights, PERIODIC, (2,))
    posteriors = Posteriors(units.reshape(20, 10, 2), classes.reshape(20, 10, 1), np.zeros((20, 10)))
    before = Population(posteriors, 20 * weights.reshape(20, 10), one_normal(2), np.ones(20, bool))
    after = tilted_population(before, statistics, np.array([0, 0, 0, 0, 0, size]))
    assert after.weights.sum() == pytest.approx(before.weights.sum())
    blue = [float(p.weights[posteriors.classes[..., 0] == 1].sum()) for p in (before, after)]
    assert blue[1] > blue[0]
