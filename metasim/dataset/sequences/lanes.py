"""Lanes: generators that run in threads, several at a time, merged into one."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Generic, TypeVar

T = TypeVar("T")
_GLANCE_S = 0.2  # between two looks whether anyone still takes what a thread has to give


class _End:
    """Says that a thread has nothing more to do."""


class Lanes(Generic[T]):
    """Runs jobs, each a generator, in threads, and yields what they yield in the order that it comes.

    Little is held that nobody has taken: jobs wait for whoever iterates. One who stops early stops them
    at what they yield next; an error of a job is raised here.

    Args:
        jobs: Makes each generator; called in its thread.
        lanes: Threads.
        ahead: Values that may wait to be taken, for each thread.
    """

    def __init__(
        self, jobs: Iterable[Callable[[], Generator[T, None, None]]], lanes: int, ahead: int = 2
    ) -> None:
        self._todo = deque(jobs)
        self._lanes = max(1, min(lanes, len(self._todo)))
        self._given: queue.Queue[T | BaseException | _End] = queue.Queue(ahead * self._lanes)
        self._stopped = threading.Event()

    def __iter__(self) -> Iterator[T]:
        for number in range(self._lanes):
            threading.Thread(target=self._run, name=f"lane-{number}", daemon=True).start()
        running = self._lanes
        try:
            while running:
                value = self._given.get()
                if isinstance(value, _End):
                    running -= 1
                elif isinstance(value, BaseException):
                    raise value
                else:
                    yield value
        finally:
            self._stopped.set()

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                try:
                    job = self._todo.popleft()
                except IndexError:
                    break
                self._give_all(job())
        except BaseException as error:
            self._give(error)
        self._give(_End())

    def _give_all(self, values: Generator[T, None, None]) -> None:
        with closing(values):
            for value in values:
                self._give(value)
                if self._stopped.is_set():
                    return

    def _give(self, value: T | BaseException | _End) -> None:
        while not self._stopped.is_set():
            try:
                self._given.put(value, timeout=_GLANCE_S)
            except queue.Full:
                continue
            return
