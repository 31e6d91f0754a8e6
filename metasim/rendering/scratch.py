"""Scratch: a temporary folder of which nothing stays, even where its maker is killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "metasim-worker-"
YOUNG_S = 60.0  # a younger folder may have a maker who has not locked it yet


class Scratch:
    """A temporary folder, to be removed by ``close``.

    The kernel holds a lock on it for this process. One that no process holds has lost its maker to a kill,
    and goes when the next is made.
    """

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        self._handle = os.open(self.path, os.O_RDONLY)
        with suppress(OSError):  # file systems that lock no folders, where no other can take it either
            _lock(self._handle)

    @property
    def path(self) -> str:
        """Where it is."""
        return self._folder.name

    def close(self) -> None:
        """Removes it with all that is in it; may be called again."""
        if self._handle >= 0:
            self._folder.cleanup()
            os.close(self._handle)
            self._handle = -1


def _sweep(place: Path) -> None:
    """Removes folders without a process that holds them."""
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError), _opened(folder) as handle:  # another's, or gone meanwhile
            if time.time() - os.fstat(handle).st_mtime > YOUNG_S:
                _lock(handle)
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield handle
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    """Locks a folder as long as it is open; ``BlockingIOError`` if another holds it."""
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
