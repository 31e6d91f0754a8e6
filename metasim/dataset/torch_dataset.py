"""Our datasets as torch datasets: any format as a stream, webdataset also at random."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, default_collate, get_worker_info

from metasim.base.errors import InputError
from metasim.dataset.completeness import Promise
from metasim.dataset.formats import find_format
from metasim.dataset.formats.members import from_members
from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.formats.webdataset import INDEX
from metasim.dataset.labels import Box, Image
from metasim.dataset.manifest import load_manifest
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample
from metasim.dataset.store import is_remote, open_store

Item = dict[str, Any]
_TABLES = ("bbox", "visibility", "amodal")  # what has an entry an instance


def to_item(sample: Sample) -> Item:
    """A sample as tensors under the names of its modalities.

    Images with channels are (C, H, W), amodal masks (N, H, W), of the type they have; ids are int64, so
    that losses take them. Boxes are (N, 5) int64 rows ``[x, y, width, height, class_id]`` with the
    instance of each under ``bbox_instances``; 3D boxes (N, 4, 4) float64; visibility (N,) float64. Beside
    them stand ``key``, ``split`` and, if there is a camera, ``intrinsics`` and ``world_from_camera``.
    """
    item: Item = {"key": sample.key, "split": sample.split}
    item |= {modality.value: _tensor(modality, image) for modality, image in sample.images.items()}
    for name, boxes in ((Modality.BBOX, sample.boxes), (Modality.BBOX_FULL, sample.full_boxes)):
        if boxes is not None:
            item |= _box_tensors(name.value, boxes)
    if sample.visibility is not None:
        item["visibility"] = torch.tensor([*sample.visibility.values()], dtype=torch.float64)
        item["visibility_instances"] = torch.tensor([*sample.visibility], dtype=torch.int64)
    if sample.solids is not None:
        matrices = [solid.world_from_unit for solid in sample.solids]
        item["bbox3d"] = torch.from_numpy(np.array(matrices, np.float64).reshape(-1, 4, 4))
        item["bbox3d_instances"] = torch.tensor([s.instance for s in sample.solids], dtype=torch.int64)
    if sample.camera is not None:
        item["intrinsics"] = torch.from_numpy(sample.camera.intrinsics)
        item["world_from_camera"] = torch.from_numpy(sample.camera.world_from_camera)
    return item


def _tensor(modality: Modality, image: Image) -> Tensor:
    if image.dtype == np.int32:
        image = image.astype(np.int64)
    tensor = torch.from_numpy(np.array(image))
    if image.ndim == 2 or modality is Modality.AMODAL:
        return tensor
    return tensor.permute(2, 0, 1).contiguous()


def _box_tensors(name: str, boxes: Sequence[Box]) -> Item:
    rows = torch.tensor([box.row for box in boxes], dtype=torch.int64).reshape(-1, 5)
    return {name: rows, f"{name}_instances": torch.tensor([b.instance for b in boxes], dtype=torch.int64)}


def collate(items: Sequence[Item]) -> Item:
    """A batch: images and cameras stacked; tables, whose lengths differ, and words as lists."""
    batch: Item = {}
    for name in items[0]:
        values = [item[name] for item in items]
        table = name.startswith(_TABLES)
        batch[name] = default_collate(values) if isinstance(values[0], Tensor) and not table else values
    return batch


class SampleStream(IterableDataset[Item]):
    """All samples of a dataset of any format, one after another; workers share them out.

    Args:
        root: Folder of the dataset.
        split: The split to read; all by default.

    Raises:
        InputError: If it is no dataset in a folder, or has no such split.
    """

    def __init__(self, root: Path | str, split: str | None = None) -> None:
        self._root, self._split = _folder(root), split
        manifest = load_manifest(root)
        self._format = manifest["export"]["format"]
        self._promise = Promise(str(root), manifest, split)

    def __iter__(self) -> Iterator[Item]:
        """The items of this worker, which reads past those of the others and so can count all.

        Raises:
            InputError: If a file is damaged, or a sample or a label that was written is not there; what is
                missing is told at the end.
        """
        worker = get_worker_info()
        start, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for sample in islice(self._samples(), start, None, step):
            yield to_item(sample)

    def _samples(self) -> Iterable[Sample]:
        samples = find_format(self._format).read(self._root)
        return self._promise.kept(sample for sample in samples if self._split in (None, sample.split))


class SampleDataset(Dataset[Item]):
    """The samples of a webdataset at random, by the places of their files in the shards.

    Args:
        root: Folder of the dataset.
        split: The split to read; all by default.

    Raises:
        InputError: If it is no dataset in a folder, or of another format, or has no such split, or its index
            is damaged or lacks samples that were written.
    """

    def __init__(self, root: Path | str, split: str | None = None) -> None:
        self._root = _folder(root)
        manifest = load_manifest(root)
        if (format := manifest["export"]["format"]) != "webdataset":
            raise InputError(
                str(root), f"a dataset of format {format}", "a webdataset; others as a SampleStream"
            )
        self._promise = Promise(str(root), manifest, split)
        with refusing_damage(self._root / INDEX, "the shard of each key"):
            index: Mapping[str, str] = json.loads((self._root / INDEX).read_bytes())
            splits = {key: shard.split("/")[0] for key, shard in index.items()}
        self._shards = {key: shard for key, shard in index.items() if split in (None, splits[key])}
        self._promise.count(Counter(splits[key] for key in self._shards))
        self._keys = sorted(self._shards)
        self._places: dict[str, dict[str, dict[str, tuple[int, int]]]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, at: int) -> Item:
        key = self._keys[at]
        shard = self._shards[key]
        path = self._root / shard
        with refusing_damage(path, "a whole shard"), path.open("rb") as file:
            if shard not in self._places:
                self._places[shard] = _places(path)
            files = {}
            for extension, (offset, size) in self._places[shard][key].items():
                file.seek(offset)
                files[extension] = file.read(size)
            sample = from_members(key, files)
        return to_item(self._promise.whole(sample))


def _folder(root: Path | str) -> Path:
    """The folder of a dataset.

    Raises:
        InputError: If it lies at an address: its files would have to be copied, to a place that is not ours
            to choose, and to stay there for as long as there is anyone to read them.
    """
    if is_remote(root):
        raise InputError(str(root), "an address", "a folder; copy the dataset to one first")
    with open_store(root) as store:
        return store.folder


def _places(shard: Path) -> dict[str, dict[str, tuple[int, int]]]:
    """Offset and size of the files of each key of a shard, by extension."""
    places: dict[str, dict[str, tuple[int, int]]] = {}
    with tarfile.open(shard) as tar:
        for member in tar:
            key, _, extension = member.name.partition(".")
            places.setdefault(key, {})[extension] = (member.offset_data, member.size)
    return places
