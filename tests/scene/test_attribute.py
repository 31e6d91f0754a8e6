"""Laws of attribute ranges: the unit interval and the range are one another's image."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metasim.scene.attribute import AttributeSpec

ends = st.decimals(-400, 400, places=2).map(float)


@st.composite
def specs(draw: st.DrawFn) -> AttributeSpec:
    low, high = sorted((draw(ends), draw(ends)))
    assume(low < high)
    return AttributeSpec("it", "m", low, high, periodic=draw(st.booleans()))


@given(specs(), st.floats(-2, 3))
def test_every_unit_value_has_its_place_in_the_range(spec: AttributeSpec, unit: float) -> None:
    value = float(spec.from_unit(unit))
    assert spec.low <= value <= spec.high


@given(specs(), st.floats(0, 1))
def test_units_survive_the_range(spec: AttributeSpec, unit: float) -> None:
    assume(spec.span > 0.1)
    error = float(spec.to_unit(spec.from_unit(unit))) - unit
    assert (error - round(error) if spec.periodic else error) == pytest.approx(0, abs=1e-10)


@given(specs(), st.floats(-1e6, 1e6))
def test_one_value_is_confined_like_many(spec: AttributeSpec, value: float) -> None:
    assert spec.confine_one(value) == spec.confine([value])[0]


def test_rounding_does_not_leave_the_range() -> None:
    spec = AttributeSpec("it", "m", -1.7, 0.1)
    assert spec.low + spec.span > spec.high
    assert spec.contains(float(spec.from_unit(1.0)))
