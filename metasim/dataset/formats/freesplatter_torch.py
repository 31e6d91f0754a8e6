"""FreeSplatter's torch chunks: the scenes of a part in one file for ``torch.load``, with an index.

``split/000000.torch`` is a list with a dictionary a scene: ``key``; ``cameras`` (V, 18) float32, each
``[fx / W, fy / H, cx / W, cy / H, 0, 0]`` and then, row by row, the (3, 4) pose world to camera on OpenCV's
axes; ``images``, the bytes of a PNG a view as uint8 tensors; ``masks`` (V, H, W) uint8; ``depths`` (V, H, W)
float32 planar z in metres with -1 on the background; ``normalization``, the identity unless an asset was made
one size. ``split/index.json``
says which chunk holds which key, and ``split/000000.json`` has the scene graphs of a chunk.

A part is a chunk. A scene is a sequence; one that is seen once has one view.
"""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch

from metasim.base.files import write_json
from metasim.dataset.encode import from_png, png
from metasim.dataset.formats.asset import UNSCALED
from metasim.dataset.formats.axes import (
    camera_of_opencv,
    finite_depth,
    infinite_depth,
    intrinsic_matrix,
    opencv_from_world,
    pinhole,
)
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.formats.record import carried, from_record, need_camera, sorted_json, to_record
from metasim.dataset.formats.staging import StagedFiles, staged_files
from metasim.dataset.labels import Image
from metasim.dataset.modality import Modality, require
from metasim.dataset.plan import Part
from metasim.dataset.sample import Sample
from metasim.rendering.camera import Camera

INDEX = "index.json"
BACKGROUND = -1.0


class ChunkWriter:
    """An open chunk.

    Args:
        staged: Takes its files.
        part: Its part.
    """

    def __init__(self, staged: StagedFiles, part: Part) -> None:
        self._staged, self._part = staged, part
        self._samples: list[Sample] = []

    @property
    def files(self) -> tuple[str, ...]:
        """Paths, within the dataset, of the files of the part."""
        return self._staged.files

    def add(self, sample: Sample) -> None:
        """Takes a view."""
        require(FreeSplatterChunksFormat.required, carried(sample), FreeSplatterChunksFormat.name)
        need_camera(sample, FreeSplatterChunksFormat.name)
        self._samples.append(sample)

    def close(self) -> None:
        """Writes the chunk and the scene graphs."""
        scenes = [list(views) for _, views in groupby(self._samples, key=_scene_key)]
        records = {_scene_key(views[0]): [to_record(view) for view in views] for views in scenes}
        self._staged.write(_path(self._part, "torch"), _saved([_scene(views) for views in scenes]))
        self._staged.write(_path(self._part, "json"), sorted_json(records))


class FreeSplatterChunksFormat:
    """A torch file a part."""

    name = "freesplatter-torch"
    modalities = required = frozenset({Modality.RGB, Modality.DEPTH, Modality.MASK})

    @contextmanager
    def open(self, out: Path, part: Part) -> Iterator[ChunkWriter]:
        """Opens the chunk of a part."""
        with staged_files(out) as staged:
            writer = ChunkWriter(staged, part)
            yield writer
            writer.close()

    def summaries(self, part: Part) -> tuple[str, ...]:
        """Its scene graphs, by key."""
        return (_path(part, "json"),)

    def finalise(self, out: Path, info: DatasetInfo) -> tuple[str, ...]:
        """Writes the index of each split, from the keys beside its chunks."""
        indices: dict[str, dict[str, str]] = {split: {} for split in info.plan.split}
        for part in info.plan.parts():
            with refusing_damage(out / _path(part, "json"), "the scene graphs of a chunk"):
                keys = json.loads((out / _path(part, "json")).read_bytes())
            indices[part.split] |= dict.fromkeys(keys, Path(_path(part, "torch")).name)
        for split, index in indices.items():
            write_json(out / split / INDEX, index)
        return tuple(f"{split}/{INDEX}" for split in indices)

    def read(self, out: Path) -> Iterator[Sample]:
        """All samples, chunk by chunk.

        Raises:
            InputError: If a chunk is damaged.
        """
        for path in sorted(out.glob("*/*.torch")):
            yield from read_chunk(path)


def read_chunk(path: Path) -> Iterator[Sample]:
    """The views of one chunk.

    Raises:
        InputError: If it is damaged.
    """
    with refusing_damage(path, "a chunk of scenes"):
        scenes = _loaded(path)
        records = json.loads(path.with_suffix(".json").read_bytes())
        views = [(scene, at, record) for scene in scenes for at, record in enumerate(records[scene["key"]])]
    for scene, at, record in views:
        with refusing_damage(path, "a chunk of scenes"):
            sample = _view(scene, at, record)
        yield sample


def _path(part: Part, suffix: str) -> str:
    return f"{part.split}/{part.number:06d}.{suffix}"


def _scene_key(sample: Sample) -> str:
    return sample.sequence or sample.key


def _scene(views: Sequence[Sample]) -> dict[str, Any]:
    depths = [finite_depth(view.images[Modality.DEPTH], BACKGROUND) for view in views]
    return {
        "key": _scene_key(views[0]),
        "cameras": _stacked([_camera_row(view) for view in views]),
        "images": [_bytes(png(view.images[Modality.RGB])) for view in views],
        "masks": _stacked([view.images[Modality.MASK].astype(np.uint8) for view in views]),
        "depths": _stacked(depths),
        "normalization": _normalization(views[0]),
    }


def _normalization(view: Sample) -> dict[str, Any]:
    """Made anew: the bytes of a pickle depend on which objects share a key's string."""
    known = view.facts.get("normalization", UNSCALED)
    return {"scale": float(known["scale"]), "translation": [float(x) for x in known["translation"]]}


def _stacked(images: list[Image]) -> torch.Tensor:
    return torch.from_numpy(np.stack(images))


def _bytes(data: bytes) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(data, dtype=np.uint8).copy())


def _camera_row(sample: Sample) -> Image:
    camera = need_camera(sample, FreeSplatterChunksFormat.name)
    height, width = sample.images[Modality.RGB].shape[:2]
    fx, fy, cx, cy = pinhole(camera)
    lens = [fx / width, fy / height, cx / width, cy / height, 0.0, 0.0]
    return np.array([*lens, *opencv_from_world(camera)[:3].ravel()], dtype=np.float32)


def _camera(row: Image, height: int, width: int) -> Camera:
    fx, fy, cx, cy = row[:4].astype(np.float64) * [width, height, width, height]
    pose = np.concatenate([row[6:].astype(np.float64).reshape(3, 4), [[0.0, 0.0, 0.0, 1.0]]])
    return camera_of_opencv(intrinsic_matrix(fx, fy, cx, cy), pose)


def _view(scene: Mapping[str, Any], at: int, record: Mapping[str, Any]) -> Sample:
    images = {
        Modality.RGB: from_png(scene["images"][at].numpy().tobytes()),
        Modality.DEPTH: infinite_depth(scene["depths"][at].numpy(), BACKGROUND),
        Modality.MASK: scene["masks"][at].numpy() > 0,
    }
    height, width = images[Modality.RGB].shape[:2]
    camera = _camera(scene["cameras"][at].numpy(), height, width)
    return from_record(record, images, camera=camera)


def _saved(scenes: list[dict[str, Any]]) -> bytes:
    """Torch's archive has neither dates nor, as it has no path, a name of its own."""
    buffer = io.BytesIO()
    torch.save(scenes, buffer)
    return buffer.getvalue()


def _loaded(path: Path) -> list[dict[str, Any]]:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError("not an archive of tensors") from error
