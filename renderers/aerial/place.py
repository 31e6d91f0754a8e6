"""Place: where a thing lies and how it is turned; a child's is told in its parent's frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """A frame on the ground.

    Attributes:
        x: Origin, metres to the right of the image's middle.
        y: Origin, metres up from the image's middle.
        turn: Radians from the image's x axis to the frame's, counter-clockwise as the image is seen.
    """

    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0

    def child(self, along: float, across: float, degrees: float) -> Place:
        """The frame at a point of this one (metres along its x and y axes), turned against it."""
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        return Place(
            self.x + cos * along - sin * across,
            self.y + sin * along + cos * across,
            self.turn + math.radians(degrees),
        )

    def inside(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Points of the ground (metres right and up of the image's middle) in this frame."""
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        right, up = x - self.x, y - self.y
        return cos * right + sin * up, cos * up - sin * right
