"""Crew: the worker processes of a pool, started when needed and replaced when lost."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from metasim.base.errors import MetasimError
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.process import EngineProcess, WorkerDied
from metasim.rendering.protocol import Capabilities, Frame
from metasim.rendering.worker import Job

STARTS = 5  # tries to get a worker, since one may be killed from outside while it starts
GROWTH = 512 * 2**20  # bytes by which a worker may grow before it is replaced, since native engines leak


@dataclass
class Counters:
    """What a pool has done so far.

    Attributes:
        frames: Frames delivered.
        failures: Scenes given up.
        restarts: Workers lost to a crash, a kill or a timeout.
        recycled: Workers replaced since they held too much memory.
        seconds: Seconds spent rendering, summed over workers.
    """

    frames: int = 0
    failures: int = 0
    restarts: int = 0
    recycled: int = 0
    seconds: float = 0.0


class Crew:
    """Workers that each render one scene at a time; a thread waits for each.

    Threads (and not a loop of our own) wait, so that a caller who is slow to take frames delays
    neither the next scene nor the judgement that a worker hangs. Each thread outlives its workers,
    which matters: Linux kills a worker with the thread that started it.

    Args:
        kind: Name of the engine.
        options: Its options, checked.
        size: Number of workers.
        threads: Threads of the numeric libraries in each.
        timeout_s: Seconds without an answer after which a worker is killed.
        counters: Where restarts and seconds are counted.
    """

    def __init__(
        self,
        kind: str,
        options: Mapping[str, Any],
        size: int,
        threads: int,
        timeout_s: float,
        counters: Counters,
    ) -> None:
        self._kind, self._options = kind, options
        self._threads, self._timeout_s, self._counters = threads, timeout_s, counters
        self._executor = ThreadPoolExecutor(size, thread_name_prefix="render")
        self._lock = threading.Lock()
        self._idle: list[EngineProcess] = []
        self._busy: set[EngineProcess] = set()
        self._closed = False

    def capabilities(self) -> Capabilities:
        """What a worker says that its engine can do."""
        return self._executor.submit(self._ask_capabilities).result()

    def submit(self, job: Job) -> Future[Frame | SceneFailure]:
        """Queues a scene; the future also carries the ``InputError`` of a scene beyond the engine."""
        return self._executor.submit(self._render, job)

    def close(self) -> None:
        """Ends all workers, those in the middle of a scene at once."""
        with self._lock:
            self._closed = True
            for process in self._busy:
                process.interrupt()
            idle, self._idle = self._idle, []
        for process in idle:
            process.leave()
        self._executor.shutdown(cancel_futures=True)

    def _ask_capabilities(self) -> Capabilities:
        process = self._take()
        self._release(process)
        return process.capabilities

    def _render(self, job: Job) -> Frame | SceneFailure:
        reason = ""
        for _ in range(2):
            process = self._take()
            try:
                answer = process.render(job, self._timeout_s)
            except WorkerDied as death:
                self._bury(process)
                reason = str(death)
                continue
            except BaseException:
                self._release(process)
                raise
            self._release(process)
            with self._lock:
                self._counters.seconds += answer.seconds
            return answer.result
        return SceneFailure(reason)

    def _take(self) -> EngineProcess:
        """An idle worker, or a new one; a start that dies is tried again."""
        reason = ""
        for _ in range(STARTS):
            with self._lock:
                if self._closed:
                    raise MetasimError("the render pool is closed")
                process = self._idle.pop() if self._idle else EngineProcess(self._threads)
                self._busy.add(process)
            try:
                process.make_engine(self._kind, self._options)
            except WorkerDied as death:
                self._bury(process)
                reason = str(death)
            except BaseException:
                self._release(process, reuse=False)
                raise
            else:
                return process
        raise MetasimError(f"renderer {self._kind} cannot start: {reason}")

    def _release(self, process: EngineProcess, reuse: bool = True) -> None:
        swollen = reuse and process.grown() > GROWTH
        with self._lock:
            self._busy.discard(process)
            self._counters.recycled += swollen
            reuse = reuse and not swollen and not self._closed
            if reuse:
                self._idle.append(process)
        if not reuse:
            process.leave()

    def _bury(self, process: EngineProcess) -> None:
        with self._lock:
            self._busy.discard(process)
            self._counters.restarts += not self._closed
        process.kill()
