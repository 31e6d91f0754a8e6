"""VisionSIM's other form: the frames of a sequence in one ``frames.npy``, their depths in ``depths.npy``.

``frames.npy`` is uint8 (N, H, W, 3), ``depths.npy`` float32 (N, H, W, 1) in metres with 1e10 on the
background; ``transforms.json`` names both at its top level. Foreground masks are a data set of their own in
the sequence's folder ``masks``: binary frames (N, H, W / 8, 1), eight pixels of a row to a byte. Folders and
conventions are those of the other form, see ``visionsim``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from metasim.dataset.formats.axes import finite_depth, infinite_depth
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
from metasim.dataset.formats.visionsim import FAR, RECORDS, TRANSFORMS, sequence_folder
from metasim.dataset.labels import Image
from metasim.dataset.modality import Modality, require
from metasim.dataset.sample import Sample

FRAMES, MASKS = "frames.npy", "masks"


class ArraySequence:
    """A sequence of frames in one array; held in memory until it is complete.

    Args:
        staged: Takes the files.
        first: Its first frame.
    """

    def __init__(self, staged: StagedFiles, first: Sample) -> None:
        self._staged, self._folder = staged, sequence_folder(first)
        self._samples: list[Sample] = []

    def add(self, sample: Sample) -> None:
        """Takes a frame."""
        require(VisionSIMArraysFormat.required, carried(sample), VisionSIMArraysFormat.name)
        need_camera(sample, VisionSIMArraysFormat.name)
        same_lens((self._samples or [sample])[0], sample)
        self._samples.append(sample)

    def close(self) -> None:
        """Writes the arrays, the poses and the scene graphs."""
        content = self._head | {"bitpack": False, "bitpack_dim": None}
        self._write(FRAMES, _npy([s.images[Modality.RGB] for s in self._samples]))
        if Modality.DEPTH in self._samples[0].images:
            content["depth_file_path"] = "depths.npy"
            depths = [finite_depth(s.images[Modality.DEPTH], FAR)[..., None] for s in self._samples]
            self._write("depths.npy", _npy(depths))
        if Modality.MASK in self._samples[0].images:
            self._write_masks()
        self._write(TRANSFORMS, sorted_json(content))
        self._write(RECORDS, sorted_json([to_record(s) for s in self._samples]))
        travel = Travel()
        for sample in self._samples:
            travel.add(sample)
        if (info := travel.info()) is not None:
            self._write(INFO, sorted_json(info))

    def _write_masks(self) -> None:
        masks = [np.packbits(s.images[Modality.MASK], axis=1)[..., None] for s in self._samples]
        self._write(f"{MASKS}/{FRAMES}", _npy(masks))
        content = self._head | {"c": 1, "bitpack": True, "bitpack_dim": 2}
        self._write(f"{MASKS}/{TRANSFORMS}", sorted_json(content))

    @property
    def _head(self) -> dict[str, Any]:
        """What the descriptions of frames and masks have in common."""
        poses = [s.camera.world_from_camera.tolist() for s in self._samples if s.camera]
        frames = [{"transform_matrix": pose} for pose in poses]
        return {**top_level(self._samples[0]), "file_path": FRAMES, "frames": frames}

    def _write(self, name: str, data: bytes) -> None:
        self._staged.write(f"{self._folder}/{name}", data)


class VisionSIMArraysFormat(SequenceFormat):
    """The form with arrays."""

    name = "visionsim-npy"
    modalities = frozenset({Modality.RGB, Modality.DEPTH, Modality.MASK})
    required = frozenset({Modality.RGB})
    begin = ArraySequence

    def read(self, out: Path) -> Iterator[Sample]:
        """All samples, sequence by sequence; a frame is read when it is its turn.

        Raises:
            InputError: If a file is damaged or missing.
        """
        for transforms in sorted(out.glob(f"*/renders/**/{TRANSFORMS}")):
            if transforms.parent.name == MASKS:
                continue
            with refusing_damage(transforms, "the poses and arrays of a sequence"):
                content = json.loads(transforms.read_bytes())
                records = json.loads(transforms.with_name(RECORDS).read_bytes())
                arrays = _open_arrays(transforms.parent, content, len(records))
                views = list(zip(content["frames"], records, strict=True))
            for at, (frame, record) in enumerate(views):
                with refusing_damage(transforms, "the poses and arrays of a sequence"):
                    images = {m: _image(m, array[at], content["w"]) for m, array in arrays.items()}
                    camera = camera_of(content, frame)
                    sample = from_record(record, images, camera=camera)
                yield sample


def _npy(images: list[Image]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.stack(images), allow_pickle=False)
    return buffer.getvalue()


def _open_arrays(folder: Path, content: dict[str, Any], num: int) -> dict[Modality, Image]:
    names = {Modality.RGB: "file_path", Modality.DEPTH: "depth_file_path"}
    paths = {m: folder / checked_name(content[entry]) for m, entry in names.items() if entry in content}
    if (folder / MASKS).is_dir():
        masks = json.loads((folder / MASKS / TRANSFORMS).read_bytes())
        paths[Modality.MASK] = folder / MASKS / checked_name(masks["file_path"])
    arrays = {m: np.load(path, mmap_mode="r", allow_pickle=False) for m, path in paths.items()}
    if any(array.ndim != 4 or len(array) != num for array in arrays.values()):
        raise ValueError("arrays of another length than the list of frames")
    return arrays


def _image(modality: Modality, values: Image, width: int) -> Image:
    if modality is Modality.MASK:
        return np.unpackbits(values[..., 0], axis=1, count=width) > 0
    return np.array(values) if modality is Modality.RGB else infinite_depth(values[..., 0], FAR)
