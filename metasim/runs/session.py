"""RunSession: a process at work in a run folder, from lock to last status."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from metasim.runs.folder import RunFolder
from metasim.runs.manifest import Manifest, Status, git_commit, machine, now, versions
from metasim.runs.metrics import read_metrics

HEARTBEAT_SECONDS = 5.0  # what a kill can cost of the clock


class RunSession:
    """Keeps the manifest of a run true while a process works on it; made by ``run_session``."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._manifest = Manifest.load(folder.manifest)
        logged = [line.get("seconds") or 0.0 for line in read_metrics(folder.metrics)]
        self._before = max([self._manifest.seconds, *logged])
        self._rendered_before = self._manifest.render_seconds
        self._render_clock: Callable[[], float] = float
        self._start = time.monotonic()
        self._saving = threading.Lock()

    @property
    def seconds(self) -> float:
        """Wall time of the run so far, earlier sessions included."""
        return self._before + time.monotonic() - self._start

    @property
    def render_seconds(self) -> float:
        """Time spent in rendering so far, earlier sessions included."""
        return self._rendered_before + self._render_clock()

    def watch(self, render_clock: Callable[[], float]) -> None:
        """Counts render seconds by a clock that stood at zero when the session began."""
        self._render_clock = render_clock

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
        with self._saving:
            self._manifest.seconds = round(self.seconds, 3)
            self._manifest.render_seconds = round(self.render_seconds, 3)
            self._manifest.save(self.folder.manifest)

    @contextmanager
    def _heartbeat(self) -> Iterator[None]:
        """Saves the clocks now and then, since a killed process cannot say how long it worked."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(HEARTBEAT_SECONDS):
                with suppress(OSError):
                    self._save()

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


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
            with session._heartbeat():
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
