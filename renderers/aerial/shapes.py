"""What things look like from above: boxes and discs in a thing's own frame, in metres."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from renderers.aerial.place import Array

Colour = tuple[float, float, float]

ROAD_WIDTH = 7.0
_ASPHALT, _WHITE, _GLASS = (0.36, 0.36, 0.38), (0.9, 0.9, 0.86), (0.08, 0.1, 0.14)
_CARS = (
    (0.85, 0.86, 0.88),
    (0.55, 0.57, 0.6),
    (0.2, 0.2, 0.23),
    (0.75, 0.12, 0.1),
    (0.12, 0.28, 0.65),
    (0.88, 0.72, 0.15),
    (0.1, 0.42, 0.32),
)
_ROOFS = ((0.62, 0.28, 0.2), (0.45, 0.3, 0.22), (0.42, 0.44, 0.5), (0.72, 0.5, 0.36))
_LEAVES = ((0.12, 0.32, 0.1), (0.18, 0.4, 0.12), (0.28, 0.42, 0.1), (0.1, 0.28, 0.18))


@dataclass(frozen=True)
class Shape:
    """A box with round corners; a disc where its sides are 0.

    Attributes:
        colour: Red, green and blue on [0, 1].
        length: Half its length without the corners.
        width: Half its width without the corners.
        corner: Radius of the corners.
        x: Its middle, forwards from the thing's.
        y: Its middle, to the left of the thing's.
        every: Distance at which it is repeated along x; 0 for once.
    """

    colour: Colour
    length: float
    width: float
    corner: float = 0.0
    x: float = 0.0
    y: float = 0.0
    every: float = 0.0

    def distance(self, x: Array, y: Array) -> Array:
        """Metres from points in the thing's frame to the edge, negative inside."""
        dx, dy = x - self.x, y - self.y
        if self.every:
            dx = dx - self.every * np.round(dx / self.every)
        dx, dy = np.abs(dx) - self.length, np.abs(dy) - self.width
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
        return outside + np.minimum(np.maximum(dx, dy), 0) - self.corner

    @property
    def reach(self) -> float:
        """Metres from the thing's middle to the farthest point."""
        if self.every:
            return math.inf
        return math.hypot(abs(self.x) + self.length, abs(self.y) + self.width) + self.corner


def shapes_of(role: str, attributes: Mapping[str, float]) -> tuple[Shape, ...]:
    """What a thing is drawn of, its outline first."""
    if role == "road":
        return _ROAD
    if role == "car":
        return _car(_picked(_CARS, attributes["colour"]))
    if role == "house":
        return _house(_picked(_ROOFS, attributes["colour"]))
    return _tree(_picked(_LEAVES, attributes["colour"]), attributes["radius"])


def _picked(colours: tuple[Colour, ...], colour: float) -> Colour:
    return colours[min(max(int(colour * len(colours)), 0), len(colours) - 1)]


_ROAD = (
    Shape(_ASPHALT, math.inf, ROAD_WIDTH / 2),
    Shape(_WHITE, 1.2, 0.12, every=4.8),
    Shape(_WHITE, math.inf, 0.1, y=ROAD_WIDTH / 2 - 0.4),
    Shape(_WHITE, math.inf, 0.1, y=0.4 - ROAD_WIDTH / 2),
)


def _car(paint: Colour) -> tuple[Shape, ...]:
    """Its windscreen stands before its middle, its bonnet is longer than its boot."""
    return (
        Shape(paint, 2.0, 0.7, corner=0.3),
        Shape(_GLASS, 0.35, 0.75, x=0.65),
        Shape(_GLASS, 0.2, 0.7, x=-1.5),
    )


def _house(roof: Colour) -> tuple[Shape, ...]:
    """A hipped roof: the same from both of its ends."""
    red, green, blue = roof
    light = (min(1.25 * red, 1.0), min(1.25 * green, 1.0), min(1.25 * blue, 1.0))
    return (
        Shape((0.7 * red, 0.7 * green, 0.7 * blue), 3.6, 2.6),
        Shape(roof, 3.2, 2.2),
        Shape(light, 2.2, 0.3),
    )


def _tree(leaves: Colour, radius: float) -> tuple[Shape, ...]:
    red, green, blue = leaves
    lit = (1.4 * red, 1.4 * green, 1.4 * blue)
    return (
        Shape(leaves, 0.0, 0.0, corner=radius),
        Shape(lit, 0.0, 0.0, corner=0.5 * radius, x=-0.25 * radius, y=0.25 * radius),
    )
