"""An engine that paints the frame of a moving camera, and goes wrong where it is told to."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from metasim.base.errors import InputError
from metasim.rendering.camera import Camera
from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph

SIZE = (6, 8)
Fault = Literal["none", "crash", "hang", "refuse", "unborn", "late", "zoom"]


class PaintEngine:
    """Frame ``f`` is of colour ``f``, seen from x = f / 100."""

    def __init__(self, fault: Fault = "none", marks: Path | None = None, seconds: float = 0.0) -> None:
        if fault == "unborn":
            raise InputError("file", "not a scene", "one")
        self._fault, self._marks, self._seconds = fault, marks, seconds

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(frozenset({Pass.RGB, Pass.DEPTH, Pass.INSTANCE}), SIZE)

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        return [self._frame(round(scene.nodes[0].attributes["frame"]), passes) for scene in scenes]

    def _frame(self, frame: int, passes: frozenset[Pass]) -> Frame:
        if self._marks is not None:
            (self._marks / f"{time.monotonic_ns()}-{frame}").touch()
        time.sleep(self._seconds)
        if self._fault == "crash" or (self._fault == "late" and frame > 3):
            os.kill(os.getpid(), signal.SIGSEGV)
        if self._fault == "hang":
            time.sleep(600)
        if self._fault == "refuse":
            raise InputError("scene graph", "a unicorn", "no unicorn")
        pose = np.eye(4)
        pose[0, 3] = frame / 100
        focal = 5.0 + (frame if self._fault == "zoom" else 0)
        images = {
            Pass.RGB: np.full((*SIZE, 3), frame % 256, np.uint8),
            Pass.DEPTH: np.full(SIZE, 2.0, np.float32),
            Pass.INSTANCE: np.ones(SIZE, np.int32),
        }
        camera = Camera(np.array([[focal, 0, 4], [0, focal, 3], [0, 0, 1.0]]), pose)
        return Frame({name: images[name] for name in passes}, camera)

    def close(self) -> None:
        """Holds nothing."""


class CalmPaint(PaintEngine):
    """The same in the calling process."""

    in_process = True

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, in_process=True)
