"""Journal: which parts of an unfinished export are on disk, so that it can be taken up again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from metasim.base.errors import InputError
from metasim.base.files import sync_folder, write_text

NAME = "journal.jsonl"


@dataclass(frozen=True)
class FileRecord:
    """Hash and size of a file.

    Attributes:
        sha256: Hash of its bytes.
        size: Bytes.
    """

    sha256: str
    size: int

    @classmethod
    def of(cls, path: Path) -> FileRecord:
        """Reads a file's record."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(digest, path.stat().st_size)

    def problem(self, path: Path) -> str | None:
        """What is wrong with a file that should have this record; ``None`` if nothing is."""
        if not path.is_file():
            return "missing"
        size = path.stat().st_size
        if size != self.size:
            return f"{size} bytes, {self.size} expected"
        return None if FileRecord.of(path).sha256 == self.sha256 else "other content than was written"


@dataclass(frozen=True)
class PartRecord:
    """What became of a part.

    Attributes:
        part: Its name.
        files: Its files by path in the dataset.
        written: Indices of the scenes in it.
        failed: Why a scene is missing, by index.
        classes: Nodes of each class in its scenes.
    """

    part: str
    files: Mapping[str, FileRecord]
    written: tuple[int, ...]
    failed: Mapping[int, str]
    classes: Mapping[str, int]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PartRecord:
        """Reads back what ``dataclasses.asdict`` and JSON made of a record."""
        files = {path: FileRecord(**record) for path, record in data["files"].items()}
        failed = {int(index): reason for index, reason in data["failed"].items()}
        return cls(data["part"], files, tuple(data["written"]), failed, data["classes"])


class Journal:
    """A file of JSON lines: first the identity of the export, then a line a finished part."""

    def __init__(self, out: Path) -> None:
        """Opens no file yet.

        Args:
            out: Folder of the dataset.
        """
        self.path = out / NAME

    def begin(self, identity: Mapping[str, Any]) -> None:
        """Starts a journal anew."""
        write_text(self.path, _line(identity))

    def read(self, identity: Mapping[str, Any]) -> list[PartRecord]:
        """The finished parts of the export of this identity, a torn last line left out.

        Raises:
            InputError: If the journal is another export's.
        """
        lines = self.path.read_text().split("\n")
        check_identity(str(self.path.parent), json.loads(lines[0]), identity)
        return [PartRecord.from_json(json.loads(line)) for line in lines[1:-1]]

    def keep(self, identity: Mapping[str, Any], records: Iterable[PartRecord]) -> None:
        """Rewrites the journal with these parts only."""
        write_text(self.path, _line(identity) + "".join(_line(asdict(record)) for record in records))

    def add(self, record: PartRecord) -> None:
        """Notes a part whose files are on disk."""
        with self.path.open("a") as file:
            file.write(_line(asdict(record)))
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        """Removes the journal of a finished export."""
        self.path.unlink(missing_ok=True)
        sync_folder(self.path.parent)


def check_identity(where: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuses to go on with an export of another plan or generator.

    Raises:
        InputError: Naming the first thing that differs.
    """
    for key in wanted:
        if found.get(key) != wanted[key]:
            raise InputError(
                where, f"an export with {key} {found.get(key)}", f"{key} {wanted[key]} to resume"
            )


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value) + "\n"
