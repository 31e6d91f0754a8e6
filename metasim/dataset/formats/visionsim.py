"""VisionSIM: a folder a sequence with ``transforms.json`` and an image file a frame and modality.

``split/renders/SCENE/SEQUENCE/`` holds ``frames/frame_000000.png``, ``depths/depth_000000.exr`` (planar z,
metres, 1e10 on the background), ``normals/normal_000000.exr`` (on the camera's axes, +Z towards it, 0 on the
background), ``segmentations/segmentation_000000.exr`` (instance ids as floats, 0 is background) and
``flows/flow_000000.exr``; each split is a data set of its own. Poses are camera to world on Blender's axes;
pixel centres lie at half-integers, so that the principal point of a plain camera is the middle ``w / 2``.

A flow file has Blender's own four channels: to the previous frame (x, y), then from the next frame (x, y),
with y up. The document calls the former forward flow; the files that Blender writes say otherwise.

A scene that is seen once is the sequence ``KEY/001-00000-00001``; a sequence has its own name for its path,
SCENE/KEYFRAME_MULTIPLIER-FIRST-END as VisionSIM numbers it. ``metasim.json`` beside ``transforms.json`` has
the scene graphs; ``info.json``, where the frame rate is known, how far and how fast the camera goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from metasim.dataset.encode import from_png, png
from metasim.dataset.exr import exr, from_exr
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
from metasim.dataset.formats.transforms import camera_of, same_lens, top_level
from metasim.dataset.formats.travel import INFO, Travel
from metasim.dataset.labels import Image
from metasim.dataset.modality import Modality, require
from metasim.dataset.sample import Sample
from metasim.rendering.camera import Camera

TRANSFORMS = "transforms.json"
RECORDS = "metasim.json"
FAR = 1e10
"""The depth that Blender writes on the background."""

FLOWS = (Modality.FLOW_BACKWARD, Modality.FLOW_FORWARD)
_SIGNS = np.array([1.0, -1.0, -1.0, 1.0], dtype=np.float32)
"""Of Blender's flow channels relative to (backward x, y, forward x, y) in pixels with y down."""


class ImageSequence:
    """A sequence of image files.

    Args:
        staged: Takes the files.
        first: Its first frame.
    """

    def __init__(self, staged: StagedFiles, first: Sample) -> None:
        self._staged, self._first = staged, first
        self._folder = sequence_folder(first)
        self._frames: list[dict[str, Any]] = []
        self._records: list[dict[str, Any]] = []
        self._travel = Travel()

    def add(self, sample: Sample) -> None:
        """Writes the images of a frame."""
        require(VisionSIMFormat.required, carried(sample), VisionSIMFormat.name)
        camera = need_camera(sample, VisionSIMFormat.name)
        same_lens(self._first, sample)
        frame: dict[str, Any] = {"transform_matrix": camera.world_from_camera.tolist()}
        for entry, (name, data) in _files(sample, camera).items():
            frame[entry] = name
            self._staged.write(f"{self._folder}/{name}", data)
        self._frames.append(frame)
        self._records.append(to_record(sample))
        self._travel.add(sample)

    def close(self) -> None:
        """Writes the poses, the scene graphs, and how the camera travels."""
        content = {**top_level(self._first), "frames": self._frames}
        self._staged.write(f"{self._folder}/{TRANSFORMS}", sorted_json(content))
        self._staged.write(f"{self._folder}/{RECORDS}", sorted_json(self._records))
        if (info := self._travel.info()) is not None:
            self._staged.write(f"{self._folder}/{INFO}", sorted_json(info))


class VisionSIMFormat(SequenceFormat):
    """The form with image files."""

    name = "visionsim"
    modalities = frozenset({Modality.RGB, Modality.DEPTH, Modality.NORMAL, Modality.INSTANCE, *FLOWS})
    required = frozenset({Modality.RGB})
    begin = ImageSequence

    def read(self, out: Path) -> Iterator[Sample]:
        """All samples, sequence by sequence.

        Raises:
            InputError: If a file is damaged or missing.
        """
        for transforms in sorted(out.glob(f"*/renders/**/{TRANSFORMS}")):
            with refusing_damage(transforms, "the poses of a sequence"):
                content = json.loads(transforms.read_bytes())
                records = json.loads(transforms.with_name(RECORDS).read_bytes())
                views = list(zip(content["frames"], records, strict=True))
            for frame, record in views:
                with refusing_damage(transforms, "the poses of a sequence"):
                    camera = camera_of(content, frame)
                    images = _read_images(transforms.parent, frame, camera, record["carries"])
                    sample = from_record(record, images, camera=camera)
                yield sample


def sequence_folder(first: Sample) -> str:
    """Where the sequence of a first frame lies within the dataset."""
    return f"{first.split}/renders/{checked_name(first.sequence or f'{first.key}/001-00000-00001')}"


def _files(sample: Sample, camera: Camera) -> dict[str, tuple[str, bytes]]:
    """Path within the sequence's folder and content of each file, by its entry in ``transforms.json``."""
    images, at = sample.images, f"{sample.frame:06d}"
    files = {"file_path": (f"frames/frame_{at}.png", png(images[Modality.RGB]))}
    if Modality.DEPTH in images:
        depth = exr(finite_depth(images[Modality.DEPTH], FAR))
        files["depth_file_path"] = (f"depths/depth_{at}.exr", depth)
    if Modality.NORMAL in images:
        normals = exr(normals_in_camera(images[Modality.NORMAL], camera))
        files["normal_file_path"] = (f"normals/normal_{at}.exr", normals)
    if Modality.INSTANCE in images:
        ids = exr(images[Modality.INSTANCE])
        files["segmentation_file_path"] = (f"segmentations/segmentation_{at}.exr", ids)
    if any(m in images for m in FLOWS):
        files["flow_file_path"] = (f"flows/flow_{at}.exr", exr(_pack_flow(images)))
    return files


def _pack_flow(images: Mapping[Modality, Image]) -> Image:
    """Blender's four channels; 0 for the direction that is not carried."""
    height, width = images[Modality.RGB].shape[:2]
    still = np.zeros((height, width, 2), dtype=np.float32)
    return np.concatenate([images.get(m, still) for m in FLOWS], axis=-1) * _SIGNS


def _read_images(
    folder: Path, frame: Mapping[str, str], camera: Camera, carries: list[str]
) -> dict[Modality, Image]:
    def read(entry: str) -> Image:
        path = folder / checked_name(frame[entry])
        with refusing_damage(path, "an image"):
            return from_png(path.read_bytes()) if path.suffix == ".png" else from_exr(path)

    images = {Modality.RGB: read("file_path")}
    if Modality.DEPTH in carries:
        images[Modality.DEPTH] = infinite_depth(read("depth_file_path"), FAR)
    if Modality.NORMAL in carries:
        images[Modality.NORMAL] = normals_in_world(read("normal_file_path"), camera)
    if Modality.INSTANCE in carries:
        images[Modality.INSTANCE] = read("segmentation_file_path").astype(np.int32)
    for at, modality in enumerate(FLOWS):
        if modality in carries:
            flow = read("flow_file_path") * _SIGNS
            images[modality] = np.ascontiguousarray(flow[..., 2 * at : 2 * at + 2])
    return images
