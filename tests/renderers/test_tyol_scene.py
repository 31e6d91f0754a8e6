"""The default scene: what its attributes do to the picture, and that the object stays in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations, pairwise, product

import numpy as np
import pytest

from metasim.base.errors import InputError
from metasim.rendering.camera import Camera
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.tyol.objects import CLASSES, make_prop
from renderers.blender.tyol.paint import Floats
from renderers.blender.tyol.pose import DEFAULTS, FIELD_OF_VIEW_DEG, LOOK_AT, camera_matrix, object_matrix
from renderers.blender.tyol.scene import TyolScene

SIZE = 64
prop = cache(make_prop)
RANGES = {
    "object": {"pitch": (-60, 60), "roll": (-60, 60), "loc_x": (0.5, 1.5), "loc_z": (0.5, 1.5)},
    "camera": {"camera_pitch": (30, 90), "camera_roll": (-60, 60)},
}


def scene(cls: str = "shoe", **values: float) -> SceneGraph:
    """A scene at the default values but for some."""
    nodes = [SceneNode("image", "image", "image", None, {}), SceneNode("scene", "scene", "scene", 0, {})]
    for symbol in ("camera", "light", "table", "object"):
        chosen = {name: values.get(name, value) for name, value in DEFAULTS[symbol].items()}
        nodes.append(SceneNode(symbol, symbol, cls if symbol == "object" else symbol, 1, chosen))
    return SceneGraph(tuple(nodes))


def attributes_of(graph: SceneGraph, node: str) -> Mapping[str, float]:
    return graph.by_name[node].attributes


def world_vertices(graph: SceneGraph) -> Floats:
    vertices = prop(graph.by_name["object"].cls).mesh.vertices
    matrix = object_matrix(attributes_of(graph, "object"), vertices)
    return vertices @ matrix[:3, :3].T + matrix[:3, 3]


def expected_camera(graph: SceneGraph) -> Camera:
    focal = 0.5 * SIZE / np.tan(0.5 * np.deg2rad(FIELD_OF_VIEW_DEG))
    intrinsics = np.array([[focal, 0, SIZE / 2], [0, focal, SIZE / 2], [0, 0, 1]])
    return Camera(intrinsics, camera_matrix(attributes_of(graph, "camera")))


def projected(graph: SceneGraph) -> Floats:
    return expected_camera(graph).project(world_vertices(graph))[0]


def extreme_scenes(cls: str, number: int) -> Iterator[SceneGraph]:
    """All corners of the ranges but yaw, then scenes all over them; yaw anywhere."""
    rng = np.random.default_rng(5)
    ranges = RANGES["object"] | RANGES["camera"]
    for corner in product(*ranges.values()):
        yield scene(cls, yaw=rng.uniform(0, 360), **dict(zip(ranges, corner, strict=True)))
    for _ in range(number):
        values = {name: rng.uniform(*ends) for name, ends in ranges.items()}
        yield scene(cls, yaw=rng.uniform(0, 360), **values)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_object_stays_in_frame_over_all_ranges(cls: str) -> None:
    for graph in extreme_scenes(cls, 400):
        pixels = projected(graph)
        assert pixels.min() > 0.0, graph
        assert pixels.max() < SIZE, graph


@pytest.mark.parametrize("cls", CLASSES)
def test_the_object_fills_a_good_part_of_the_frame(cls: str) -> None:
    extents = [np.ptp(projected(scene(cls, yaw=yaw)), axis=0) for yaw in range(0, 360, 30)]
    assert np.mean(extents, axis=0).max() > 0.28 * SIZE


@pytest.mark.parametrize(("camera_pitch", "camera_roll"), list(product((30, 60, 90), (-60, 0, 45))))
def test_the_camera_orbits_a_fixed_point(camera_pitch: float, camera_roll: float) -> None:
    camera = expected_camera(scene(camera_pitch=camera_pitch, camera_roll=camera_roll))
    assert np.allclose(camera.project(LOOK_AT)[0], SIZE / 2)
    assert camera.world_from_camera[2, 3] >= LOOK_AT[2] - 1e-12


def test_directions_in_the_image() -> None:
    """Right is loc_x, up is loc_z; a positive camera roll turns the picture clockwise."""
    middle = projected(scene()).mean(axis=0)
    assert projected(scene(loc_x=1.2)).mean(axis=0)[0] > middle[0] + 3.0
    assert projected(scene(loc_z=1.2)).mean(axis=0)[1] < middle[1] - 1.5
    right = projected(scene(loc_x=1.4)).mean(axis=0)
    rolled = projected(scene(loc_x=1.4, camera_roll=30)).mean(axis=0)
    assert rolled[1] > right[1] + 2.0


def test_attributes_are_those_with_a_default() -> None:
    assert TyolScene().attributes["object"] >= {"yaw", "pitch", "roll", "loc_x", "loc_z"}
    assert TyolScene().attributes["light"] == {"intensity"}
    assert TyolScene().attributes["camera"] == {"camera_pitch", "camera_roll"}


@pytest.fixture(scope="module")
def pool() -> Iterator[RenderPool]:
    with RenderPool("blender", {"scene": "tyol", "size": SIZE, "samples": 16}, workers=1) as opened:
        yield opened


def render(pool: RenderPool, graphs: list[SceneGraph], seed: int = 0, *passes: Pass) -> list[Frame]:
    wanted = frozenset(passes or {Pass.RGB})
    frames = pool.render(graphs, wanted, [seed] * len(graphs))
    return [frame for frame in frames if isinstance(frame, Frame)]


def colours(pool: RenderPool, graphs: list[SceneGraph], seed: int = 0) -> list[Floats]:
    """Images averaged over 2 x 2 pixels, where noise is half of a pixel's."""
    images = [np.asarray(frame[Pass.RGB], float) for frame in render(pool, graphs, seed)]
    return [image.reshape(SIZE // 2, 2, SIZE // 2, 2, 3).mean(axis=(1, 3)) for image in images]


def gap(one: Floats, other: Floats) -> float:
    """Root mean square difference."""
    return float(np.sqrt(np.mean((one - other) ** 2)))


@pytest.mark.blender
def test_ids_lie_where_the_vertices_are_projected(pool: RenderPool) -> None:
    rng = np.random.default_rng(3)
    graphs = [graph for cls in CLASSES for graph in list(extreme_scenes(cls, 4))[-4:]]
    graphs += [scene("mug", yaw=rng.uniform(0, 360)) for _ in range(4)]
    for graph, frame in zip(graphs, render(pool, graphs, 0, Pass.INSTANCE), strict=True):
        assert frame.camera is not None
        expected = expected_camera(graph)
        assert np.allclose(frame.camera.intrinsics, expected.intrinsics, rtol=1e-5)
        assert np.allclose(frame.camera.world_from_camera, expected.world_from_camera, atol=1e-6)
        rows, columns = np.nonzero(frame[Pass.INSTANCE] == graph.index("object") + 1)
        seen = np.array([[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]])
        pixels = projected(graph)
        # A pixel counts where its centre is covered: within half a pixel, one where the tip is thin.
        assert np.abs(seen - np.array([pixels.min(axis=0), pixels.max(axis=0)])).max() <= 1.0
        assert set(np.unique(frame[Pass.INSTANCE])) <= {
            0,
            graph.index("table") + 1,
            graph.index("object") + 1,
        }


STEPS = {
    "yaw": 20.0, "pitch": 10.0, "roll": 10.0, "loc_x": 0.05, "loc_z": 0.08, "warmth": 1.0, "tint": 1.0,
    "intensity": 0.1, "camera_pitch": 4.0, "camera_roll": 4.0,
}  # fmt: skip


@pytest.mark.blender
def test_each_attribute_changes_the_image(pool: RenderPool) -> None:
    plain = scene("shoe", yaw=30)
    still, again = colours(pool, [plain])[0], colours(pool, [plain], seed=1)[0]
    for name, step in STEPS.items():
        start = {**DEFAULTS["object"], **DEFAULTS["light"], **DEFAULTS["camera"], "yaw": 30}[name]
        changed = colours(pool, [scene("shoe", **{"yaw": 30, name: start + step})], seed=1)[0]
        assert gap(still, changed) > 1.2 * gap(still, again), name


@pytest.mark.blender
def test_no_image_tells_the_yaw_of_the_bowl(pool: RenderPool) -> None:
    """Turned and with another seed, it differs from itself as much as by another seed alone."""
    turned = [scene("bowl", yaw=yaw, pitch=20, roll=-35) for yaw in (0, 33, 90, 147, 268)]
    first = colours(pool, turned[:1])[0]
    noise = np.mean([gap(first, image) for seed in (1, 2, 3) for image in colours(pool, turned[:1], seed)])
    for image in colours(pool, turned[1:], seed=1):
        assert gap(first, image) < 1.1 * noise


@pytest.mark.blender
@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls != "bowl"])
def test_the_image_tells_yaw_from_every_side(pool: RenderPool, cls: str) -> None:
    sides = [scene(cls, yaw=yaw) for yaw in range(0, 360, 45)]
    views, again = colours(pool, sides), colours(pool, sides, seed=1)
    noise = max(gap(one, other) for one, other in zip(views, again, strict=True))
    for one, other in combinations(range(len(sides)), 2):
        assert gap(views[one], again[other]) > 2.0 * noise, (sides[one], sides[other])


@pytest.mark.blender
def test_light_is_well_exposed_over_its_range(pool: RenderPool) -> None:
    graphs = [scene("bowl", intensity=intensity) for intensity in (0.0, 0.5, 1.0, 1.3, 2.0)]
    images = [np.asarray(frame[Pass.RGB], float) for frame in render(pool, graphs)]
    means = [image.mean() for image in images]
    assert means[0] > 30.0
    assert all(later > earlier + 10.0 for earlier, later in pairwise(means))
    assert (images[3].min(axis=-1) >= 254).mean() < 0.01
    assert means[-1] < 240.0


@pytest.mark.blender
def test_a_scene_leaves_nothing_behind(pool: RenderPool) -> None:
    shoe, mug = scene("shoe"), scene("mug", warmth=1.0, camera_pitch=40)
    alone = colours(pool, [shoe])[0]
    assert np.array_equal(colours(pool, [mug, shoe])[1], alone)


@pytest.mark.blender
def test_an_unknown_class_is_refused(pool: RenderPool) -> None:
    with pytest.raises(InputError, match="class teapot"):
        pool.render([scene("teapot")], frozenset({Pass.RGB}), [0])
