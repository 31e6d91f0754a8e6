"""Wasserstein-1 distance of one attribute, on a line or on a circle, as a share of what is possible."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.stats

Weights = npt.ArrayLike | None


def wasserstein(
    a: npt.ArrayLike, b: npt.ArrayLike, span: float, a_weights: Weights = None, b_weights: Weights = None
) -> float:
    """Wasserstein-1 between samples (n,) and (m,) on a line, over the length of the range."""
    return float(scipy.stats.wasserstein_distance(a, b, a_weights, b_weights)) / span


def circular_wasserstein(
    a: npt.ArrayLike, b: npt.ArrayLike, period: float, a_weights: Weights = None, b_weights: Weights = None
) -> float:
    """Wasserstein-1 between samples (n,) and (m,) on a circle, over half the period: from 0 to 1.

    Exact: a circular plan is a linear one with some constant flow t all the way round, so the distance is
    the least integral of ``|F - G - t|`` over t, reached where t is the median of ``F - G`` along the circle
    (Rabin, Delon and Gousseau, "Transportation distances on the circle", Journal of Mathematical Imaging
    and Vision 41, 2011).

    Args:
        a: Values in any turn.
        b: Values in any turn.
        period: Length of the circle.
        a_weights: Mass of each value of a, of any positive sum; equal if None.
        b_weights: Mass of each value of b.
    """
    points_a, mass_a = _on_circle(a, period, a_weights)
    points_b, mass_b = _on_circle(b, period, b_weights)
    points, mass = np.concatenate([points_a, points_b]), np.concatenate([mass_a, -mass_b])
    order = np.argsort(points)
    gaps = np.diff(points[order], append=points[order[0]] + period)
    excess = np.cumsum(mass[order])
    return float(gaps @ np.abs(excess - _weighted_median(excess, gaps))) / (period / 2.0)


def _on_circle(
    values: npt.ArrayLike, period: float, weights: Weights
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    points = np.mod(np.asarray(values, dtype=np.float64), period)
    mass = np.ones_like(points) if weights is None else np.asarray(weights, dtype=np.float64)
    return points, mass / mass.sum()


def _weighted_median(values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float:
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(cumulative, cumulative[-1] / 2.0)]])
