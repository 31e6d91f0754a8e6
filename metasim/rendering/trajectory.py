"""Trajectory: where a camera is from frame to frame, and its files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation, Slerp

from metasim.base.errors import InputError
from metasim.base.files import whole_file, write_text
from metasim.rendering.camera import Array

_TABLE = "metadata_camera.csv"
_ORTHONORMAL = 1e-6


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Keyframes of a camera, which moves straight and turns evenly from one to the next.

    On disk it is a folder ``cam_XX`` of Hypersim (Roberts et al., ICCV 2021), an HDF5 file of one array
    ``dataset`` for each: ``camera_keyframe_frame_indices`` (N,), ``_positions`` (N, 3), ``_orientations``
    (N, 3, 3) from the camera to the world, ``_look_at_positions`` (N, 3); and ``metadata_camera.csv``.

    Attributes:
        frames: (N,) frame of each key, ascending.
        poses: (N, 4, 4) world from camera, metres.
        frame_rate: Frames a second.
    """

    frames: npt.NDArray[np.int64]
    poses: Array
    frame_rate: float = 1.0

    def at(self, frames: npt.ArrayLike) -> Array:
        """Poses (M, 4, 4) at frames (M,), whole or not; it rests before the first key and after the last."""
        moments = np.clip(np.asarray(frames, dtype=np.float64), self.frames[0], self.frames[-1])
        poses = np.tile(np.eye(4), (len(moments), 1, 1))
        for axis in range(3):
            poses[:, axis, 3] = np.interp(moments, self.frames, self.poses[:, axis, 3])
        if len(self.frames) == 1:
            poses[:, :3, :3] = self.poses[0, :3, :3]
        else:
            turns = Rotation.from_matrix(self.poses[:, :3, :3])
            poses[:, :3, :3] = Slerp(self.frames, turns)(moments).as_matrix()
        return poses

    @property
    def arrays(self) -> Mapping[str, npt.NDArray[np.generic]]:
        """What its files hold, by the end of their names."""
        return {
            "frame_indices": np.asarray(self.frames, dtype=np.int64),
            "positions": self.poses[:, :3, 3],
            "orientations": self.poses[:, :3, :3],
            "look_at_positions": self.poses[:, :3, 3] - self.poses[:, :3, 2],
        }

    def save(self, folder: Path) -> None:
        """Writes its files."""
        for name, array in self.arrays.items():
            with whole_file(_path(folder, name)) as file, h5py.File(file, "w") as content:
                content.create_dataset("dataset", data=array, track_times=False)
        table = io.StringIO()
        rows = [("parameter_name", "parameter_value"), ("frame_time_seconds", 1.0 / self.frame_rate)]
        csv.writer(table, lineterminator="\n").writerows(rows)
        write_text(folder / _TABLE, table.getvalue())

    @classmethod
    def load(cls, folder: Path) -> Trajectory:
        """Reads what ``save`` wrote, or a camera's folder of Hypersim's.

        Raises:
            InputError: If a file is missing or holds no such array.
        """
        frames, positions, turns = (_read(folder, n) for n in ("frame_indices", "positions", "orientations"))
        poses = np.tile(np.eye(4), (len(frames), 1, 1))
        if positions.shape != poses[:, :3, 3].shape or turns.shape != poses[:, :3, :3].shape:
            raise InputError(str(folder), "arrays that do not fit each other", "N frames, places and turns")
        if not len(frames) or (np.diff(frames) <= 0).any():
            raise InputError(str(folder), "frames in disorder", "one keyframe at least, ascending")
        if np.abs(turns @ turns.transpose(0, 2, 1) - np.eye(3)).max() > _ORTHONORMAL:
            raise InputError(str(folder), "orientations that are no rotations", "matrices of rotation")
        poses[:, :3, 3], poses[:, :3, :3] = positions, turns
        return cls(frames.astype(np.int64), poses, _read_rate(folder / _TABLE))


def _path(folder: Path, name: str) -> Path:
    return folder / f"camera_keyframe_{name}.hdf5"


def _read(folder: Path, name: str) -> Array:
    path = _path(folder, name)
    try:
        with h5py.File(path) as file:
            return np.asarray(file["dataset"], dtype=np.float64)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(str(path), "missing or damaged", "an HDF5 file of one array, dataset") from error


def _read_rate(table: Path) -> float:
    try:
        with table.open(newline="") as file:
            values = {row["parameter_name"]: row["parameter_value"] for row in csv.DictReader(file)}
        return 1.0 / float(values["frame_time_seconds"])
    except (OSError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(str(table), "missing or damaged", "a table with frame_time_seconds") from error
