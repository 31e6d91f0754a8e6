"""BOP's models: the box of each class, centred, in millimetres, and ``models_info.json`` about them.

A scene tells the pose and size of its objects, not their surface, so that the model of a class is the box
around it. Where objects of a class differ in size it is the largest extent along each axis, and
``smallest``, which goes beyond BOP, the least; ``size`` in ``scene_gt_info.json`` has that of each object.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

from metasim.base.files import whole_file
from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.formats.record import sorted_json
from metasim.dataset.plan import Part
from metasim.rendering.camera import Array

FOLDER = "models"
INFO = f"{FOLDER}/models_info.json"
_AXES = "xyz"


class Extents:
    """The least and greatest extents, along each axis, of the objects of each class."""

    def __init__(self) -> None:
        self._bounds: dict[int, tuple[Array, Array]] = {}

    def add(self, class_id: int, least: Array, greatest: Array) -> None:
        """Counts objects (3,) of a class in, millimetres."""
        low, high = self._bounds.get(class_id, (least, greatest))
        self._bounds[class_id] = np.minimum(low, least), np.maximum(high, greatest)

    def merge(self, other: Mapping[str, Any]) -> None:
        """Counts others in, as ``to_json`` gave them."""
        for class_id, (least, greatest) in other.items():
            self.add(int(class_id), np.array(least), np.array(greatest))

    def to_json(self) -> dict[str, Any]:
        """Both bounds by class id."""
        return {str(i): [low.tolist(), high.tolist()] for i, (low, high) in sorted(self._bounds.items())}


def extents_path(part: Part) -> str:
    """Path, within the dataset, of the extents of a part."""
    return f"{FOLDER}/parts/{part.split}_{part.number:05d}.json"


def write_models(out: Path, parts: Iterable[Part]) -> tuple[str, ...]:
    """Writes the models of a dataset, from the extents of its parts.

    Returns:
        Paths, within the dataset, of the files written.

    Raises:
        InputError: If the extents of a part are damaged or missing.
    """
    total = Extents()
    for path in map(extents_path, parts):
        with refusing_damage(out / path, "extents of objects"):
            total.merge(json.loads((out / path).read_bytes()))
    sizes = {int(i): (np.array(low), np.array(high)) for i, (low, high) in total.to_json().items()}
    files = {f"{FOLDER}/obj_{i:06d}.ply": _box(high) for i, (_, high) in sizes.items()}
    files[INFO] = sorted_json({str(i): _describe(*bounds) for i, bounds in sizes.items()})
    for path, data in files.items():
        with whole_file(out / path) as file:
            file.write(data)
    return tuple(files)


def _box(size: Array) -> bytes:
    written = trimesh.creation.box(size).export(file_type="ply", encoding="ascii")
    assert isinstance(written, bytes)
    return written


def _describe(least: Array, greatest: Array) -> dict[str, Any]:
    lengths = dict(zip(_AXES, greatest.tolist(), strict=True))
    return {
        "diameter": float(np.linalg.norm(greatest)),
        **{f"min_{axis}": -length / 2 for axis, length in lengths.items()},
        **{f"size_{axis}": length for axis, length in lengths.items()},
        "smallest": least.tolist(),
    }
