"""Blacklist: assets that are not tried, and why; it learns from failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from metasim.base.errors import InputError
from metasim.base.files import read_yaml, write_text


@dataclass(frozen=True)
class Blacklist:
    """Assets by hash of their file, so that a file that has been mended is tried again.

    Attributes:
        reasons: Why each is listed, by hash.
    """

    reasons: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Blacklist:
        """Reads a list; a file that does not exist yet is an empty one.

        Raises:
            InputError: If the file is something else.
        """
        if not path.exists():
            return cls()
        rows = read_yaml(path)
        for digest, reason in rows.items():
            if not isinstance(digest, str) or len(digest) != 64 or not isinstance(reason, str):
                raise InputError(f"{path}: {digest}", repr(reason), "a reason by the SHA-256 of a file")
        return cls(rows)

    def learn(self, failures: Mapping[str, str]) -> Blacklist:
        """The list with further assets; those that it has keep their reasons."""
        return Blacklist({**failures, **self.reasons})

    def save(self, path: Path) -> None:
        """Writes the list, sorted."""
        write_text(path, yaml.safe_dump(dict(self.reasons), width=1000))
