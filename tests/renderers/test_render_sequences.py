"""The verb ``render sequences`` on .blend files whose motion is known."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from film_file import EYE_SPEED, FPS, SIZE, Film, cube_pose, film_camera, make_film
from PIL import Image
from torch.utils.data import DataLoader

from metasim.cli import main
from metasim.dataset.exr import from_exr
from metasim.dataset.formats import find_format
from metasim.dataset.manifest import load_manifest
from metasim.dataset.torch_dataset import SampleStream, collate
from metasim.dataset.verify import verify
from metasim.rendering.camera import Camera
from metasim.rendering.trajectory import Trajectory

pytestmark = pytest.mark.blender

SCHEMA = Path(__file__).parents[1] / "dataset/data/transforms_img.schema.json"
MULTIPLIER, FRAMES, SEQUENCES = 2.0, 3, 2
NAMES = {"film": ("002-00002-00005", "002-00013-00016"), "more-short": ("002-00002-00005", "002-00010-00013")}
"""Sequences by scene: of frames 1 to 12 and 1 to 9, at half speed."""

CUBE = 2  # instance id
HALF = np.array([0.6, 0.5, 0.4]) / 2


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    make_film(folder / "film.blend")
    (folder / "more").mkdir()
    make_film(folder / "more" / "short.blend", Film(last=9))
    make_film(folder / "zoom.blend", Film(zoom=True))
    (folder / "torn.blend").write_bytes((folder / "film.blend").read_bytes()[:5000])
    (folder / "listed.csv").write_text("scene,reason\nlisted,not ours to show\n")
    (folder / "listed.blend").write_bytes(b"")
    return folder


def render(films: Path, out: Path, *options: str, workers: int = 1) -> int:
    size = ["--height", str(SIZE[0]), "--width", str(SIZE[1]), "--samples", "1", "--bounces", "0"]
    cut = ["--sequences-per-scene", str(SEQUENCES), "--num-frames", str(FRAMES)]
    words = ["render", "sequences", "--scenes", str(films), "--out", str(out), "--workers", str(workers)]
    return main([*words, *size, *cut, "--keyframe-multiplier", str(MULTIPLIER), *options])


@pytest.fixture(scope="module")
def out(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sequences") / "out"
    assert render(films, made, "--exclude", str(films / "listed.csv"), workers=2) == 0
    return made


def folders(out: Path) -> Iterator[tuple[Path, int]]:
    """Each sequence, and the first frame of its timeline."""
    for scene, names in NAMES.items():
        for name in names:
            yield out / "train/renders" / scene / name, int(name.split("-")[1])


def frames(out: Path) -> Iterator[tuple[dict[str, Any], Camera, dict[str, np.ndarray], float]]:
    """The description, camera, images and time of each frame, by the files of VisionSIM alone."""
    for folder, first in folders(out):
        content = json.loads((folder / "transforms.json").read_text())
        matrix = [[content["fl_x"], 0, content["cx"]], [0, content["fl_y"], content["cy"]], [0, 0, 1]]
        for number, frame in enumerate(content["frames"]):
            camera = Camera(np.array(matrix), np.array(frame["transform_matrix"]))
            paths = {key: folder / value for key, value in frame.items() if key.endswith("_path")}
            images = {key: from_exr(path) for key, path in paths.items() if path.suffix == ".exr"}
            yield content, camera, images, (first + number) / MULTIPLIER


def test_every_scene_has_its_sequences(out: Path) -> None:
    found = {path.parent.relative_to(out / "train/renders") for path in out.rglob("transforms.json")}
    assert found == {Path(scene, name) for scene, names in NAMES.items() for name in names}


def test_what_cannot_be_rendered_is_left_out_with_a_reason(out: Path) -> None:
    with (out / "excluded.csv").open(newline="") as file:
        reasons = {row["scene"]: row["reason"] for row in csv.DictReader(file)}
    assert reasons.keys() == {"listed", "torn", "zoom"}
    assert reasons["listed"] == "not ours to show"
    assert "lens" in reasons["zoom"]
    assert (out / "failed.csv").read_text().count("\n") == 1
    assert verify(out) == []


def test_a_scene_that_kills_blender_stops_no_other(tmp_path: Path) -> None:
    folder, out = tmp_path / "scenes", tmp_path / "out"
    folder.mkdir()
    make_film(folder / "sound.blend", Film(last=9))
    make_film(folder / "deadly.blend", Film(last=9, deadly=True))
    assert render(folder, out, "--sequences-per-scene", "1") == 0
    assert (out / "excluded.csv").read_text() == "scene,reason\n"
    (whole,) = out.rglob("transforms.json")
    assert whole.parent == out / "train/renders/sound/002-00002-00005"
    assert len(json.loads(whole.read_text())["frames"]) == FRAMES
    with (out / "failed.csv").open(newline="") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    assert len(reasons) == FRAMES
    assert all("worker ended by SIGSEGV" in reason for reason in reasons)
    (log,) = (out / "logs/deadly").iterdir()
    assert f"0 of {FRAMES} frames rendered" in log.read_text()
    assert verify(out) == []
    dry = tmp_path / "dry"
    assert render(folder, dry, "--sequences-per-scene", "1", "--dry-run", "--trajectory", "walk") == 0
    assert "deadly.blend: Blender dies of this file" in (dry / "excluded.csv").read_text()
    assert [path.name for path in (dry / "train").iterdir()] == ["sound"]


def test_scenes_are_not_taken_for_draws_of_a_generator(out: Path) -> None:
    """Of which the first would tell of all, however few their frames are."""
    assert load_manifest(out)["export"]["independent_draws"] is False


def test_poses_and_lens_are_those_of_the_file(out: Path) -> None:
    schema = json.loads(SCHEMA.read_text())
    points = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (0.0, 2.0) for z in (0.0, 0.5)])
    for content, camera, _, time in frames(out):
        jsonschema.validate(content, schema)
        expected, depth = film_camera(time).project(points)
        assert (depth > 0).all()
        assert np.abs(camera.project(points)[0] - expected).max() < 1e-3
        assert (content["w"], content["h"]) == SIZE[::-1]


def test_every_frame_has_every_file(out: Path) -> None:
    for folder, _ in folders(out):
        kinds = {"frames": "png", "depths": "exr", "normals": "exr", "flows": "exr", "segmentations": "exr"}
        for kind, suffix in kinds.items():
            names = sorted(path.name for path in (folder / kind).iterdir())
            assert names == [f"{kind[:-1]}_{number:06d}.{suffix}" for number in range(FRAMES)]


def test_depth_ids_and_normals_are_the_cube(out: Path) -> None:
    for _, camera, images, time in frames(out):
        cube = images["segmentation_file_path"] == CUBE
        assert cube.sum() > 20
        pose = cube_pose(time)
        points = camera.unproject(images["depth_file_path"])[cube]
        local = (points - pose[:3, 3]) @ pose[:3, :3]
        assert np.abs((np.abs(local) / HALF).max(axis=1) - 1.0).max() < 1e-3
        normals = images["normal_file_path"][cube] @ camera.world_from_camera[:3, :3].T @ pose[:3, :3]
        side = (np.abs(local) / HALF).argmax(axis=1)
        rows = np.arange(len(local))
        np.testing.assert_allclose(normals[rows, side], np.sign(local[rows, side]), atol=1e-4)


@pytest.mark.parametrize("step", [1, -1])
def test_flow_is_projected_motion_either_way(out: Path, step: int) -> None:
    """Blender's four channels: to the previous frame, then from the next one, y up."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    for _, camera, images, time in frames(out):
        cube, depth = images["segmentation_file_path"] == CUBE, images["depth_file_path"]
        points = camera.unproject(np.where(depth < 1e9, depth, np.inf))
        there = time + step / MULTIPLIER
        motion = cube_pose(there) @ np.linalg.inv(cube_pose(time))
        points[cube] = points[cube] @ motion[:3, :3].T + motion[:3, 3]
        expected = film_camera(there).project(points)[0] - np.stack([x, y], axis=-1)
        channels = images["flow_file_path"]
        flow = channels[..., 2:] * [-1, 1] if step > 0 else channels[..., :2] * [1, -1]
        surface = depth < 1e9
        assert np.abs(flow - expected)[surface].max() < 1e-3
        assert np.abs(flow[cube]).max() > 0.05


