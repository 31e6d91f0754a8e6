"""Blender under fire: workers killed again and again, scenes that crash it, hang it or make no sense."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from blend_files import make_blend

from metasim.base.processes import running
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.pool import RenderPool
from metasim.rendering.process import ENTRY
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.tyol.objects import CLASSES

pytestmark = [pytest.mark.blender, pytest.mark.slow]

RGB = frozenset({Pass.RGB})
OPTIONS = {"scene": "fault_scene:FaultScene", "size": 32, "samples": 1}
BIND = {
    "car": {"path": 'collections["Cars"]', "classes": ["sedan", "van"]},
    "car.x": "object.location[0]",
    "lamp.energy": 'lights["Key"].energy',
}
SILENCE_S = 5.0
FRAMES, KILL_EVERY = 500, 50
FAULTS = {33: "crash", 71: "hang", 107: "nan"}
REASONS = {33: "worker ended by SIGSEGV", 71: f"no answer for {SILENCE_S:g} s", 107: "its pose is not finite"}


def graphs(node: str, classes: Sequence[str], place: str) -> list[SceneGraph]:
    """Scenes of one thing of changing class at a random place, from 0.8 to 1.2."""
    rng = np.random.default_rng(7)
    root = SceneNode("scene", "scene", "scene", None, {})
    things = ((classes[i % len(classes)], {place: rng.uniform(0.8, 1.2)}) for i in range(FRAMES))
    return [SceneGraph((root, SceneNode(node, node, cls, 0, values))) for cls, values in things]


def with_class(graph: SceneGraph, cls: str) -> SceneGraph:
    root, thing = graph.nodes
    return SceneGraph((root, replace(thing, cls=cls)))


def workers() -> list[psutil.Process]:
    return running(ENTRY)


@pytest.mark.parametrize("of_file", [False, True])
def test_only_bad_scenes_are_lost_and_the_others_are_as_undisturbed(
    of_file: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    calm = graphs("car", ("sedan", "van"), "x") if of_file else graphs("object", CLASSES, "loc_x")
    options = OPTIONS | ({"blend": make_blend(tmp_path), "bind": BIND} if of_file else {})
    seeds = range(1000, 1000 + FRAMES)
    with RenderPool("blender", options, workers=2) as pool:
        undisturbed = pool.render(calm, RGB, seeds)
    scenes = [
        with_class(graph, FAULTS[index]) if index in FAULTS else graph for index, graph in enumerate(calm)
    ]
    failures: dict[int, str] = {}
    kills = 0
    with RenderPool("blender", options, workers=2, timeout_s=SILENCE_S) as pool:
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
