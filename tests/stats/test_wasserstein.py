from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.streams import stream
from metasim.stats.wasserstein import Weights, circular_wasserstein, wasserstein

angles = st.lists(st.floats(-720.0, 720.0), min_size=1, max_size=8)
PERIOD = 360.0


def over_every_cut(
    a: npt.ArrayLike, b: npt.ArrayLike, a_weights: Weights = None, b_weights: Weights = None
) -> float:
    """Some stretch of the circle carries no flow: cut there, the problem is linear."""
    a, b = np.mod(a, PERIOD), np.mod(b, PERIOD)
    cuts = np.concatenate([a, b])
    linear = [
        scipy.stats.wasserstein_distance(
            np.mod(a - cut, PERIOD), np.mod(b - cut, PERIOD), a_weights, b_weights
        )
        for cut in cuts
    ]
    return min(linear) / (PERIOD / 2.0)


@given(angles, angles)
def test_circular_distance_is_the_best_cut(a: list[float], b: list[float]) -> None:
    assert circular_wasserstein(a, b, PERIOD) == pytest.approx(over_every_cut(a, b), abs=1e-9)


@given(angles, angles, st.integers(0, 2**31))
def test_weights_are_masses(a: list[float], b: list[float], seed: int) -> None:
    rng = stream(seed, "weights")
    a_weights, b_weights = rng.uniform(0.1, 1.0, len(a)), rng.uniform(0.1, 1.0, len(b))
    found = circular_wasserstein(a, b, PERIOD, a_weights, b_weights)
    assert found == pytest.approx(over_every_cut(a, b, a_weights, b_weights), abs=1e-9)
    counts = rng.integers(1, 4, len(a))
    repeated = circular_wasserstein(np.repeat(a, counts), b, PERIOD)
    assert circular_wasserstein(a, b, PERIOD, counts) == pytest.approx(repeated, abs=1e-9)


@given(angles, angles, angles, st.floats(-360.0, 360.0))
def test_it_is_a_metric_on_the_circle(a: list[float], b: list[float], c: list[float], turn: float) -> None:
    ab = circular_wasserstein(a, b, PERIOD)
    assert 0.0 <= ab <= 1.0 + 1e-9
    assert circular_wasserstein(b, a, PERIOD) == pytest.approx(ab, abs=1e-9)
    rotated = circular_wasserstein(np.add(a, turn), np.add(b, turn), PERIOD)
    assert rotated == pytest.approx(ab, abs=1e-9)
    mirrored = circular_wasserstein(np.negative(a), np.negative(b), PERIOD)
    assert mirrored == pytest.approx(ab, abs=1e-9)
    via = circular_wasserstein(a, c, PERIOD) + circular_wasserstein(c, b, PERIOD)
    assert ab <= via + 1e-9


@given(
    st.lists(st.floats(0.0, 89.0), min_size=1, max_size=8),
    st.lists(st.floats(0.0, 89.0), min_size=1, max_size=8),
    st.floats(0.0, 360.0),
)
def test_concentrated_samples_have_the_linear_distance(a: list[float], b: list[float], turn: float) -> None:
    circular = circular_wasserstein(np.add(a, turn), np.add(b, turn), PERIOD)
    assert circular == pytest.approx(wasserstein(a, b, PERIOD / 2.0), abs=1e-9)


def test_ends_of_the_scale() -> None:
    assert circular_wasserstein([10.0], [190.0], PERIOD) == pytest.approx(1.0)
    assert circular_wasserstein([359.0], [1.0], PERIOD) == pytest.approx(2.0 / 180.0)
    even = np.arange(0.0, 360.0, 0.5)
    assert circular_wasserstein(even, [90.0], PERIOD) == pytest.approx(0.5)
    assert wasserstein([0.0, 1.0], [2.0, 3.0], 4.0, [1.0, 0.0], [0.0, 1.0]) == pytest.approx(0.75)
