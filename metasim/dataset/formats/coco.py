"""COCO: ``split/KEY.png`` and ``annotations/instances_SPLIT.json`` with a mask and a box an instance.

Segmentations are run lengths, exact to the pixel, that pycocotools encodes; categories are all classes, the
ids of images and annotations their places in the dataset, from 1 on. Beyond COCO, an annotation has the
``instance_id`` of its pixels. ``annotations/parts/SPLIT_00000.json`` has the annotations of a part, from
which the former are made when the last part is there, and the scene graphs and cameras, which COCO has no
place for. Frames of a sequence are images like all others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from pycocotools import mask as rle

from metasim.base.files import whole_file
from metasim.dataset import labels
from metasim.dataset.encode import from_png, png
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.formats.record import carried, checked_name, from_record, sorted_json, to_record
from metasim.dataset.formats.staging import StagedFiles, staged_files
from metasim.dataset.labels import Box, Image
from metasim.dataset.modality import Modality, require
from metasim.dataset.plan import Part
from metasim.dataset.sample import Sample

Json = dict[str, Any]


class CocoWriter:
    """An open part.

    Args:
        staged: Takes its files.
        part: The part.
    """

    def __init__(self, staged: StagedFiles, part: Part) -> None:
        self._staged, self._part = staged, part
        self._entries: list[Json] = []

    @property
    def files(self) -> tuple[str, ...]:
        """Paths, within the dataset, of the files of the part."""
        return self._staged.files

    def add(self, sample: Sample) -> None:
        """Writes the image of a sample, and takes its annotations."""
        require(CocoFormat.required, carried(sample), CocoFormat.name)
        height, width = sample.images[Modality.RGB].shape[:2]
        name = f"{sample.key}.png"
        self._staged.write(f"{sample.split}/{name}", png(sample.images[Modality.RGB]))
        self._entries.append(
            {
                "image": {"file_name": name, "height": height, "width": width},
                "annotations": [
                    _annotation(box, sample.images[Modality.INSTANCE]) for box in sample.boxes or ()
                ],
                "record": to_record(sample),
            }
        )

    def close(self) -> None:
        """Writes the annotations."""
        self._staged.write(_path_of_part(self._part), sorted_json(self._entries))


class CocoFormat:
    """Images, and an annotation file a split."""

    name = "coco"
    modalities = frozenset({Modality.RGB, Modality.INSTANCE, Modality.SEMANTIC, Modality.MASK, Modality.BBOX})
    required = frozenset({Modality.RGB, Modality.INSTANCE, Modality.BBOX})

    @contextmanager
    def open(self, out: Path, part: Part) -> Iterator[CocoWriter]:
        """Opens a part."""
        with staged_files(out) as staged:
            writer = CocoWriter(staged, part)
            yield writer
            writer.close()

    def summaries(self, part: Part) -> tuple[str, ...]:
        """Its annotations."""
        return (_path_of_part(part),)

    def finalise(self, out: Path, info: DatasetInfo) -> tuple[str, ...]:
        """Writes the annotation file of each split, from those of its parts."""
        images = annotations = 1
        for split in info.plan.split:
            parts = [out / _path_of_part(part) for part in info.plan.parts() if part.split == split]
            with whole_file(out / _path_of_split(split)) as file:
                file.write(_head(info))
                _write_list(file, _images(parts, images))
                file.write(b',"annotations":')
                _write_list(file, _annotations(parts, images, annotations))
                file.write(b"}\n")
            images += sum(1 for _ in _entries(parts))
            annotations += sum(len(entry["annotations"]) for entry in _entries(parts))
        return tuple(_path_of_split(split) for split in info.plan.split)

    def read(self, out: Path) -> Iterator[Sample]:
        """All samples, split by split.

        Raises:
            InputError: If a file is damaged or missing.
        """
        for path in sorted(out.glob("annotations/instances_*.json")):
            split = path.stem.removeprefix("instances_")
            of_split = re.compile(rf"{re.escape(split)}_[0-9]+\.json")
            parts = sorted(p for p in out.glob("annotations/parts/*.json") if of_split.fullmatch(p.name))
            with refusing_damage(path, "COCO's annotations of all images of its parts"):
                views = _grouped(json.loads(path.read_bytes()))
                pairs = list(zip(views, _entries(parts), strict=True))
            for (image, marks), entry in pairs:
                with refusing_damage(out / split / str(image["file_name"]), "an image with annotations"):
                    sample = _read(out / split, image, marks, entry["record"])
                yield sample


def _path_of_part(part: Part) -> str:
    return f"annotations/parts/{part.split}_{part.number:05d}.json"


def _path_of_split(split: str) -> str:
    return f"annotations/instances_{split}.json"


def _annotation(box: Box, instance: Image) -> Json:
    mask = np.asfortranarray(instance == box.instance, dtype=np.uint8)
    runs: Any = rle.encode(mask)
    return {
        "area": int(mask.sum()),
        "bbox": [box.x, box.y, box.width, box.height],
        "category_id": box.class_id,
        "instance_id": box.instance,
        "iscrowd": 0,
        "segmentation": {"size": list(mask.shape), "counts": runs["counts"].decode("ascii")},
    }


def _head(info: DatasetInfo) -> bytes:
    head = {
        "info": {"description": "made with metasim", "version": "1.0"},
        "licenses": [],
        "categories": [
            {"id": number, "name": name, "supercategory": ""}
            for number, name in enumerate(info.class_names, start=1)
        ],
    }
    return sorted_json(head)[:-1] + b',"images":'


def _entries(parts: Iterable[Path]) -> Iterator[Json]:
    """What the files of parts hold, an entry an image; one file is in memory at a time."""
    for path in parts:
        with refusing_damage(path, "the annotations of a part"):
            entries = json.loads(path.read_bytes())
        yield from entries


def _images(parts: Iterable[Path], first: int) -> Iterator[Json]:
    for number, entry in enumerate(_entries(parts), start=first):
        yield {"id": number, **entry["image"]}


def _annotations(parts: Iterable[Path], first_image: int, first: int) -> Iterator[Json]:
    number = first
    for image, entry in enumerate(_entries(parts), start=first_image):
        for annotation in entry["annotations"]:
            yield {"id": number, "image_id": image, **annotation}
            number += 1


def _write_list(file: IO[bytes], values: Iterable[Json]) -> None:
    separator = b"["
    for value in values:
        file.write(separator + sorted_json(value))
        separator = b","
    file.write(b"]" if separator == b"," else b"[]")


def _grouped(content: Mapping[str, list[Json]]) -> Iterator[tuple[Json, list[Json]]]:
    """Each image with its annotations."""
    by_image: dict[int, list[Json]] = {image["id"]: [] for image in content["images"]}
    for annotation in content["annotations"]:
        by_image[annotation["image_id"]].append(annotation)
    for image in content["images"]:
        yield image, by_image[image["id"]]


def _read(folder: Path, image: Json, annotations: list[Json], record: Json) -> Sample:
    colour = from_png((folder / checked_name(image["file_name"])).read_bytes())
    instance = np.zeros(colour.shape[:2], dtype=np.int32)
    semantic = np.zeros_like(instance)
    for annotation in annotations:
        if annotation["segmentation"]["size"] != list(instance.shape):
            raise ValueError("a mask of another size than its image")
        pixels = rle.decode(annotation["segmentation"]).astype(bool)
        instance[pixels] = annotation["instance_id"]
        semantic[pixels] = annotation["category_id"]
    derived = {Modality.SEMANTIC: semantic, Modality.MASK: labels.foreground(instance)}
    images = {Modality.RGB: colour, Modality.INSTANCE: instance}
    images |= {m: image for m, image in derived.items() if m in record["carries"]}
    boxes = tuple(Box(a["instance_id"], a["category_id"], *a["bbox"]) for a in annotations)
    return from_record(record, images, boxes=boxes)
