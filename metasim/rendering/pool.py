"""RenderPool: scenes through any engine, on all cores, whatever a single scene does to its worker."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import cached_property, partial
from queue import Empty, SimpleQueue
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.attempt import SceneFailure, attempt
from metasim.rendering.crew import Crew
from metasim.rendering.executor import Executor, LocalExecutor
from metasim.rendering.hand import Counters, Orders
from metasim.rendering.protocol import BatchRenderer, Capabilities, Frame, Pass, Renderer
from metasim.rendering.registry import check_options, engine
from metasim.rendering.tasks import Task
from metasim.rendering.worker import Job
from metasim.scene.graph import SceneGraph

AHEAD = 4  # groups of scenes in flight per worker, so that none waits for a caller busy with the last frames
SPREAD = 4 * AHEAD  # scenes per worker from the oldest that is not done to the newest that is begun
GLANCE_S = 1.0  # seconds after which it is asked whether the oldest has lost a worker meanwhile
BATCH = 64  # scenes per call of an engine in this process

Result = Frame | SceneFailure


class RenderPool:
    """Renders scenes with an engine of a given name; use it as a context manager.

    Engines that are safe in the calling process (``Capabilities.in_process``) run there in batches (one that
    shares them out itself is told the number of workers if it has an option of that name),
    all others in worker processes, one scene at a time, and on other machines all. A scene whose worker
    crashes, hangs or returns values that are not finite is tried once more and then given up as a
    ``SceneFailure``; one whose machine is lost is tried elsewhere. The frame of a (scene, seed) pair depends
    on neither the workers nor the order.

    Args:
        kind: Engine name, entry point or dotted path, see ``registry.engine``.
        options: The engine's options.
        workers: Worker processes; one for each available core by default.
        timeout_s: Seconds without an answer after which a worker is killed.
        executor: Where the workers are; by default processes of this machine.

    Attributes:
        workers: Worker processes at most.
        counters: Frames, failures, restarts and render seconds so far.
        orders: What each worker is made and treated like.

    Raises:
        InputError: If there is no such engine or it has no such options.
    """

    def __init__(
        self,
        kind: str,
        options: Mapping[str, Any] | None = None,
        workers: int | None = None,
        timeout_s: float = 120.0,
        executor: Executor | None = None,
    ) -> None:
        self._kind, self._options = kind, check_options(kind, options or {})
        self._executor = executor or LocalExecutor()
        if workers is not None and "workers" in self._options and not self._executor.remote:
            self._options["workers"] = workers
        self.workers = self._executor.size(workers)
        self.counters = Counters()
        sent = self._executor.sent(kind, self._options)
        orders = Orders(kind, sent, self.workers, timeout_s, self._executor)
        self.orders = orders
        self._crew = Crew(orders, self.counters)
        self._ahead = AHEAD * self._executor.group * self.workers
        self._spread = SPREAD * self.workers
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def capabilities(self) -> Capabilities:
        """What the engine can do with these options."""
        return self._here.capabilities if self._here is not None else self._crew.capabilities()

    def render(
        self,
        scenes: Sequence[SceneGraph],
        passes: frozenset[Pass],
        seeds: Sequence[int],
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Result]:
        """Renders scenes, in order.

        Args:
            scenes: The scenes.
            passes: Passes to render.
            seeds: Seed of each scene.
            progress: Called with the number done and the number asked for, after each scene.

        Raises:
            InputError: If the engine lacks a pass, or says that a scene is beyond it.
            MetasimError: If the engine cannot start.
        """
        results: dict[int, Result] = {}
        for index, result in self._stream(scenes, passes, seeds, len(scenes)):
            results[index] = result
            if progress is not None:
                progress(len(results), len(scenes))
        return [results[index] for index in range(len(scenes))]

    def stream(
        self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int]
    ) -> Iterator[tuple[int, Result]]:
        """Renders scenes and yields each with its index as soon as it is done, in any order.

        A bounded number of frames is held at a time, however slowly they are taken, and none comes long
        before its turn: who puts them in order holds few, too. Workers may thus wait for a scene that
        hangs, but no longer than the timeout, since more may be begun when it has lost its worker.
        Scenes are taken from the sequence as they are begun, so that it may make them as it is asked.
        Arguments and errors are those of ``render``, for which no worker ever waits.
        """
        return self._stream(scenes, passes, seeds, self._spread)

    def _stream(
        self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int], spread: int
    ) -> Iterator[tuple[int, Result]]:
        if len(seeds) != len(scenes):
            raise ValueError(f"seeds: got {len(seeds)}, expected one for each of {len(scenes)} scenes")
        self._check(passes)
        if self._here is None:
            results = self._stream_workers(scenes, passes, seeds, spread)
        else:
            results = self._stream_here(self._here, scenes, passes, seeds)
        for index, result in results:
            self._count([result])
            yield index, result

    def submit(
        self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int
    ) -> Future[list[Result]]:
        """Has scenes that belong together rendered by one worker, one after the other.

        The engine loads what they share once, and one that a worker hangs or crashes at fails all of them.
        The seconds after which a worker is killed are those without an answer to all of them.

        Args:
            scenes: The scenes; scene ``i`` has seed ``seed + i``.
            passes: Passes to render.
            seed: Seed of the first.

        Returns:
            Results in order; an engine in this process has rendered them already. The future carries the
            ``InputError`` of a scene that is beyond the engine.

        Raises:
            InputError: If the engine lacks a pass.
            MetasimError: If the engine cannot start.
        """
        self._check(passes)
        if self._here is None:
            future = self._crew.submit(Job(tuple(scenes), passes, seed)).future
        else:
            future = Future[list[Result]]()
            try:
                seeds = range(seed, seed + len(scenes))
                future.set_result(self._attempt(self._here, scenes, passes, seeds))
            except InputError as error:
                future.set_exception(error)
        future.add_done_callback(self._count_done)
        return future

    def close(self) -> None:
        """Ends all workers, those in the middle of a scene at once."""
        if not self._closed:
            self._closed = True
            self._crew.close()
            if (here := self.__dict__.get("_here")) is not None:
                here.close()

    def _check(self, passes: frozenset[Pass]) -> None:
        if self._closed:
            raise MetasimError("the render pool is closed")
        if missing := passes - self.capabilities.passes:
            known = ", ".join(sorted(self.capabilities.passes))
            raise InputError(f"renderer {self._kind}: passes", ", ".join(sorted(missing)), f"some of {known}")

    def _count(self, results: Sequence[Result]) -> None:
        failures = sum(isinstance(result, SceneFailure) for result in results)
        with self.counters.lock:
            self.counters.failures += failures
            self.counters.frames += len(results) - failures

    def _count_done(self, future: Future[list[Result]]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._count(future.result())

    @cached_property
    def _here(self) -> Renderer | None:
        """The engine itself if it runs in this process; a worker is asked unless the class says so."""
        if self._executor.remote:
            return None
        cls = engine(self._kind)
        if getattr(cls, "in_process", False) or self._crew.capabilities().in_process:
            return cls(**self._options)
        return None

    def _stream_here(
        self, here: Renderer, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int]
    ) -> Iterator[tuple[int, Result]]:
        mixed = self.capabilities.noiseless or isinstance(here, BatchRenderer)
        for start, stop in batches(seeds, mixed):
            results = self._attempt(here, scenes[start:stop], passes, seeds[start:stop])
            yield from enumerate(results, start)

    def _attempt(
        self, here: Renderer, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int]
    ) -> list[Result]:
        began = perf_counter()
        results = attempt(here, scenes, passes, seeds)
        self.counters.seconds += perf_counter() - began
        return results

    def _stream_workers(
        self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int], spread: int
    ) -> Iterator[tuple[int, Result]]:
        begun = 0
        flying: dict[int, Task] = {}  # by index, the oldest first
        landed: SimpleQueue[int] = SimpleQueue()  # asking each of thousands in flight would take too long
        try:
            while True:
                end = min(len(scenes), _end(flying, begun, spread))
                while len(flying) < self._ahead and begun < end:
                    task = self._crew.submit(Job((scenes[begun],), passes, seeds[begun]))
                    flying[begun] = task
                    task.future.add_done_callback(partial(_put, landed, begun))
                    begun += 1
                if not flying:
                    return
                with contextlib.suppress(Empty):
                    index = landed.get(timeout=GLANCE_S)
                    yield index, flying.pop(index).future.result()[0]
        finally:
            for task in flying.values():
                task.future.cancel()


def _put(landed: SimpleQueue[int], index: int, _: Future[Any]) -> None:
    landed.put(index)


def _end(flying: Mapping[int, Task], begun: int, spread: int) -> int:
    """How far scenes may be begun: as far again for each worker that the oldest has lost."""
    if not flying:
        return begun + spread
    oldest, task = next(iter(flying.items()))
    return oldest + spread * (1 + task.retries)


def batches(seeds: Sequence[int], mixed: bool) -> Iterator[tuple[int, int]]:
    """Runs [start, stop) of scenes that may share a call.

    Args:
        seeds: Seed of each scene.
        mixed: Whether any seeds may share a call: each scene has its own, or they change nothing. Otherwise
            a call gives scene ``i`` the seed ``seed + i``.
    """
    start = 0
    for stop in range(1, len(seeds) + 1):
        follows = stop < len(seeds) and (mixed or seeds[stop] == seeds[stop - 1] + 1)
        if not follows or stop - start == BATCH:
            yield start, stop
            start = stop
