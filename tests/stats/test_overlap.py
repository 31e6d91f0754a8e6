"""Intersection over union: what sets say, and a closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metasim.stats.overlap import intersection_over_union

labels = arrays(np.int64, (3, 4, 5), elements=st.integers(0, 3))


@settings(max_examples=30)
@given(labels, labels)
def test_it_is_that_of_the_sets_of_pixels_of_all_images(truth: np.ndarray, found: np.ndarray) -> None:
    overlap = intersection_over_union(truth, found, 5)
    for c in range(5):
        true, said = (set(zip(*np.nonzero(part == c), strict=True)) for part in (truth, found))
        if true | said:
            assert overlap[c] == pytest.approx(len(true & said) / len(true | said))
        else:
            assert np.isnan(overlap[c])


@given(st.integers(1, 39), st.integers(0, 20))
def test_a_strip_that_is_moved_overlaps_by_what_is_left_of_it(width: int, shift: int) -> None:
    columns = np.arange(80)[None]
    truth, found = ((columns >= 10 + s) & (columns < 10 + s + width) for s in (0, shift))
    left = max(width - shift, 0)
    overlap = intersection_over_union(truth.astype(int), found.astype(int), 2)
    assert overlap[1] == pytest.approx(left / (2 * width - left))
    assert overlap[0] == pytest.approx((80 - 2 * width + left) / (80 - left))


@settings(max_examples=30)
@given(labels)
def test_what_is_right_overlaps_wholly(truth: np.ndarray) -> None:
    assert np.nanmin(intersection_over_union(truth, truth, 4)) == 1
