"""Unfolding and tilting: what is observed of a known law leads back to it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.stats.unfolding import tilt, unfold


@given(st.integers(0, 10**6), st.integers(2, 8))
@settings(max_examples=30)
def test_a_confused_law_is_found_again(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    law = rng.dirichlet(np.full(size, 5.0))
    taken_for = 0.8 * np.eye(size) + 0.2 * rng.dirichlet(np.ones(size), size)
    found = unfold(taken_for, law @ taken_for, np.full(size, 1 / size))
    np.testing.assert_allclose(found, law, atol=1e-3)


def test_what_is_ruled_out_stays_out() -> None:
    found = unfold(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    np.testing.assert_array_equal(found, [1.0, 0.0])


def test_tilted_weights_have_the_means_and_keep_what_the_features_do_not_tell() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2, 4000), rng.integers(0, 2, 4000)
    b = np.where(rng.random(4000) < 0.6, a, b)  # the two depend on each other
    weights = tilt(np.full(4000, 1 / 4000), np.stack([a, b], 1).astype(float), np.array([0.8, 0.3]))
    np.testing.assert_allclose([weights @ a, weights @ b], [0.8, 0.3], atol=1e-3)

    def odds_ratio(w: np.ndarray) -> float:
        t = [[(w * ((a == i) & (b == j))).sum() for j in (0, 1)] for i in (0, 1)]
        return t[0][0] * t[1][1] / (t[0][1] * t[1][0])

    np.testing.assert_allclose(odds_ratio(weights), odds_ratio(np.ones(4000)), rtol=1e-6)
