"""Reading frames of Hypersim."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from metasim.dataset.formats.hypersim.boxes import EXACT, FIELDS, solids_of
from metasim.dataset.formats.hypersim.images import LIGHT, geometric
from metasim.dataset.formats.hypersim.paths import CAMERA, DATASET, image_path
from metasim.dataset.formats.hypersim.scene import BOXES, CLASSES
from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.formats.record import from_record
from metasim.dataset.labels import Ids, Image, Solid
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
    classes = _classes(detail)
    images = {m: _image(m, out, row, camera, classes) for m in carried if m is not Modality.BBOX3D}
    solids = _solids(detail, classes) if Modality.BBOX3D in carried else None
    return from_record(row, images, camera=camera, solids=solids)


def _image(modality: Modality, out: Path, row: dict[str, Any], camera: Camera, classes: Ids) -> Image:
    def path(kind: str, name: str) -> Path:
        return out / image_path(row["scene_name"], kind, row["frame_id"], name)

    if modality in LIGHT:
        return read_array(path("final", LIGHT[modality])).astype(np.float32)
    return geometric(
        modality,
        fetch=lambda name: read_array(path("geometry", name)),
        has=lambda name: path("geometry", name).exists(),
        camera=camera,
        classes=classes,
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


def _classes(detail: Path) -> Ids:
    """Class ids (N + 1,) by instance id, 0 for those of no known class."""
    of_objects = read_array(detail / CLASSES)
    with refusing_damage(detail / CLASSES, "a class an object"):
        return np.concatenate([[0], np.maximum(of_objects[:, 0], 0)]).astype(np.int32)


def _solids(detail: Path, classes: Ids) -> tuple[Solid, ...]:
    tables = {field: read_array(detail / f"{BOXES}_{EXACT}_{field}.hdf5") for field in FIELDS}
    with refusing_damage(detail / "mesh", "boxes of objects"):
        return solids_of(tables, dict(enumerate(classes.tolist())))


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
