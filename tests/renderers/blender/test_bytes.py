"""Same scene and seed, same bytes in every pass: whatever was rendered before, in which order, by whom."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from room_scene import NODES, room_graph

from metasim.base.processes import running
from metasim.rendering.pool import RenderPool
from metasim.rendering.process import ENTRY
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode

pytestmark = pytest.mark.blender

SCENES = 10
SIZE = (24, 40)


def room_graphs() -> list[SceneGraph]:
    rng = np.random.default_rng(0)
    return [
        room_graph(
            rng.uniform(-0.3, 0.3), rng.uniform(-0.9, 0.3), rng.uniform(1, 5), int(rng.integers(9, 12))
        )
        for _ in range(SCENES)
    ]


def tyol_graphs() -> list[SceneGraph]:
    rng = np.random.default_rng(1)
    return [tyol_graph(rng, cls) for cls in ("shoe", "mug", "basket", "bowl", "lunch_box") * (SCENES // 5)]


def tyol_graph(rng: np.random.Generator, cls: str) -> SceneGraph:
    pose = {"yaw": rng.uniform(0, 360), "loc_x": rng.uniform(0.8, 1.2)}
    root = SceneNode("scene", "scene", "scene", None, {})
    camera = SceneNode("camera", "camera", "camera", 0, {"camera_pitch": rng.uniform(40, 70)})
    table = SceneNode("table", "table", "table", 0, {})
    return SceneGraph((root, camera, table, SceneNode("object", "object", cls, 2, pose)))


ROOM = {"scene": "room_scene:RoomScene", "classes": ["room", *NODES]}
TYOL = {"classes": ["scene", "camera", "table", "shoe", "mug", "basket", "bowl", "lunch_box"]}


def drawn(
    options: dict[str, Any],
    graphs: Sequence[SceneGraph],
    order: Sequence[int],
    workers: int,
    kill: bool = False,
) -> dict[int, Frame]:
    """Frames by place among the graphs, rendered in this order; a worker may be killed half-way."""
    passes = frozenset(Pass)
    others = workers_alive()
    frames: dict[int, Frame] = {}
    with RenderPool("blender", {**options, "size": SIZE, "samples": 2}, workers=workers) as pool:
        seeds = [100 + 7 * index for index in order]
        for place, result in pool.stream([graphs[index] for index in order], passes, seeds):
            assert isinstance(result, Frame), result
            frames[order[place]] = result
            if kill and len(frames) == len(order) // 2:
                os.kill((workers_alive() - others).pop(), signal.SIGKILL)
    assert pool.counters.restarts == kill
    return frames


def workers_alive() -> set[int]:
    return {worker.pid for worker in running(ENTRY)}


@pytest.mark.parametrize("scene", ["tyol", "file"])
def test_bytes_depend_on_scene_and_seed_only(scene: str, room: Path) -> None:
    options, graphs = (TYOL, tyol_graphs()) if scene == "tyol" else ({**ROOM, "path": room}, room_graphs())
    calm = drawn(options, graphs, range(SCENES), workers=1)
    order = np.random.default_rng(2).permutation(SCENES).tolist()
    harried = drawn(options, graphs, order, workers=2, kill=True)
    for index in range(SCENES):
        for name in Pass:
            assert calm[index][name].tobytes() == harried[index][name].tobytes(), (index, name)
    assert len({frame[Pass.HDR].tobytes() for frame in calm.values()}) == SCENES


def test_colours_do_not_depend_on_the_passes_beside_them_nor_on_those_before(room: Path) -> None:
    colours = frozenset({Pass.HDR, Pass.RGB})
    with RenderPool("blender", {**ROOM, "path": room, "size": SIZE}, workers=1) as pool:
        first, rich, last = (
            pool.render([room_graph()], passes, [3])[0] for passes in (colours, frozenset(Pass), colours)
        )
    assert isinstance(first, Frame)
    assert isinstance(rich, Frame)
    assert isinstance(last, Frame)
    for name in colours:
        assert first[name].tobytes() == rich[name].tobytes() == last[name].tobytes()
