"""WebDataset: tar shards ``split/00000.tar``, for ``webdataset`` and Hugging Face ``datasets``.

A sample is the members that share a key, without date or owner, see ``members``. ``index.json`` gives
the shard of each key; ``dataset_info.json`` has counts, classes and conventions.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, cast

from webdataset.writer import TarWriter

from metasim.base.files import whole_file, write_json
from metasim.dataset.formats.info import INFO, describe
from metasim.dataset.formats.members import from_members, members
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.modality import Modality
from metasim.dataset.plan import Part
from metasim.dataset.sample import Sample

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
    modalities = frozenset(Modality)
    required: frozenset[Modality] = frozenset()

    @contextmanager
    def open(self, out: Path, part: Part) -> Iterator[ShardWriter]:
        """Opens the shard of a part."""
        path = _shard(part.name)
        with (
            whole_file(out / path) as file,
            TarWriter(cast(BinaryIO, file), user="", group="", mode=0o644, mtime=0, encoder=False) as tar,
        ):
            yield ShardWriter(tar, path)

    def summaries(self, part: Part) -> tuple[str, ...]:
        """None is read."""
        return ()

    def finalise(self, out: Path, info: DatasetInfo) -> tuple[str, ...]:
        """Writes the counts and class names, and the shard of each key."""
        write_json(out / INFO, describe(info))
        write_json(out / INDEX, {key: _shard(part) for part, keys in info.keys.items() for key in keys})
        return INFO, INDEX

    def read(self, out: Path) -> Iterator[Sample]:
        """All samples, shard by shard."""
        for path in sorted(out.glob("*/*.tar")):
            yield from read_shard(path)


def read_shard(path: Path) -> Iterator[Sample]:
    """The samples of one shard.

    Raises:
        InputError: If it is not a whole archive of samples.
    """
    with refusing_damage(path, "a whole shard"), tarfile.open(path) as tar:
        named = ((*member.name.partition("."), member) for member in tar)
        for key, group in groupby(named, key=lambda entry: entry[0]):
            yield from_members(key, {e: read_member(tar, member) for _, _, e, member in group})


def read_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """The content of a file in an archive."""
    file = tar.extractfile(member)
    data = file.read() if file else b""
    if len(data) != member.size:
        raise EOFError(f"{member.name} is cut off")
    return data


def _shard(part: str) -> str:
    return f"{part}.tar"
