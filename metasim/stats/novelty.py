"""Novelty: which samples lie farther from a reference than its own members do from each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

Features = npt.NDArray[np.floating]


def novelty(x: Features, reference: Features, quantile: float = 0.99) -> float:
    """Share of x (n, d) whose nearest reference sample is farther than nearly all of its own neighbours.

    Each reference sample's distance to the nearest other one shows how far a newcomer of the same law
    may lie; ``1 - quantile`` of x is beyond the given quantile of these if both have one law, up to the one
    neighbour that a member of the reference has less.

    Args:
        x: Samples to judge.
        reference: Samples (m, d) that are known to be in place, m >= 2.
        quantile: Of the distances between neighbours, in (0, 1).
    """
    between = cdist(reference, reference)
    np.fill_diagonal(between, np.inf)
    limit = np.quantile(between.min(1), quantile)
    return float((cdist(x, reference).min(1) > limit).mean())
