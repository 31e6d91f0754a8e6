"""Animated .blend files along their timeline: what is in them, where it is, how it moves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from film_file import (
    ELL_HEIGHT,
    ELL_PLACE,
    ELL_YAW,
    FPS,
    SIZE,
    THINGS,
    Film,
    cube_pose,
    film_camera,
    make_film,
    turn,
)

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.footage import Footage
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import UPRIGHT_BOXES, Frame, Pass
from metasim.rendering.registry import scene_footage
from metasim.scene.graph import SceneGraph, SceneNode
from metasim.trajectories.orbit import Orbit

pytestmark = pytest.mark.blender

CUBE = 1  # instance id of the flying cube, less the root's
FRAME = 4
FLOWS = {Pass.FLOW_FORWARD: 1, Pass.FLOW_BACKWARD: -1}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.blend")


@pytest.fixture(scope="module")
def footage(film: Path) -> Footage:
    return scene_footage(film, SIZE, with_surfaces=True)


def graph(frame: int) -> SceneGraph:
    root = SceneNode("scene", "scene", "scene", None, {"frame": frame})
    return SceneGraph((root, *(SceneNode(name, "object", name, 0, {}) for name in THINGS)))


def render(film: Path, scene: SceneGraph, passes: frozenset[Pass], **options: Any) -> Frame | SceneFailure:
    made: Mapping[str, Any] = {"scene": "footage", "file": film, "size": SIZE, "samples": 1, **options}
    with RenderPool("blender", made, workers=1) as pool:
        return pool.render([scene], passes, [0])[0]


@pytest.fixture(scope="module", params=[1.0, 2.5])
def seen(film: Path, request: pytest.FixtureRequest) -> tuple[float, Frame]:
    """A multiplier, and the frame that it shows."""
    passes = frozenset({Pass.DEPTH, Pass.INSTANCE, Pass.BOX3D, *FLOWS})
    frame = render(film, graph(FRAME), passes, keyframe_multiplier=request.param)
    assert isinstance(frame, Frame), frame
    return request.param, frame


def test_a_file_tells_its_timeline_and_what_can_be_seen(footage: Footage) -> None:
    assert (footage.first, footage.last, footage.frame_rate) == (1, 12, FPS)
    assert tuple(thing.name for thing in footage.things) == THINGS
    assert [thing.cls for thing in footage.things] == ["Cube", "Cube", "Ell", "Floor", "Pin"]
    np.testing.assert_allclose(footage.camera.world_from_camera, film_camera(1).world_from_camera, atol=1e-6)


def test_its_triangles_are_those_of_its_things(footage: Footage) -> None:
    surfaces = footage.surfaces
    assert surfaces is not None
    counts = np.bincount(surfaces.owners)
    np.testing.assert_array_equal(counts, [12, 12, 20, 12, 24])  # the pin is shown twice
    cube = surfaces.vertices[np.unique(surfaces.triangles[surfaces.owners == 0])]
    half = np.array([0.6, 0.5, 0.4]) / 2
    pose = cube_pose(footage.first)
    local = (cube - pose[:3, 3]) @ pose[:3, :3]
    np.testing.assert_allclose(np.abs(local), np.broadcast_to(half, local.shape), atol=1e-6)


def test_a_stretched_timeline_is_the_same_motion_slower(seen: tuple[float, Frame]) -> None:
    multiplier, frame = seen
    expected = film_camera(FRAME / multiplier)
    assert frame.camera is not None
    np.testing.assert_allclose(frame.camera.intrinsics, expected.intrinsics, atol=1e-4)
    np.testing.assert_allclose(frame.camera.world_from_camera, expected.world_from_camera, atol=1e-6)
    box = np.asarray(frame[Pass.BOX3D])[CUBE]
    np.testing.assert_allclose(box[:3, 3], cube_pose(FRAME / multiplier)[:3, 3], atol=1e-5)


@pytest.mark.parametrize("name", FLOWS)
def test_flow_is_projected_motion_either_way(seen: tuple[float, Frame], name: Pass) -> None:
    multiplier, frame = seen
    assert frame.camera is not None
    here, there = FRAME / multiplier, (FRAME + FLOWS[name]) / multiplier
    points = frame.camera.unproject(np.asarray(frame[Pass.DEPTH]))
    cube = np.asarray(frame[Pass.INSTANCE]) == CUBE + 1
    assert cube.sum() > 20
    motion = cube_pose(there) @ np.linalg.inv(cube_pose(here))
    points[cube] = points[cube] @ motion[:3, :3].T + motion[:3, 3]
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    expected = film_camera(there).project(points)[0] - np.stack([x, y], axis=-1)
    surface = np.isfinite(points).all(axis=-1)
    assert np.abs(expected[cube]).max() > 0.1
    assert np.abs(np.asarray(frame[name]) - expected)[surface].max() < 1e-3


def test_upright_boxes_lie_close_and_face_where_the_mass_is(seen: tuple[float, Frame]) -> None:
    multiplier, frame = seen
    boxes = {int(i): np.array(box) for i, box in frame.facts[UPRIGHT_BOXES].items()}
    names = [node.name for node in graph(1).nodes]
    cube, ell = (boxes[names.index(name) + 1] for name in ("Cube", "Ell"))
    pose = cube_pose(FRAME / multiplier)
    np.testing.assert_allclose(cube, pose @ np.diag([0.6, 0.5, 0.4, 1.0]), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(ell[:3, :3], axis=0), [0.9, 0.6, ELL_HEIGHT], atol=1e-4)
    middle = turn(2, ELL_YAW)[:, :2] @ [0.45, 0.3] + ELL_PLACE
    np.testing.assert_allclose(ell[:2, 3], middle[:2], atol=1e-4)
    # the mass of the L is to the left of the middle of its box, and most so along its long side
    np.testing.assert_allclose(ell[:3, 0], -0.9 * turn(2, ELL_YAW)[:, 0], atol=1e-4)


def test_what_is_shown_twice_has_one_id(seen: tuple[float, Frame]) -> None:
    _, frame = seen
    ids = np.asarray(frame[Pass.INSTANCE])
    (pin,) = [i + 1 for i, node in enumerate(graph(1).nodes) if node.name == "Pin"]
    columns = np.flatnonzero((ids == pin).any(axis=0))
    assert np.diff(columns).max() > 1  # two pins with a gap between them
    assert np.isfinite(np.asarray(frame[Pass.BOX3D])[1:]).all()


def test_a_trajectory_takes_the_place_of_the_camera(film: Path, tmp_path: Path) -> None:
    way = Orbit((0.0, 0.0, 0.4), 4.0, 30.0).trajectory(12)
    way.save(tmp_path)
    passes = frozenset({Pass.DEPTH, *FLOWS})
    frame = render(film, graph(13), passes, keyframe_multiplier=2.0, trajectory=tmp_path)
    assert isinstance(frame, Frame), frame
    assert frame.camera is not None
    (here, there) = way.at([6.5, 7.0])
    np.testing.assert_allclose(frame.camera.world_from_camera, here, atol=1e-6)
    np.testing.assert_allclose(frame.camera.intrinsics, film_camera(0).intrinsics, atol=1e-4)
    floor = frame.camera.unproject(np.asarray(frame[Pass.DEPTH]))
    still = np.abs(floor[..., 2]) < 1e-4
    after = type(frame.camera)(frame.camera.intrinsics, there)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    flow = after.project(floor)[0] - np.stack([x, y], axis=-1)
    assert np.abs(np.asarray(frame[Pass.FLOW_FORWARD]) - flow)[still].max() < 1e-3


def test_poses_alone_need_no_picture(film: Path) -> None:
    frame = render(film, graph(FRAME), frozenset())
    assert isinstance(frame, Frame)
    assert not frame.passes
    assert frame.camera is not None
    np.testing.assert_allclose(
        frame.camera.world_from_camera, film_camera(FRAME).world_from_camera, atol=1e-6
    )


def test_pictures_are_sharp_unless_the_blur_of_the_file_is_wanted(tmp_path: Path) -> None:
    film = make_film(tmp_path / "blurred.blend", Film(blur=True))
    passes = frozenset({Pass.FLOW_FORWARD})
    frame = render(film, graph(FRAME), passes)
    assert isinstance(frame, Frame)
    assert np.abs(np.asarray(frame[Pass.FLOW_FORWARD])).max() > 0.1
    with pytest.raises(InputError, match="motion blur"):
        render(film, graph(FRAME), passes, motion_blur=True)


def test_a_stretch_that_blender_cannot_count_is_refused(film: Path) -> None:
    with pytest.raises(InputError, match="ratio of whole numbers"):
        render(film, graph(FRAME), frozenset(), keyframe_multiplier=1000.5)


def test_a_file_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.blend"
    bad.write_bytes(b"BLENDER" + b"\0" * 99)
    with pytest.raises(MetasimError) as error:
        scene_footage(bad, SIZE)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="no such file"):
        scene_footage(tmp_path / "none.blend", SIZE)
