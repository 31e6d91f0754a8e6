"""FreeSplatter: a zip an object or scene, with its views and the metadata of Objaverse-XL's renders.

``split/renders/SAVE_UID.zip`` holds, in a folder SAVE_UID, ``000.png``, ``000_depth.npy`` (H, W) float32
planar z in metres with 0 on the background, ``000_normal.npy`` (H, W, 3) float32 on the camera's axes (x
right, y up, z backward) with 0 on the background, ``000_mask.npy`` (H, W) uint8 with 1 where an object is,
and so on, numbered in the order of the views. Poses are camera to world on Blender's axes; pixel centres lie
at half-integers, so that the principal point of a plain camera is the middle of the image.

A zip is a sequence; a scene that is seen once has one view. The asset is the mesh file that it shows, or else
the scene graph of the first view: its hash and size stand for those of an asset's file, counts that only a
file has are ``null``, and the normalization is the identity, since scenes are not scaled. What
``metadata.json`` has room for under ``metadata`` are the scene graphs.
"""

from __future__ import annotations

import io
import json
import math
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from metasim.dataset.encode import from_png, png
from metasim.dataset.formats.asset import UNSCALED, describe_asset
from metasim.dataset.formats.axes import finite_depth, infinite_depth, normals_in_camera, normals_in_world
from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.formats.record import (
    carried,
    checked_name,
    from_record,
    need_camera,
    sorted_json,
    to_record,
)
from metasim.dataset.formats.sequences import SequenceFormat
from metasim.dataset.formats.staging import StagedFiles
from metasim.dataset.labels import Image
from metasim.dataset.modality import Modality, require
from metasim.dataset.sample import Sample
from metasim.rendering.camera import Camera

METADATA = "metadata.json"
RECORDS = "metasim"
_SIDE = {Modality.DEPTH: "depth", Modality.NORMAL: "normal", Modality.MASK: "mask"}
_NO_DATE = (1980, 1, 1, 0, 0, 0)


class ZippedViews:
    """The zip of an object or scene; held in memory, compressed, until it is complete.

    Args:
        staged: Takes the zip.
        first: Its first view.
    """

    def __init__(self, staged: StagedFiles, first: Sample) -> None:
        self._staged, self._first = staged, first
        self._uid = str(uuid.uuid5(uuid.NAMESPACE_DNS, _identifier(first)))
        self._buffer = io.BytesIO()
        self._views: list[dict[str, Any]] = []
        self._records: list[dict[str, Any]] = []

    def add(self, sample: Sample) -> None:
        """Adds a view."""
        require(FreeSplatterFormat.required, carried(sample), FreeSplatterFormat.name)
        camera = need_camera(sample, FreeSplatterFormat.name)
        at = f"{len(self._views):03d}"
        self._add(f"{at}.png", png(sample.images[Modality.RGB]))
        names = {entry: f"{at}_{entry}.npy" for m, entry in _SIDE.items() if m in sample.images}
        for modality, entry in _SIDE.items():
            if entry in names:
                self._add(names[entry], _npy(_to_side(modality, sample.images[modality], camera)))
        width = sample.images[Modality.RGB].shape[1]
        self._views.append(
            {"image": f"{at}.png", **dict.fromkeys(_SIDE.values()), **names, **_pose(camera, width)}
        )
        self._records.append(to_record(sample))

    def close(self) -> None:
        """Adds the metadata and writes the zip."""
        content = {
            **describe_asset(self._first, _identifier(self._first)),
            "metadata": {RECORDS: self._records},
            "normalization": self._first.facts.get("normalization", UNSCALED),
            "render_settings": _settings(self._first, self._views),
            "save_uid": self._uid,
            "views": self._views,
        }
        self._add(METADATA, sorted_json(content))
        self._staged.write(f"{self._first.split}/renders/{self._uid}.zip", self._buffer.getvalue())

    def _add(self, name: str, data: bytes) -> None:
        member = zipfile.ZipInfo(f"{self._uid}/{name}", _NO_DATE)
        member.create_system, member.external_attr = 3, 0o644 << 16  # Unix, wherever it is written
        member.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(self._buffer, "a") as archive:
            archive.writestr(member, data)