def test_info_tells_how_far_and_how_fast(out: Path) -> None:
    for folder, _ in folders(out):
        info = json.loads((folder / "info.json").read_text())
        way = float(np.linalg.norm(EYE_SPEED)) / MULTIPLIER * (FRAMES - 1)
        assert info["frame_rate"] == FPS * MULTIPLIER
        assert info["distance_traveled"] == pytest.approx(way, abs=1e-6)
        assert info["elapsed_time"] == pytest.approx((FRAMES - 1) / (FPS * MULTIPLIER), abs=1e-12)


def test_previews_show_every_label_in_colours(out: Path) -> None:
    for scene, names in NAMES.items():
        for name in names:
            sheet = np.asarray(Image.open(out / "previews/train" / scene / f"{name}.png"))
            assert sheet.shape[0] >= FRAMES * SIZE[0]
            assert sheet.shape[1] >= 6 * SIZE[1]
            assert sheet.std(axis=(0, 1)).min() > 10


def test_every_sequence_has_a_log(out: Path) -> None:
    logs = {path.relative_to(out / "logs").with_suffix("") for path in (out / "logs").rglob("*.log")}
    assert logs == {Path(scene, name) for scene, names in NAMES.items() for name in names}
    for path in (out / "logs").rglob("*.log"):
        assert f"{FRAMES} of {FRAMES} frames rendered" in path.read_text()


