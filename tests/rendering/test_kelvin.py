"""Colours of light by temperature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasim.rendering.kelvin import COLDEST, HOTTEST, WHITE, kelvin_linear, kelvin_srgb

temperatures = st.floats(COLDEST, HOTTEST)


def test_the_colours_that_are_published() -> None:
    assert kelvin_srgb(WHITE).min() > 0.99
    np.testing.assert_allclose(kelvin_srgb(2700.0), [1.0, 0.654, 0.343], atol=1e-3)


def test_light_never_gets_redder_as_it_gets_hotter() -> None:
    colours = np.stack([kelvin_srgb(kelvin) for kelvin in np.linspace(2000.0, 10000.0, 2001)])
    assert (np.diff(colours[:, 0] / colours[:, 2]) <= 0.0).all()
    assert colours[0, 0] > 10.0 * colours[0, 2]


@given(temperatures)
def test_channels_lie_within_the_display_and_one_is_full(kelvin: float) -> None:
    for colour in (kelvin_srgb(kelvin), kelvin_linear(kelvin)):
        assert colour.min() >= 0.0
        assert colour.max() == pytest.approx(1.0, abs=1e-3)


@given(temperatures)
def test_linear_light_encodes_to_the_same_colour(kelvin: float) -> None:
    light = kelvin_linear(kelvin)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(encoded, kelvin_srgb(kelvin), atol=1e-4)


@pytest.mark.parametrize(("beyond", "end"), [(10.0, COLDEST), (1e6, HOTTEST)])
def test_temperatures_beyond_the_table_count_as_its_ends(beyond: float, end: float) -> None:
    np.testing.assert_array_equal(kelvin_srgb(beyond), kelvin_srgb(end))
