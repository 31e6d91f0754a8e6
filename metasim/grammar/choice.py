"""Choice: one of several by weight, reckoned once and drawn often."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt


class Choice:
    """Draws the index that ``Generator.choice`` would, from as many random numbers, many times faster.

    Args:
        weights: (K,) probabilities, which sum to 1.
    """

    def __init__(self, weights: npt.ArrayLike) -> None:
        cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
        self._ends: list[float] = (cumulative / cumulative[-1]).tolist()

    def draw(self, rng: np.random.Generator) -> int:
        """An index."""
        return bisect_right(self._ends, rng.random())


def pick(weights: Sequence[float], rng: np.random.Generator) -> int:
    """Index drawn by weight; a choice of one draws nothing."""
    return 0 if len(weights) == 1 else _of(tuple(weights)).draw(rng)


@lru_cache(maxsize=1024)
def _of(weights: tuple[float, ...]) -> Choice:
    return Choice(np.asarray(weights) / sum(weights))
