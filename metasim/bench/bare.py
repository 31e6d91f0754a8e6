"""BareProcesses: an engine's plain loop in processes of its own, to measure the pool against."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection, Pipe
from multiprocessing.sharedctypes import Synchronized
from time import perf_counter
from typing import Any, cast

from metasim.base.errors import MetasimError
from metasim.rendering.registry import engine
from metasim.rendering.worker import die_with
from metasim.scene.graph import SceneGraph


def has_bare_loop(kind: str) -> bool:
    """Whether an engine's package holds a module ``bare`` beside it, with a class ``BareLoop``."""
    return importlib.util.find_spec(_module(kind)) is not None


class BareProcesses:
    """Plain loops of an engine, one a process, that share out the scenes; use it as a context manager.

    Args:
        kind: Name of the engine.
        options: Its options, checked; the loop takes those that it knows, and those of the scene if it asks.
        count: Number of processes.
    """

    def __init__(self, kind: str, options: Mapping[str, Any], count: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._next = spawn.Value("q", 0)
        self._pipes: list[Connection] = []
        self._stack = ExitStack()
        for _ in range(count):
            ours, theirs = Pipe()
            arguments = (theirs, os.getpid(), self._next, kind, dict(options))
            process = spawn.Process(target=_serve, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self._stack.callback(process.join)
            self._stack.callback(process.kill)
            self._pipes.append(cast(Connection, ours))

    def __enter__(self) -> BareProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, reel: tuple[Sequence[SceneGraph], Sequence[int]]) -> float:
        """Renders scenes with their seeds; returns the seconds until all were done.

        Raises:
            MetasimError: If a process is lost.
        """
        began = perf_counter()
        self._next.value = 0
        try:
            for pipe in self._pipes:
                pipe.send(reel)
            for pipe in self._pipes:
                pipe.recv()
        except (EOFError, OSError) as error:
            raise MetasimError("the bare loop died") from error
        return perf_counter() - began


def _module(kind: str) -> str:
    return engine(kind).__module__.rpartition(".")[0] + ".bare"


def _serve(
    pipe: Connection,
    parent: int,
    following: Synchronized[int],
    kind: str,
    options: Mapping[str, Any],
) -> None:
    """The process: makes the loop, then renders scenes that no other has taken, in silence."""
    die_with(parent)
    os.setsid()  # as the pool's workers have it, since Linux shares processors out by sessions
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    cls = importlib.import_module(_module(kind)).BareLoop
    loop = cls(**_known(options, cls, engine(kind)))
    while True:
        scenes, seeds = pipe.recv()
        while (index := _take(following)) < len(scenes):
            loop.render(scenes[index], seeds[index])
        pipe.send(None)


def _known(options: Mapping[str, Any], loop: type, renderer: type) -> dict[str, Any]:
    """The options that a loop names, and where it takes others, those that its engine does not name."""
    named = inspect.signature(loop).parameters
    hidden = inspect.signature(renderer).parameters
    takes_others = any(parameter.kind is parameter.VAR_KEYWORD for parameter in named.values())
    return {
        name: value
        for name, value in options.items()
        if name in named or (takes_others and name not in hidden)
    }


def _take(following: Synchronized[int]) -> int:
    with following.get_lock():
        index = following.value
        following.value = index + 1
    return index
