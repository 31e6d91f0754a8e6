"""A correction takes out what inference is known to do: noise that it leaves and shrinkage it brings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasim.matching.correction import Correction, Shape

PERIODIC = np.array([False, False, True])
SCENES = 4000
COVARIANCE = np.array([[1.0, 0.8, 0.2], [0.8, 1.0, 0.0], [0.2, 0.0, 1.0]]) * 0.04**2
MEAN = np.array([0.4, 0.6, 0.99])  # the last one lies across the end of its circle


def drawn(seed: int, count: int = SCENES) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    units = MEAN + rng.multivariate_normal(np.zeros(3), COVARIANCE, count)
    return np.where(PERIODIC, np.mod(units, 1), units)


def infer(
    units: npt.NDArray[np.float64], scale: float, noise: float, shift: float
) -> npt.NDArray[np.float64]:
    """An inference with known errors: it scales offsets, adds independent noise and moves the mean."""
    away = units - MEAN
    away = np.where(PERIODIC, away - np.round(away), away)
    away = scale * away + noise * np.random.default_rng(7).normal(size=units.shape) + shift
    return np.where(PERIODIC, np.mod(MEAN + away, 1), MEAN + away)


def corrected(scale: float, noise: float, shift: float) -> Shape:
    truth, rehearsed = drawn(0), drawn(1)
    population = infer(truth, scale, noise, shift)
    again = infer(rehearsed, scale, noise, shift)[:, None]
    correction = Correction.between(
        Shape.of(population, PERIODIC), rehearsed, again, np.ones((SCENES, 1)), PERIODIC
    )
    return Shape.of(correction.apply(population), PERIODIC)


# Standard error of a spread of 4,000 draws is 1 / sqrt(8000) = 1.1 %; of a correlation of 0.8, 0.6 %. The
# bounds are five times that of two samples, or what the bound on stretching leaves.
@pytest.mark.parametrize(("scale", "noise"), [(1.0, 0.0), (0.85, 0.0), (1.0, 0.02), (0.9, 0.015)])
def test_spread_and_correlation_come_back(scale: float, noise: float) -> None:
    found = corrected(scale, noise, 0.0)
    np.testing.assert_allclose(found.std, 0.04, rtol=0.08)
    correlation = found.covariance[0, 1] / found.std[0] / found.std[1]
    assert abs(correlation - 0.8) < 0.05


@given(st.floats(-0.03, 0.03))
def test_means_come_back(shift: float) -> None:
    away = corrected(1.0, 0.01, shift).mean - MEAN
    # Five standard errors of two means of 4,000 draws, and what the noise filter leaves of a small shift.
    assert np.abs(away - np.round(away)).max() < 5 * 0.045 * (2 / SCENES) ** 0.5 + 1e-3


def test_an_inference_without_error_is_left_alone() -> None:
    truth = drawn(3)
    rehearsed = drawn(4)
    correction = Correction.between(
        Shape.of(truth, PERIODIC), rehearsed, rehearsed[:, None], np.ones((SCENES, 1)), PERIODIC
    )
    away = correction.apply(truth) - truth
    assert np.abs(away - np.round(away)).max() < 1e-9


def test_an_angle_spread_all_round_is_left_alone() -> None:
    rng = np.random.default_rng(0)
    turn = rng.random((SCENES, 1))
    noisy = np.mod(turn + 0.1 * rng.normal(size=turn.shape), 1)[:, None]
    periodic = np.array([True])
    correction = Correction.between(Shape.of(turn, periodic), turn, noisy, np.ones((SCENES, 1)), periodic)
    np.testing.assert_allclose(correction.apply(turn), turn, atol=1e-12)


def test_a_few_scenes_read_upside_down_do_not_count() -> None:
    """Without them the inference is perfect, so nothing is to be corrected."""
    truth, rehearsed = drawn(5), drawn(6)
    again = rehearsed.copy()
    again[::50, 2] = np.mod(again[::50, 2] + 0.5, 1)
    correction = Correction.between(
        Shape.of(truth, PERIODIC), rehearsed, again[:, None], np.ones((SCENES, 1)), PERIODIC
    )
    np.testing.assert_allclose(correction.apply(truth), truth, atol=1e-9)
