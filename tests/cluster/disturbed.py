"""A pool whose cluster loses nodes while it renders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from metasim.rendering.pool import RenderPool, Result
from metasim.rendering.protocol import Pass
from metasim.scene.graph import SceneGraph


class DisturbedPool(RenderPool):
    """Calls for a disturbance when so many frames have come, while others are in flight.

    Args:
        disturb: The disturbance.
        when: Numbers of frames.
        arguments: Those of a pool.
    """

    def __init__(
        self, disturb: Callable[[], None], when: Sequence[int], *arguments: Any, **named: Any
    ) -> None:
        super().__init__(*arguments, **named)
        self._disturb, self._when = disturb, list(when)

    def _stream(
        self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int], spread: int
    ) -> Iterator[tuple[int, Result]]:
        for answer in super()._stream(scenes, passes, seeds, spread):
            if self._when and self.counters.frames >= self._when[0]:
                self._when.pop(0)
                self._disturb()
            yield answer
