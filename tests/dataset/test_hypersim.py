"""Laws of the Hypersim format: each rule of its layout, and what is written is read back to float16."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from ball_scene import BALL, CLASSES, FLOOR, GRAPH, SIZE, assert_same, ball_sample, on_surface
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from metasim.base.errors import InputError
from metasim.dataset.formats import find_format
from metasim.dataset.formats.hypersim import HypersimFormat
from metasim.dataset.formats.hypersim.boxes import EXACT, FIELDS, UPRIGHT, box_tables
from metasim.dataset.formats.hypersim.nyu40 import NYU40, nyu40_id
from metasim.dataset.formats.hypersim.paths import CLASS_LABELS, SEMANTIC_LABELS
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.labels import Solid
from metasim.dataset.modality import Modality, choose_modalities
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.sample import Sample
from metasim.rendering.protocol import Pass

HELD = HypersimFormat.modalities
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


def held(sample: Sample, kept: frozenset[Modality] = HELD) -> Sample:
    """The sample with no more than the format holds, with no table but that of oriented boxes."""
    images = {m: image for m, image in sample.images.items() if m in HELD & kept}
    solids = sample.solids if Modality.BBOX3D in kept else None
    return replace(sample, images=images, boxes=None, full_boxes=None, visibility=None, solids=solids)


def halved(sample: Sample) -> Sample:
    """The sample with its floating images rounded to float16, depth by way of distance."""
    images = dict(sample.images)
    for modality, image in images.items():
        if image.dtype == np.float32 and modality is not Modality.DEPTH:
            images[modality] = image.astype(np.float16).astype(np.float32)
    if sample.camera is not None and Modality.DEPTH in images:
        rays = np.linalg.norm(sample.camera.rays(*images[Modality.DEPTH].shape), axis=-1)
        distance = sample.images.get(Modality.DISTANCE, images[Modality.DEPTH] * rays)
        images[Modality.DEPTH] = (distance.astype(np.float16).astype(np.float32) / rays).astype(np.float32)
    return replace(sample, images=images)


def write(folder: Path, *samples: Sample) -> list[str]:
    part = Part("train", 0, tuple(s.provenance.index for s in samples))
    with HypersimFormat().open(folder, part) as writer:
        for item in samples:
            writer.add(item)
    plan = ExportPlan("hypersim", len(samples), tuple(sorted(HELD)), {"train": 1.0}, 0, SIZE)
    info = DatasetInfo(plan, CLASSES, {part.name: tuple(s.key for s in samples)})
    return [*writer.files, *HypersimFormat().finalise(folder, info)]


def array(path: Path) -> np.ndarray:
    """The one array of a file, by its required name."""
    with h5py.File(path) as file:
        assert list(file) == ["dataset"], path
        dataset = file["dataset"]
        assert isinstance(dataset, h5py.Dataset)
        return dataset[()]


def images_of(scene: Path, kind: str) -> dict[str, np.ndarray]:
    """The arrays of frame 0 by name."""
    paths = (scene / f"images/scene_cam_00_{kind}_hdf5").iterdir()
    names = [path.name.split(".") for path in paths]
    assert {(a, b, d) for a, b, _, d in names} == {("frame", "0000", "hdf5")}
    folder = scene / f"images/scene_cam_00_{kind}_hdf5"
    return {name: array(folder / f"frame.0000.{name}.hdf5") for _, _, name, _ in names}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a scene with everything that the format holds."""
    out = tmp_path_factory.mktemp("hypersim")
    write(out, held(ball_sample(1002)), held(ball_sample(0)))
    return out / "ai_000_000"


def matrix(scene: Path, name: str, size: int) -> np.ndarray:
    """A matrix of the scene's row in the table of cameras."""
    rows = {row["scene_name"]: row for row in table(scene.parent / "metadata_camera_parameters.csv")}
    return np.array([[float(rows[scene.name][f"{name}_{i}{j}"]) for j in range(size)] for i in range(size)])


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


def boxes(scene: Path, kind: str) -> list[np.ndarray]:
    stem = f"_detail/mesh/metadata_semantic_instance_bounding_box_object_aligned_{kind}"
    return [array(scene / f"{stem}_{field}.hdf5") for field in ("extents", "orientations", "positions")]


