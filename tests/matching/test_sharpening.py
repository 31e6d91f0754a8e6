"""A law narrower than the posteriors of its images is found from draws that lie near it."""

from __future__ import annotations

import numpy as np
import pytest
from known_posteriors import Normal, posteriors

from metasim.base.streams import stream
from metasim.matching.population import fit_population, sharpen
from metasim.scene.layout import Array

IMAGES, MANY = 400, 480
NOISE, APART = 0.02, 0.004  # what an image tells of an attribute, and how far two that go together are


def following(width: int) -> Array:
    """(IMAGES, width) attributes, of which the second follows the first."""
    rng = stream(0, "test/following")
    truth = 0.5 + 0.05 * rng.standard_normal((IMAGES, width))
    truth[:, 1] = truth[:, 0] + APART * rng.standard_normal(IMAGES)
    return truth


def residual(units: Array) -> float:
    return float((units[:, 1] - units[:, 0]).std())


@pytest.mark.parametrize("width", [2, 8])
def test_two_attributes_that_go_together_are_seen_to(width: int) -> None:
    """However many others there are, and though each image tells of each five times less."""
    given = posteriors(following(width), NOISE, Normal(), 0)
    rough = fit_population(given, np.zeros(width, bool), (), 0)
    many = posteriors(following(width), NOISE, Normal(), 0, MANY)
    sharp = sharpen(rough, many, stream(0, "test/sharpen"))
    # What the images tell: a variance v of differences seen with noise has a standard error of
    # sqrt(2 / M) (v + 2 noise^2).
    error = (2 / IMAGES) ** 0.5 * (APART**2 + 2 * NOISE**2)
    found, before = (residual(p.sample(stream(0, "test/sample"), 20000)[0]) for p in (sharp, rough))
    assert found < (APART**2 + 3 * error) ** 0.5
    assert found < before


def test_what_is_kept_stands_for_all() -> None:
    """Weights of the draws that are kept give the likelihood that all draws give, by any law."""
    truth = following(3)
    given = posteriors(truth, NOISE, Normal(), 0, MANY)
    rough = fit_population(posteriors(truth, NOISE, Normal(), 0), np.zeros(3, bool), (), 0)
    near = given.nearer(rough.law, 64, stream(0, "test/nearer"))
    assert near.units.shape == (IMAGES, 64, 3)
    for law in (rough.law, rough.law.widened(0.05), rough.law.widened(0.2)):
        whole, kept = (
            np.exp(law.log_densities(p.units, p.classes) - p.log_bank).mean(1) for p in (given, near)
        )
        assert np.mean(kept / whole) == pytest.approx(1, abs=0.05)
