"""Systematic resampling draws every row as often as its share says, to within one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metasim.stats.resampling import systematic_rows


@given(
    st.lists(st.floats(0, 10), min_size=1, max_size=30).filter(lambda w: sum(w) > 1e-3),
    st.integers(1, 500),
    st.integers(0, 2**31),
)
def test_rows_come_as_often_as_they_weigh(weights: list[float], count: int, seed: int) -> None:
    shares = np.array(weights) / np.sum(weights)
    rows = systematic_rows(np.array(weights), count, np.random.default_rng(seed))
    assert len(rows) == count
    assert (np.abs(np.bincount(rows, minlength=len(weights)) - count * shares) <= 1 + 1e-6).all()
