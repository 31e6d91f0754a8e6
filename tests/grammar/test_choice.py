"""Choices by weight are those of numpy's own, which takes longer."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metasim.grammar.choice import Choice, pick

WEIGHTS = st.lists(st.just(0.0) | st.floats(1e-6, 1e6), min_size=1, max_size=25).filter(any)


@given(WEIGHTS, st.integers(0, 2**32))
def test_the_index_is_that_of_numpy(weights: list[float], seed: int) -> None:
    shares = np.asarray(weights) / sum(weights)
    ours, theirs = (np.random.default_rng(seed) for _ in range(2))
    for _ in range(20):
        assert Choice(shares).draw(ours) == theirs.choice(len(weights), p=shares)
    assert ours.bit_generator.state == theirs.bit_generator.state


@given(WEIGHTS, st.integers(0, 2**32))
def test_a_choice_of_one_draws_nothing(weights: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = rng.bit_generator.state
    index = pick(weights, rng)
    assert weights[index] > 0.0
    assert (rng.bit_generator.state == before) == (len(weights) == 1)
