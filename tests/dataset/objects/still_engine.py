"""An engine that shows a square for an asset, and misbehaves for assets of telling classes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from metasim.base.errors import MetasimError
from metasim.rendering.camera import Camera
from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph

SIZE = 16
SCALED = {"scale": 2.0, "translation": [0.5, 0.0, -1.0]}
PASSES = (Pass.RGB, Pass.DEPTH, Pass.NORMAL, Pass.INSTANCE, Pass.BOX3D)


class StillEngine:
    """Paints the seed; a mark in a folder tells of each scene.

    Classes: ``hang``, ``crash``, ``broken`` or ``broken1`` and so on (cannot be read), ``blank`` (nothing to
    see), ``shy`` (seen from half of the azimuths only), ``slow``, ``stranger`` (shows another asset).
    """

    def __init__(self, marks: Path) -> None:
        self._marks = marks

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(frozenset(PASSES), (SIZE, SIZE))

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        return [self._frame(scene, passes, seed + i) for i, scene in enumerate(scenes)]

    def close(self) -> None:
        pass

    def _frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        cls, azimuth = scene.by_name["object"].cls, scene.by_name["camera"].attributes["azimuth"]
        (self._marks / f"{cls}_{time.monotonic_ns()}").touch()
        _misbehave(cls)
        seen = np.zeros((SIZE, SIZE), bool)
        seen[4:12, 4:12] = cls != "blank" and not (cls == "shy" and azimuth > 180.0)
        images = _images(seen, scene.index("object") + 1, len(scene.nodes), seed)
        pose = np.eye(4)
        pose[2, 3] = scene.by_name["camera"].attributes["radius"]
        camera = Camera(np.array([[SIZE, 0, SIZE / 2], [0, SIZE, SIZE / 2], [0, 0, 1.0]]), pose)
        name = "other.obj" if cls == "stranger" else f"{cls}.obj"
        facts = {"name": name, "asset": {"vert_count": 8}, "normalization": SCALED}
        return Frame({name: images[name] for name in passes}, camera, facts=facts)


class CalmEngine(StillEngine):
    """The same in the calling process."""

    in_process = True

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, in_process=True)


def _misbehave(cls: str) -> None:
    if cls == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if cls == "hang":
        time.sleep(1000)
    if cls == "slow":
        time.sleep(0.3)
    if cls.startswith("broken"):
        raise MetasimError("broken.obj: no faces")


def _images(seen: np.ndarray, instance: int, nodes: int, seed: int) -> dict[Pass, np.ndarray]:
    noise = np.random.default_rng(seed).integers(0, 255, (SIZE, SIZE, 3), np.uint8)
    box = np.full((nodes, 4, 4), np.nan)
    box[instance - 1] = np.eye(4)
    return {
        Pass.RGB: np.where(seen[..., None], noise, np.uint8(255)),
        Pass.DEPTH: np.where(seen, np.float32(2.0), np.float32(np.inf)),
        Pass.NORMAL: np.where(seen[..., None], np.array([0, 0, 1], np.float32), np.float32(np.nan)),
        Pass.INSTANCE: np.where(seen, np.int32(instance), np.int32(0)),
        Pass.BOX3D: box,
    }
