"""Random subsets: their sizes are kept, and each comes as often as its odds ask for."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.stats.subsets import sample_subsets


@given(st.integers(0, 10**6), st.integers(1, 6))
@settings(max_examples=30)
def test_every_subset_has_its_size(seed: int, members: int) -> None:
    rng = np.random.default_rng(seed)
    odds = np.exp(4 * rng.standard_normal((50, members)))
    sizes = rng.integers(0, members + 1, 50)
    np.testing.assert_array_equal(sample_subsets(odds, sizes, rng).sum(1), sizes)


def test_subsets_come_as_often_as_independent_coins_of_that_number_would_bring_them() -> None:
    count, odds = 20000, np.array([0.2, 1.0, 3.0, 0.7])
    drawn = sample_subsets(np.tile(odds, (count, 1)), np.full(count, 2), np.random.default_rng(0))
    products = {pair: odds[list(pair)].prod() for pair in combinations(range(4), 2)}
    for pair, product in products.items():
        expected = product / sum(products.values())
        found = (drawn[:, pair[0]] & drawn[:, pair[1]]).mean()
        assert abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / count)