def corners(extents: np.ndarray, orientation: np.ndarray, position: np.ndarray) -> np.ndarray:
    unit = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3), axis=-1).reshape(-1, 3)
    return (unit * extents) @ orientation.T + position


def test_boxes_have_a_row_an_instance(scene: Path) -> None:
    solid = next(s for s in ball_sample(0).solids or () if s.instance == BALL)
    for kind in ("2d", "3d"):
        tables = boxes(scene, kind)
        assert [t.shape for t in tables] == [(4, 3), (4, 3, 3), (4, 3)]
        assert all(np.isinf(t[:2]).all() and np.isfinite(t[2:]).all() for t in tables)
        extents, orientations, positions = tables
        np.testing.assert_allclose(extents[BALL], solid.size, atol=1e-12)
        np.testing.assert_allclose(positions[BALL], solid.centre, atol=1e-12)
        np.testing.assert_allclose(
            orientations[BALL] * extents[BALL], solid.world_from_unit[:3, :3], atol=1e-12
        )
        np.testing.assert_allclose([np.linalg.det(r) for r in orientations[2:]], 1)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_tilted_boxes_are_told_exactly_and_upright(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))  # mirrored half of the time
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation * rng.uniform(0.1, 2, 3), rng.normal(size=3)
    solid = Solid(BALL, BALL, matrix)
    tables = box_tables([solid], BALL)
    exact = corners(*(tables[f"{EXACT}_{field}"][BALL] for field in FIELDS))
    for corner in solid.corners:
        assert np.abs(exact - corner).max(axis=1).min() < 1e-9
    extents, orientation, position = (tables[f"{UPRIGHT}_{field}"][BALL] for field in FIELDS)
    np.testing.assert_allclose(orientation[2], [0, 0, 1])
    np.testing.assert_allclose(orientation @ orientation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(orientation) == pytest.approx(1)
    local = (solid.corners - position) @ orientation
    assert (np.abs(local) <= extents / 2 + 1e-9).all()
    np.testing.assert_allclose(np.ptp(local, axis=0), extents, atol=1e-9)
    for angle in np.linspace(0, np.pi / 2, 60):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        assert np.ptp(solid.corners[:, :2] @ turn, axis=0).prod() >= extents[:2].prod() - 1e-9


def test_colour_is_reflectance_times_illumination_plus_residual(scene: Path) -> None:
    found = next(s for s in HypersimFormat().read(scene.parent) if s.provenance.index == 0)
    parts = (Modality.HDR, Modality.REFLECTANCE, Modality.ILLUMINATION, Modality.RESIDUAL)
    colour, reflectance, illumination, residual = (found.images[m] for m in parts)
    assert np.abs(colour - (reflectance * illumination + residual)).max() <= 2e-3
    assert residual.min() >= -1e-4
    assert np.ptp(reflectance * illumination) > 0.1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 99),
    st.sets(st.sampled_from(sorted(HELD)), min_size=1).filter(lambda kept: kept != {Modality.BBOX3D}),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_samples_survive_to_float16(
    tmp_path: Path, index: int, kept: set[Modality], size: tuple[int, int]
) -> None:
    kept |= {Modality.INSTANCE} if Modality.SEMANTIC in kept else set()
    written = held(ball_sample(index, size), frozenset(kept))
    write(tmp_path, written)
    (found,) = HypersimFormat().read(tmp_path)
    expected = halved(written)
    geometric = {
        Modality.DEPTH,
        Modality.DISTANCE,
        Modality.POSITION,
        Modality.NORMAL,
        Modality.NORMAL_GEOMETRIC,
    }
    if Modality.UV in kept and not geometric & kept:  # nothing then tells where its background is
        expected.images[Modality.UV][np.isnan(expected.images[Modality.UV])] = 0.0  # pyright: ignore
    assert_same(found, expected, pose_error=1e-12)


