"""Which renders of a bank its network is not trained on."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metasim.matching.inversion import held_out_by_round, held_out_rows


@given(st.lists(st.integers(0, 60), min_size=1, max_size=5))
def test_rounds_together_hold_out_what_the_bank_does(sizes: list[int]) -> None:
    starts = np.cumsum([0, *sizes])[:-1]
    rounds = held_out_by_round(sizes)
    assert all(((rows >= 0) & (rows < size)).all() for rows, size in zip(rounds, sizes, strict=True))
    pooled = np.concatenate([rows + start for rows, start in zip(rounds, starts, strict=True)])
    np.testing.assert_array_equal(pooled, held_out_rows(sum(sizes)))
