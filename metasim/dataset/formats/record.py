"""Record: what a sample is beyond its labels, as JSON data, for formats with no place of their own for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from metasim.base.errors import InputError
from metasim.dataset.encode import compact_json
from metasim.dataset.formats.members import descriptions, from_members
from metasim.dataset.labels import Image
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample
from metasim.rendering.camera import Camera

_PARTS = ("json", "graph.txt", "facts.txt")


def sorted_json(value: Any) -> bytes:
    """JSON in one line with sorted keys, so that equal values give equal bytes."""
    return json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def to_record(sample: Sample) -> dict[str, Any]:
    """The texts of a sample, see ``members``, without its tables; and the modalities that it carries."""
    bare = replace(sample, boxes=None, full_boxes=None, visibility=None, solids=None)
    texts = descriptions(bare)
    parts = {part: json.loads(texts[part]) for part in _PARTS if part in texts}
    return {"key": sample.key, "carries": sorted(carried(sample))} | parts


def from_record(record: Mapping[str, Any], images: Mapping[Modality, Image], **fields: Any) -> Sample:
    """The sample of a record.

    Args:
        record: See ``to_record``.
        images: Its images, in any order.
        fields: Its tables, and the camera if the format has one of its own.
    """
    texts = {part: compact_json(record[part]) for part in _PARTS if part in record}
    ordered = {m: images[m] for m in Modality if m in images}
    return replace(from_members(record["key"], texts), images=ordered, **fields)


def carried(sample: Sample) -> frozenset[Modality]:
    """The modalities that a sample carries."""
    tables = {
        Modality.BBOX: sample.boxes,
        Modality.BBOX_FULL: sample.full_boxes,
        Modality.VISIBILITY: sample.visibility,
        Modality.BBOX3D: sample.solids,
    }
    return frozenset(sample.images) | {m for m, table in tables.items() if table is not None}


def need_camera(sample: Sample, format_name: str) -> Camera:
    """The camera of a sample.

    Raises:
        InputError: If it has none.
    """
    if sample.camera is None:
        raise InputError(
            "--format", f"{format_name} for scenes without a camera", "a format of plain images, such as coco"
        )
    return sample.camera


def checked_name(name: str) -> str:
    """A path within a dataset or an archive that does not lead out of it.

    Raises:
        ValueError: If it does.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not path.parts:
        raise ValueError(f"the path {name!r} leads out")
    return name
