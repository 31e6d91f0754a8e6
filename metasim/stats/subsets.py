"""Random subsets of a given size, each member with odds of its own: conditional Bernoulli sampling."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def sample_subsets(
    odds: Array, sizes: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Draws subsets as independent coins would give them, had they come out at these sizes.

    Args:
        odds: (n, Q) odds of each member, above 0.
        sizes: (n,) size of each subset, at most Q.
        rng: Draws them.

    Returns:
        (n, Q) membership.

    References:
        Chen, Dempster and Liu, "Weighted finite population sampling to maximize entropy", Biometrika 81,
        1994, procedure 2.
    """
    scaled = odds / odds.max(1, keepdims=True)  # a common factor changes nothing
    ways = _ways(scaled, int(sizes.max(initial=0)))
    rows, left = np.arange(len(odds)), sizes.copy()
    chosen = np.zeros(odds.shape, dtype=bool)
    for q in range(odds.shape[1]):
        with_it = scaled[:, q] * ways[q + 1][rows, np.maximum(left - 1, 0)]
        share = np.where(left > 0, with_it / ways[q][rows, left], 0.0)
        chosen[:, q] = rng.random(len(odds)) < share
        left = left - chosen[:, q]
    return chosen


def _ways(odds: Array, most: int) -> list[Array]:
    """For each q, (n, most + 1) summed products of odds over the subsets of members q, q + 1, ... by size."""
    last = np.zeros((len(odds), most + 1))
    last[:, 0] = 1.0
    ways = [last]
    for q in range(odds.shape[1] - 1, -1, -1):
        following = ways[-1].copy()
        following[:, 1:] += odds[:, q, None] * ways[-1][:, :-1]
        ways.append(following)
    return ways[::-1]
