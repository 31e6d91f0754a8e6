"""Staging: the many files of a part appear together when it is complete."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StagedFiles:
    """Files written beside their final places, under hidden names that end in ``.partial``.

    Args:
        out: Folder of the dataset.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._staged: dict[str, Path] = {}

    @property
    def files(self) -> tuple[str, ...]:
        """Paths, within the dataset, of all files so far."""
        return tuple(self._staged)

    def write(self, path: str, data: bytes) -> None:
        """Writes a file that waits for ``publish``.

        Args:
            path: Its path within the dataset.
            data: Its content.
        """
        final = self._out / path
        final.parent.mkdir(parents=True, exist_ok=True)
        self._staged[path] = final.with_name(f".{final.name}.{os.getpid()}.partial")
        self._staged[path].write_bytes(data)

    def publish(self) -> None:
        """Moves all files to their final places, once all of them are on the disk.

        The disk is synchronised as a whole: for the hundreds of files of a part, one by one takes far longer.
        """
        os.sync()
        for path, staged in self._staged.items():
            staged.replace(self._out / path)
        os.sync()

    def discard(self) -> None:
        """Removes what was not published, with the folders made for it."""
        for staged in self._staged.values():
            staged.unlink(missing_ok=True)
        for folder in self._folders():
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _folders(self) -> list[Path]:
        """The folders of the files within the dataset, inner ones first."""
        folders = {Path(path).parents[i] for path in self._staged for i in range(len(Path(path).parents))}
        return [self._out / f for f in sorted(folders, key=lambda f: -len(f.parts)) if f.parts]


@contextmanager
def staged_files(out: Path) -> Iterator[StagedFiles]:
    """Files that appear when the block ends well, and only then.

    Args:
        out: Folder of the dataset.
    """
    staged = StagedFiles(out)
    try:
        yield staged
        staged.publish()
    finally:
        staged.discard()
