"""From the unit of an attribute to that of Blender's property."""

from __future__ import annotations

import math

from metasim.base.errors import InputError

BARE = "1"
"""The unit of a bare number."""

_LENGTHS = {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001, "km": 1000.0}
_POWERS = {"W": 1.0, "mW": 0.001, "kW": 1000.0}
DIMENSIONS = {
    "ROTATION": {"deg": math.pi / 180.0, "rad": 1.0, "turn": 2.0 * math.pi},
    "LENGTH": _LENGTHS,
    "CAMERA": {"mm": 1.0, "cm": 10.0, "m": 1000.0},
    "POWER": _POWERS,
    "TIME": {"frame": 1.0},
    "NONE": {"%": 0.01, "rad": 1.0, "frame": 1.0, **_LENGTHS, **_POWERS},
}
"""Blender's name of a dimension to its units, each with what a value is multiplied with.

Of many properties (a lamp's energy, a node's number) Blender knows no dimension.
"""

_OWN = {"ROTATION": "deg", "LENGTH": "m", "CAMERA": "mm", "POWER": "W", "TIME": "frame"}
_MEASURED = {unit for units in DIMENSIONS.values() for unit in units}


def natural_unit(dimension: str) -> str:
    """The unit in which we show a value of a dimension."""
    return _OWN.get(dimension, BARE)


def factor(unit: str, dimension: str, where: str) -> float:
    """What values in a unit are multiplied with for a property of a dimension.

    A bare number is taken as it stands, except for angles, of which it does not say whether it means degrees;
    so is a number in a unit that measures nothing we know, such as ``cups``.

    Args:
        unit: Unit of the attribute.
        dimension: Blender's name of what the property measures (``ROTATION``, ``LENGTH``, ``NONE``...).
        where: What messages call the binding.

    Raises:
        InputError: If the unit measures something else.
    """
    units = DIMENSIONS.get(dimension, DIMENSIONS["NONE"])
    if unit in units:
        return units[unit]
    if dimension == "ROTATION" or unit in _MEASURED:
        known = [*units] if dimension == "ROTATION" else [*units, BARE]
        raise InputError(where, f"unit {unit}", f"unit {' or '.join(known)}, as the property asks")
    return 1.0
