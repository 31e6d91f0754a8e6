"""Readings: guesses that explain all, a known share, or nothing of the truth."""

from __future__ import annotations

import numpy as np
import pytest

from metasim.base.streams import stream
from metasim.stats.reading import explained, typical_error

N = 4000


def normal(index: int, count: int = N) -> np.ndarray:
    return stream(index, "test/reading").standard_normal(count)


@pytest.mark.parametrize("period", [None, 360.0])
def test_all_and_nothing(period: float | None) -> None:
    truth = 10 * normal(0)
    assert explained(truth, truth, period) == 1.0
    assert explained(truth, np.full(N, truth.mean()), period) == pytest.approx(0.0, abs=1e-3)
    assert explained(truth, 10 * normal(1), period) < -0.8  # twice the variation: -1 in the mean


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_the_best_guess_explains_its_share(share: float) -> None:
    """truth = guess + rest; the standard error of the share is below 2 / sqrt(n)."""
    guess, rest = share**0.5 * normal(0), (1 - share) ** 0.5 * normal(1)
    assert explained(guess + rest, guess) == pytest.approx(share, abs=4 * 2 / N**0.5)


def test_on_a_circle_the_cut_does_not_matter_and_small_angles_are_as_on_a_line() -> None:
    truth, guess = 5 * normal(0), 5 * normal(0) + 2 * normal(1)
    base = explained(truth, guess, 360.0)
    assert explained((truth + 180) % 360, (guess + 180) % 360, 360.0) == pytest.approx(base)
    assert base == pytest.approx(explained(truth, guess), abs=0.01)


def test_without_variation_nothing_can_be_said() -> None:
    assert np.isnan(explained(np.ones(5), np.ones(5)))


@pytest.mark.parametrize("period", [None, 360.0])
def test_typical_errors_are_deviations_and_do_not_see_a_few_flips(period: float | None) -> None:
    truth = np.full(N, 359.0)
    guess = truth + 3 * normal(0)
    assert typical_error(truth, guess, period) == pytest.approx(3.0, rel=6 / N**0.5)
    guess[: N // 10] += 180
    assert typical_error(truth, guess, period) == pytest.approx(3.0, rel=0.25)
    if period:
        assert typical_error(truth, guess % 360, period) == pytest.approx(typical_error(truth, guess, period))
