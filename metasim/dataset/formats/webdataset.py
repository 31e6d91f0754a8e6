"""WebDataset: tar shards of images, arrays and JSON, for ``webdataset`` and Hugging Face ``datasets``.

Members of a sample: ``.png`` colour; ``.instance.png``, ``.semantic.png``, ``.part.png`` (8 bit, 16 when
an id exceeds 255), ``.mask.png``; ``.depth.npz``, ``.normal.npz`` and so on, each with the key ``data``
(H, W, C) float32; ``.bbox.json`` rows ``[x, y, width, height, class_id]``; ``.json`` what the sample is;
``.graph.json`` its scene graph.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from webdataset.writer import TarWriter

from metasim.base.files import whole_file, write_json
from metasim.dataset.encode import compact_json, from_npz, from_png, npz, png
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.labels import Box, Image
from metasim.dataset.modality import CONVENTIONS, TABLES, Modality
from metasim.dataset.plan import Part
from metasim.dataset.sample import Origin, Provenance, Sample
from metasim.rendering.camera import Camera
from metasim.scene.serialization import from_json, to_json

IDS = frozenset({Modality.INSTANCE, Modality.SEMANTIC, Modality.PART})
PNG = IDS | {Modality.RGB, Modality.MASK}
FLAT = frozenset({Modality.DEPTH, Modality.DISTANCE})
INFO = "dataset_info.json"
INDEX = "index.json"


class ShardWriter:
    """An open tar shard; equal samples give equal bytes, since members have no date or owner.

    Args:
        tar: The archive.
        path: Its path within the dataset.
    """

    def __init__(self, tar: TarWriter, path: str) -> None:
        self._tar = tar
        self.files = (path,)

    def add(self, sample: Sample) -> None:
        """Appends a sample's members, in alphabetical order."""
        self._tar.write({"__key__": sample.key, **members(sample)})


class WebDatasetFormat:
    """Shards ``split/00000.tar``, described by ``dataset_info.json`` and ``index.json`` (shard by key)."""

    name = "webdataset"
    modalities = frozenset(Modality) - TABLES | {Modality.BBOX}

    @contextmanager
    def open(self, out: Path, part: Part) -> Iterator[ShardWriter]:
        """Opens the shard of a part."""
        path = _shard(part.name)
        with (
            whole_file(out / path) as file,
            TarWriter(cast(BinaryIO, file), user="", group="", mode=0o644, mtime=0, encoder=False) as tar,
        ):
            yield ShardWriter(tar, path)

    def finalise(self, out: Path, info: DatasetInfo) -> tuple[str, ...]:
        """Writes the counts and class names, and the shard of each key."""
        write_json(out / INFO, _describe(info))
        write_json(out / INDEX, {key: _shard(part) for part, keys in info.keys.items() for key in keys})
        return INFO, INDEX

    def read(self, out: Path) -> Iterator[Sample]:
        """All samples, shard by shard."""
        for path in sorted(out.glob("*/*.tar")):
            yield from read_shard(path)


def members(sample: Sample) -> dict[str, bytes]:
    """The files of a sample, by extension."""
    height, width = next((image.shape[:2] for image in sample.images.values()), (0, 0))
    files = {_extension(m): _encode(m, image) for m, image in sample.images.items()}
    if sample.boxes is not None:
        files["bbox.json"] = compact_json([box.row for box in sample.boxes])
    files["graph.json"] = compact_json(to_json(sample.graph))
    files["json"] = compact_json(_card(sample, (height, width)))
    return files


def _extension(modality: Modality) -> str:
    if modality is Modality.RGB:
        return "png"
    return f"{modality}.png" if modality in PNG else f"{modality}.npz"


def _encode(modality: Modality, image: Image) -> bytes:
    if modality in PNG:
        return png(image)
    return npz(image.reshape(*image.shape[:2], -1).astype(np.float32, copy=False))


def _decode(modality: Modality, data: bytes) -> Image:
    if modality in IDS:
        return from_png(data).astype(np.int32)
    if modality is Modality.MASK:
        return from_png(data) > 0
    if modality is Modality.RGB:
        return from_png(data)
    return from_npz(data)[..., 0] if modality in FLAT else from_npz(data)


def _card(sample: Sample, size: tuple[int, int]) -> dict[str, Any]:
    origin, camera = sample.provenance.origin, sample.camera
    biggest = max(sample.boxes or (), key=lambda box: box.width * box.height, default=None)
    return {
        "image_id": sample.key,
        "class": sample.graph.nodes[biggest.instance - 1].cls if biggest else "",
        "instances": [box.instance for box in sample.boxes or ()],
        "render_params": {
            "split": sample.split,
            "variation": sample.provenance.index,
            "image_size": list(size),
            "seed": sample.provenance.render_seed,
        },
        "camera": {
            "intrinsics": camera.intrinsics.tolist(),
            "world_from_camera": camera.world_from_camera.tolist(),
        }
        if camera
        else None,
        "provenance": {
            "run": origin.run,
            "config_sha256": origin.config_sha256,
            "checkpoint_sha256": origin.checkpoint_sha256,
            "seed": sample.provenance.root_seed,
            "index": sample.provenance.index,
        },
        "conventions": {m: CONVENTIONS[m] for m in _carried(sample)},
    }


def _carried(sample: Sample) -> tuple[Modality, ...]:
    return (*sample.images, *(() if sample.boxes is None else (Modality.BBOX,)))


def read_shard(path: Path) -> Iterator[Sample]:
    """The samples of one shard."""
    with tarfile.open(path) as tar:
        named = ((*member.name.partition("."), member) for member in tar)
        for key, group in groupby(named, key=lambda entry: entry[0]):
            files = {extension: _bytes(tar, member) for _, _, extension, member in group}
            yield _sample(key, files)


def _bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""


def _sample(key: str, files: Mapping[str, bytes]) -> Sample:
    card = json.loads(files["json"])
    rendered, made, camera = card["render_params"], card["provenance"], card["camera"]
    origin = Origin(made["run"], made["config_sha256"], made["checkpoint_sha256"])
    boxes = None
    if "bbox.json" in files:
        rows = zip(card["instances"], json.loads(files["bbox.json"]), strict=True)
        boxes = tuple(Box(instance, row[4], *row[:4]) for instance, row in rows)
    return Sample(
        key=key,
        split=rendered["split"],
        graph=from_json(json.loads(files["graph.json"])),
        camera=Camera(**{name: np.array(matrix) for name, matrix in camera.items()}) if camera else None,
        images={m: _decode(m, files[_extension(m)]) for m in Modality if _extension(m) in files},
        boxes=boxes,
        provenance=Provenance(origin, made["seed"], made["index"], rendered["seed"]),
    )


def _shard(part: str) -> str:
    return f"{part}.tar"


def _describe(info: DatasetInfo) -> dict[str, Any]:
    by_split = {
        split: [k for p, k in info.keys.items() if p.startswith(f"{split}/")] for split in info.plan.split
    }
    return {
        "total_images": sum(map(len, info.keys.values())),
        "version": "1.0.0",
        "format": WebDatasetFormat.name,
        "splits": {
            split: {"num_images": sum(map(len, shards)), "num_shards": len(shards)}
            for split, shards in by_split.items()
        },
        "class_names": list(info.class_names),
        "num_classes": len(info.class_names),
        "image_size": list(info.plan.size),
        "modalities": {m: CONVENTIONS[m] for m in info.plan.modalities},
    }
