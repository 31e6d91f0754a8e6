"""The Blender engine in its worker processes: exact labels, equal bytes, no harm from lost workers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
import pytest

from metasim.base.errors import InputError
from metasim.base.processes import running
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.pool import RenderPool
from metasim.rendering.process import ENTRY
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.passes import CENTRE, COLOUR, srgb_bytes

pytestmark = pytest.mark.blender

OPTIONS = {
    "scene": "cube_scene:CubeScene",
    "samples": 2,
    "size": 48,
    "classes": ["scene", "camera", "cube"],
}
RGB = frozenset({Pass.RGB})
EVERYTHING = frozenset(COLOUR | CENTRE)
FOLDER = str(Path(__file__).parent)
GREY, RED = (0.4, 0.4, 0.4), (0.6, 0.2, 0.1)


def cube_graph(x: float = 0.0, yaw: float = 0.0, height: float = 4.0, cls: str = "cube") -> SceneGraph:
    return SceneGraph(
        (
            SceneNode("scene", "scene", "scene", None, {}),
            SceneNode("camera", "camera", "camera", 0, {"height": height}),
            SceneNode("cube", "cube", cls, 0, {"x": x, "yaw": yaw}),
        )
    )


@pytest.fixture(scope="module")
def pool() -> Iterator[RenderPool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        with RenderPool("blender", OPTIONS, workers=1) as opened:
            yield opened


def shoot(pool: RenderPool, graph: SceneGraph, passes: frozenset[Pass] = EVERYTHING, seed: int = 0) -> Frame:
    frame = pool.render([graph], passes, [seed])[0]
    assert isinstance(frame, Frame), frame
    return frame


def worker_pids() -> list[int]:
    return [worker.pid for worker in running(ENTRY)]


def floats(frame: Frame, name: Pass) -> npt.NDArray[np.float64]:
    return np.asarray(frame[name], np.float64)


@pytest.mark.parametrize(("x", "yaw", "height"), [(0.0, 0.0, 4.0), (0.2, 30.0, 3.5), (-0.3, 77.0, 6.0)])
def test_labels_are_the_geometry(pool: RenderPool, x: float, yaw: float, height: float) -> None:
    frame = shoot(pool, cube_graph(x, yaw, height))
    camera = frame.camera
    assert camera is not None
    depth, position = floats(frame, Pass.DEPTH), floats(frame, Pass.POSITION)
    surface = np.isfinite(depth)
    top = surface & (depth < height - 0.999)
    assert 0.03 < top.mean() < 0.9
    assert (~surface).any()
    assert np.abs(depth[top] - (height - 1.0)).max() < 1e-5
    assert np.abs(camera.unproject(depth)[surface] - position[surface]).max() < 1e-5
    assert np.isnan(position[~surface]).all()
    origin = camera.world_from_camera[:3, 3]
    distance = np.linalg.norm(position - origin, axis=-1)
    assert np.abs(floats(frame, Pass.DISTANCE) - distance)[surface].max() < 1e-5
    assert np.isposinf(floats(frame, Pass.DISTANCE)[~surface]).all()
    normal = floats(frame, Pass.NORMAL)
    assert np.abs(normal[top] - [0.0, 0.0, 1.0]).max() < 1e-5
    assert np.abs(np.linalg.norm(normal[surface], axis=-1) - 1.0).max() < 1e-5


def test_ids_are_those_of_nodes_and_end_where_the_object_ends(pool: RenderPool) -> None:
    graph = cube_graph(0.3, 45.0)
    frame = shoot(pool, graph)
    cube = frame[Pass.INSTANCE] == graph.index("cube") + 1
    assert set(np.unique(frame[Pass.INSTANCE])) == {0, graph.index("cube") + 1}
    on_cube = floats(frame, Pass.POSITION)[..., 2] > 1e-4
    assert np.array_equal(cube, on_cube)


def test_the_cube_is_where_the_camera_projects_it(pool: RenderPool) -> None:
    frame = shoot(pool, cube_graph(0.3, 0.0))
    assert frame.camera is not None
    corners, _ = frame.camera.project([[-0.2, -0.5, 1.0], [0.8, 0.5, 1.0]])
    rows, columns = np.nonzero(floats(frame, Pass.DEPTH) < 3.001)
    (left, bottom), (right, top) = corners
    ends = [columns.min(), columns.max() + 1, rows.min(), rows.max() + 1]
    assert np.abs(np.array(ends) - [left, right, top, bottom]).max() <= 0.5


def test_colours_are_light_on_matter(pool: RenderPool) -> None:
    frame = shoot(pool, cube_graph())
    hdr, albedo = floats(frame, Pass.HDR), floats(frame, Pass.REFLECTANCE)
    parts = albedo * floats(frame, Pass.ILLUMINATION) + floats(frame, Pass.RESIDUAL)
    assert np.abs(parts - hdr).max() < 1e-6
    inside = (slice(20, 28), slice(20, 28))
    assert np.abs(albedo[inside] - GREY).max() < 1e-5
    assert np.abs(floats(frame, Pass.RESIDUAL)[inside]).max() < 1e-5
    assert np.array_equal(frame[Pass.RGB], srgb_bytes(hdr))
    floor = floats(frame, Pass.REFLECTANCE)[14, 20:28]
    assert np.abs(floor - RED).max() < 1e-5


def test_srgb_bytes_follow_the_standard() -> None:
    linear = [-1.0, 0.0, 0.0031308, 0.2140411, 0.5, 1.0, 7.0]
    assert srgb_bytes(linear).tolist() == [0, 0, 10, 127, 188, 255, 255]
    levels = np.arange(256) / 255.0
    decoded = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    assert np.array_equal(srgb_bytes(decoded), np.arange(256))


def test_the_seed_is_the_noise_and_nothing_else(pool: RenderPool) -> None:
    one, other, again = (shoot(pool, cube_graph(), seed=seed) for seed in (1, 2, 1))
    assert not np.array_equal(one[Pass.HDR], other[Pass.HDR])
    for name in EVERYTHING:
        assert one[name].tobytes() == again[name].tobytes(), name
    for name in CENTRE:
        assert one[name].tobytes() == other[name].tobytes(), name
    largest = shoot(pool, cube_graph(), seed=2**31 - 1)
    assert np.abs(floats(largest, Pass.HDR) - floats(one, Pass.HDR)).mean() < 0.05


def test_a_pose_that_is_not_finite_fails_alone(pool: RenderPool) -> None:
    results = pool.render([cube_graph(), cube_graph(x=1000.0), cube_graph()], RGB, [0, 0, 0])
    assert isinstance(results[1], SceneFailure)
    assert "pose is not finite" in results[1].reason
    first, _, last = results
    assert isinstance(first, Frame)
    assert isinstance(last, Frame)
    assert first[Pass.RGB].tobytes() == last[Pass.RGB].tobytes()


def test_what_the_scene_cannot_show_is_an_input_error(pool: RenderPool) -> None:
    with pytest.raises(InputError, match="node cube: class sphere; expected cube"):
        pool.render([cube_graph(cls="sphere")], RGB, [0])


def test_memory_stays_flat(pool: RenderPool) -> None:
    def grow(number: int) -> int:
        graphs = [cube_graph(0.001 * i, 3.0 * i) for i in range(number)]
        pool.render(graphs, RGB | {Pass.INSTANCE}, range(number))
        return psutil.Process(worker_pids()[0]).memory_info().rss

    assert grow(300) - grow(30) < 10e6


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        ("tyoll", "one of tyol"),
        ("cube_scene:Missing", "Missing"),
        ("cube_scene:BlindScene", "without a camera"),
    ],
)
def test_scenes_that_cannot_be_made_are_input_errors(
    scene: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    with (
        pytest.raises(InputError, match=message),
        RenderPool("blender", {"scene": scene}, workers=1) as other,
    ):
        other.render([cube_graph()], RGB, [0])


def tyol_scenes(number: int) -> list[SceneGraph]:
    """Objects of all classes in random poses, as the grammar would draw them."""
    rng = np.random.default_rng(3)
    classes = ("shoe", "mug", "basket", "bowl", "lunch_box")
    return [_tyol_scene(rng, classes[i % len(classes)]) for i in range(number)]


def _tyol_scene(rng: np.random.Generator, cls: str) -> SceneGraph:
    pose = {"yaw": rng.uniform(0, 360), "loc_x": rng.uniform(0.8, 1.2), "loc_z": rng.uniform(0.8, 1.2)}
    return SceneGraph(
        (
            SceneNode("scene", "scene", "scene", None, {}),
            SceneNode("camera", "camera", "camera", 0, {"camera_pitch": rng.uniform(40, 70)}),
            SceneNode("light", "light", "light", 0, {"intensity": rng.uniform(0.7, 1.3)}),
            SceneNode("table", "table", "table", 0, {}),
            SceneNode("object", "object", cls, 3, pose),
        )
    )


def test_tyol_frames_depend_on_neither_workers_nor_order_nor_kills() -> None:
    """Sixty frames: by one worker in order; by two in another order, each killed once on the way."""
    graphs, seeds = tyol_scenes(60), [1000 + 7 * i for i in range(60)]
    with RenderPool("blender", workers=1) as one:
        calm = one.render(graphs, RGB, seeds)
    order = np.random.default_rng(4).permutation(60).tolist()
    found: dict[int, bytes] = {}
    others = set(worker_pids())
    with RenderPool("blender", workers=2) as two:
        for place, result in two.stream([graphs[i] for i in order], RGB, [seeds[i] for i in order]):
            assert isinstance(result, Frame), result
            found[order[place]] = result[Pass.RGB].tobytes()
            if len(found) in (10, 30):
                os.kill((set(worker_pids()) - others).pop(), signal.SIGKILL)
    assert two.counters.restarts == 2
    for index, frame in enumerate(calm):
        assert isinstance(frame, Frame)
        assert frame[Pass.RGB].tobytes() == found[index], index
    assert len(set(found.values())) == 60


def test_an_idle_worker_takes_no_processor_time(pool: RenderPool) -> None:
    shoot(pool, cube_graph())
    workers = [psutil.Process(pid) for pid in worker_pids()]
    assert workers

    def spent() -> float:
        return sum(w.cpu_times().user + w.cpu_times().system for w in workers)

    before = spent()
    time.sleep(1.0)
    assert spent() - before < 0.2  # a spare thread of bpy that spins takes all of a core
