"""The verdict's tests: their level when nothing differs, their power when something does."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.spatial
import scipy.stats

from metasim.base.streams import stream
from metasim.verdict import evidence
from metasim.verdict.evidence import WIDEST, compare, standardised

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
    return compare(target, [d * scale + shift for d in draws], rng, 39).p_value


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
    found = [compare(target, [d + s for d in draws], stream(0, "test"), 39) for s in (0.0, 0.5, 1.5)]
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
        near.append(compare(target, draws, stream(index, "test"), 20).mmd2_floor)
        far.append(compare(target, [draws[0] + 2], stream(index, "test"), 20).mmd2_floor)
    for floors in (near, far):
        assert abs(np.mean(floors)) < 4 * np.std(floors) / np.sqrt(len(floors))


def test_sizes_are_those_of_the_sets() -> None:
    target, draws = sets(0, 40, 3)
    verdict = compare(target, [draws[0], draws[1][:30], draws[2]], stream(0, "test"), 20)
    assert (verdict.n_target, verdict.n_generated) == (40, 110)


def test_units_of_the_features_do_not_matter() -> None:
    target, draws = sets(0, 40, 2)
    scale, shift = np.array([100.0, 0.01, 1.0, 7.0]), np.array([5.0, 0.0, -1e2, 1.0])
    one, other = (
        compare(target * s + t, [d * s + t for d in draws], stream(0, "test"), 39)
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


def test_wide_features_keep_the_axes_along_which_they_vary() -> None:
    """A few axes spread over many columns: all distances are kept."""
    turned = features(0, 60, 5) @ stream(1, "test/turn").standard_normal((5, 3 * WIDEST))
    a, b = standardised([turned[:20], turned[20:]])
    assert a.shape == (20, WIDEST)
    whole = (turned - turned.mean(0)) / turned.std(0)
    kept = np.concatenate([a, b])
    np.testing.assert_allclose(
        scipy.spatial.distance.pdist(kept), scipy.spatial.distance.pdist(whole), rtol=1e-3
    )


def test_draws_are_tested_by_themselves_and_against_each_other() -> None:
    target, draws = sets(0, 60, 3)
    draws[1] = draws[1] + 2
    found = compare(target, draws, stream(0, "test"), 99)
    assert [p <= 0.05 for p in found.p_values] == [False, True, False]
    assert [p <= 0.05 for p in found.null_p_values] == [True, True, False]  # 0-1, 1-2, 2-0
    assert found.null_c2st is not None
    assert found.null_c2st > 0.8
    assert compare(target, draws[:1], stream(0, "test"), 99).null_p_values == []


def test_of_many_images_random_features_give_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """The p value of the linear form is near that of the kernel matrix, and its level is the same."""
    target, draws = sets(3, 200, 2)
    for shift in (0.0, 0.15, 1.0):
        moved = [d + shift for d in draws]
        exact = compare(target, moved, stream(0, "test"), 199)
        monkeypatch.setattr(evidence, "LARGEST", 10)
        linear = compare(target, moved, stream(0, "test"), 199)
        monkeypatch.undo()
        assert linear.p_value == pytest.approx(exact.p_value, abs=0.15)
        assert linear.mmd2 == pytest.approx(exact.mmd2, abs=0.3 * abs(exact.mmd2) + 1e-3)
