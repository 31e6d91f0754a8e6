"""Every pass of a .blend file of our own making, against the numbers that it was made with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from room_scene import (
    CRATE,
    FRAME,
    NODES,
    SIZE,
    Floats,
    crate_pose,
    room_camera,
    room_graph,
    turn,
)

from metasim.base.errors import InputError
from metasim.dataset.labels import boxes, full_boxes, solids, visibility
from metasim.rendering.camera import Camera
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph

pytestmark = pytest.mark.blender

ALL = frozenset(Pass)
FLOWS = frozenset({Pass.FLOW_FORWARD, Pass.FLOW_BACKWARD})
ID = {name: number for number, name in enumerate(NODES, start=2)}
CLASSES = np.arange(len(NODES) + 2)
"""Class ids by instance id: every node is of a class of its own."""


def options(path: Path, **other: Any) -> dict[str, Any]:
    fixed = {"scene": "room_scene:RoomScene", "path": path, "size": SIZE, "classes": ["room", *NODES]}
    return {**fixed, "samples": 4, **other}


@pytest.fixture(scope="module")
def pool(room: Path) -> Iterator[RenderPool]:
    with RenderPool("blender", options(room), workers=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def frame(pool: RenderPool) -> Frame:
    """The room with everything asked for, the screen beside the crate."""
    return shoot(pool, room_graph())


def shoot(pool: RenderPool, graph: SceneGraph, passes: frozenset[Pass] = ALL) -> Frame:
    frame = pool.render([graph], passes, [0])[0]
    assert isinstance(frame, Frame), frame
    return frame


def ids(frame: Frame, name: Pass) -> npt.NDArray[np.int32]:
    return np.asarray(frame[name], np.int32)


def floats(frame: Frame, name: Pass) -> Floats:
    return np.asarray(frame[name], np.float64)


def mask(frame: Frame, node: str) -> np.ndarray:
    return ids(frame, Pass.INSTANCE) == ID[node]


def world_rays(camera: Camera) -> Floats:
    """(H, W, 3) directions of unit planar depth through the pixel centres."""
    return camera.rays(*SIZE) @ camera.world_from_camera[:3, :3].T


def moved(pose: Floats, points: Floats) -> Floats:
    return points @ pose[:3, :3].T + pose[:3, 3]


def back(pose: Floats, points: Floats) -> Floats:
    return (points - pose[:3, 3]) @ pose[:3, :3]


def depth_of_box(camera: Camera, pose: Floats, size: Floats) -> Floats:
    """(H, W) planar depth of a box about the origin of a pose; NaN beside it (slab method)."""
    rotation = pose[:3, :3]
    start, rays = back(pose, camera.world_from_camera[:3, 3]), world_rays(camera) @ rotation
    near, far = (-np.sign(rays) * size / 2 - start) / rays, (np.sign(rays) * size / 2 - start) / rays
    enter, leave = near.max(axis=-1), far.min(axis=-1)
    return np.where(enter < leave, enter, np.nan)


def at(location: list[float], rotation: Floats | None = None) -> Floats:
    pose = np.eye(4)
    pose[:3, :3] = np.eye(3) if rotation is None else rotation
    pose[:3, 3] = location
    return pose


def test_the_camera_is_the_one_of_the_file(frame: Frame) -> None:
    camera, expected = frame.camera, room_camera(FRAME)
    assert camera is not None
    assert np.abs(camera.intrinsics - expected.intrinsics).max() < 1e-4
    assert np.abs(camera.world_from_camera - expected.world_from_camera).max() < 1e-6


def test_depth_and_ids_are_the_geometry(frame: Frame) -> None:
    """A lens wide open blurs the colours, but no label."""
    camera, depth = room_camera(FRAME), floats(frame, Pass.DEPTH)
    layers = {
        "crate": depth_of_box(camera, crate_pose(FRAME), CRATE),
        "screen": depth_of_box(camera, at([-0.9, -1.2, 0.25]), np.array([0.5, 0.02, 0.5])),
        "floor": depth_of_box(camera, at([0, 0.4, -0.1]), np.array([5, 4, 0.2])),
    }
    drawn = {"crate": mask(frame, "crate"), "screen": mask(frame, "screen")}
    drawn["floor"] = (ids(frame, Pass.INSTANCE) == 0) & np.isfinite(depth)
    for name, pixels in drawn.items():
        assert pixels.sum() > 30
        assert np.abs(depth - layers[name])[pixels].max() < 1e-5
    nothing = np.isnan(np.stack(list(layers.values()))).all(axis=0)
    others = mask(frame, "ball") | mask(frame, "lamp")
    assert np.array_equal(np.isinf(depth), nothing & ~others)


def test_distance_and_position_agree_with_depth(frame: Frame) -> None:
    camera, surface = room_camera(FRAME), np.isfinite(frame[Pass.DEPTH])
    position = floats(frame, Pass.POSITION)
    distance = np.linalg.norm(position - camera.world_from_camera[:3, 3], axis=-1)
    assert np.abs(floats(frame, Pass.DISTANCE) - distance)[surface].max() < 1e-4
    assert np.isposinf(floats(frame, Pass.DISTANCE)[~surface]).all()
    assert np.isnan(position[~surface]).all()
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    pixels = camera.project(position)[0]
    assert np.abs(pixels - np.stack([x, y], axis=-1))[surface].max() < 0.01


def test_true_normals_are_those_of_the_sides_and_shading_normals_are_not(frame: Frame) -> None:
    crate = mask(frame, "crate")
    local = floats(frame, Pass.NORMAL_GEOMETRIC)[crate] @ crate_pose(FRAME)[:3, :3]
    point = back(crate_pose(FRAME), floats(frame, Pass.POSITION)[crate]) / CRATE
    side = np.eye(3)[np.argmax(np.abs(point), axis=-1)] * np.sign(point)
    assert np.abs(local - side).max() < 1e-5
    floor = (ids(frame, Pass.INSTANCE) == 0) & (floats(frame, Pass.POSITION)[..., 2] > -1e-4)
    assert np.abs(floats(frame, Pass.NORMAL_GEOMETRIC)[floor] - [0, 0, 1]).max() < 1e-5
    bent = floats(frame, Pass.NORMAL)
    assert np.abs(bent[floor] - [0, 0, 1]).max() > 1e-2
    assert np.abs(bent - floats(frame, Pass.NORMAL_GEOMETRIC))[crate].max() > 1e-1
    surface = np.isfinite(frame[Pass.DEPTH])
    for name in (Pass.NORMAL, Pass.NORMAL_GEOMETRIC):
        assert np.abs(np.linalg.norm(floats(frame, name)[surface], axis=-1) - 1.0).max() < 1e-5
        assert np.isnan(frame[name][~surface]).all()


def test_texture_coordinates_are_those_of_the_mesh(frame: Frame) -> None:
    uv, position = floats(frame, Pass.UV), floats(frame, Pass.POSITION)
    floor = (ids(frame, Pass.INSTANCE) == 0) & (floats(frame, Pass.DEPTH) < np.inf)
    expected = (position[..., :2] - [0, 0.4]) / [5, 4] + 0.5
    assert floor.sum() > 100
    assert np.abs(uv - expected)[floor].max() < 1e-5
    assert (uv[mask(frame, "crate")] == 0).all()  # which has none
    assert np.isnan(uv[np.isinf(frame[Pass.DEPTH])]).all()


def test_parts_are_the_materials_of_a_node(frame: Frame) -> None:
    part, position = ids(frame, Pass.PART), floats(frame, Pass.POSITION)
    crate, lamp = mask(frame, "crate"), mask(frame, "lamp")
    lid = floats(frame, Pass.NORMAL_GEOMETRIC)[..., 2] > 0.5
    assert set(np.unique(part[crate])) == {1, 2}
    assert np.array_equal(part[crate] == 2, lid[crate])
    foot = position[..., 2] < 0.599
    assert set(np.unique(part[lamp])) == {1, 2}  # a foot without a material, and a bulb that is its child
    assert (part[lamp & foot & (np.abs(position[..., 0] - 1.0) < 0.099)] == 1).all()
    assert (part[lamp & (position[..., 2] > 0.701)] == 2).all()
    assert np.array_equal(part > 0, ids(frame, Pass.INSTANCE) > 0)


def test_classes_are_those_of_the_nodes(frame: Frame) -> None:
    assert np.array_equal(ids(frame, Pass.CLASS), CLASSES[ids(frame, Pass.INSTANCE)])


def test_colour_is_reflectance_times_illumination_and_what_else_there_is(frame: Frame) -> None:
    hdr, residual = floats(frame, Pass.HDR), floats(frame, Pass.RESIDUAL)
    parts = floats(frame, Pass.REFLECTANCE) * floats(frame, Pass.ILLUMINATION) + residual
    assert np.abs(parts - hdr).max() < 1e-5
    sky = np.isinf(frame[Pass.DEPTH])
    for shining in (mask(frame, "ball"), mask(frame, "lamp"), mask(frame, "crate"), sky):
        assert residual[shining].max() > 0.05
    assert residual.min() >= 0.0


@pytest.mark.parametrize(("name", "other"), [(Pass.FLOW_FORWARD, FRAME + 1), (Pass.FLOW_BACKWARD, FRAME - 1)])
def test_flow_is_projected_motion(frame: Frame, name: Pass, other: int) -> None:
    here, there = room_camera(FRAME), room_camera(other)
    flow, position = floats(frame, name), floats(frame, Pass.POSITION)
    crate, sky = mask(frame, "crate"), np.isinf(frame[Pass.DEPTH])
    local = back(crate_pose(FRAME), position)
    later = np.where(crate[..., None], moved(crate_pose(other), local), position)
    far = here.world_from_camera[:3, 3] + 1e9 * world_rays(here)
    start, end = np.where(sky[..., None], far, position), np.where(sky[..., None], far, later)
    motion = there.project(end)[0] - here.project(start)[0]
    assert sky.sum() > 100
    assert np.abs(flow - motion).max() < 1e-3
    assert np.abs(flow[crate]).max() > 1.0


def test_oriented_boxes_are_those_of_the_nodes(frame: Frame) -> None:
    found = {solid.instance: solid for solid in solids(floats(frame, Pass.BOX3D), CLASSES)}
    assert set(found) == set(ID.values())
    crate = found[ID["crate"]]
    assert np.abs(crate.world_from_unit - crate_pose(FRAME) @ np.diag([*CRATE, 1.0])).max() < 1e-4
    bulb = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * [0.15, 0.1, 0.1]
    bulb = bulb @ turn(1, np.rad2deg(0.5)).T + [1.1, 0.2, 0.75]
    low, high = np.minimum(bulb.min(axis=0), [0.9, 0.1, 0.0]), np.maximum(bulb.max(axis=0), [1.1, 0.3, 0.6])
    lamp = found[ID["lamp"]]
    assert np.abs(lamp.size - (high - low)).max() < 1e-4
    assert np.abs(lamp.centre - (high + low) / 2).max() < 1e-4


def test_boxes_in_the_image_are_those_of_the_projected_crate(frame: Frame) -> None:
    camera, instance = room_camera(FRAME), ids(frame, Pass.INSTANCE)
    visible = {box.instance: box for box in boxes(instance, CLASSES)}
    full = {box.instance: box for box in full_boxes(frame[Pass.AMODAL], CLASSES)}
    assert visible[ID["crate"]] == full[ID["crate"]]
    corners = solids(floats(frame, Pass.BOX3D)[[ID["crate"] - 1]], CLASSES)[0].corners
    pixels = camera.project(corners)[0]
    (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
    box = visible[ID["crate"]]
    edges = np.array([box.x - left, box.y - top, right - box.x - box.width, bottom - box.y - box.height])
    assert (edges > -0.5).all()
    assert (edges < 1.5).all()


def test_what_hides_a_node_changes_what_is_seen_of_it_and_not_its_whole_mask(
    pool: RenderPool, frame: Frame
) -> None:
    hidden = shoot(pool, room_graph(screen=-0.3))
    crate = ID["crate"]
    assert np.array_equal(hidden[Pass.AMODAL][crate - 1], mask(frame, "crate"))
    whole, seen = mask(frame, "crate").sum(), mask(hidden, "crate").sum()
    assert 0 < seen < whole
    share = visibility(ids(hidden, Pass.INSTANCE), hidden[Pass.AMODAL])
    assert share[crate] == seen / whole
    assert share[ID["screen"]] == 1.0
    for number, node in enumerate(hidden[Pass.AMODAL], start=1):
        assert not ((ids(hidden, Pass.INSTANCE) == number) & ~node).any()
    assert not hidden[Pass.AMODAL][0].any()  # the room itself has no body


def test_ids_come_from_the_table_at_any_sample_count(room: Path, frame: Frame) -> None:
    names = frozenset({Pass.INSTANCE, Pass.CLASS, Pass.PART, Pass.AMODAL})
    with RenderPool("blender", options(room, samples=64), workers=1) as other:
        many = shoot(other, room_graph(), names | {Pass.RGB})
    for name in names:
        assert np.array_equal(many[name], frame[name])
    assert set(np.unique(ids(frame, Pass.INSTANCE))) == {0, *ID.values()}


def test_motion_blur_is_in_the_colours_only_and_rules_out_flow(room: Path, frame: Frame) -> None:
    with RenderPool("blender", options(room, blur=True), workers=1) as blurred:
        taken = shoot(blurred, room_graph(), ALL - FLOWS)
        with pytest.raises(InputError, match="flow_forward with motion blur"):
            blurred.render([room_graph()], frozenset({Pass.FLOW_FORWARD}), [0])
    assert np.abs(floats(taken, Pass.HDR) - floats(frame, Pass.HDR)).mean() > 0.01
    for name in (Pass.DEPTH, Pass.POSITION, Pass.INSTANCE, Pass.NORMAL_GEOMETRIC, Pass.AMODAL, Pass.BOX3D):
        assert np.array_equal(taken[name], frame[name], equal_nan=name is not Pass.INSTANCE), name