def test_what_is_finished_is_left_as_it_is(films: Path, out: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert render(films, out, "--exclude", str(films / "listed.csv"), "--allow-skips") == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("option", [("--format", "nonsense"), ("--modalities", "foo")])
def test_a_dry_run_checks_what_it_does_not_use(films: Path, tmp_path: Path, option: tuple[str, str]) -> None:
    assert render(films, tmp_path / "dry", "--names", "film", "--dry-run", *option) == 2
    assert not (tmp_path / "dry").exists()


def test_a_dry_run_writes_the_same_poses_and_no_picture(films: Path, out: Path, tmp_path: Path) -> None:
    assert render(films, tmp_path / "dry", "--names", "film", "--dry-run") == 0
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".png", ".exr")]
    for name in NAMES["film"]:
        way = Trajectory.load(tmp_path / "dry/train/film" / name)
        content = json.loads((out / "train/renders/film" / name / "transforms.json").read_text())
        assert way.frame_rate == pytest.approx(FPS * MULTIPLIER)
        np.testing.assert_array_equal(way.poses, [f["transform_matrix"] for f in content["frames"]])
    samples = list(find_format("trajectories").read(tmp_path / "dry"))
    assert len(samples) == SEQUENCES * FRAMES
    assert all(sample.camera is not None for sample in samples)


def test_a_walk_in_hypersims_layout_is_kept_to_go_again(films: Path, tmp_path: Path) -> None:
    one, again = tmp_path / "one", tmp_path / "again"
    assert render(films, one, "--names", "film", "--format", "hypersim", "--trajectory", "walk") == 0
    way = Trajectory.load(one / "trajectories/film")
    assert np.abs(np.diff(way.poses[:, :2, 3], axis=0)).max() <= 1.5
    assert np.abs(np.diff(way.poses[:, 2, 3])).max() <= 0.25
    assert (
        render(films, again, "--names", "film", "--dry-run", "--trajectory", str(one / "trajectories")) == 0
    )
    names = sorted(path.name for path in (again / "train/film").iterdir())
    for scene, name in zip(("ai_000_000", f"ai_000_{FRAMES:03d}"), names, strict=True):
        seen = Trajectory.load(one / scene / "_detail/cam_00").poses
        expected = way.at((int(name.split("-")[1]) + np.arange(FRAMES)) / MULTIPLIER)
        np.testing.assert_allclose(seen, expected, atol=1e-5)
        np.testing.assert_array_equal(Trajectory.load(again / "train/film" / name).poses, seen)
        kinds = {"final": ["color"], "geometry": ["depth_meters", "semantic_instance"]}
        for kind, images in kinds.items():
            folder = one / scene / f"images/scene_cam_00_{kind}_hdf5"
            assert all((folder / f"frame.{i:04d}.{n}.hdf5").exists() for i in range(FRAMES) for n in images)


def test_frames_come_out_of_a_loader_in_batches(out: Path) -> None:
    loader = DataLoader(SampleStream(out), batch_size=FRAMES, collate_fn=collate)
    batches = list(loader)
    assert len(batches) == len(NAMES) * SEQUENCES
    for batch, (_, first) in zip(batches, folders(out), strict=True):
        assert batch["rgb"].shape == (FRAMES, 3, *SIZE)
        poses = [film_camera((first + i) / MULTIPLIER).world_from_camera for i in range(FRAMES)]
        np.testing.assert_allclose(batch["world_from_camera"], poses, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--num-frames", "99"], "at most"),
        (["--names", "nothing*"], "none like"),
        (["--motion-blur", "--modalities", "rgb,flow_forward"], "motion-blur"),
        (["--keyframe-multiplier", "0"], "more than 0"),
        (["--trajectory", "nowhere", "--names", "film"], "no scene that can be rendered"),
    ],
)
def test_wrong_options_are_told_in_one_line(
    films: Path, tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = options if "--names" in options else [*options, "--names", "film"]
    assert render(films, tmp_path / "out", *chosen) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("metasim: ")]
    assert len(told) == 1
    assert message in told[0]
