"""Blender under fire: workers killed again and again, scenes that crash it, hang it or make no sense."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import psutil
import pytest

from metasim.rendering.attempt import SceneFailure
from metasim.rendering.pool import RenderPool
from metasim.rendering.process import ENTRY
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode

pytestmark = [pytest.mark.blender, pytest.mark.slow]

RGB = frozenset({Pass.RGB})
OPTIONS = {"scene": "fault_scene:FaultScene", "size": 32, "samples": 1}
SILENCE_S = 5.0
FRAMES, KILL_EVERY = 500, 50
FAULTS = {33: "crash", 71: "hang", 107: "nan"}
REASONS = {33: "worker ended by SIGSEGV", 71: f"no answer for {SILENCE_S:g} s", 107: "its pose is not finite"}


def graphs() -> list[SceneGraph]:
    rng = np.random.default_rng(7)
    return [
        SceneGraph(
            (
                SceneNode("scene", "scene", "scene", None, {}),
                SceneNode("camera", "camera", "camera", 0, {"height": rng.uniform(3.0, 6.0)}),
                SceneNode(
                    "cube", "cube", "cube", 0, {"x": rng.uniform(-0.5, 0.5), "yaw": rng.uniform(0, 90)}
                ),
            )
        )
        for _ in range(FRAMES)
    ]


def with_class(graph: SceneGraph, cls: str) -> SceneGraph:
    *others, cube = graph.nodes
    return SceneGraph((*others, SceneNode(cube.name, cube.symbol, cls, cube.parent, cube.attributes)))


def workers() -> list[psutil.Process]:
    alive = [p for p in psutil.Process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]
    return [process for process in alive if ENTRY in process.cmdline()]


def test_only_bad_scenes_are_lost_and_the_others_are_as_undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    calm, seeds = graphs(), range(1000, 1000 + FRAMES)
    with RenderPool("blender", OPTIONS, workers=2) as pool:
        undisturbed = pool.render(calm, RGB, seeds)
    scenes = [with_class(graph, FAULTS.get(index, "cube")) for index, graph in enumerate(calm)]
    failures: dict[int, str] = {}
    kills = 0
    with RenderPool("blender", OPTIONS, workers=2, timeout_s=SILENCE_S) as pool:
        for done, (index, result) in enumerate(pool.stream(scenes, RGB, seeds), start=1):
            if isinstance(result, SceneFailure):
                failures[index] = result.reason
            else:
                known = undisturbed[index]
                assert isinstance(known, Frame)
                assert result[Pass.RGB].tobytes() == known[Pass.RGB].tobytes(), index
            if done % KILL_EVERY == 0 and done < FRAMES:
                os.kill(workers()[kills % 2 - 1].pid, signal.SIGKILL)
                kills += 1
    assert failures.keys() == FAULTS.keys()
    assert all(REASONS[index] in failures[index] for index in FAULTS), failures
    assert (pool.counters.frames, pool.counters.failures) == (FRAMES - 3, 3)
    # The crash and the hang cost two workers each, of which kills may have got some.
    assert kills <= pool.counters.restarts <= kills + 4
    assert workers() == []
