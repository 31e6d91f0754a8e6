"""Canvas: the picture of a piece of ground, and which thing each of its pixels shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from renderers.aerial.place import Array, Place
from renderers.aerial.shapes import Shape

_GRASS = np.array([0.4, 0.52, 0.28])

# Cycles across and down the image of each wave of the texture: few and incommensurate, so smooth and uneven.
_WAVES = ((1.3, 2.1), (2.7, -1.6), (-0.9, 3.4), (4.3, 2.2))


@dataclass
class Canvas:
    """Grass, on which things are painted one over the other.

    Attributes:
        size: Height and width in pixels.
        metres: Width of the ground that is seen.
    """

    size: tuple[int, int]
    metres: float
    image: Array = field(init=False)
    ids: npt.NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        height, width = self.size
        self._pixels = width / self.metres  # a metre
        self._x = ((np.arange(width) + 0.5 - width / 2) / self._pixels)[None, :]
        self._y = ((height / 2 - np.arange(height) - 0.5) / self._pixels)[:, None]
        self.image = np.broadcast_to(_GRASS, (height, width, 3)).copy()
        self.ids = np.zeros(self.size, np.int32)

    def grow(self, shade: float, texture: float, phase: float) -> None:
        """Gives the grass a shade and a smooth pattern of some standard deviation, one for each phase."""
        height, width = self.size
        across, down = (np.arange(width) + 0.5) / width, ((np.arange(height) + 0.5) / height)[:, None]
        waves = [
            np.sin(2 * math.pi * (kx * across + ky * down + number * phase))
            for number, (kx, ky) in enumerate(_WAVES, start=1)
        ]
        pattern = math.sqrt(2 / len(_WAVES)) * np.sum(waves, axis=0)
        self.image *= (shade + texture * pattern)[..., None]

    def paint(self, place: Place, shapes: Sequence[Shape], instance: int) -> None:
        """Paints a thing over what is there; it is seen where its outline holds a pixel's middle.

        An edge covers a pixel by as much as it lies beyond the pixel's middle, within half a pixel.

        Args:
            place: Where it lies.
            shapes: Its outline, then what is inside of it.
            instance: Its id.
        """
        window = self._window(place, shapes[0].reach)
        x, y = place.inside(self._x[:, window[1]], self._y[window[0]])
        image = self.image[window]
        for shape in shapes:
            cover = np.clip(0.5 - self._pixels * shape.distance(x, y), 0, 1)[..., None]
            image += cover * (np.array(shape.colour) - image)
        self.ids[window][shapes[0].distance(x, y) < 0] = instance

    def _window(self, place: Place, reach: float) -> tuple[slice, slice]:
        """The rows and columns that a thing may touch."""
        if math.isinf(reach):
            return slice(None), slice(None)
        height, width = self.size
        row, column = height / 2 - self._pixels * place.y, width / 2 + self._pixels * place.x
        margin = self._pixels * reach + 1
        return _part(row, margin, height), _part(column, margin, width)


def _part(middle: float, margin: float, size: int) -> slice:
    first, last = math.floor(middle - margin), math.ceil(middle + margin)
    return slice(min(max(first, 0), size), min(max(last, 0), size))
