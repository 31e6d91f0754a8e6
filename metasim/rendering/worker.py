"""The worker process: makes one engine, renders what comes through a pipe, dies with its parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.attempt import SceneFailure, attempt
from metasim.rendering.protocol import Frame, Pass, Renderer
from metasim.rendering.registry import engine
from metasim.scene.graph import SceneGraph

PR_SET_PDEATHSIG = 1
FIRST_TO_DIE = 1000  # the kernel's range of oom_score_adj ends here


@dataclass(frozen=True)
class Start:
    """The first message to a worker: the engine to make, answered with its capabilities."""

    kind: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """Scenes to render one after the other; scene ``i`` has seed ``seed + i``.

    ``None`` instead of a job ends the worker.
    """

    scenes: tuple[SceneGraph, ...]
    passes: frozenset[Pass]
    seed: int


@dataclass(frozen=True)
class Answer:
    """The worker's answer to a job, with the seconds it took."""

    results: list[Frame | SceneFailure]
    seconds: float


def die_with(parent: int) -> None:
    """Has the kernel kill this process when its parent is gone, however that happened."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def volunteer() -> None:
    """Has the kernel, should memory run out, kill this process and not the one with the results."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(FIRST_TO_DIE))


def serve(pipe: Connection) -> None:
    """Makes the engine, then answers jobs until there are no more."""
    start: Start = pipe.recv()
    try:
        renderer: Renderer = engine(start.kind)(**start.options)
        pipe.send(renderer.capabilities)
    except InputError as error:
        pipe.send(error)
        return
    except Exception as error:
        pipe.send(MetasimError(f"renderer {start.kind} cannot start: {type(error).__name__}: {error}"))
        return
    while (job := pipe.recv()) is not None:
        pipe.send(_answer(renderer, job))
    renderer.close()


def _answer(renderer: Renderer, job: Job) -> Answer | InputError:
    began = time.perf_counter()
    try:
        results = attempt(renderer, job.scenes, job.passes, range(job.seed, job.seed + len(job.scenes)))
    except InputError as error:
        return error
    return Answer(results, time.perf_counter() - began)


def main() -> None:
    """Runs the worker; arguments: file descriptor of the pipe, process id of the parent.

    It leaves without the interpreter's farewell, which some engines do not survive.
    """
    die_with(int(sys.argv[2]))
    volunteer()
    status = 0
    try:
        serve(Connection(int(sys.argv[1])))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        status = 1
    os._exit(status)
