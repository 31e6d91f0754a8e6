"""Studio: what a stand-in player shows, drawn by another engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metasim.base.errors import InputError
from metasim.rendering.protocol import Frame, Pass, Renderer
from metasim.rendering.registry import check_options, engine
from metasim.scene.graph import SceneGraph
from renderers.unity.axes import camera_to_unity
from renderers.unity.pixels import colours_of, depth_codes, normal_codes
from renderers.unity.png import Bytes, encode_png

FAR = 100.0
NO_CAMERA = {
    "present": False,
    "position": [0.0, 0.0, 0.0],
    "rotation": [0.0, 0.0, 0.0, 1.0],
    "intrinsics": [1.0, 1.0, 0.0, 0.0],
}


@dataclass(frozen=True)
class Picture:
    """A scene as it goes over the wire.

    Attributes:
        pngs: By name of the observation.
        reply: Its entry in the reply, without its slot.
    """

    pngs: Mapping[str, bytes]
    reply: Mapping[str, Any]


class Studio:
    """Draws scenes with another engine.

    Args:
        kind: Name of the engine.
        options: Its options.
        size: Height and width of the pictures.
        passes: Names of the observations.
        replay: Whether to draw the scene of each slot once and show it for ever.
    """

    def __init__(
        self,
        kind: str,
        options: Mapping[str, Any],
        size: tuple[int, int],
        passes: Sequence[str],
        replay: bool,
    ) -> None:
        self._engine: Renderer = engine(kind)(**check_options(kind, options))
        self.size, self._passes = size, [Pass(name) for name in passes]
        self._blank = encode_png(np.zeros((*size, 3), np.uint8))
        self._kept: dict[int, Picture] | None = {} if replay else None

    def picture(self, slot: int, scene: SceneGraph, seed: int, wanted: Sequence[str]) -> Picture:
        """A scene with the passes that are wanted; others, and all of a scene refused, are black."""
        if self._kept is not None and slot in self._kept:
            return self._kept[slot]
        names = [name for name in self._passes if name in wanted]
        began = time.perf_counter()
        try:
            (frame,) = self._engine.render([scene], frozenset(names), seed)
        except InputError as error:
            return Picture(self._black(), _reply(None, str(error), 0.0))
        seconds = time.perf_counter() - began
        drawn = {str(name): encode_png(_COLOURS[name](frame[name])) for name in names}
        picture = Picture(self._black() | drawn, _reply(frame, "", seconds))
        if self._kept is not None:
            self._kept[slot] = picture
        return picture

    def close(self) -> None:
        """Ends the engine."""
        self._engine.close()

    def _black(self) -> dict[str, bytes]:
        return {str(name): self._blank for name in self._passes}


def _reply(frame: Frame | None, error: str, seconds: float) -> dict[str, Any]:
    camera: dict[str, Any] = NO_CAMERA
    if frame is not None and frame.camera is not None:
        position, rotation = camera_to_unity(frame.camera.world_from_camera)
        (fx, _, cx), (_, fy, cy), _ = frame.camera.intrinsics.tolist()
        camera = {
            "present": True,
            "position": position,
            "rotation": rotation,
            "intrinsics": [fx, fy, cx, cy],
        }
    return {"error": error, "far": FAR, "seconds": seconds, "camera": camera}


_COLOURS: Mapping[Pass, Callable[[Any], Bytes]] = {
    Pass.RGB: lambda image: image,
    Pass.INSTANCE: colours_of,
    Pass.DEPTH: lambda depth: colours_of(depth_codes(depth, FAR)),
    Pass.NORMAL: lambda normals: colours_of(normal_codes(normals)),
}
