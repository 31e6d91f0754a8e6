"""Every pass of the default scene against its geometry."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from metasim.dataset.labels import boxes, full_boxes, solids, visibility
from metasim.rendering.camera import Camera
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.tyol.mesh import Mesh
from renderers.blender.tyol.objects import CLASSES, make_prop
from renderers.blender.tyol.pose import DEFAULTS, FIELD_OF_VIEW_DEG, camera_matrix, object_matrix
from renderers.blender.tyol.table import HALF_WIDTH

pytestmark = pytest.mark.blender

Floats = npt.NDArray[np.float64]
SIZE = (48, 64)
NAMES = ("scene", "camera", "table", *CLASSES)
TABLE, OBJECT = 3, 4


@pytest.fixture(scope="module")
def pool() -> Iterator[RenderPool]:
    with RenderPool("blender", {"size": SIZE, "classes": NAMES}, workers=1) as opened:
        yield opened


def graph_of(cls: str) -> SceneGraph:
    """An object of a class, leaning, before a camera that rolls."""
    rng = np.random.default_rng(CLASSES.index(cls))
    pose = {"yaw": rng.uniform(0, 360), "pitch": rng.uniform(-30, 30), "loc_x": rng.uniform(0.8, 1.2)}
    view = {"camera_pitch": rng.uniform(40, 70), "camera_roll": rng.uniform(-20, 20)}
    return SceneGraph(
        (
            SceneNode("scene", "scene", "scene", None, {}),
            SceneNode("camera", "camera", "camera", 0, view),
            SceneNode("table", "table", "table", 0, {}),
            SceneNode("object", "object", cls, 2, pose),
        )
    )


def camera_of(graph: SceneGraph) -> Camera:
    height, width = SIZE
    focal = 0.5 * width / np.tan(0.5 * np.deg2rad(FIELD_OF_VIEW_DEG))
    intrinsics = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    return Camera(intrinsics, camera_matrix({**DEFAULTS["camera"], **graph.by_name["camera"].attributes}))


def pose_of(graph: SceneGraph) -> tuple[Floats, Floats]:
    """World matrix (4, 4) and vertices (V, 3) of the object."""
    node = graph.by_name["object"]
    vertices = make_prop(node.cls).mesh.vertices
    return object_matrix({**DEFAULTS["object"], **node.attributes}, vertices), vertices


def ids(frame: Frame, name: Pass) -> npt.NDArray[np.int32]:
    return np.asarray(frame[name], np.int32)


def floats(frame: Frame, name: Pass) -> Floats:
    return np.asarray(frame[name], np.float64)


@pytest.fixture(scope="module", params=CLASSES)
def seen(pool: RenderPool, request: pytest.FixtureRequest) -> tuple[SceneGraph, Frame]:
    """A scene of each class with everything that is known of it."""
    graph = graph_of(request.param)
    frame = pool.render([graph], frozenset(Pass), [1])[0]
    assert isinstance(frame, Frame), frame
    return graph, frame


def test_depth_distance_and_position_are_the_geometry(seen: tuple[SceneGraph, Frame]) -> None:
    graph, frame = seen
    camera = camera_of(graph)
    origin = camera.world_from_camera[:3, 3]
    rays = camera.rays(*SIZE) @ camera.world_from_camera[:3, :3].T
    depth, table = floats(frame, Pass.DEPTH), ids(frame, Pass.INSTANCE) == TABLE
    assert table.sum() > 100
    assert np.abs(depth + origin[2] / rays[..., 2])[table].max() < 1e-5
    surface, position = np.isfinite(depth), floats(frame, Pass.POSITION)
    assert np.abs(position[table][:, :2]).max() <= HALF_WIDTH
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    centres = np.stack([x, y], axis=-1)
    assert np.abs(camera.project(position)[0] - centres)[surface].max() < 0.01
    distance = np.linalg.norm(position - origin, axis=-1)
    assert np.abs(floats(frame, Pass.DISTANCE) - distance)[surface].max() < 1e-4
    assert np.array_equal(ids(frame, Pass.INSTANCE) > 0, surface)


def test_ids_are_those_of_the_nodes(seen: tuple[SceneGraph, Frame]) -> None:
    graph, frame = seen
    found = ids(frame, Pass.INSTANCE)
    assert set(np.unique(found)) <= {0, TABLE, OBJECT}
    above = floats(frame, Pass.POSITION)[..., 2] > 1e-4
    assert (found[above] == OBJECT).all()
    numbers = [0, *(NAMES.index(node.cls) + 1 for node in graph.nodes)]
    assert np.array_equal(ids(frame, Pass.CLASS), np.array(numbers)[found])
    assert np.array_equal(ids(frame, Pass.PART), (found > 0).astype(np.int32))


def test_boxes_hold_the_object(seen: tuple[SceneGraph, Frame]) -> None:
    graph, frame = seen
    matrix, vertices = pose_of(graph)
    table = np.arange(5)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    expected = np.diag([*(high - low), 1.0])
    expected[:3, 3] = (low + high) / 2
    solid = {one.instance: one for one in solids(floats(frame, Pass.BOX3D), table)}[OBJECT]
    assert np.abs(solid.world_from_unit - matrix @ expected).max() < 1e-4
    pixels = camera_of(graph).project(vertices @ matrix[:3, :3].T + matrix[:3, 3])[0]
    visible, full = (
        {box.instance: box for box in found}[OBJECT]
        for found in (boxes(ids(frame, Pass.INSTANCE), table), full_boxes(frame[Pass.AMODAL], table))
    )
    assert visible == full
    (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
    edges = np.array(
        [full.x - left, full.y - top, right - full.x - full.width, bottom - full.y - full.height]
    )
    assert (edges > -0.5).all()
    assert (edges < 1.5).all()
    share = visibility(ids(frame, Pass.INSTANCE), frame[Pass.AMODAL])
    assert share[OBJECT] == 1.0
    assert 0.0 < share[TABLE] < 1.0


def test_texture_coordinates_are_those_of_the_triangle_seen(seen: tuple[SceneGraph, Frame]) -> None:
    graph, frame = seen
    matrix, _ = pose_of(graph)
    mesh = make_prop(graph.by_name["object"].cls).mesh
    shown = ids(frame, Pass.INSTANCE) == OBJECT
    points = (floats(frame, Pass.POSITION)[shown] - matrix[:3, 3]) @ np.linalg.inv(matrix[:3, :3]).T
    errors = [
        uv_error(mesh, point, uv) for point, uv in zip(points, floats(frame, Pass.UV)[shown], strict=True)
    ]
    assert len(errors) > 100
    assert max(errors) < 1e-3


def uv_error(mesh: Mesh, point: Floats, uv: Floats) -> float:
    """Least error over the triangles that a point lies in."""
    start, *ends = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    sides = np.stack([*(end - start for end in ends), np.cross(*(end - start for end in ends))], axis=-1)
    flat = np.abs(np.linalg.det(sides)) < 1e-20
    sides[flat] = np.eye(3)
    weights = np.linalg.solve(sides, (point - start)[..., None])[..., 0]
    height = np.abs(weights[:, 2]) * np.linalg.norm(sides[..., 2], axis=-1)
    inside = (weights[:, :2] > -0.01).all(axis=-1) & (weights[:, :2].sum(axis=-1) < 1.01) & ~flat
    near = inside & (height < 1e-5)
    u, v = weights[near, 0, None], weights[near, 1, None]
    corners = np.moveaxis(mesh.uvs[near], 1, 0)
    found = corners[0] + u * (corners[1] - corners[0]) + v * (corners[2] - corners[0])
    return float(np.abs(found - uv).max(axis=-1).min(initial=np.inf))


def test_light_adds_up_and_nothing_moves(seen: tuple[SceneGraph, Frame]) -> None:
    _, frame = seen
    parts = floats(frame, Pass.REFLECTANCE) * floats(frame, Pass.ILLUMINATION) + floats(frame, Pass.RESIDUAL)
    assert np.abs(parts - floats(frame, Pass.HDR)).max() < 1e-5
    for name in (Pass.FLOW_FORWARD, Pass.FLOW_BACKWARD):
        assert np.abs(frame[name]).max() < 1e-3
