"""Novelty: its share is that of the quantile where nothing is new, and all where everything is."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from metasim.base.streams import stream
from metasim.stats.novelty import novelty


def draws(index: int, count: int, width: int = 5) -> np.ndarray:
    return stream(index, "test/novelty").standard_normal((count, width))


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
def test_one_law_is_as_new_as_the_quantile_says(quantile: float) -> None:
    """Newcomers and members are exchangeable but for one neighbour in 400."""
    shares = [novelty(draws(2 * i, 400), draws(2 * i + 1, 400), quantile) for i in range(20)]
    counts = round(400 * float(np.sum(shares)))
    low, high = scipy.stats.binom.ppf([1e-6, 1 - 1e-6], 400 * 20 // 2, 1 - quantile)  # half: shared limits
    assert 2 * low <= counts <= 2 * high


def test_far_samples_are_all_new_and_members_never() -> None:
    x = draws(0, 200)
    assert novelty(x + 20, x) == 1.0
    assert novelty(x[:50], x) == 0.0


def test_a_share_of_strangers_is_found() -> None:
    x, y = draws(0, 300), draws(1, 300)
    x[:90] += 30
    assert novelty(x, y) == pytest.approx(0.3, abs=0.05)


def test_the_unit_of_distance_does_not_matter() -> None:
    x, y = draws(0, 100), draws(1, 100)
    assert novelty(100 * x + 7, 100 * y + 7) == novelty(x, y)
