"""HDF5: a file a part, ``split/00000.hdf5``, in the older layout of MOPS-Data.

``images/image_000000`` colour; ``masks/semantic``, ``instance``, ``parts``, ``affordance``, ``is_partnet``,
``depth``, ``normal`` and a group more for each further modality, with an array ``image_000000`` a sample;
``labels/class_labels`` the class id of the largest object of each image, 0 without boxes; ``class_names`` by
class id, that of 0 being ``background`` and that of a class unseen in the file empty (``dataset_info.json``
has all); ``class_counts`` images by class id; ``metadata/image_info`` what each sample is, its tables and
scene graph, a JSON text each. A group's attribute ``convention`` says what its numbers mean.

Arrays are compressed, one chunk each: affordances (H, W, A) cost less than a hundredth of their size.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from metasim.base.files import whole_file, write_json
from metasim.dataset.encode import compact_json
from metasim.dataset.formats.classes import instance_classes
from metasim.dataset.formats.info import INFO, describe
from metasim.dataset.formats.members import descriptions, from_members
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.labels import Image
from metasim.dataset.modality import CONVENTIONS, TABLES, Modality
from metasim.dataset.plan import Part
from metasim.dataset.sample import Sample

LIBVER = ("earliest", "v110")
"""Bounds of the file format, so that the bytes do not depend on the library's default."""

GROUPS = {m: f"masks/{m}" for m in Modality} | {
    Modality.RGB: "images",
    Modality.PART: "masks/parts",
    Modality.MASK: "masks/is_partnet",
}
EXPECTED = "a whole HDF5 file of samples"
CHANNELLED = frozenset({Modality.DEPTH, Modality.DISTANCE})
FLAGS = frozenset({Modality.MASK, Modality.AFFORDANCE, Modality.AMODAL})


class Hdf5Writer:
    """An open file of a part; arrays are written as they come, tables at the end.

    Args:
        file: The file.
        path: Its path within the dataset.
    """

    def __init__(self, file: h5py.File, path: str) -> None:
        self._file = file
        self._infos: list[bytes] = []
        self._labels: list[int] = []
        self._names = {0: "background"}
        self.files = (path,)

    def add(self, sample: Sample) -> None:
        """Appends a sample."""
        for modality, image in sample.images.items():
            group = self._file.require_group(GROUPS[modality])
            group.attrs["convention"] = CONVENTIONS[modality]
            _write(group, f"image_{len(self._infos):06d}", modality, image)
        biggest = max(sample.boxes or (), key=lambda box: box.width * box.height, default=None)
        self._labels.append(biggest.class_id if biggest else 0)
        nodes = sample.graph.nodes
        self._names |= {c: nodes[i - 1].cls for i, c in instance_classes(sample).items()}
        self._infos.append(_info(sample))

    def close(self) -> None:
        """Writes the tables."""
        text = h5py.string_dtype()
        counts = Counter(self._labels)
        ids = range(max(self._names) + 1)
        tables = {
            "labels/class_labels": np.array(self._labels, dtype=np.int64),
            "class_names": np.array([self._names.get(i, "") for i in ids], dtype=text),
            "class_counts": np.array([counts[i] for i in ids], dtype=np.int64),
            "metadata/image_info": np.array(self._infos, dtype=text),
        }
        for path, table in tables.items():
            self._file.create_dataset(path, data=table, track_times=False)


class Hdf5Format:
    """Files ``split/00000.hdf5``, described by ``dataset_info.json``."""

    name = "hdf5"
    modalities = frozenset(Modality)
    required: frozenset[Modality] = frozenset()

    @contextmanager
    def open(self, out: Path, part: Part) -> Iterator[Hdf5Writer]:
        """Opens the file of a part."""
        path = f"{part.name}.hdf5"
        with whole_file(out / path) as partial, h5py.File(partial.name, "w", libver=LIBVER) as file:
            writer = Hdf5Writer(file, path)
            yield writer
            writer.close()

    def summaries(self, part: Part) -> tuple[str, ...]:
        """None is read."""
        return ()

    def finalise(self, out: Path, info: DatasetInfo) -> tuple[str, ...]:
        """Writes the counts and class names."""
        write_json(out / INFO, describe(info))
        return (INFO,)

    def read(self, out: Path) -> Iterator[Sample]:
        """All samples, file by file.

        Raises:
            InputError: If a file is damaged.
        """
        for path in sorted(out.glob("*/*.hdf5")):
            with refusing_damage(path, EXPECTED), h5py.File(path) as file:
                infos = _dataset(file, "metadata/image_info").asstr()[:]
            for number, info in enumerate(infos):
                yield _read(path, number, info)


def _read(path: Path, number: int, info: str) -> Sample:
    with refusing_damage(path, EXPECTED), h5py.File(path) as file:
        card = json.loads(info)
        files = {extension: compact_json(value) for extension, value in card.pop("members").items()}
        sample = from_members(card["image_id"], files | {"json": compact_json(card)})
        images = {
            m: _image(m, file, number) for m in Modality if m in card["conventions"] and m not in TABLES
        }
        return replace(sample, images=images)


def _image(modality: Modality, file: h5py.File, number: int) -> Image:
    stored = _dataset(file, f"{GROUPS[modality]}/image_{number:06d}")[()]
    if modality in FLAGS:
        return stored > 0
    return stored[..., 0] if modality in CHANNELLED else stored


def _dataset(file: h5py.File, path: str) -> h5py.Dataset:
    found = file[path]
    if not isinstance(found, h5py.Dataset):
        raise TypeError(f"{path} is not a dataset")
    return found


def _write(group: h5py.Group, name: str, modality: Modality, image: Image) -> None:
    stored = image[..., None] if modality in CHANNELLED else image
    stored = stored.astype(np.uint8) if modality in FLAGS else stored
    packing = {"chunks": stored.shape, "compression": "gzip", "shuffle": True} if stored.size else {}
    group.create_dataset(name, data=stored, track_times=False, **packing)


def _info(sample: Sample) -> bytes:
    files = {extension: json.loads(data) for extension, data in descriptions(sample).items()}
    return compact_json({**files.pop("json"), "members": files})
