"""Mutual information: none of independent variables, all of equal ones, in whatever order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metasim.stats.information import mutual_information

LAWS = arrays(np.float64, (4,), elements=st.floats(0.01, 1))


@given(LAWS, LAWS)
def test_independent_variables_tell_nothing_of_each_other(a: np.ndarray, b: np.ndarray) -> None:
    assert mutual_information(np.outer(a, b)) == pytest.approx(0, abs=1e-9)


@given(LAWS)
def test_a_variable_tells_its_entropy_of_itself(a: np.ndarray) -> None:
    p = a / a.sum()
    assert mutual_information(np.diag(a)) == pytest.approx(-(p * np.log(p)).sum())


@given(arrays(np.float64, (3, 5), elements=st.floats(0.01, 1)))
def test_it_is_symmetric_and_below_the_entropies(joint: np.ndarray) -> None:
    told = mutual_information(joint)
    assert told == pytest.approx(mutual_information(joint.T), abs=1e-12)
    assert 0 <= told <= np.log(3) + 1e-9
