"""Uncertainty: how far an inferred population's moments may be from the target's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metasim.base.streams import stream
from metasim.matching.correction import TINY, offsets
from metasim.matching.population import Population, told
from metasim.matching.rehearsal import Rehearsal
from metasim.scene.layout import Array
from metasim.stats.moments import MomentErrors

RESAMPLES = 400
DOUBT = 0.5  # of a correction: it is about as uncertain as it is large


def moment_errors(
    population: Population, rehearsal: Rehearsal, periodic: npt.NDArray[np.bool_], seed: int
) -> MomentErrors:
    """Standard errors of a population's means, spreads and correlations.

    Two sources: the number of target images, by resampling them (Efron, "Bootstrap methods", Annals of
    Statistics, 1979), and the inference, by what its rehearsal has corrected. Classes of which the images
    do not tell an attribute are left out of that attribute's errors.

    Args:
        population: What was inferred of the target, with what it leaves unknown.
        rehearsal: What was corrected.
        periodic: (D,) which attributes wrap.
        seed: Root seed.
    """
    before, after = rehearsal.inferred, rehearsal.corrected
    of_images = _resampled(population, before.mean, periodic, seed)
    return MomentErrors(
        np.hypot(of_images.mean, DOUBT * offsets(after.mean, before.mean, periodic)),
        np.hypot(of_images.std, DOUBT * (after.std - before.std)),
        np.hypot(of_images.correlation, DOUBT * (after.correlation - before.correlation)),
    )


def _resampled(
    population: Population, mean: Array, periodic: npt.NDArray[np.bool_], seed: int
) -> MomentErrors:
    """Deviations of the moments over sets of images drawn with replacement."""
    given, weights = population.posteriors, population.weights
    away = offsets(given.units, mean, periodic)
    known = told(given.classes, population.unknown, len(mean)).astype(float)
    masses = np.einsum("ms,msi,msj->mij", weights, known, known, optimize=True)
    firsts = np.einsum("ms,msi,msj,msi->mij", weights, known, known, away, optimize=True)
    products = np.einsum("ms,msi,msj,msi,msj->mij", weights, known, known, away, away, optimize=True)
    images = len(masses)
    rows = stream(seed, "errors/resample").multinomial(images, np.full(images, 1 / images), RESAMPLES)
    mass, first, product = (np.tensordot(rows, sums, 1) for sums in (masses, firsts, products))
    mass = np.maximum(mass, TINY)
    first = first / mass  # [i, j]: mean of attribute i where both i and j are told
    covariance = product / mass - first * first.transpose(0, 2, 1)
    diagonal = np.arange(len(mean))
    std = np.sqrt(np.maximum(covariance[:, diagonal, diagonal], TINY**2))
    correlation = np.clip(covariance / std[:, :, None] / std[:, None, :], -1, 1)
    return MomentErrors(first[:, diagonal, diagonal].std(0), std.std(0), correlation.std(0))
