"""Tasks: the scenes that wait for a worker."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from metasim.base.errors import MetasimError


@dataclass(eq=False)
class Task:
    """A job, or only the question what the engine can do.

    Attributes:
        message: The pickled job; ``None`` for the question.
        scenes: How many scenes it has.
        future: Where the answer goes.
        losses: How each worker ended that was lost to it.
        moves: Workers lost with their machine while they had it.
    """

    message: bytes | None
    scenes: int = 0
    future: Future[Any] = field(default_factory=Future)
    losses: list[str] = field(default_factory=list)
    moves: int = 0

    @property
    def retries(self) -> int:
        """How often it was begun anew."""
        return len(self.losses) + self.moves


class Tasks:
    """A line of tasks that threads take from its front, until it is closed."""

    def __init__(self) -> None:
        self._line: deque[Task] = deque()
        self._change = threading.Condition()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether there will be no more tasks."""
        return self._closed

    def put(self, task: Task, first: bool = False) -> None:
        """Adds a task at the end, or in front of all others."""
        with self._change:
            if self._closed:
                _dismiss(task)
                return
            (self._line.appendleft if first else self._line.append)(task)
            self._change.notify()

    def wait(self) -> bool:
        """Waits for a task; says whether there is one, which another thread may still take, or none ever."""
        with self._change:
            self._change.wait_for(lambda: self._line or self._closed)
            return not self._closed

    def take(self, spare: int = 0) -> Task | None:
        """The first task that nobody has cancelled, if more than ``spare`` wait."""
        with self._change:
            while len(self._line) > spare:
                task = self._line.popleft()
                if task.future.running() or task.future.set_running_or_notify_cancel():
                    return task
        return None

    def close(self) -> None:
        """Dismisses all tasks, and everyone who waits for one."""
        with self._change:
            self._closed = True
            while self._line:
                _dismiss(self._line.popleft())
            self._change.notify_all()


def _dismiss(task: Task) -> None:
    if not task.future.cancel():
        task.future.set_exception(MetasimError("the render pool is closed"))
