"""Gains: chance is seldom taken for one, a single case never, and a real one is seen."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom, norm

from metasim.base.streams import stream
from metasim.stats.gains import CLEAR, clearly_better

CASES, TRIALS = 100, 2000


def taken(shift: float) -> int:
    """How many trials, of normal gains with a mean of ``shift`` standard errors, are taken for a gain."""
    gains = stream(0, "gains").normal(shift / np.sqrt(CASES), 1, (TRIALS, CASES))
    return sum(clearly_better(each) for each in gains)


def test_chance_is_taken_for_a_gain_as_seldom_as_two_standard_errors_say() -> None:
    # Student's law with 99 degrees of freedom has 2.4 % beyond two; bounds that one run in 10,000 misses.
    assert binom.ppf(1e-4, TRIALS, 0.024) <= taken(0.0) <= binom.ppf(1 - 1e-4, TRIALS, 0.024)


def test_a_gain_of_five_standard_errors_is_seen() -> None:
    assert taken(5.0) >= binom.ppf(1e-4, TRIALS, norm.cdf(5.0 - CLEAR) - 0.001)


def test_a_single_case_decides_nothing_however_much_it_gains() -> None:
    for alike in (1, 2, 50):
        gains = np.zeros(alike + 1)
        gains[0] = 1e6
        assert not clearly_better(gains)
    assert not clearly_better(np.ones(1))
