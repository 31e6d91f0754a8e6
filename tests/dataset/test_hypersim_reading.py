"""Hypersim's layout read back: samples to float16, equal bytes; what is damaged or unfit is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ball_scene import BALL, SIZE, assert_same, ball_sample
from hypersim_files import HELD, array, halved, held, table, write, write_scene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metasim.base.errors import InputError
from metasim.dataset.formats.hypersim import HypersimFormat
from metasim.dataset.labels import Solid
from metasim.dataset.modality import Modality


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(tmp_path_factory.mktemp("hypersim"))


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


def test_a_read_sample_tells_its_origin(scene: Path) -> None:
    rows = [json.loads(line) for line in (scene.parent / "_parts/train/00000.jsonl").read_text().splitlines()]
    assert [row["scene_name"] for row in rows] == ["ai_001_002", "ai_000_000"]
    assert {row["json"]["provenance"]["run"] for row in rows} == {"balls/0"}


def test_it_lists_all_its_files_and_equal_samples_give_equal_bytes(tmp_path: Path) -> None:
    samples = [held(ball_sample(i)) for i in range(2)]
    listed = write(tmp_path / "here", *samples)
    here = {str(p.relative_to(tmp_path / "here")) for p in (tmp_path / "here").rglob("*") if p.is_file()}
    assert here == set(listed)
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]);"
        "from ball_scene import ball_sample; from hypersim_files import held, write;"
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
