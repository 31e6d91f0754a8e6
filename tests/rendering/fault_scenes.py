"""Scenes of the fault engine, and the images that they should give."""

from __future__ import annotations

import numpy as np

from metasim.rendering.attempt import SceneFailure
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode


def scene(value: float, cls: str = "none") -> SceneGraph:
    return SceneGraph((SceneNode("root", "root", cls, None, {"value": value}),))


def expected(value: float, seed: int, size: int = 4) -> bytes:
    return (np.random.default_rng(seed).random((size, size, 3), np.float32) + np.float32(value)).tobytes()


def image(result: Frame | SceneFailure) -> bytes:
    assert isinstance(result, Frame), result
    return result[Pass.HDR].tobytes()
