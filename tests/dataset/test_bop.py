"""BOP datasets, read as the published layout says; bop_toolkit itself is on no package index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import trimesh
from ball_scene import BALL, CENTRE, CLASSES, FLOOR, RADIUS, ball_sample
from clouds import bop as cloud
from exchange import seen, write
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from metasim.base.errors import MetasimError
from metasim.dataset.formats import find_format
from metasim.dataset.formats.poses import join_pose, split_pose
from metasim.dataset.labels import Solid
from metasim.dataset.modality import Modality
from metasim.rendering.camera import Camera

Array = npt.NDArray[Any]
POSE = {"cam_R_m2c", "cam_t_m2c", "obj_id"}
DETAIL = {"bbox_obj", "bbox_visib", "px_count_all", "px_count_valid", "px_count_visib", "visib_fract"}


@dataclass(frozen=True)
class View:
    """An image as the document of the layout describes it; millimetres, OpenCV's axes."""

    camera: dict[str, Any]
    poses: list[dict[str, Any]]
    details: list[dict[str, Any]]
    rgb: Array
    depth: Array
    masks: list[Array]
    visible: list[Array]


def read(scene: Path) -> Iterator[View]:
    """All images of a scene, by the document alone."""
    names = ("scene_camera", "scene_gt", "scene_gt_info")
    tables = [json.loads((scene / f"{name}.json").read_text()) for name in names]
    for key, camera in sorted(tables[0].items(), key=lambda entry: int(entry[0])):
        poses, details, image = tables[1][key], tables[2][key], int(key)
        masks, visible = (
            [picture(scene / kind / f"{image:06d}_{at:06d}.png") for at in range(len(poses))]
            for kind in ("mask", "mask_visib")
        )
        steps = picture(scene / f"depth/{image:06d}.png")
        assert steps.dtype == np.uint16
        rgb = picture(scene / f"rgb/{image:06d}.png")
        yield View(camera, poses, details, rgb, steps * camera["depth_scale"], masks, visible)


def picture(path: Path) -> Array:
    with Image.open(path) as image:
        return np.asarray(image)


def project(view: View, points: Array, pose: dict[str, Any]) -> tuple[Array, Array]:
    """Pixels, whose centres lie at integers, and depths of points of a model."""
    rotation = np.reshape(pose["cam_R_m2c"], (3, 3))
    local = points @ rotation.T + np.array(pose["cam_t_m2c"])
    pixels = local @ np.reshape(view.camera["cam_K"], (3, 3)).T
    return pixels[:, :2] / pixels[:, 2:], local[:, 2]


def test_scenes_have_the_tables_and_types_of_the_layout(tmp_path: Path) -> None:
    samples = [seen("bop", index) for index in range(3)]
    write("bop", tmp_path, samples)
    views = list(read(tmp_path / "train/000000"))
    assert len(views) == 3
    for view, sample in zip(views, samples, strict=True):
        np.testing.assert_array_equal(view.rgb, sample.images[Modality.RGB])
        assert {frozenset(pose) for pose in view.poses} == {frozenset(POSE)}
        assert all(set(detail) >= DETAIL for detail in view.details)
        assert [len(view.camera[k]) for k in ("cam_K", "cam_R_w2c", "cam_t_w2c")] == [9, 9, 3]
        assert {mask.dtype for mask in (*view.masks, *view.visible)} == {np.dtype(np.uint8)}
        assert set(np.unique([view.masks, view.visible])) <= {0, 255}
        for rotation in (view.camera["cam_R_w2c"], *(pose["cam_R_m2c"] for pose in view.poses)):
            matrix = np.reshape(rotation, (3, 3))
            np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
            assert np.linalg.det(matrix) == pytest.approx(1.0)


def test_details_count_the_pixels_of_the_masks(tmp_path: Path) -> None:
    write("bop", tmp_path, [seen("bop", index, (24, 32)) for index in range(3)])
    for view in read(tmp_path / "train/000000"):
        for detail, mask, visible in zip(view.details, view.masks, view.visible, strict=True):
            whole, shown = int((mask > 0).sum()), int((visible > 0).sum())
            assert (detail["px_count_all"], detail["px_count_visib"]) == (whole, shown)
            assert detail["px_count_valid"] == ((mask > 0) & (view.depth > 0)).sum()
            assert detail["visib_fract"] == (shown / whole if whole else 0)
            for box, pixels in ((detail["bbox_obj"], mask), (detail["bbox_visib"], visible)):
                y, x = np.nonzero(pixels)
                expected = [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1] if len(x) else [-1] * 4
                assert box == expected


