"""BareProcesses: an engine's plain loop in processes of its own, to measure the pool against."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

from metasim.base.errors import MetasimError
from metasim.rendering.registry import engine
from metasim.rendering.worker import die_with
from metasim.scene.graph import SceneGraph


def has_bare_loop(kind: str) -> bool:
    """Whether an engine's package holds a module ``bare`` beside it, with a class ``BareLoop``."""
    return importlib.util.find_spec(_module(kind)) is not None


class BareProcesses:
    """Plain loops of an engine, one a process, each rendering its share of the scenes; a context manager.

    Args:
        kind: Name of the engine.
        options: Its options, checked; the loop takes those that it knows.
        count: Number of processes.
    """

    def __init__(self, kind: str, options: Mapping[str, Any], count: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []
        for _ in range(count):
            ours, theirs = multiprocessing.Pipe()
            process = spawn.Process(target=_serve, args=(theirs, os.getpid(), _module(kind), dict(options)))
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> BareProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def __call__(self, reel: tuple[Sequence[SceneGraph], Sequence[int]]) -> float:
        """Renders scenes with their seeds, dealt out in turn; returns the seconds until all were done.

        Raises:
            MetasimError: If a process is lost.
        """
        scenes, seeds = reel
        count = len(self._pipes)
        began = perf_counter()
        try:
            for start, pipe in enumerate(self._pipes):
                pipe.send((scenes[start::count], seeds[start::count]))
            for pipe in self._pipes:
                pipe.recv()
        except (EOFError, OSError) as error:
            raise MetasimError("the bare loop died") from error
        return perf_counter() - began


def _module(kind: str) -> str:
    return engine(kind).__module__.rpartition(".")[0] + ".bare"


def _serve(pipe: Connection, parent: int, module: str, options: Mapping[str, Any]) -> None:
    """The process: makes the loop, then renders one block of scenes after another, in silence."""
    die_with(parent)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    cls = importlib.import_module(module).BareLoop
    loop = cls(**{name: options[name] for name in inspect.signature(cls).parameters})
    while True:
        loop.render(*pipe.recv())
        pipe.send(None)
