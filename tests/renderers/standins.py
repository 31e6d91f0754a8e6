"""Unity engines whose players are stand-ins that draw cards, for tests."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from card_renderer import CAMERA, PASSES, SIZE, CardRenderer

from metasim.base.processes import running
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph
from renderers.unity.renderer import UnityRenderer

HERE = str(Path(__file__).parent)
PROGRAM = "renderers.unity.standin"
TOLERANCE = {Pass.RGB: 0.0, Pass.INSTANCE: 0.0, Pass.DEPTH: 1e-5, Pass.NORMAL: 1e-3}
ARGUMENTS = ("-m", PROGRAM, "--engine", "card_renderer:CardRenderer")


def card_players(*arguments: str, **options: Any) -> UnityRenderer:
    """An engine; ``HERE`` must be on the path of its players."""
    given = {"size": SIZE, "step_timeout_s": 20.0, "quit_timeout_s": 10.0, **options}
    return UnityRenderer(Path(sys.executable), [*ARGUMENTS, *arguments], **given)


def players() -> list[psutil.Process]:
    """The stand-ins that run below this process."""
    return running(PROGRAM)


def assert_drawn(frames: Sequence[Frame], scenes: Sequence[SceneGraph], seed: int) -> None:
    """The frames are those of the engine itself, as exactly as the wire tells."""
    assert len(frames) == len(scenes)
    for frame, own in zip(frames, CardRenderer().render(scenes, PASSES, seed), strict=True):
        for name in frame.passes.keys() & PASSES:
            ours, theirs = (np.asarray(image, np.float64) for image in (frame[name], own[name]))
            assert frame[name].dtype == own[name].dtype
            np.testing.assert_allclose(ours, theirs, rtol=0.0, atol=TOLERANCE[name])
        assert frame.camera is not None
        np.testing.assert_allclose(frame.camera.world_from_camera, CAMERA.world_from_camera, atol=1e-12)
        np.testing.assert_array_equal(frame.camera.intrinsics, CAMERA.intrinsics)