class FreeSplatterFormat(SequenceFormat):
    """A zip an object or scene."""

    name = "freesplatter"
    modalities = frozenset({Modality.RGB, *_SIDE})
    required = frozenset({Modality.RGB})
    begin = ZippedViews

    def read(self, out: Path) -> Iterator[Sample]:
        """All samples, split by split in the order of their keys.

        Raises:
            InputError: If a zip is damaged.
        """
        by_key = {(path.parts[-3], _read_metadata(path)[0]): path for path in out.glob("*/renders/*.zip")}
        for place in sorted(by_key):
            yield from read_zip(by_key[place])


def read_zip(path: Path) -> Iterator[Sample]:
    """The views of one zip.

    Raises:
        InputError: If it is damaged.
    """
    _, content = _read_metadata(path)
    for view, record in zip(content["views"], content["metadata"][RECORDS], strict=True):
        with refusing_damage(path, "the views of an object"), zipfile.ZipFile(path) as archive:
            sample = _read_view(archive, content["save_uid"], view, record)
        yield sample


def _identifier(first: Sample) -> str:
    """The name of the asset, or one that no other run or scene has."""
    if "asset" in first.facts:
        return first.facts["asset"]["file_identifier"]
    made = first.provenance
    return "/".join(
        (made.origin.run, made.origin.checkpoint_sha256, str(made.root_seed), first.sequence or first.key)
    )


def _npy(array: Image) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _to_side(modality: Modality, image: Image, camera: Camera) -> Image:
    if modality is Modality.DEPTH:
        return finite_depth(image, 0.0)
    return image.astype(np.uint8) if modality is Modality.MASK else normals_in_camera(image, camera)


def _from_side(modality: Modality, array: Image, camera: Camera) -> Image:
    if modality is Modality.DEPTH:
        return infinite_depth(array, 0.0)
    return array > 0 if modality is Modality.MASK else normals_in_world(array, camera)


def _pose(camera: Camera, width: int) -> dict[str, Any]:
    """The camera of a view; azimuth, elevation and radius are those of its place around the origin."""
    focal = float(camera.intrinsics[0, 0])
    x, y, z = camera.world_from_camera[:3, 3].tolist()
    return {
        "camera_to_world": camera.world_from_camera.tolist(),
        "intrinsics": camera.intrinsics.tolist(),
        "focal_length_px": focal,
        "fov_degrees": math.degrees(2 * math.atan(width / (2 * focal))),
        "pose": {
            "azimuth_degrees": math.degrees(math.atan2(y, x)) % 360.0,
            "elevation_degrees": math.degrees(math.atan2(z, math.hypot(x, y))),
            "radius": math.hypot(x, y, z),
        },
    }


def _settings(first: Sample, views: list[dict[str, Any]]) -> dict[str, Any]:
    """The settings of the render; ranges that are not known are those of the views at hand."""

    def extent(values: list[float]) -> list[float]:
        return [min(values), max(values)]

    return {
        "camera_radius_range": extent([view["pose"]["radius"] for view in views]),
        "depth_pass": "Z",
        "elevation_range_degrees": extent([view["pose"]["elevation_degrees"] for view in views]),
        "engine": None,
        "fov_degrees_range": extent([view["fov_degrees"] for view in views]),
        "modalities": sorted(first.images),
        "num_views": len(views),
        "resolution": list(first.images[Modality.RGB].shape[1::-1]),
        **first.facts.get("render_settings", {}),
    }


def _read_metadata(path: Path) -> tuple[str, dict[str, Any]]:
    """Key of the first view, and the content of ``metadata.json``."""
    with refusing_damage(path, "a zip of views"), zipfile.ZipFile(path) as archive:
        uid = path.stem
        for name in map(checked_name, archive.namelist()):
            if not name.startswith(f"{uid}/"):
                raise ValueError(f"{name} is not in its folder")
        content = json.loads(archive.read(f"{uid}/{METADATA}"))
        if content["save_uid"] != uid or len(content["views"]) != len(content["metadata"][RECORDS]):
            raise ValueError("metadata of another object")
        return content["metadata"][RECORDS][0]["key"], content


def _read_view(
    archive: zipfile.ZipFile, uid: str, view: Mapping[str, Any], record: Mapping[str, Any]
) -> Sample:
    camera = Camera(np.array(view["intrinsics"]), np.array(view["camera_to_world"]))
    images = {Modality.RGB: from_png(archive.read(f"{uid}/{view['image']}"))}
    for modality, entry in _SIDE.items():
        if view[entry] is not None:
            array = np.load(io.BytesIO(archive.read(f"{uid}/{view[entry]}")), allow_pickle=False)
            images[modality] = _from_side(modality, array, camera)
    return from_record(record, images, camera=camera)
