"""FileRecord: hash and size of a file, by which a dataset knows its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_BLOCK = 2**20


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
            return cls.of_stream(file)

    @classmethod
    def of_stream(cls, file: IO[bytes]) -> FileRecord:
        """Reads the record of what is left of an open file."""
        digest, size = hashlib.sha256(), 0
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
        return cls(digest.hexdigest(), size)

    def problem(self, found: FileRecord | None) -> str | None:
        """What is wrong with a file that should have this record and has that one; ``None`` if nothing is."""
        if found is None:
            return "missing"
        if found.size != self.size:
            return f"{found.size} bytes, {self.size} expected"
        return None if found == self else "other content than was written"
