"""The verdict's tests: their level when nothing differs, their power when something does."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from metasim.base.streams import stream
from metasim.verdict.evidence import standardised, weigh

Features = np.ndarray


def features(index: int, count: int, width: int = 4) -> Features:
    return stream(index, "test/features").standard_normal((count, width))


def sets(index: int, count: int, draws: int) -> tuple[Features, list[Features]]:
    """A target and independent sets of one law."""
    together = features(index, count * (draws + 1))
    target, *others = np.split(together, draws + 1)
    return target, list(others)


def p_value(index: int, shift: float = 0.0, scale: float = 1.0) -> float:
    target, draws = sets(index, 24, 2)
    rng = stream(index, "test/permutations")
    return weigh(target, [d * scale + shift for d in draws], rng, 39).p_value


def test_p_values_are_even_when_nothing_differs() -> None:
    """Each of the 40 possible values is as likely; Kolmogorov's test of 100 runs."""
    values = np.array([p_value(i) for i in range(100)])
    rng = stream(0, "test/ties")
    assert scipy.stats.kstest(values - rng.random(100) / 40, "uniform").pvalue > 1e-3
    assert (values <= 0.05).sum() <= scipy.stats.binom.ppf(0.999, 100, 0.05)


@pytest.mark.parametrize("change", [{"shift": 1.0}, {"scale": 0.3}])
def test_p_values_are_small_when_something_differs(change: dict[str, float]) -> None:
    assert sum(p_value(i, **change) <= 0.05 for i in range(10)) >= 9


def test_distance_and_accuracy_grow_with_the_shift() -> None:
    target, draws = sets(0, 150, 2)
    found = [weigh(target, [d + s for d in draws], stream(0, "test"), 39) for s in (0.0, 0.5, 1.5)]
    assert [v.mmd2 for v in found] == sorted(v.mmd2 for v in found)
    assert [v.c2st for v in found] == sorted(v.c2st for v in found)
    assert found[2].mmd2 > 10 * abs(found[2].mmd2_floor)
    for verdict in found:
        assert verdict.c2st_ci[0] <= verdict.c2st <= verdict.c2st_ci[1]
    assert found[0].c2st_ci[0] < 0.5 < found[0].c2st_ci[1]
    assert found[2].c2st_ci[0] > 0.8


def test_the_floor_is_that_of_the_target_alone() -> None:
    """Half against half: about nothing, on average, whatever is generated."""
    near, far = [], []
    for index in range(20):
        target, draws = sets(index, 60, 1)
        near.append(weigh(target, draws, stream(index, "test"), 20).mmd2_floor)
        far.append(weigh(target, [draws[0] + 2], stream(index, "test"), 20).mmd2_floor)
    for floors in (near, far):
        assert abs(np.mean(floors)) < 4 * np.std(floors) / np.sqrt(len(floors))


def test_sizes_are_those_of_the_sets() -> None:
    target, draws = sets(0, 40, 3)
    verdict = weigh(target, [draws[0], draws[1][:30], draws[2]], stream(0, "test"), 20)
    assert (verdict.n_target, verdict.n_generated) == (40, 110)


def test_units_of_the_features_do_not_matter() -> None:
    target, draws = sets(0, 40, 2)
    scale, shift = np.array([100.0, 0.01, 1.0, 7.0]), np.array([5.0, 0.0, -1e2, 1.0])
    one, other = (
        weigh(target * s + t, [d * s + t for d in draws], stream(0, "test"), 39)
        for s, t in ((1, 0), (scale, shift))
    )
    assert one.p_value == other.p_value
    assert one.mmd2 == pytest.approx(other.mmd2, rel=1e-3)


def test_constant_features_are_left_out() -> None:
    x = features(0, 50)
    x[:, 2] = 3.0
    a, b = standardised([x[:20], x[20:]])
    assert a.shape == (20, 3)
    together = np.concatenate([a, b])
    np.testing.assert_allclose(together.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(together.std(0), 1, rtol=1e-5)
