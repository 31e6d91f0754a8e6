"""Shifts of attributes: their size in the attribute's unit, their level, and the power that is promised."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from metasim.base.streams import stream
from metasim.runs.summary import Shift
from metasim.scene.attribute import AttributeSpec
from metasim.scene.layout import Column, SceneLayout
from metasim.verdict.shifts import (
    DEGREES,
    LEVEL,
    POWER,
    Readings,
    attribute_shift,
    deviations,
    holm,
    shifts,
    spread_p_value,
)

X = AttributeSpec("x", "m", -2, 2, mutable=True)
YAW = AttributeSpec("yaw", "deg", 0, 360, periodic=True, mutable=True)
SPREAD, NOISE = 0.05, 0.03
SLOPE = 0.7


def readings(index: int, shift: float, spec: AttributeSpec, count: int = 200) -> tuple[np.ndarray, ...]:
    """Target, fresh and truth: readings are drawn in by the slope, and noisy; yaw lies across the cut."""
    rng = stream(index, "test/shifts")
    truth = SPREAD * rng.standard_normal(2 * count)
    truth[count:] += shift
    read = SLOPE * truth + NOISE * rng.standard_normal(2 * count)
    if spec.periodic:
        truth, read = truth % 1, read % 1
    return read[:count], read[count:], truth[count:]


def found(index: int, shift: float, spec: AttributeSpec = X) -> Shift:
    return attribute_shift(spec, *readings(index, shift, spec))


@pytest.mark.parametrize("spec", [X, YAW], ids=["x", "yaw"])
def test_differences_are_those_of_the_attribute_within_their_errors(spec: AttributeSpec) -> None:
    """Errors over their stated standard errors look normal: 60 of them, bounds at one in a thousand."""
    z = []
    for index in range(60):
        shift = found(index, 0.04, spec)
        assert shift.difference is not None
        assert shift.error is not None
        z.append((shift.difference - 0.04 * spec.span) / shift.error)
    assert abs(np.mean(z)) < 3.3 / 60**0.5
    low, high = scipy.stats.chi2.ppf([5e-4, 1 - 5e-4], 60)
    assert low < np.sum(np.square(z)) < high


def test_false_alarms_have_the_level() -> None:
    rejected = sum(found(index, 0.0).p_value <= LEVEL for index in range(400))
    low, high = scipy.stats.binom.ppf([5e-4, 1 - 5e-4], 400, LEVEL)
    assert low <= rejected <= high


@pytest.mark.parametrize("spec", [X, YAW], ids=["x", "yaw"])
def test_the_smallest_shift_is_seen_as_often_as_promised(spec: AttributeSpec) -> None:
    smallest = found(0, 0.0, spec).smallest
    assert smallest is not None
    seen = sum(found(index, smallest / spec.span, spec).p_value <= LEVEL for index in range(200))
    low, high = scipy.stats.binom.ppf([5e-4, 1 - 5e-4], 200, POWER)
    assert low - 8 <= seen <= high + 8  # the promise itself is an estimate, good to a few per cent


def test_power_is_that_of_the_stated_shift() -> None:
    for spec, stated in ((X, 0.02), (YAW, DEGREES / 360)):
        power = found(0, 0.0, spec).power
        assert power is not None
        seen = np.mean([found(index, stated, spec).p_value <= LEVEL for index in range(200)])
        assert seen == pytest.approx(power, abs=4 * (0.25 / 200) ** 0.5)


def test_readings_half_a_turn_off_hardly_matter() -> None:
    target, fresh, truth = readings(0, 0.04, YAW, 400)
    plain = attribute_shift(YAW, target, fresh, truth)
    target[::12] = (target[::12] + 0.5) % 1
    fresh[::12] = (fresh[::12] + 0.5) % 1
    flipped = attribute_shift(YAW, target, fresh, truth)
    assert plain.difference is not None
    assert plain.error is not None
    assert flipped.difference == pytest.approx(plain.difference, abs=3 * plain.error)


@pytest.mark.parametrize("constant", [True, False])
def test_readings_that_say_nothing_promise_nothing(constant: bool) -> None:
    rng = stream(0, "test/nothing")
    read = np.full((2, 100), 0.5) if constant else rng.random((2, 100))
    shift = attribute_shift(X, read[0], read[1], rng.random(100))
    assert shift.difference is shift.smallest is shift.power is None
    assert shift.p_value > 0.001


def test_deviations_do_not_see_the_cut() -> None:
    values = (0.98 + SPREAD * stream(0, "test/cut").standard_normal(301)) % 1
    here, there = deviations(values, True), deviations((values + 0.4) % 1, True)
    np.testing.assert_allclose(here[0], there[0], atol=1e-12)
    assert here[1] == pytest.approx(there[1])


@pytest.mark.parametrize("periodic", [False, True])
def test_means_of_deviations_follow_a_shift_as_far_as_they_say(periodic: bool) -> None:
    """Within a tenth of the shift, which is what the curvature of the bound leaves."""
    values = 0.5 + 0.1 * stream(0, "test/gain").standard_normal(20000)
    bounded, gain = deviations(np.concatenate([values, values + 0.01]), periodic)
    assert gain < 1
    assert bounded[20000:].mean() - bounded[:20000].mean() == pytest.approx(0.01 * gain, rel=0.1)


LAYOUT = SceneLayout((Column("thing", "thing", X), Column("thing", "thing", YAW)), (), ("thing",))


def pair(index: int, count: int, correlation: float, width: float = 1.0) -> np.ndarray:
    rng = stream(index, "test/pair")
    a, b = rng.standard_normal((2, count))
    b = correlation * a + (1 - correlation**2) ** 0.5 * b
    return np.column_stack([0.5 + SPREAD * width * a, (SPREAD * b) % 1])


@pytest.mark.parametrize(
    ("change", "least", "most"),
    [({}, 0, 12), ({"width": 2 / 3}, 57, 60), ({"correlation": 0.0}, 57, 60)],
    ids=["same", "narrow", "independent"],
)
def test_spreads_and_correlations_are_tested(change: dict[str, float], least: int, most: int) -> None:
    """Of 60 pairs: 12 is beyond the binomial's 1 - 1e-5 quantile at 5 %, 57 leaves 95 % power."""
    seen = 0
    for index in range(60):
        target = pair(2 * index, 250, 0.9)
        draws = pair(2 * index + 1, 250, **{"correlation": 0.9, **change})
        draws[:, 0] += 0.3  # means do not matter
        seen += spread_p_value(LAYOUT, target - [0, 0], draws, stream(index, "test"), 99) <= LEVEL
    assert least <= seen <= most


def test_every_column_has_its_shift() -> None:
    target, fresh = pair(0, 300, 0.0), pair(1, 300, 0.0)
    fresh[:, 1] = (fresh[:, 1] + 0.05) % 1
    result = shifts(LAYOUT, Readings(target, fresh, fresh))
    assert set(result) == {"thing.x", "thing.yaw"}
    assert result["thing.yaw"].difference == pytest.approx(18.0, abs=4 * (result["thing.yaw"].error or 0))
    assert result["thing.yaw"].p_value < 1e-6


def test_holm() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert holm([]).shape == (0,)
    assert holm([0.9, 0.8]).max() == 1
