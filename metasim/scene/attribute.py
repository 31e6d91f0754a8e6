"""AttributeSpec: a named number of a node with its unit and range."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError

_TO_SI = {"deg": math.pi / 180.0}


@dataclass(frozen=True)
class AttributeSpec:
    """What is known of an attribute before any scene is drawn.

    Attributes:
        name: Name, unique within its symbol.
        unit: ``deg``, ``m``, ``px`` or any other word; ``1`` for a bare number.
        low: Least value, in the unit.
        high: Greatest value, in the unit; for periodic attributes ``high - low`` is the period.
        periodic: Whether ``low`` and ``high`` are the same value.
        mutable: Whether the generator may change it.
    """

    name: str
    unit: str
    low: float
    high: float
    periodic: bool = False
    mutable: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InputError(
                f"attribute {self.name}: range", f"[{self.low}, {self.high}]", "finite low < high"
            )

    @property
    def span(self) -> float:
        """Length of the range; the period of a periodic attribute."""
        return self.high - self.low

    @property
    def si_factor(self) -> float:
        """What a value is multiplied with to get radians from degrees; 1 for other units."""
        return _TO_SI.get(self.unit, 1.0)

    def to_unit(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Maps values onto [0, 1]; periodic ones are wrapped into [0, 1)."""
        unit = (np.asarray(values, dtype=np.float64) - self.low) / self.span
        return unit - np.floor(unit) if self.periodic else unit

    def from_unit(self, unit: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Maps [0, 1] onto the range; periodic values wrap, others are cut at the ends."""
        unit = np.asarray(unit, dtype=np.float64)
        inside = unit - np.floor(unit) if self.periodic else np.clip(unit, 0.0, 1.0)
        # The end of the range, where rounding would overshoot it: the grammar cannot draw what lies beyond.
        return np.minimum(self.low + inside * self.span, self.high)

    def confine(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Wraps periodic values into the range and cuts others at its ends."""
        values = np.asarray(values, dtype=np.float64)
        if self.periodic:
            return self.low + np.mod(values - self.low, self.span)
        return np.clip(values, self.low, self.high)

    def confine_one(self, value: float) -> float:
        """The same for a single value, which costs less than an array of one."""
        if self.periodic:
            return self.low + (value - self.low) % self.span
        return min(max(value, self.low), self.high)

    def contains(self, value: float) -> bool:
        """Whether a value lies in the range (any finite value does, if periodic)."""
        if not math.isfinite(value):
            return False
        return self.periodic or self.low <= value <= self.high
