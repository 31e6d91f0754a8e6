"""Correction: a linear map of attributes that undoes a known error of the inference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.scene.layout import Array

STRETCH = 1.5  # of a spread at most, or its inverse: beyond, the inference has failed
FAR = 4.0  # spreads: a reading that is more wrong than this is a mistake
CLOSEST = 0.995  # a correlation at most
FEW = 30  # scenes: of an attribute that fewer tell nothing is corrected
TINY = 1e-12  # a spread, or a mass
LEAST_VALUE = 1e-9  # of a matrix, over its greatest
WIDEST = 0.15  # of a turn: a periodic attribute wider than this has no mean to stretch around


@dataclass(frozen=True)
class Shape:
    """Mean and covariance of a sample on [0, 1], periodic columns unwrapped around their mean.

    What is NaN is not told and counts for nothing; a covariance is that of the scenes that tell both.

    Attributes:
        mean: (D,), circular where periodic.
        covariance: (D, D).
    """

    mean: Array
    covariance: Array

    @classmethod
    def of(cls, units: Array, periodic: npt.NDArray[np.bool_]) -> Shape:
        """The shape of (n, D) values."""
        return cls.weighted(units, np.full(len(units), 1 / len(units)), periodic)

    @classmethod
    def weighted(cls, units: Array, weights: Array, periodic: npt.NDArray[np.bool_]) -> Shape:
        """The shape of (n, D) values with (n,) weights that sum to 1."""
        told = np.isfinite(units)
        mass, units = np.maximum(weights @ told, TINY), np.where(told, units, 0.0)
        turn = np.angle(weights @ (told * np.exp(2j * np.pi * units))) / (2 * np.pi)
        mean = np.where(periodic, np.mod(turn, 1.0), weights @ units / mass)
        away = told * offsets(units, mean, periodic)
        away = told * (away - weights @ away / mass)
        both = np.maximum((weights[:, None] * told).T @ told, TINY)
        return cls(mean, (weights[:, None] * away).T @ away / both)

    @property
    def std(self) -> Array:
        """(D,) spreads."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def correlation(self) -> Array:
        """(D, D) correlations."""
        std = np.maximum(self.std, TINY)
        return self.covariance / std[:, None] / std


def offsets(units: Array, mean: Array, periodic: npt.NDArray[np.bool_]) -> Array:
    """(..., D) signed distances from a mean, the short way round where periodic."""
    away = units - mean
    return np.where(periodic, away - np.round(away), away)


@dataclass(frozen=True)
class Correction:
    """What is added to a population's mean, and how its offsets from there are mapped.

    Attributes:
        centre: (D,) the mean that it maps from.
        matrix: (D, D) what it does to offsets from there.
        shift: (D,) what it adds.
        periodic: (D,) which attributes wrap.
    """

    centre: Array
    matrix: Array
    shift: Array
    periodic: npt.NDArray[np.bool_]

    @classmethod
    def between(
        cls,
        inferred: Shape,
        drawn: Array,
        again: Array,
        weights: Array,
        periodic: npt.NDArray[np.bool_],
    ) -> Correction:
        """The correction of a population, by the differences of means, spreads and correlations.

        Spreads are corrected one by one, correlations together. Differences are shrunk by their own noise,
        as by Wiener's filter, and bounded.
        Periodic attributes that are spread too far for a mean stay as they are, and so do those of which
        few scenes tell.

        Args:
            inferred: The population.
            drawn: (n, D) scenes drawn from it; NaN where images do not tell, here and in what was inferred.
            again: (n, S, D) draws of what was inferred of the render of each.
            weights: (n, S) their weights; rows sum to 1.
            periodic: (D,) which attributes wrap.
        """
        truth = Shape.of(drawn, periodic)
        drawn, again, weights = _without_mistakes(drawn, again, weights, FAR * truth.std, periodic)
        n, _, width = again.shape
        truth = Shape.of(drawn, periodic)
        seen = Shape.weighted(again.reshape(-1, width), weights.ravel() / n, periodic)
        fixed = periodic & (np.maximum(inferred.std, seen.std) > WIDEST)
        fixed = fixed | (np.isfinite(drawn).sum(0) < FEW)
        error = (weights[..., None] * offsets(again, drawn[:, None], periodic)).sum(1)
        shift = np.where(fixed, 0.0, -without_noise(error))
        matrix, free = np.eye(width), np.flatnonzero(~fixed)
        if len(free):
            block = np.ix_(free, free)
            seen_away = offsets(again, seen.mean, periodic)[..., free]
            true_away = offsets(drawn, truth.mean, periodic)[:, free]
            before = inferred.covariance[block]
            related = _related(before, true_away, seen_away, weights)
            surplus = without_noise((weights[..., None] * seen_away**2).sum(1) - true_away**2)
            stretch = (1 + surplus / np.diag(truth.covariance)[free]) ** -0.5
            stretch = np.clip(stretch, 1 / STRETCH, STRETCH)
            std = np.sqrt(np.diag(before))
            unit = before / std[:, None] / std
            move = _transport(unit, stretch[:, None] * related * stretch)
            matrix[block] = std[:, None] * move / std
        return cls(inferred.mean, matrix, shift, periodic)

    def apply(self, units: Array) -> Array:
        """(n, D) corrected values on [0, 1]."""
        moved = self.centre + self.shift + offsets(units, self.centre, self.periodic) @ self.matrix.T
        return np.where(self.periodic, np.mod(moved, 1.0), np.clip(moved, 0.0, 1.0))


