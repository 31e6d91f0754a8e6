"""Uncertainty: how far an inferred population's moments may be from the target's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metasim.base.streams import stream
from metasim.matching.correction import TINY, offsets
from metasim.matching.population import Population
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
    away = offsets(population.posteriors.units, mean, periodic)
    told = _told(population)
    masses = np.einsum("ms,msi,msj->mij", population.weights, told, told, optimize=True)
    firsts = np.einsum("ms,msi,msj,msi->mij", population.weights, told, told, away, optimize=True)
    products = np.einsum("ms,msi,msj,msi,msj->mij", population.weights, told, told, away, away, optimize=True)
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


def _told(population: Population) -> Array:
    """(M, S, D) ones, and zeros for what the images do not tell of a draw's class."""
    units, classes = population.posteriors.units, population.posteriors.classes
    images, draws, _ = units.shape
    told = np.ones(units.shape)
    for law in population.unknown:
        hidden = law.rows(classes.reshape(images * draws, classes.shape[-1]))
        told[..., law.column] = ~hidden.reshape(images, draws)
    return told
