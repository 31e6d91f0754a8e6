"""Crew: the workers of a pool."""

from __future__ import annotations

import pickle

from metasim.rendering.hand import Counters, Hand, Orders
from metasim.rendering.protocol import Capabilities
from metasim.rendering.tasks import Task, Tasks
from metasim.rendering.worker import Job


class Crew:
    """Workers that share the scenes out among themselves; each is started when it is first needed.

    Args:
        orders: How to make and treat them.
        counters: Where restarts and seconds are counted.
    """

    def __init__(self, orders: Orders, counters: Counters) -> None:
        self._tasks = Tasks()
        self._hands = [Hand(orders, self._tasks, counters) for _ in range(orders.size)]

    def capabilities(self) -> Capabilities:
        """What a worker says that its engine can do."""
        return self._submit(Task(None)).future.result()

    def submit(self, job: Job) -> Task:
        """Queues a job; the task's future also carries the ``InputError`` of a scene beyond the engine."""
        return self._submit(Task(pickle.dumps(job), len(job.scenes)))

    def close(self) -> None:
        """Ends all workers, those in the middle of a scene at once."""
        self._tasks.close()
        for hand in self._hands:
            hand.interrupt()
        for hand in self._hands:
            hand.join()

    def _submit(self, task: Task) -> Task:
        self._tasks.put(task)
        return task
