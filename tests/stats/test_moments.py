from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.streams import stream
from metasim.stats.histograms import total_variation
from metasim.stats.moments import correlation, mean_std

PERIOD = 360.0


def turned(a: float, b: float) -> float:
    """Distance of two angles, degrees."""
    return abs((a - b + 180.0) % 360.0 - 180.0)


@given(st.floats(-720.0, 720.0), st.floats(0.01, 5.0), st.integers(0, 2**31))
def test_small_circular_spread_is_the_linear_one(centre: float, spread: float, seed: int) -> None:
    values = centre + spread * stream(seed, "spread").standard_normal(50)
    linear, circular = mean_std(values), mean_std(values, PERIOD)
    widest = np.abs(np.radians(values - linear.mean)).max()
    assert turned(circular.mean, linear.mean) <= np.degrees(widest**3) + 1e-9
    assert circular.std == pytest.approx(linear.std, rel=widest**2 + 1e-4)
    assert 0.0 <= circular.mean < PERIOD


@given(st.floats(-360.0, 360.0), st.integers(0, 2**31))
def test_mean_turns_with_the_values_and_the_spread_does_not(turn: float, seed: int) -> None:
    values = stream(seed, "turn").normal(10.0, 40.0, 30)
    before, after = mean_std(values, PERIOD), mean_std(values + turn, PERIOD)
    assert turned(after.mean, before.mean + turn) < 1e-6
    assert after.std == pytest.approx(before.std, rel=1e-9)


def test_deviation_of_a_wrapped_normal() -> None:
    n, sigma = 20_000, 60.0
    found = mean_std(stream(0, "wrapped").normal(0.0, sigma, n) % PERIOD, PERIOD)
    # Delta method: var(ln R) = (1 - R^2)^2 / (2 n R^2), and d std / d ln R = -1 / std (radians).
    s = math.radians(sigma)
    length = math.exp(-(s**2) / 2.0)
    error = (1.0 - length**2) / (length * math.sqrt(2.0 * n)) / s
    assert math.radians(found.std) == pytest.approx(s, abs=4.0 * error)


def test_degenerate_samples_stay_finite() -> None:
    assert mean_std([359.9999999999] * 3, PERIOD).std == pytest.approx(0.0, abs=1e-5)
    assert math.isfinite(mean_std([0.0, 180.0], PERIOD).std)
    assert mean_std([-1e-15], PERIOD).mean == pytest.approx(0.0, abs=1e-12)


@given(st.floats(-0.99, 0.99), st.floats(0.0, 360.0), st.integers(0, 2**31))
def test_correlation_does_not_see_the_wrap(rho: float, turn: float, seed: int) -> None:
    rng = stream(seed, "correlation")
    a = rng.standard_normal(40)
    b = rho * a + math.sqrt(1 - rho**2) * rng.standard_normal(40)
    expected = np.corrcoef(a, b)[0, 1]
    assert correlation(a, b) == pytest.approx(expected, abs=1e-9)
    angle, other = 20.0 * a + turn, 15.0 * b - turn  # within half a period of their means
    wrapped = np.mod(angle, PERIOD)
    assert correlation(wrapped, b, PERIOD) == pytest.approx(expected, abs=1e-6)
    assert correlation(b, wrapped, None, PERIOD) == pytest.approx(expected, abs=1e-6)
    assert correlation(wrapped, np.mod(other, PERIOD), PERIOD, PERIOD) == pytest.approx(expected, abs=1e-6)


def test_correlation_with_a_constant_is_undefined() -> None:
    assert math.isnan(correlation([0.1, 0.1, 0.1], [1.0, 2.0, 3.0]))


histograms = st.lists(st.floats(0.0, 10.0), min_size=4, max_size=4).filter(lambda h: sum(h) > 1e-3)


@given(histograms, histograms)
def test_total_variation_is_the_largest_difference_of_an_event(a: list[float], b: list[float]) -> None:
    p, q = np.array(a) / sum(a), np.array(b) / sum(b)
    events = (np.arange(16)[:, None] >> np.arange(4)) & 1
    assert total_variation(a, b) == pytest.approx(np.abs(events @ (p - q)).max(), abs=1e-12)
