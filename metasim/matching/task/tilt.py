"""Tilt: a law moved by an exponential of a few statistics, never further than trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from metasim.matching.population import Population
from metasim.scene.layout import Array, Classes

FARTHEST = 3.0  # spreads from the mean at which a statistic ends: the rarest scenes must not outweigh all
HALVINGS = 30
LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Statistics:
    """What of a scene its weight may depend on: its classes, and how far its attributes are from the middle.

    All are standardised under the law that they were made for, and end ``FARTHEST`` spreads from its mean.

    Attributes:
        periodic: (D,) which attributes wrap.
        sizes: Number of classes of each choice.
        middle: (D,) mean of each attribute on [0, 1].
        centre: (F,) mean of each statistic.
        scale: (F,) its spread; infinite where there is none.
    """

    periodic: npt.NDArray[np.bool_]
    sizes: tuple[int, ...]
    middle: Array
    centre: Array
    scale: Array

    @classmethod
    def of(
        cls,
        units: Array,
        classes: Classes,
        weights: Array,
        periodic: npt.NDArray[np.bool_],
        sizes: tuple[int, ...],
    ) -> Statistics:
        """Statistics standardised under a law of (n, D) attributes and (n, C) classes that weigh (n,)."""
        mean = weights @ units
        turn = np.exp(2j * np.pi * units)
        middle = np.where(periodic, np.angle(weights @ turn) / (2 * np.pi), mean)
        raw = _raw(units, classes, middle, periodic, sizes)
        centre = weights @ raw
        spread = np.sqrt(weights @ (raw - centre) ** 2)
        return cls(periodic, sizes, middle, centre, np.where(spread > LEAST_SPREAD, spread, np.inf))

    def __call__(self, units: Array, classes: Classes) -> Array:
        """(..., F) statistics of (..., D) attributes and (..., C) classes."""
        raw = _raw(units, classes, self.middle, self.periodic, self.sizes)
        return ((raw - self.centre) / self.scale).clip(-FARTHEST, FARTHEST)


def _raw(
    units: Array, classes: Classes, middle: Array, periodic: npt.NDArray[np.bool_], sizes: tuple[int, ...]
) -> Array:
    away = units - middle
    away = np.where(periodic, away - np.round(away), away)
    hot = [np.eye(size)[classes[..., c]] for c, size in enumerate(sizes)]
    return np.concatenate([away, away**2, *hot], axis=-1, dtype=np.float64)


@dataclass(frozen=True)
class Weighed:
    """Scenes that stand for a law.

    Attributes:
        weights: (n,) how much each counts; they sum to 1.
        statistics: (n, F) what their tilt depends on.
    """

    weights: Array
    statistics: Array

    def tilted(self, coefficients: Array) -> Array:
        """(n,) weights moved by the exponential of the statistics times (F,) coefficients."""
        with np.errstate(divide="ignore"):
            log = np.log(self.weights) + self.statistics @ coefficients
        return np.asarray(softmax(log))

    def divergence(self, coefficients: Array) -> float:
        """Kullback-Leibler divergence, in nats, of the tilted law from the law.

        Of the scenes' number at least the inverse of its exponential stays effective.
        """
        tuned = self.tilted(coefficients)
        seen = tuned > 0
        return float((tuned[seen] * np.log(tuned[seen] / self.weights[seen])).sum())


def within_trust(laws: Sequence[Weighed], coefficients: Array, trust: float) -> Array:
    """The coefficients, or as large a share of them as keeps every tilted law within the trusted divergence.

    A trust region as in relative entropy policy search (Peters, Mulling and Altun, AAAI 2010).
    """
    if max(law.divergence(coefficients) for law in laws) <= trust:
        return coefficients
    low, high = 0.0, 1.0  # the divergence grows along a ray
    for _ in range(HALVINGS):
        share = (low + high) / 2
        inside = max(law.divergence(share * coefficients) for law in laws) <= trust
        low, high = (share, high) if inside else (low, share)
    return low * coefficients


def weighed_population(population: Population, statistics: Statistics) -> Weighed:
    """All draws of a population."""
    units, classes = population.posteriors.pooled()
    weights = population.weights.ravel() / population.weights.sum()
    return Weighed(weights, statistics(population.corrected(units, classes), classes))


def tilted_population(population: Population, statistics: Statistics, coefficients: Array) -> Population:
    """The population with its draws tilted: an image counts more where its scene does."""
    weights = weighed_population(population, statistics).tilted(coefficients)
    mass = population.weights.sum() * weights.reshape(population.weights.shape)
    return replace(population, weights=mass)
