"""Parcel: a file or folder on its way to other machines, unpacked once on each."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from metasim.base.errors import MetasimError


@dataclass(frozen=True)
class Parcel:
    """Files below a folder, or a file alone.

    Attributes:
        digest: Hash of all paths and contents.
        contents: Where the bytes of each file are, by path.
        inner: The path that was asked for, among them; empty for the whole folder.
        as_text: Whether it was given as text.
    """

    digest: str
    contents: dict[str, Any]
    inner: str
    as_text: bool

    @classmethod
    def pack(cls, root: Path, path: Path, as_text: bool, put: Callable[[bytes], Any]) -> Parcel:
        """Packs what lies at ``root``, a folder that holds ``path`` or ``path`` itself.

        Args:
            root: What is needed.
            path: What is asked for.
            as_text: Whether it is wanted as text.
            put: Stores the bytes of a file where other machines find them.
        """
        top = root if root.is_dir() else root.parent
        files = sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else [root]
        digest, contents = hashlib.sha256(), dict[str, Any]()
        for file in files:
            data, name = file.read_bytes(), file.relative_to(top).as_posix()
            digest.update(f"{len(name)} {name} {len(data)} ".encode())
            digest.update(data)
            contents[name] = put(data)
        inner = "" if path == top else path.relative_to(top).as_posix()
        return cls(digest.hexdigest(), contents, inner, as_text)

    def unpack(self, fetch: Callable[[Any], bytes]) -> str | Path:
        """The path on this machine; fetches the files unless they are here already.

        Args:
            fetch: Gives the bytes of a file from where they are.
        """
        folder = _cache() / self.digest
        with filelock.FileLock(folder.with_suffix(".lock")):
            if not folder.exists():
                self._unpack(folder, fetch)
        path = folder / self.inner
        return str(path) if self.as_text else path

    def _unpack(self, folder: Path, fetch: Callable[[Any], bytes]) -> None:
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        for name, content in self.contents.items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(fetch(content))
        partial.rename(folder)


def unpacked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of an engine with the paths on this machine in place of parcels."""
    import ray

    return {
        name: value.unpack(ray.get) if isinstance(value, Parcel) else value for name, value in options.items()
    }


def _cache() -> Path:
    """The folder of this user's parcels among the temporary files, closed to others."""
    folder = Path(tempfile.gettempdir()) / f"metasim-parcels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise MetasimError(f"{folder} belongs to another user")
    return folder
