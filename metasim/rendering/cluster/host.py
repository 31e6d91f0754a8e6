"""Host: what runs on a machine of the cluster, a worker process and who watches it."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metasim.base.errors import MetasimError
from metasim.rendering.cluster.machine import Home
from metasim.rendering.cluster.parcel import unpacked
from metasim.rendering.process import EngineProcess, WorkerDied

HEAD = struct.Struct("!q")  # what comes first in a packed reply: bytes grown by, or -1 for a death


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

    def packed(self) -> bytes:
        """Plain bytes, which Ray hands on without a look at them."""
        if self.death:
            return HEAD.pack(-1) + self.death.encode()
        return HEAD.pack(max(self.grown, 0)) + self.content

    @classmethod
    def unpacked(cls, data: bytes) -> Reply:
        """The reply that was packed."""
        (grown,), rest = HEAD.unpack_from(data), data[HEAD.size :]
        return cls(death=rest.decode()) if grown < 0 else cls(rest, grown)


class Host:
    """Keeps a worker process on its machine; an actor of the cluster, whose calls come one after the other.

    The process is watched here, so that what a scene does to it is known and told as on one machine. It dies
    with this one.

    Args:
        home: The machine that asks.
        threads: Threads of the numeric libraries in the worker.
        timeout_s: Seconds without an answer to a job after which the worker is killed.
    """

    def __init__(self, home: Home, threads: int, timeout_s: float) -> None:
        self._home, self._threads, self._timeout_s = home, threads, timeout_s
        self._process: EngineProcess | None = None

    def make_engine(self, kind: str, options: Mapping[str, Any]) -> bytes:
        """Makes the engine; answers, packed, with its capabilities, or the error that it raises.

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
            return Reply(death=str(death)).packed()
        except MetasimError as error:
            return Reply(pickle.dumps(error)).packed()
        return Reply(pickle.dumps(self._process.capabilities)).packed()

    def render(self, messages: list[bytes]) -> list[bytes]:
        """Has the worker do pickled ``Job``s; answers with packed replies to all, or until its death."""
        assert self._process is not None
        replies: list[bytes] = []
        try:
            for message in messages:
                self._process.send([message])
                content = self._process.receive_bytes(self._timeout_s)
                replies.append(Reply(content, self._process.grown()).packed())
        except WorkerDied as death:
            replies.append(Reply(death=str(death)).packed())
        return replies

    def leave(self) -> None:
        """Lets the engine close itself."""
        if self._process is not None:
            self._process.leave()
