"""A renderer that sleeps: what is left is the cost of all around it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph


class SleepingRenderer:
    """Gives noise in place of colours after a while, in worker processes.

    Args:
        size: Side of the images, pixels.
        seconds: How long it sleeps a scene.
    """

    in_process = False

    def __init__(
        self, size: Annotated[int, Field(ge=1)] = 64, seconds: Annotated[float, Field(ge=0)] = 0.0
    ) -> None:
        self._size, self._seconds = size, seconds

    @property
    def capabilities(self) -> Capabilities:
        """Colours, which depend on the seed."""
        return Capabilities(frozenset({Pass.RGB}), (self._size, self._size))

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        """Sleeps for each scene."""
        return [self._frame(seed + i) for i in range(len(scenes))]

    def close(self) -> None:
        """Holds nothing."""

    def _frame(self, seed: int) -> Frame:
        time.sleep(self._seconds)
        pixels = np.random.default_rng(seed).bytes(self._size * self._size * 3)
        return Frame({Pass.RGB: np.frombuffer(pixels, np.uint8).reshape(self._size, self._size, 3)})
