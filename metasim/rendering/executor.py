"""Executor: where the workers of a pool are, on this machine or on others."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from metasim.base.errors import MetasimError
from metasim.rendering.process import EngineProcess
from metasim.rendering.protocol import Capabilities
from metasim.rendering.worker import Answer


class Worker(Protocol):
    """An engine in a process of its own, wherever that is; see ``EngineProcess``."""

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do, once it is made."""
        ...

    def make_engine(self, kind: str, options: Mapping[str, Any]) -> None:
        """Makes the engine, unless that is done; ``WorkerDied`` if that is its end."""
        ...

    def send(self, messages: Sequence[bytes]) -> None:
        """Queues pickled ``Job``s."""
        ...

    def receive(self, timeout_s: float) -> Answer | MetasimError:
        """The answer to the first job not answered yet; ``WorkerDied`` if there will be none."""
        ...

    def grown(self) -> int:
        """Bytes of memory that it holds more than when it had settled."""
        ...

    def leave(self) -> None:
        """Lets the engine close itself, kills it if that takes too long."""
        ...

    def interrupt(self) -> None:
        """Kills it; safe while another thread waits for its answer."""
        ...

    def kill(self) -> None:
        """Kills it and frees what was held for it."""
        ...


class Executor(Protocol):
    """Makes workers."""

    @property
    def remote(self) -> bool:
        """Whether they are on other machines, so that no engine runs in the calling process."""
        ...

    @property
    def group(self) -> int:
        """Scenes that are best sent to a worker together, unless they take long."""
        ...

    def size(self, workers: int | None) -> int:
        """How many workers a pool has at most that is asked for some, or for as many as there is room."""
        ...

    def sent(self, kind: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Checked options of an engine, fit to be sent to workers."""
        ...

    def worker(self, size: int, timeout_s: float) -> Worker:
        """A new worker, one of ``size``, from which an answer is expected within a time."""
        ...


class LocalExecutor:
    """Worker processes of this machine, which share its cores.

    Args:
        cores: How many; by default all that are available.
    """

    remote = False
    group = 1

    def __init__(self, cores: int | None = None) -> None:
        self._cores = cores or len(os.sched_getaffinity(0))

    def size(self, workers: int | None) -> int:
        """One for each available core by default."""
        return workers or self._cores

    def sent(self, kind: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """The options as they are."""
        return options

    def worker(self, size: int, timeout_s: float) -> Worker:
        """A process with its share of the cores."""
        return EngineProcess(max(1, self._cores // size))
