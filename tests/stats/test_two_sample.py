from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
import torch

from metasim.base.streams import stream
from metasim.stats.c2st import c2st
from metasim.stats.kernels import Energy, GaussianMixture
from metasim.stats.mmd import mmd2
from metasim.stats.permutation import linear_permutation_test, permutation_test, pooled_gram
from metasim.stats.spread import spread_test


def pair(index: int, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    rng = stream(0, "two-sample", index)
    return rng.standard_normal((n, d)), rng.standard_normal((n, d))


def mmd_p_value(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, permutations: int) -> float:
    a, b = torch.from_numpy(x), torch.from_numpy(y)
    gram = pooled_gram(a, b, GaussianMixture.around_median(torch.cat([a, b])))
    return permutation_test(gram, len(x), rng, permutations).p_value


def spread_p_value(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, permutations: int) -> float:
    return spread_test(x, y, rng, permutations).p_value


def rejections(
    test: Callable[..., float], change: Callable[[np.ndarray], np.ndarray], n: int, runs: int
) -> int:
    """How many of the runs reject at 0.05 when the second sample is changed."""
    count = 0
    for index in range(runs):
        x, y = pair(index, n, 4)
        count += test(x, change(y), stream(1, "shuffles", index), 99) <= 0.05
    return count


def within_binomial(count: int, runs: int, level: float) -> bool:
    """A chance of one in a thousand on either side."""
    low, high = scipy.stats.binom.ppf([0.001, 0.999], runs, level)
    return bool(low <= count <= high)


def test_false_alarms_of_the_mmd_test_have_the_level() -> None:
    assert within_binomial(rejections(mmd_p_value, lambda y: y, n=20, runs=300), 300, 0.05)


def test_false_alarms_of_the_spread_test_have_the_level_whatever_the_means() -> None:
    assert within_binomial(rejections(spread_p_value, lambda y: y + 3.0, n=100, runs=300), 300, 0.05)


def test_mmd_test_sees_a_shift() -> None:
    assert rejections(mmd_p_value, lambda y: y + 0.6, n=60, runs=40) >= 38


def test_spread_test_sees_a_wrong_variance() -> None:
    assert rejections(spread_p_value, lambda y: y * [2 / 3, 1.0, 1.0, 1.0], n=250, runs=40) >= 38


def correlated(x: np.ndarray, rho: float) -> np.ndarray:
    return np.column_stack([x[:, 0], rho * x[:, 0] + np.sqrt(1 - rho**2) * x[:, 1], x[:, 2:]])


def test_spread_test_sees_a_destroyed_correlation() -> None:
    for index in range(20):
        x, y = pair(index, 60, 4)
        assert spread_p_value(correlated(x, 0.95), y, stream(1, "shuffles", index), 99) <= 0.05


def test_spread_test_sees_a_loosened_correlation() -> None:
    seen = 0
    for index in range(20):
        x, y = (correlated(z, rho) for z, rho in zip(pair(index, 250, 4), (0.99, 0.92), strict=True))
        seen += spread_p_value(x, y, stream(1, "shuffles", index), 99) <= 0.05
    assert seen == 20


def test_spread_test_is_blind_to_means_and_units() -> None:
    x, y = pair(0, 80, 5)
    base = spread_test(x, y, stream(0, "blind"))
    moved = spread_test(x * 7.0 + 5.0, y * 7.0 - 40.0, stream(0, "blind"))
    assert moved.p_value == base.p_value
    assert moved.statistic == pytest.approx(base.statistic, rel=1e-9)


def test_spread_test_of_features_that_say_nothing() -> None:
    assert spread_test(np.zeros((20, 3)), np.ones((20, 3)), stream(0, "constant")).p_value == 1.0


def test_permutation_statistic_is_the_unbiased_mmd() -> None:
    x, y = (torch.from_numpy(z) for z in pair(0, 12, 3))
    found = permutation_test(pooled_gram(x, y[:9], Energy()), 12, stream(0, "statistic"), 10)
    assert found.statistic == pytest.approx(float(mmd2(x, y[:9], Energy())), abs=1e-12)


def test_the_linear_form_is_the_same_test_of_an_inner_product() -> None:
    for index, shift in enumerate((0.0, 0.3, 3.0)):
        x, y = pair(index, 25, 4)
        pooled = np.concatenate([x, y[:17] + shift])
        full = permutation_test(np.asarray(pooled @ pooled.T, dtype=np.float64), 25, stream(0, "same"), 99)
        linear = linear_permutation_test(pooled, 25, stream(0, "same"), 99)
        assert linear.p_value == full.p_value
        assert linear.statistic == pytest.approx(full.statistic, rel=1e-9)


def test_shuffles_that_tie_with_the_samples_count() -> None:
    assert permutation_test(np.ones((10, 10)), 5, stream(0, "ties"), 50).p_value == 1.0


def test_least_p_value() -> None:
    x, y = pair(0, 30, 2)
    assert mmd_p_value(x, y + 50.0, stream(0, "least"), 199) == 1 / 200


def test_c2st_of_equal_and_of_far_laws() -> None:
    x, y = pair(0, 1000, 6)
    equal, far = c2st(x, y, stream(0, "folds")), c2st(x, y + 3.0, stream(0, "folds"))
    assert 0.45 <= equal.accuracy <= 0.55
    assert equal.low < equal.accuracy < equal.high
    assert equal.p_value > 0.001
    assert far.accuracy > 0.95
    assert far.p_value < 1e-6
    assert far.low > 0.95


def test_c2st_accuracy_tends_to_that_of_the_best_rule() -> None:
    x, y = pair(1, 1500, 1)
    best = scipy.stats.norm.cdf(0.5)  # two unit normals one apart, cut half way
    found = c2st(x, y[:500] + 1.0, stream(0, "folds"))
    assert found.low < best < found.high


def test_c2st_interval_and_p_value_hold_under_the_null() -> None:
    runs = [c2st(*pair(index, 60, 5), stream(0, "folds", index)) for index in range(100)]
    missed = sum(not run.low <= 0.5 <= run.high for run in runs)
    false_alarms = sum(run.p_value <= 0.05 for run in runs)
    most = scipy.stats.binom.ppf(0.999, 100, 0.05)
    assert missed <= most
    assert false_alarms <= most
