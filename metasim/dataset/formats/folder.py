"""Folder: plain files, ``split/00000/KEY.png``, ``KEY.instance.png``, ``KEY.depth.npz`` and so on.

They are the members of ``webdataset``, see ``members``: what unpacks from its shards, for readers that take
files by name. ``metadata.jsonl`` beside them names the colour and the mask images of each sample, for
``datasets.load_dataset("imagefolder", data_dir=...)``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from metasim.base.files import write_json
from metasim.dataset.encode import compact_json
from metasim.dataset.formats.info import INFO, describe
from metasim.dataset.formats.members import from_members, members
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.formats.staging import StagedFiles, staged_files
from metasim.dataset.modality import Modality
from metasim.dataset.plan import Part
from metasim.dataset.sample import Sample

METADATA = "metadata.jsonl"


class FolderWriter:
    """An open part.

    Args:
        staged: Takes its files.
        name: Name of the part.
    """

    def __init__(self, staged: StagedFiles, name: str) -> None:
        self._staged, self._name = staged, name
        self._rows: list[bytes] = []

    @property
    def files(self) -> tuple[str, ...]:
        """Paths, within the dataset, of the files of the part."""
        return self._staged.files

    def add(self, sample: Sample) -> None:
        """Writes a sample's members as files."""
        files = members(sample)
        for extension, data in files.items():
            self._staged.write(f"{self._name}/{sample.key}.{extension}", data)
        self._rows.append(compact_json(_row(sample.key, files)))

    def close(self) -> None:
        """Writes the names of the images."""
        self._staged.write(f"{self._name}/{METADATA}", b"".join(row + b"\n" for row in self._rows))


class FolderFormat:
    """A folder a part, with a file a modality; described by ``dataset_info.json``."""

    name = "folder"
    modalities = frozenset(Modality)
    required: frozenset[Modality] = frozenset()

    @contextmanager
    def open(self, out: Path, part: Part) -> Iterator[FolderWriter]:
        """Opens the folder of a part."""
        with staged_files(out) as staged:
            writer = FolderWriter(staged, part.name)
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
        """All samples, part by part.

        Raises:
            InputError: If a file is damaged or missing.
        """
        for metadata in sorted(out.glob(f"*/*/{METADATA}")):
            with refusing_damage(metadata, "a JSON object a line"):
                rows = [
                    (row["key"], row["members"]) for row in map(json.loads, metadata.read_text().splitlines())
                ]
            for key, extensions in rows:
                with refusing_damage(metadata.with_name(f"{key}.*"), "the files of a sample"):
                    files = {e: metadata.with_name(f"{key}.{e}").read_bytes() for e in extensions}
                    sample = from_members(key, files)
                yield sample


def _row(key: str, extensions: Collection[str]) -> dict[str, Any]:
    """What a sample consists of; its images under the column names that ``datasets`` decodes."""
    columns = {
        e: "file_name" if e == "png" else f"{e[:-4]}_file_name" for e in extensions if e.endswith("png")
    }
    return {
        "key": key,
        "members": sorted(extensions),
        **{column: f"{key}.{e}" for e, column in columns.items()},
    }
