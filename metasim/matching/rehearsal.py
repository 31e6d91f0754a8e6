"""Rehearsal: the inferred population, rendered and inferred again, shows what the inference does to it.

A parametric bootstrap (Efron and Tibshirani, 1993, chapter 6): the scenes drawn are known, so whatever
their second inference gets wrong, the first will have got wrong alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.scene.layout import Array

MOST_STRETCH = 1.5  # of a spread; beyond, the inference has failed and no factor mends it
WIDEST = 0.2  # of a turn: a periodic attribute wider than this has no mean to stretch around
CLOSEST = 0.999  # correlations nearer to one are as good as one


@dataclass(frozen=True)
class Shape:
    """Means, spreads and correlations of a sample on [0, 1], offsets of periodic columns unwrapped.

    Attributes:
        mean: (D,), circular where periodic.
        std: (D,).
        correlation: (D, D).
    """

    mean: Array
    std: Array
    correlation: Array

    @classmethod
    def of(cls, units: Array, periodic: npt.NDArray[np.bool_]) -> Shape:
        """The shape of (n, D) values."""
        turn = np.exp(2j * np.pi * units).mean(0)
        mean = np.where(periodic, np.mod(np.angle(turn) / (2 * np.pi), 1.0), units.mean(0))
        away = offsets(units, mean, periodic)
        away = away - away.mean(0)
        std = away.std(0)
        white = away / np.maximum(std, 1e-9)
        return cls(mean, std, white.T @ white / len(units))


def offsets(units: Array, mean: Array, periodic: npt.NDArray[np.bool_]) -> Array:
    """(n, D) signed distances from a mean, the short way round where periodic."""
    away = units - mean
    return np.where(periodic, away - np.round(away), away)


@dataclass(frozen=True)
class Correction:
    """A linear map of attributes that undoes what a rehearsal has shown the inference to do.

    Attributes:
        centre: (D,) the mean that it maps from.
        matrix: (D, D) the map of offsets.
        shift: (D,) what is added to the mean.
        periodic: (D,) which attributes wrap.
    """

    centre: Array
    matrix: Array
    shift: Array
    periodic: npt.NDArray[np.bool_]

    @classmethod
    def between(
        cls, inferred: Shape, drawn: Shape, again: Shape, periodic: npt.NDArray[np.bool_]
    ) -> Correction:
        """The correction of a population.

        Means are corrected by the difference, spreads by the ratio and correlations by the difference
        of Fisher's z, each between what was drawn and what was inferred of it.

        Args:
            inferred: The population.
            drawn: The scenes drawn from it.
            again: The population inferred of their renders.
            periodic: (D,) which attributes wrap.
        """
        narrow = ~periodic | (np.maximum(inferred.std, again.std) < WIDEST)
        stretch = np.clip(drawn.std / np.maximum(again.std, 1e-9), 1 / MOST_STRETCH, MOST_STRETCH)
        stretch = np.where(narrow, stretch, 1.0)
        shift = offsets(drawn.mean, again.mean, periodic) * narrow
        z = [np.arctanh(np.clip(s.correlation, -CLOSEST, CLOSEST)) for s in (inferred, drawn, again)]
        target = np.tanh(np.where(np.outer(narrow, narrow), z[0] + z[1] - z[2], z[0]))
        relate = _root(target) @ np.linalg.inv(_root(inferred.correlation))
        matrix = (stretch * inferred.std)[:, None] * relate / np.maximum(inferred.std, 1e-9)
        return cls(inferred.mean, matrix, shift, periodic)

    def apply(self, units: Array) -> Array:
        """(n, D) corrected values on [0, 1]."""
        moved = self.centre + self.shift + offsets(units, self.centre, self.periodic) @ self.matrix.T
        return np.where(self.periodic, np.mod(moved, 1.0), np.clip(moved, 0.0, 1.0))


def _root(correlation: Array) -> Array:
    """Symmetric square root of the nearest (D, D) correlation matrix that has one."""
    filled = correlation.copy()
    np.fill_diagonal(filled, 1.0)
    values, vectors = np.linalg.eigh(filled)
    values = np.maximum(values, 1e-4)
    root = (vectors * values**0.5) @ vectors.T
    return root / np.linalg.norm(root, axis=1, keepdims=True)
