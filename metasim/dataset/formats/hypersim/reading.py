"""Reading frames of Hypersim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from metasim.dataset.formats.hypersim.boxes import EXACT, FIELDS, solids_of
from metasim.dataset.formats.hypersim.images import LIGHT, geometric
from metasim.dataset.formats.hypersim.paths import CAMERA, DATASET, image_path
from metasim.dataset.formats.hypersim.scene import BOXES
from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.formats.record import from_record
from metasim.dataset.labels import Image, Solid
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample
from metasim.rendering.camera import Array, Camera


def read_frame(out: Path, row: dict[str, Any], intrinsics: Array) -> Sample:
    """The sample of a frame.

    Args:
        out: The dataset.
        row: The frame's row in the index of its part.
        intrinsics: The scene's pixel matrix.

    Raises:
        InputError: If a file is damaged or missing.
    """
    detail = out / row["scene_name"] / "_detail"
    camera = Camera(intrinsics, _pose(detail, row["frame_id"]))
    carried = [m for m in Modality if m in row["carries"]]
    images = {m: _image(m, out, row, camera) for m in carried if m is not Modality.BBOX3D}
    solids = _solids(detail) if Modality.BBOX3D in carried else None
    return from_record(row, images, camera=camera, solids=solids)


def _image(modality: Modality, out: Path, row: dict[str, Any], camera: Camera) -> Image:
    def path(kind: str, name: str) -> Path:
        return out / image_path(row["scene_name"], kind, row["frame_id"], name)

    if modality in LIGHT:
        return read_array(path("final", LIGHT[modality])).astype(np.float32)
    return geometric(
        modality,
        fetch=lambda name: read_array(path("geometry", name)),
        has=lambda name: path("geometry", name).exists(),
        camera=camera,
    )


def _pose(detail: Path, frame: int) -> Array:
    """World from camera (4, 4) of a frame."""
    folder = detail / CAMERA
    frames, positions, orientations = (
        read_array(folder / f"camera_keyframe_{name}.hdf5")
        for name in ("frame_indices", "positions", "orientations")
    )
    with refusing_damage(folder, "keyframes of a camera"):
        (keyframe,) = np.flatnonzero(frames == frame)
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = orientations[keyframe], positions[keyframe]
        return pose


def _solids(detail: Path) -> tuple[Solid, ...]:
    classes = read_array(detail / "mesh/mesh_objects_si.hdf5")
    tables = {field: read_array(detail / f"{BOXES}_{EXACT}_{field}.hdf5") for field in FIELDS}
    with refusing_damage(detail / "mesh", "boxes of objects"):
        return solids_of(tables, dict(enumerate(classes[:, 0].tolist(), start=1)))


def read_array(path: Path) -> Image:
    """The array of an HDF5 file of Hypersim.

    Raises:
        InputError: If it is damaged or missing.
    """
    with refusing_damage(path, f"an HDF5 file of one array, {DATASET}"), h5py.File(path) as file:
        found = file[DATASET]
        if not isinstance(found, h5py.Dataset):
            raise TypeError(f"{DATASET} is not an array")
        return found[()]