def without_noise(values: Array) -> Array:
    """(K,) means of (n, K) values but NaN, shrunk by the share of their square that their noise explains."""
    known = np.ma.masked_invalid(values)
    mean = known.mean(0).filled(0.0)
    noise = (known.var(0) / np.maximum(known.count(0), 1)).filled(0.0)
    return mean * mean**2 / (mean**2 + noise + 1e-30)


def _without_mistakes(
    drawn: Array, again: Array, weights: Array, far: Array, periodic: npt.NDArray[np.bool_]
) -> tuple[Array, Array, Array]:
    """Leaves out draws farther than ``far`` (D,) from the truth.

    A digit that is read upside down says nothing about a spread, and would outweigh all that are read well.
    """
    near = ~(np.abs(offsets(again, drawn[:, None], periodic)) > far).any(-1)  # NaN is no mistake
    kept = weights * near
    rows = kept.sum(1) > 0.05  # scenes of which almost nothing is left have been mistaken as a whole
    if rows.mean() < 0.5:  # a network that has hardly learnt: what is the rule is no mistake
        return drawn, again, weights
    return drawn[rows], again[rows], kept[rows] / kept[rows].sum(1, keepdims=True)


def _related(before: Array, drawn: Array, again: Array, weights: Array) -> Array:
    """(D, D) corrected correlations: the population's, less what its inference has added to those drawn.

    Args:
        before: (D, D) covariance of the population.
        drawn: (n, D) offsets of the scenes drawn.
        again: (n, S, D) offsets of what was inferred of each.
        weights: (n, S).
    """
    std = np.sqrt(np.diag(before))
    theirs = drawn / np.sqrt(np.nanmean(drawn**2, axis=0))
    ours = again / np.sqrt(np.nanmean((weights[..., None] * again**2).sum(1), axis=0))
    products = np.einsum("ns,nsi,nsj->nij", weights, ours, ours) - np.einsum("ni,nj->nij", theirs, theirs)
    surplus = without_noise(products.reshape(len(drawn), -1)).reshape(before.shape)
    wanted = np.clip(before / std[:, None] / std - surplus, -CLOSEST, CLOSEST)
    np.fill_diagonal(wanted, 1.0)
    values, vectors = np.linalg.eigh(wanted)
    nearest = (vectors * np.maximum(values, (1 - CLOSEST) / 2)) @ vectors.T
    std = np.sqrt(np.diag(nearest))
    return nearest / std[:, None] / std


def _transport(before: Array, after: Array) -> Array:
    """The linear map of least motion from one (D, D) covariance to another (Olkin and Pukelsheim, 1982)."""
    root, inverse = _roots(before)
    return inverse @ _roots(root @ after @ root)[0] @ inverse


def _roots(covariance: Array) -> tuple[Array, Array]:
    """Symmetric square root of a (D, D) covariance, and its inverse."""
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, LEAST_VALUE * values[-1])
    return (vectors * values**0.5) @ vectors.T, (vectors * values**-0.5) @ vectors.T
