"""Host: what runs on a machine of the cluster, a worker process and who watches it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metasim.base.errors import MetasimError
from metasim.rendering.cluster.machine import Home
from metasim.rendering.cluster.parcel import unpacked
from metasim.rendering.process import EngineProcess, WorkerDied


@dataclass(frozen=True)
class Reply:
    """What a host answers.

    Attributes:
        content: The worker's answer, pickled as it came.
        grown: Bytes of memory that the worker has grown by.
        death: How the worker ended, if it did; there is no content then.
    """

    content: bytes = b""
    grown: int = 0
    death: str = ""


class Host:
    """Keeps a worker process on its machine; an actor of the cluster, whose calls come one after the other.

    The process is watched here, so that what a scene does to it is known and told as on one machine. It dies
    with this one.

    Args:
        home: The machine that asks.
        threads: Threads of the numeric libraries in the worker.
    """

    def __init__(self, home: Home, threads: int) -> None:
        self._home, self._threads = home, threads
        self._process: EngineProcess | None = None

    def make_engine(self, kind: str, options: Mapping[str, Any]) -> Reply:
        """Makes the engine; answers with its capabilities, or the error that it raises.

        Args:
            kind: Name of the engine.
            options: Its options, files among them as parcels.
        """
        try:
            self._home.settle()
            here = unpacked(options)
            self._process = EngineProcess(self._threads)
            self._process.make_engine(kind, here)
        except WorkerDied as death:
            return Reply(death=str(death))
        except MetasimError as error:
            return Reply(pickle.dumps(error))
        return Reply(pickle.dumps(self._process.capabilities))

    def render(self, message: bytes, timeout_s: float) -> Reply:
        """Has the worker do a pickled ``Job``."""
        assert self._process is not None
        try:
            self._process.send(message)
            return Reply(self._process.receive_bytes(timeout_s), self._process.grown())
        except WorkerDied as death:
            return Reply(death=str(death))

    def leave(self) -> None:
        """Lets the engine close itself."""
        if self._process is not None:
            self._process.leave()
