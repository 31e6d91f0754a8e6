"""The tables beside the scenes of Hypersim, made from the indices of the parts."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from metasim.dataset.formats.hypersim.lens import camera_parameters, intrinsics_of
from metasim.dataset.formats.hypersim.nyu40 import NYU40, nyu40_id
from metasim.dataset.formats.hypersim.paths import (
    CAMERA,
    CAMERA_PARAMETERS,
    CLASS_LABELS,
    IMAGES,
    SEMANTIC_LABELS,
    SPLIT,
)
from metasim.dataset.formats.hypersim.scene import csv_text
from metasim.dataset.formats.reading import refusing_damage
from metasim.rendering.camera import Array

_IMAGE_COLUMNS = ("scene_name", "camera_name", "frame_id", "included_in_public_release", "exclude_reason")


def read_rows(index: Path) -> list[dict[str, Any]]:
    """The rows of a part's index, one a frame.

    Raises:
        InputError: If it is damaged.
    """
    with refusing_damage(index, "a JSON object a line"):
        return [json.loads(line) for line in index.read_text().splitlines()]


def dataset_tables(rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Tables of all scenes, by name.

    Args:
        rows: Those of the indices of all parts.
    """
    images, lenses = [], {}
    for row in sorted(rows, key=lambda row: (row["scene_name"], row["frame_id"])):
        card, scene = row["json"], row["scene_name"]
        images.append(((scene, CAMERA, row["frame_id"], True, ""), card["render_params"]["split"]))
        if scene not in lenses:
            intrinsics = np.array(card["camera"]["intrinsics"])
            lenses[scene] = camera_parameters(intrinsics, tuple(card["render_params"]["image_size"]))
    columns = ["scene_name", *next(iter(lenses.values()), {})]
    return {
        IMAGES: csv_text(_IMAGE_COLUMNS, [image for image, _ in images]),
        SPLIT: csv_text([*_IMAGE_COLUMNS, "split_partition_name"], [(*i, split) for i, split in images]),
        CAMERA_PARAMETERS: csv_text(columns, [(scene, *lens.values()) for scene, lens in lenses.items()]),
    }


def label_tables(class_names: Sequence[str]) -> dict[str, str]:
    """Name and colour of each semantic id of NYU40, and which of them each class is, by name of the table."""
    header = ["semantic_id", "semantic_name", *(f"semantic_color_{c}" for c in "rgb")]
    rows = [(i, name, *colour) for i, (name, colour) in enumerate(NYU40.items(), start=1)]
    classes = [(i, name, nyu40_id(name)) for i, name in enumerate(class_names, start=1)]
    return {
        SEMANTIC_LABELS: csv_text(header, rows),
        CLASS_LABELS: csv_text(["class_id", "class_name", "semantic_id"], classes),
    }


def read_lenses(out: Path) -> dict[str, Array]:
    """The pixel matrix (3, 3) of each scene.

    Raises:
        InputError: If the table of cameras is damaged or missing.
    """
    path = out / CAMERA_PARAMETERS
    with refusing_damage(path, "a table of cameras"), path.open(newline="") as file:
        return {row["scene_name"]: intrinsics_of(row) for row in csv.DictReader(file)}
