"""The Hypersim layout: files, their types, and what pixels and tables say of the scene."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from ball_scene import BALL, FLOOR, GRAPH, SIZE, ball_sample, on_surface
from hypersim_files import HELD, array, images_of, matrix, table, write_scene
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from metasim.dataset.formats import find_format
from metasim.dataset.formats.hypersim import HypersimFormat
from metasim.dataset.formats.hypersim.nyu40 import NYU40, nyu40_id
from metasim.dataset.formats.hypersim.paths import CLASS_LABELS, SEMANTIC_LABELS
from metasim.dataset.modality import Modality, choose_modalities
from metasim.rendering.protocol import Pass

HALF = 2.0**-11  # relative error of float16
FINAL = ("color", "diffuse_illumination", "diffuse_reflectance", "residual")
NORMALS = ("normal_cam", "normal_world", "normal_bump_cam", "normal_bump_world")
IDS = ("render_entity_id", "semantic", "semantic_instance")
DETAIL = {
    "metadata_cameras.csv",
    "metadata_scene.csv",
    "metadata_nodes.csv",
    "metadata_node_strings.csv",
    "cam_00/metadata_camera.csv",
    *(
        f"cam_00/camera_keyframe_{name}.hdf5"
        for name in ("frame_indices", "positions", "orientations", "look_at_positions")
    ),
    "mesh/mesh_objects_si.hdf5",
    "mesh/mesh_objects_sii.hdf5",
    "mesh/mesh_objects_class.hdf5",
    "mesh/metadata_objects.csv",
    "mesh/metadata_semantic_colors.hdf5",
    "mesh/metadata_semantic_instance_colors.hdf5",
    *(
        f"mesh/metadata_semantic_instance_bounding_box_object_aligned_{kind}_{field}.hdf5"
        for kind in ("2d", "3d")
        for field in ("extents", "orientations", "positions")
    ),
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(tmp_path_factory.mktemp("hypersim"))


def test_the_tree_is_that_of_hypersim(scene: Path) -> None:
    assert isinstance(find_format("hypersim"), HypersimFormat)
    assert sorted(path.name for path in scene.parent.glob("ai_*")) == ["ai_000_000", "ai_001_002"]
    detail = scene / "_detail"
    assert {str(p.relative_to(detail)) for p in detail.rglob("*") if p.is_file()} == DETAIL
    assert set(images_of(scene, "final")) == set(FINAL)
    geometry = {"depth_meters", "position", "tex_coord", *NORMALS, *IDS}
    assert set(images_of(scene, "geometry")) == geometry


def test_types_and_shapes_are_those_of_hypersim(scene: Path) -> None:
    images = images_of(scene, "final") | images_of(scene, "geometry")
    for name, image in images.items():
        assert image.dtype == (np.int16 if name in IDS else np.float16), name
        assert image.shape == (SIZE if name in (*IDS, "depth_meters") else (*SIZE, 3)), name
    for path in scene.rglob("images/*/*.hdf5"):
        with h5py.File(path) as file:
            dataset = file["dataset"]
            assert isinstance(dataset, h5py.Dataset)
            assert (dataset.compression, dataset.compression_opts) == ("gzip", 9)


def test_nothing_is_nan_or_minus_one(scene: Path) -> None:
    sample, images = ball_sample(0), images_of(scene, "geometry")
    nothing = sample.images[Modality.INSTANCE] == 0
    assert 0.1 < nothing.mean() < 0.9
    for name in ("depth_meters", "position", *NORMALS):
        missing = np.isnan(images[name]).reshape(*SIZE, -1)
        assert np.array_equal(missing.all(axis=-1), nothing), name
        assert np.array_equal(missing.any(axis=-1), nothing), name
    for name in IDS:
        assert np.array_equal(images[name] == -1, nothing), name
        assert images[name][~nothing].min() >= 1
    for image in (images["tex_coord"], *images_of(scene, "final").values()):
        assert np.isfinite(image).all()
    assert not images["tex_coord"][..., 2].any()


def test_depth_is_the_distance_to_the_centre(scene: Path) -> None:
    sample, depth = ball_sample(0), images_of(scene, "geometry")["depth_meters"].astype(float)
    centre = array(scene / "_detail/cam_00/camera_keyframe_positions.hdf5")[0]
    distance = np.linalg.norm(sample.images[Modality.POSITION] - centre, axis=-1)
    np.testing.assert_allclose(depth, distance, rtol=HALF)
    seen = np.isfinite(distance)
    assert np.abs(depth - sample.images[Modality.DEPTH])[seen].max() > 0.05  # planar depth is another thing


def test_points_from_its_own_depth_and_camera_lie_on_the_scene(scene: Path) -> None:
    height, width = SIZE
    u, v = (
        np.linspace(-1 + 1 / width, 1 - 1 / width, width),
        np.linspace(1 - 1 / height, -1 + 1 / height, height),
    )
    rays = np.stack([*np.meshgrid(u, v), np.ones(SIZE)], axis=-1) @ matrix(scene, "M_cam_from_uv", 3).T
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    images = images_of(scene, "geometry")
    local = rays * images["depth_meters"].astype(float)[..., None]
    orientation = array(scene / "_detail/cam_00/camera_keyframe_orientations.hdf5")[0]
    points = local @ orientation.T + array(scene / "_detail/cam_00/camera_keyframe_positions.hdf5")[0]
    seen = np.isfinite(points[..., 0])
    assert seen.mean() > 0.3
    assert on_surface(points)[seen].max() < 6 * HALF  # 6 metres away at most
    np.testing.assert_allclose(points[seen], images["position"][seen], atol=6 * HALF)
    assert (local[seen][:, 2] < 0).all()  # +z is backward

    clip = np.append(local, np.ones((*SIZE, 1)), axis=-1)[seen] @ matrix(scene, "M_proj", 4).T
    across, up = (clip[:, :2] / clip[:, 3:]).T
    y, x = np.nonzero(seen)
    np.testing.assert_allclose((across + 1) / 2 * width, x + 0.5, atol=1e-6)
    np.testing.assert_allclose((1 - up) / 2 * height, y + 0.5, atol=1e-6)


def test_normals_in_the_camera_face_it(scene: Path) -> None:
    images = images_of(scene, "geometry")
    orientation = array(scene / "_detail/cam_00/camera_keyframe_orientations.hdf5")[0]
    assert np.linalg.det(orientation) == pytest.approx(1)
    for kind in ("normal", "normal_bump"):
        world, local = (images[f"{kind}_{frame}"].astype(float) for frame in ("world", "cam"))
        np.testing.assert_allclose(local, world @ orientation, atol=3 * HALF)
        seen = np.isfinite(local[..., 0])
        np.testing.assert_allclose(np.linalg.norm(local[seen], axis=-1), 1, atol=3 * HALF)
    floor = images["semantic_instance"] == FLOOR
    assert (images["normal_cam"][floor][:, 2] > 0).all()
    np.testing.assert_array_equal(images["normal_world"][floor], [[0, 0, 1]] * floor.sum())
    assert (images["normal_bump_world"][floor] != images["normal_world"][floor]).any()


def test_ids_join_the_tables(scene: Path) -> None:
    images, detail = images_of(scene, "geometry"), scene / "_detail"
    nodes = {int(row["node_id"]): row for row in table(detail / "metadata_nodes.csv")}
    names = [row["object_name"] for row in table(detail / "mesh/metadata_objects.csv")]
    si, sii = (array(detail / f"mesh/mesh_objects_{name}.hdf5") for name in ("si", "sii"))
    assert si.shape == sii.shape == (len(names), 1)
    assert si.dtype == sii.dtype == np.int64
    assert [si[0, 0], sii[0, 0]] == [-1, -1]  # the room has no pixels, so no label
    for entity in (FLOOR, BALL):
        row, pixels = nodes[entity], images["render_entity_id"] == entity
        place = int(row["object_id"])
        assert names[place] == row["object_name"] == row["node_name"] == GRAPH.nodes[entity - 1].name
        assert set(images["semantic"][pixels]) == {si[place, 0]}
        assert set(images["semantic_instance"][pixels]) == {sii[place, 0]}
    strings = {
        (row["node_id"], row["path"]): row["string"] for row in table(detail / "metadata_node_strings.csv")
    }
    assert strings[str(BALL), "<root>.class"] == "ball"
    (scale,) = table(detail / "metadata_scene.csv")
    assert scale == {"parameter_name": "meters_per_asset_unit", "parameter_value": "1.0"}
    colours = array(detail / "mesh/metadata_semantic_colors.hdf5")
    assert colours.shape == (41, 3)
    assert colours.dtype == np.int64
    assert (colours[0] == -1).all()
    assert array(detail / "mesh/metadata_semantic_instance_colors.hdf5").shape == (len(names) + 1, 3)


def test_semantic_ids_are_those_of_nyu40(scene: Path) -> None:
    labels = {int(row["semantic_id"]): row["semantic_name"] for row in table(scene.parent / SEMANTIC_LABELS)}
    assert sorted(labels) == list(range(1, 41))
    assert [labels[i] for i in (1, 5, 22, 40)] == ["wall", "chair", "ceiling", "otherprop"]
    ours = {row["class_name"]: labels[int(row["semantic_id"])] for row in table(scene.parent / CLASS_LABELS)}
    assert ours == {"room": "otherprop", "floor": "floor", "ball": "otherprop"}
    images = images_of(scene, "geometry")
    for entity in (FLOOR, BALL):
        found = images["semantic"][images["render_entity_id"] == entity]
        assert {labels[i] for i in found.tolist()} == {ours[GRAPH.nodes[entity - 1].cls]}
    assert set(images["semantic"][images["render_entity_id"] == -1].tolist()) == {-1}


@given(st.sampled_from(list(NYU40)), st.sampled_from(["", "big_", "Old "]), st.sampled_from(["", "_2"]))
def test_a_class_is_told_by_its_last_word(name: str, before: str, after: str) -> None:
    assert list(NYU40)[nyu40_id(f"{before}{name}{after}") - 1] == name
    assert list(NYU40)[nyu40_id(f"{name}_handle") - 1] == "otherprop"


def test_colour_is_reflectance_times_illumination_plus_residual(scene: Path) -> None:
    found = next(s for s in HypersimFormat().read(scene.parent) if s.provenance.index == 0)
    parts = (Modality.HDR, Modality.REFLECTANCE, Modality.ILLUMINATION, Modality.RESIDUAL)
    colour, reflectance, illumination, residual = (found.images[m] for m in parts)
    assert np.abs(colour - (reflectance * illumination + residual)).max() <= 2e-3
    assert residual.min() >= -1e-4
    assert np.ptp(reflectance * illumination) > 0.1


def test_the_preview_is_the_colour_by_its_tone_mapping(scene: Path) -> None:
    with Image.open(scene / "images/scene_cam_00_final_preview/frame.0000.tonemap.jpg") as picture:
        shown = np.asarray(picture) / 255
    objects = images_of(scene, "geometry")["render_entity_id"] != -1
    colour = images_of(scene, "final")["color"].astype(float)
    brightness = colour @ [0.3, 0.59, 0.11]
    scale = 0.8**2.2 / np.percentile(brightness[objects], 90)
    assert np.abs(shown - np.clip(colour * scale, 0, 1) ** (1 / 2.2)).mean() < 0.1  # noise blurred by JPEG
    assert abs(shown.mean() - (np.clip(colour * scale, 0, 1) ** (1 / 2.2)).mean()) < 0.02


def test_it_is_given_colour_unless_told_otherwise() -> None:
    chosen = choose_modalities(None, frozenset(Pass), HELD, "hypersim")
    assert {Modality.HDR, Modality.DEPTH, Modality.NORMAL, Modality.INSTANCE, Modality.SEMANTIC} == set(
        chosen
    )
    assert Modality.HDR not in choose_modalities(None, frozenset(Pass), frozenset(Modality), "folder")
