"""An engine that crashes, hangs or returns NaN where a scene says so, and else paints its number."""

from __future__ import annotations

import os
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from metasim.base.errors import InputError
from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph

Fault = Literal[
    "none",
    "once",
    "crash",
    "exit",
    "hang",
    "stall",
    "leak",
    "nan",
    "raise",
    "refuse",
    "lost",
    "few",
    "float",
    "small",
]


class FaultEngine:
    """Paints ``value`` and the seed; the root's class says what goes wrong."""

    def __init__(
        self,
        size: Annotated[int, Field(ge=1)] = 4,
        seconds: float = 0.0,
        marks: Path | None = None,
        refuse: str = "",
    ) -> None:
        if refuse == "input":
            raise InputError("renderer.refuse", refuse, "anything else")
        if refuse == "broken":
            raise RuntimeError("no display")
        if refuse == "dies":
            os._exit(7)
        self._size, self._seconds, self._marks = size, seconds, marks
        self._leaked = bytearray()
        tempfile.mkdtemp(prefix="fault-")  # as Blender does, and leaves it there
        self.calls = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(frozenset({Pass.RGB, Pass.HDR, Pass.DEPTH}), (self._size, self._size))

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        drawn = [scene for scene in scenes if scene.nodes[0].cls != "few"]
        return [self._frame(scene, passes, seed + i) for i, scene in enumerate(drawn)]

    def _frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        self.calls += 1
        root = scene.nodes[0]
        value = root.attributes["value"]
        if self._marks is not None:
            (self._marks / f"frame_{seed}").touch()
        self._misbehave(root.cls, value)
        time.sleep(self._seconds)
        image = np.random.default_rng(seed).random((self._size, self._size, 3), np.float32) + np.float32(
            value
        )
        if root.cls == "nan":
            image[0, 0, 0] = np.nan
        images = {Pass.HDR: image, Pass.DEPTH: np.full((self._size, self._size), np.inf, np.float32)}
        images[Pass.RGB] = np.zeros((self._size - (root.cls == "small"), self._size, 3), np.uint8)
        if root.cls == "float":
            images[Pass.RGB] = np.full((self._size, self._size, 3), 0.5)
        return Frame({name: images[name] for name in passes if root.cls != "lost"})

    def _misbehave(self, fault: str, value: float) -> None:
        if fault == "once" and self._marks is not None:
            mark = self._marks / f"once_{value}"
            if not mark.exists():
                mark.touch()
                fault = "crash"
        if fault == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if fault == "exit":
            os.write(2, b"out of luck\n")
            os._exit(3)
        if fault == "hang":
            time.sleep(1000)
        if fault == "stall":  # an answer of 1000 bytes that stops after the first
            os.write(int(sys.argv[1]), struct.pack("!i", 1000) + b"x")
            time.sleep(1000)
        if fault == "leak":
            self._leaked += b"x" * 2**20
        if fault == "raise":
            raise RuntimeError("cannot paint")
        if fault == "refuse":
            raise InputError("scene graph: root.cls", "refuse", "a class that can be painted")

    def close(self) -> None:
        if self._marks is not None:
            (self._marks / "closed").touch()


class HereEngine(FaultEngine):
    """The same, in the calling process; tells how many scenes came in a call."""

    def __init__(self, noiseless: bool = False) -> None:
        super().__init__()
        self._noiseless = noiseless

    @property
    def capabilities(self) -> Capabilities:
        passes = frozenset({Pass.HDR})
        return Capabilities(passes, (4, 4), in_process=True, noiseless=self._noiseless)

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        frames = super().render(scenes, passes, 0 if self._noiseless else seed)
        images = [np.append(frame[Pass.HDR].ravel(), len(scenes)) for frame in frames]
        return [Frame({Pass.HDR: image}) for image in images]
