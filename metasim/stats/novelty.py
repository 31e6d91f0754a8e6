"""Novelty: which samples lie farther from a reference than its own members do from each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import NearestNeighbors

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
    neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(reference)
    own, _ = neighbours.kneighbors()  # of each member among the others
    found, _ = neighbours.kneighbors(x)
    return float((found > np.quantile(own, quantile)).mean())
