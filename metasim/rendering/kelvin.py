"""Colours of light by temperature."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

COLDEST, HOTTEST = 1000.0, 40000.0
WHITE = 6600.0
"""Kelvin at which light is white."""


def kelvin_srgb(kelvin: float) -> npt.NDArray[np.float64]:
    """The sRGB colour (3,) of a black body, brightest channel 1.

    Tanner Helland's fit ("How to convert temperature to RGB", 2012) to Mitchell Charity's table of black
    bodies; temperatures beyond it count as its ends.

    Args:
        kelvin: Temperature.
    """
    hundreds = float(np.clip(kelvin, COLDEST, HOTTEST)) / 100.0
    red = green = blue = 255.0
    if hundreds <= WHITE / 100.0:
        green = 99.4708025861 * np.log(hundreds) - 161.1195681661
    else:
        red = 329.698727446 * (hundreds - 60.0) ** -0.1332047592
        green = 288.1221695283 * (hundreds - 60.0) ** -0.0755148492
    if hundreds < WHITE / 100.0:
        blue = 138.5177312231 * np.log(hundreds - 10.0) - 305.0447927307 if hundreds > 19.0 else 0.0
    return np.clip(np.array([red, green, blue]) / 255.0, 0.0, 1.0)


def kelvin_linear(kelvin: float) -> npt.NDArray[np.float64]:
    """The same as scene-linear light, by the transfer function of IEC 61966-2-1."""
    encoded = kelvin_srgb(kelvin)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
