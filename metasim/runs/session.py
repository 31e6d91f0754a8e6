"""RunSession: a process at work in a run folder, from lock to last status."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from metasim.runs.folder import RunFolder
from metasim.runs.manifest import Manifest, Status, git_commit, machine, now, versions


class RunSession:
    """Keeps the manifest of a run true while a process works on it; made by ``run_session``."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._manifest = Manifest.load(folder.manifest)
        self._before = self._manifest.seconds
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time of the run so far, earlier sessions included."""
        return self._before + time.monotonic() - self._start

    @property
    def renders(self) -> dict[str, int]:
        """Images rendered so far by purpose, earlier sessions included."""
        return dict(self._manifest.renders)

    def count_renders(self, purpose: str, number: int) -> None:
        """Counts rendered images; the count survives a kill."""
        counts = self._manifest.renders
        self._manifest.renders = {**counts, purpose: counts.get(purpose, 0) + number}
        self._save()

    def _begin(self) -> None:
        self._manifest.status, self._manifest.ended, self._manifest.error = "running", None, None
        self._manifest.started = self._manifest.started or now()
        self._manifest.versions, self._manifest.machine = versions(), machine()
        self._manifest.commit = git_commit()
        self._save()

    def _end(self, status: Status, error: BaseException | None = None) -> None:
        self._manifest.status, self._manifest.ended = status, now()
        self._manifest.error = f"{type(error).__name__}: {error}" if error else None
        self._save()

    def _save(self) -> None:
        self._manifest.seconds = round(self.seconds, 3)
        self._manifest.save(self.folder.manifest)


@contextmanager
def run_session(folder: RunFolder) -> Iterator[RunSession]:
    """Locks a run folder for the block and records how the block ended.

    Raises:
        InputError: If another process works in the folder.
    """
    with folder.locked():
        _sweep(folder)
        session = RunSession(folder)
        session._begin()
        try:
            yield session
        except KeyboardInterrupt:
            session._end("interrupted")
            raise
        except BaseException as error:
            session._end("failed", error)
            raise
        session._end("finished")


def _sweep(folder: RunFolder) -> None:
    """Removes the half-written files of a killed process, which no one can own while the lock is held."""
    for path in folder.path.rglob(".*.partial"):
        path.unlink()
