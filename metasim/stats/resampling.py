"""Resampling: rows drawn by weight."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def systematic_rows(
    weights: npt.NDArray[np.floating], count: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """(count,) rows in order, each as often as its share of (n,) weights says, or one more or less.

    Kitagawa, "Monte Carlo filter and smoother for non-Gaussian nonlinear state space models", Journal of
    Computational and Graphical Statistics 5, 1996.
    """
    edges = np.cumsum(weights / weights.sum())
    return np.searchsorted(edges, (np.arange(count) + rng.random()) / count).clip(max=len(weights) - 1)
