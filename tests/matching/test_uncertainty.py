"""Errors of moments follow their textbook forms where the inference is perfect."""

from __future__ import annotations

import numpy as np
import pytest
from matching_scenes import one_normal

from metasim.matching.correction import Correction, Shape
from metasim.matching.population import Population, Posteriors, Unknown
from metasim.matching.rehearsal import Rehearsal
from metasim.matching.uncertainty import DOUBT, moment_errors
from metasim.scene.layout import Array, Classes

PERIODIC = np.array([False, True])
IMAGES, STD, CORRELATION = 900, 0.03, 0.6
# A deviation of 400 resamples is itself uncertain by 1 / sqrt(800) = 3.5 %, and that of the images by the
# error of their own moments, 1 / sqrt(1800) = 2.4 %: five times both.
ROUGHLY = 5 * (0.035**2 + 0.024**2) ** 0.5


def population(classes: Classes | None = None, unknown: tuple[Unknown, ...] = ()) -> Population:
    """Images that are each read with certainty: as many draws, all alike."""
    rng = np.random.default_rng(0)
    covariance = STD**2 * np.array([[1, CORRELATION], [CORRELATION, 1]])
    units = np.mod(np.array([0.5, 0.99]) + rng.multivariate_normal([0, 0], covariance, IMAGES), 1.0)[:, None]
    units = units.repeat(3, 1)
    kinds = np.zeros((IMAGES, 3, 1), np.int64) if classes is None else classes
    return Population(
        Posteriors(units, kinds, np.zeros((IMAGES, 3))),
        np.full((IMAGES, 3), 1 / 3),
        one_normal(2),
        np.ones(IMAGES, bool),
        unknown=unknown,
    )


def rehearsal(found: Population, shift: Array, stretch: float) -> Rehearsal:
    before = Shape.of(found.posteriors.units[:, 0], PERIODIC)
    correction = Correction(before.mean, stretch * np.eye(2), shift, PERIODIC)
    after = Shape.of(correction.apply(found.posteriors.units[:, 0]), PERIODIC)
    return Rehearsal(before, after, found)


def test_errors_are_those_of_so_many_images() -> None:
    found = population()
    errors = moment_errors(found, rehearsal(found, np.zeros(2), 1.0), PERIODIC, 0)
    np.testing.assert_allclose(errors.mean, STD / IMAGES**0.5, rtol=ROUGHLY)
    np.testing.assert_allclose(errors.std, STD / (2 * IMAGES) ** 0.5, rtol=ROUGHLY)
    # Of a normal law's correlation: (1 - rho^2) / sqrt(n). Its own value is uncertain by 0.02 of 0.64.
    expected = (1 - CORRELATION**2) / IMAGES**0.5
    assert errors.correlation[0, 1] == pytest.approx(expected, rel=2 * ROUGHLY)
    np.testing.assert_allclose(errors.correlation, errors.correlation.T)
    assert errors.correlation[0, 0] == pytest.approx(0.0, abs=1e-6)


def test_what_is_corrected_is_doubted() -> None:
    found = population()
    shift = np.array([0.02, -0.03])
    errors = moment_errors(found, rehearsal(found, shift, 1.2), PERIODIC, 0)
    np.testing.assert_allclose(errors.mean, DOUBT * np.abs(shift), rtol=0.02)
    np.testing.assert_allclose(errors.std, DOUBT * 0.2 * STD, rtol=0.1)


def test_what_a_class_does_not_tell_is_left_out() -> None:
    """A quarter of the images bears a class that tells nothing of the first attribute."""
    kinds = (np.arange(IMAGES) % 4 == 0).astype(np.int64)[:, None, None].repeat(3, 1)
    found = population(kinds, (Unknown(0, 0, 1),))
    found.posteriors.units[kinds[:, 0, 0] == 1, :, 0] = 0.0  # far away; it would triple the error
    sure = Shape(np.array([0.5, 0.99]), STD**2 * np.eye(2))
    same = Rehearsal(sure, sure, found)
    errors = moment_errors(found, same, PERIODIC, 0)
    np.testing.assert_allclose(errors.mean[0], STD / (0.75 * IMAGES) ** 0.5, rtol=ROUGHLY)
    np.testing.assert_allclose(errors.mean[1], STD / IMAGES**0.5, rtol=ROUGHLY)


def test_without_classes_too() -> None:
    """What no image tells at all has no error, and takes none from the others."""
    found = population(np.zeros((IMAGES, 3, 0), np.int64), (Unknown(0),))
    errors = moment_errors(found, rehearsal(found, np.zeros(2), 1.0), PERIODIC, 0)
    assert np.isfinite(errors.correlation).all()
    np.testing.assert_allclose(errors.mean[1], STD / IMAGES**0.5, rtol=ROUGHLY)
