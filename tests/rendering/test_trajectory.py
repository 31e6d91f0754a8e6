"""Trajectories between their keys and on disk."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from metasim.base.errors import InputError
from metasim.rendering.trajectory import Trajectory


def random_trajectory(seed: int, keys: int = 6) -> Trajectory:
    rng = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (keys, 1, 1))
    poses[:, :3, :3] = Rotation.from_rotvec(rng.normal(size=(keys, 3))).as_matrix()
    poses[:, :3, 3] = rng.normal(size=(keys, 3))
    return Trajectory(np.cumsum(rng.integers(1, 5, keys)), poses, frame_rate=25.0)


def content(folder: Path, name: str) -> np.ndarray:
    with h5py.File(folder / f"camera_keyframe_{name}.hdf5") as file:
        assert list(file) == ["dataset"]
        return np.asarray(file["dataset"])


def angle(one: np.ndarray, other: np.ndarray) -> float:
    return float(Rotation.from_matrix(one[:3, :3].T @ other[:3, :3]).magnitude())


@given(st.integers(0, 999))
def test_it_passes_its_keys_and_rests_outside_of_them(seed: int) -> None:
    way = random_trajectory(seed)
    np.testing.assert_allclose(way.at(way.frames), way.poses, atol=1e-12)
    ends = way.at([way.frames[0] - 3, way.frames[-1] + 3])
    np.testing.assert_allclose(ends, way.poses[[0, -1]], atol=1e-12)


@given(st.integers(0, 999), st.floats(0.0, 1.0))
def test_it_goes_straight_and_turns_evenly(seed: int, share: float) -> None:
    way = random_trajectory(seed)
    first, last = way.poses[2], way.poses[3]
    between = way.at([way.frames[2] + share * (way.frames[3] - way.frames[2])])[0]
    np.testing.assert_allclose(between[:3, 3], (1 - share) * first[:3, 3] + share * last[:3, 3], atol=1e-12)
    assert angle(first, between) == pytest.approx(share * angle(first, last), abs=1e-6)
    assert angle(between, last) == pytest.approx((1 - share) * angle(first, last), abs=1e-6)


def test_a_single_key_is_a_camera_at_rest() -> None:
    way = random_trajectory(1, keys=1)
    np.testing.assert_array_equal(way.at([-4.0, 0.5, 99.0]), np.tile(way.poses, (3, 1, 1)))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 999))
def test_files_give_it_back(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    way, folder = random_trajectory(seed), tmp_path_factory.mktemp("way") / "cam_00"
    way.save(folder)
    found = Trajectory.load(folder)
    np.testing.assert_array_equal(found.frames, way.frames)
    np.testing.assert_array_equal(found.poses, way.poses)
    assert found.frame_rate == pytest.approx(way.frame_rate, rel=1e-12)


def test_files_are_those_of_hypersim(tmp_path: Path) -> None:
    way = random_trajectory(2)
    way.save(tmp_path)
    shapes = {
        "frame_indices": (6,),
        "positions": (6, 3),
        "orientations": (6, 3, 3),
        "look_at_positions": (6, 3),
    }
    names = {f"camera_keyframe_{name}.hdf5" for name in shapes} | {"metadata_camera.csv"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert {name: content(tmp_path, name).shape for name in shapes} == shapes
    ahead = content(tmp_path, "look_at_positions") - way.poses[:, :3, 3]
    np.testing.assert_allclose(np.einsum("nij,nj->ni", way.poses[:, :3, :3], [[0, 0, -1.0]] * 6), ahead)


@pytest.mark.parametrize("harm", ["missing", "torn", "shape", "order", "mirror", "table"])
def test_damage_is_said_in_one_line(tmp_path: Path, harm: str) -> None:
    random_trajectory(3).save(tmp_path)
    turns, frames = (tmp_path / f"camera_keyframe_{n}.hdf5" for n in ("orientations", "frame_indices"))
    if harm == "missing":
        turns.unlink()
    elif harm == "torn":
        turns.write_bytes(turns.read_bytes()[:100])
    elif harm == "table":
        (tmp_path / "metadata_camera.csv").write_text("x\n")
    else:
        changed = {
            "shape": np.eye(3)[None],
            "mirror": np.tile(2 * np.eye(3), (6, 1, 1)),
            "order": np.zeros(6),
        }
        path = frames if harm == "order" else turns
        path.unlink()
        with h5py.File(path, "w") as file:
            file["dataset"] = changed[harm]
    with pytest.raises(InputError) as error:
        Trajectory.load(tmp_path)
    assert "\n" not in str(error.value)
