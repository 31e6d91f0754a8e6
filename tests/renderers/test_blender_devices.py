"""Where Cycles computes: what is asked for, or an error, never something else without a word."""

from __future__ import annotations

import time
from typing import Literal

import numpy as np
import pytest

from metasim.base.errors import InputError
from metasim.base.processes import running
from metasim.rendering.pool import RenderPool
from metasim.rendering.process import ENTRY
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode

pytestmark = pytest.mark.blender

SCENE = SceneGraph(
    (
        SceneNode("scene", "scene", "scene", None, {}),
        SceneNode("object", "object", "mug", 0, {"yaw": 30.0}),
    )
)


def picture(device: Literal["auto", "cpu", "gpu"]) -> np.ndarray:
    options = {"size": 32, "samples": 64, "device": device}
    with RenderPool("blender", options, workers=1) as pool:
        frame = pool.render([SCENE], frozenset({Pass.HDR}), [3])[0]
    assert isinstance(frame, Frame), frame
    return np.asarray(frame[Pass.HDR], np.float64)


def test_a_gpu_renders_what_the_cpu_renders_and_none_is_an_error() -> None:
    slow, found = picture("cpu"), picture("auto")
    try:
        fast = picture("gpu")
    except InputError as error:
        fast, reason = slow, str(error)
    else:
        reason = ""
    assert found.tobytes() == fast.tobytes()
    assert abs(fast.mean() - slow.mean()) < 0.01 * slow.mean()
    assert not reason or "Cycles finds none" in reason


def test_a_worker_takes_one_core_whatever_the_machine_has() -> None:
    """So as many workers as cores, the default, oversubscribe nothing; its processor time tells."""
    with RenderPool("blender", {"size": 64, "samples": 256, "device": "cpu"}, workers=1) as pool:
        pool.render([SCENE], frozenset({Pass.RGB}), [0])
        (worker,) = running(ENTRY)
        began, before = time.perf_counter(), worker.cpu_times()
        pool.render([SCENE], frozenset({Pass.RGB}), [1])
        passed, after = time.perf_counter() - began, worker.cpu_times()
    spent = after.user + after.system - before.user - before.system
    assert 0.0 < spent < 1.1 * passed + 0.05