def test_objects_are_where_their_poses_say(tmp_path: Path) -> None:
    written = seen("bop", 2, (48, 64))
    write("bop", tmp_path, [written])
    (view,) = read(tmp_path / "train/000000")
    classes = [line.split("|") for line in (tmp_path / "dataset_info.md").read_text().splitlines()]
    named = {int(row[1]): row[2].strip() for row in classes if len(row) > 3 and row[1].strip().isdigit()}
    assert named == dict(enumerate(CLASSES, start=1))
    points = cloud(tmp_path)
    rotation = np.reshape(view.camera["cam_R_w2c"], (3, 3))
    for pose, detail, visible in zip(view.poses, view.details, view.visible, strict=True):
        assert detail["instance_id"] == pose["obj_id"]  # in this scene
        world = points[visible > 0] * 1000.0
        local = world @ rotation.T + np.array(view.camera["cam_t_w2c"]) - np.array(pose["cam_t_m2c"])
        model = local @ np.reshape(pose["cam_R_m2c"], (3, 3))
        assert (np.abs(model) <= np.array(detail["size"]) / 2 + 0.1).all()
        if pose["obj_id"] == BALL:
            np.testing.assert_allclose(np.linalg.norm(model, axis=-1), 1000.0 * RADIUS, atol=0.1)
        else:
            assert (pose["obj_id"], detail["size"][2]) == (FLOOR, 0.0)


def test_the_centre_of_the_ball_projects_to_where_our_camera_sees_it(tmp_path: Path) -> None:
    written = seen("bop", 2)
    assert written.camera is not None
    write("bop", tmp_path, [written])
    (view,) = read(tmp_path / "train/000000")
    (pose,) = (pose for pose in view.poses if pose["obj_id"] == BALL)
    pixel, depth = project(view, np.zeros((1, 3)), pose)
    ours, metres = written.camera.project(CENTRE)
    np.testing.assert_allclose(pixel[0] + 0.5, ours, atol=1e-6)  # our centres lie at half-integers
    np.testing.assert_allclose(depth[0], 1000.0 * metres, rtol=1e-9)


def test_every_object_has_a_model_that_holds_it(tmp_path: Path) -> None:
    """Millimetres, centred; two balls of unlike sizes share the model of their class."""
    small = seen("bop", 1)
    solids = [replace(s, world_from_unit=s.world_from_unit * [0.5, 0.5, 0.5, 1]) for s in small.solids or ()]
    files = write("bop", tmp_path, [seen("bop", 0), replace(small, solids=tuple(solids))])
    models = json.loads((tmp_path / "models/models_info.json").read_text())
    assert set(files) >= {*tmp_path.glob("models/*"), *tmp_path.glob("models/parts/*")} - {
        tmp_path / "models/parts"
    }
    for view in read(tmp_path / "train/000000"):
        for pose, detail in zip(view.poses, view.details, strict=True):
            model = models[str(pose["obj_id"])]
            size = np.array([model[f"size_{axis}"] for axis in "xyz"])
            assert (np.array(model["smallest"]) - 1e-9 <= detail["size"]).all()
            assert (np.array(detail["size"]) <= size + 1e-9).all()
            mesh = trimesh.load(tmp_path / f"models/obj_{pose['obj_id']:06d}.ply", process=False)
            assert isinstance(mesh, trimesh.Trimesh)
            np.testing.assert_allclose(mesh.bounds, [-size / 2, size / 2], atol=1e-6)
            np.testing.assert_allclose(mesh.bounds[0], [model[f"min_{axis}"] for axis in "xyz"], atol=1e-6)
            assert model["diameter"] == pytest.approx(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
    assert models[str(BALL)]["size_x"] == pytest.approx(2 * models[str(BALL)]["smallest"][0])


@given(st.floats(0.001, 500.0))
def test_any_depth_fits_16_bits_as_finely_as_it_can(
    tmp_path_factory: pytest.TempPathFactory, farthest: float
) -> None:
    out = tmp_path_factory.mktemp("bop")
    sample = seen("bop")
    depth = np.linspace(farthest / 2, farthest, 12 * 16, dtype=np.float32).reshape(12, 16)
    written = replace(sample, images={**sample.images, Modality.DEPTH: depth})
    write("bop", out, [written])
    (found,) = find_format("bop").read(out)
    (view,) = read(out / "train/000000")
    scale = view.camera["depth_scale"]
    assert scale == 0.1 or scale < 2 * 1000 * farthest / 65535 * (1 + 1e-6)
    np.testing.assert_allclose(found.images[Modality.DEPTH], depth, rtol=1e-6, atol=0.0005 * scale * 1.001)


@given(st.integers(0, 999), st.sets(st.integers(0, 2), max_size=2), st.booleans())
def test_poses_give_the_box_back(seed: int, flat: set[int], mirrored: bool) -> None:
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    axes *= np.linalg.det(axes) * (-1 if mirrored else 1)
    size = rng.uniform(0.1, 2.0, 3)
    size[list(flat)] = 0.0
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes * size, rng.normal(size=3)
    solid, camera = Solid(3, 2, matrix), ball_sample(seed % 7).camera
    assert camera is not None
    pose = split_pose(solid, camera)
    assert np.linalg.det(pose.opencv_from_model[:3, :3]) == pytest.approx(1.0)
    back = join_pose(pose, camera)
    np.testing.assert_allclose(back.size, size, atol=1e-9)
    one, other = (sorted(np.round(s.corners, 6).tolist()) for s in (solid, back))
    np.testing.assert_allclose(one, other, atol=1e-5)
    if not mirrored:
        np.testing.assert_allclose(back.world_from_unit, matrix, atol=1e-9)


def test_a_slanted_box_is_refused() -> None:
    matrix = np.eye(4)
    matrix[0, 1] = 0.5
    with pytest.raises(MetasimError, match="slanted"):
        split_pose(Solid(1, 1, matrix), Camera(np.eye(3), np.eye(4)))