def test_frames_of_a_sequence_are_keyframes_of_one_scene(tmp_path: Path) -> None:
    lens = ball_sample(0).camera
    frames = []
    for number in range(3):
        one = held(ball_sample(10 + number))
        assert one.camera is not None
        assert lens is not None
        camera = replace(one.camera, intrinsics=lens.intrinsics)
        frames.append(replace(one, camera=camera, sequence="walk", frame=number, images=dict(one.images)))
        del frames[-1].images[Modality.DEPTH]
    write(tmp_path, *frames)
    assert [path.name for path in tmp_path.glob("ai_*")] == ["ai_000_010"]
    folder = tmp_path / "ai_000_010/_detail/cam_00"
    assert array(folder / "camera_keyframe_frame_indices.hdf5").tolist() == [0, 1, 2]
    assert array(folder / "camera_keyframe_orientations.hdf5").shape == (3, 3, 3)
    for found, written in zip(HypersimFormat().read(tmp_path), frames, strict=True):
        assert_same(found, halved(written), pose_error=1e-12)


def test_tables_of_the_dataset_name_each_image_and_its_split(scene: Path) -> None:
    rows = table(scene.parent / "metadata_images_split_scene_v1.csv")
    assert [(r["scene_name"], r["camera_name"], r["frame_id"], r["split_partition_name"]) for r in rows] == [
        ("ai_000_000", "cam_00", "0", "train"),
        ("ai_001_002", "cam_00", "0", "train"),
    ]
    assert {r["included_in_public_release"] for r in rows} == {"True"}
    assert [
        {**r, "split_partition_name": "train"} for r in table(scene.parent / "metadata_images.csv")
    ] == rows


def test_it_lists_all_its_files_and_equal_samples_give_equal_bytes(tmp_path: Path) -> None:
    samples = [held(ball_sample(i)) for i in range(2)]
    listed = write(tmp_path / "here", *samples)
    here = {str(p.relative_to(tmp_path / "here")) for p in (tmp_path / "here").rglob("*") if p.is_file()}
    assert here == set(listed)
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]);"
        "from ball_scene import ball_sample; from test_hypersim import held, write;"
        "write(Path(sys.argv[1]), *(held(ball_sample(i)) for i in range(2)))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "there"), str(Path(__file__).parent)]
    subprocess.run(command, check=True, timeout=60)
    for path in listed:
        assert (tmp_path / "here" / path).read_bytes() == (tmp_path / "there" / path).read_bytes(), path


def test_what_it_cannot_hold_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    good = held(ball_sample(0))
    assert good.camera is not None
    moved = Solid(BALL, BALL, np.eye(4))
    second = replace(good, frame=1, sequence="walk")
    strange = {
        "without a camera": [replace(good, camera=None)],
        "an id of 32768": [replace(good, images={Modality.INSTANCE: np.full(SIZE, 32768, np.int32)})],
        "semantic alone": [held(ball_sample(0), frozenset({Modality.SEMANTIC}))],
        "no image": [replace(good, images={})],
        "twice": [replace(good, sequence="walk"), replace(good, sequence="walk")],
        "objects or a lens": [replace(good, sequence="walk"), replace(second, solids=(moved,))],
    }
    for what, samples in strange.items():
        with pytest.raises(InputError, match=what):
            write(tmp_path, *samples)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_every_damaged_file_is_an_error_of_one_line(tmp_path: Path) -> None:
    write(tmp_path, held(ball_sample(0)))
    read = [
        p for p in tmp_path.rglob("*.hdf5") if not any(w in p.name for w in ("_2d_", "color", "_si", "look"))
    ]
    read = [p for p in read if not p.name.endswith(("_cam.hdf5", "semantic_instance.hdf5", "semantic.hdf5"))]
    read += [tmp_path / "metadata_camera_parameters.csv", tmp_path / "_parts/train/00000.jsonl"]
    assert len(read) > 15
    for path in read:
        content = path.read_bytes()
        for harm in (content[: len(content) // 2], b"\x93garbage" * 9, None):
            if path.suffix == ".jsonl" and harm is None:
                continue  # nothing says that there is a sample
            path.unlink() if harm is None else path.write_bytes(harm)
            with pytest.raises(InputError) as told:
                list(HypersimFormat().read(tmp_path))
            assert "\n" not in str(told.value)
            path.write_bytes(content)


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


def test_a_read_sample_tells_its_origin(scene: Path) -> None:
    rows = [json.loads(line) for line in (scene.parent / "_parts/train/00000.jsonl").read_text().splitlines()]
    assert [row["scene_name"] for row in rows] == ["ai_001_002", "ai_000_000"]
    assert {row["json"]["provenance"]["run"] for row in rows} == {"balls/0"}
