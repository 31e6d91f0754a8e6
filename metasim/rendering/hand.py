"""Hand: one thread of a crew and its worker process, replaced when lost or swollen."""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metasim.base.errors import MetasimError
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.executor import Executor, Worker
from metasim.rendering.process import HostLost, WorkerDied
from metasim.rendering.tasks import Task, Tasks
from metasim.rendering.worker import Answer

STARTS = 5  # tries to get a worker, since one may be killed from outside while it starts
LOSSES = 2  # workers lost to a scene after which it is given up
MOVES = 10  # machines lost after which it is given up: it may be what brings them down after all
GROWTH = 512 * 2**20  # bytes by which a worker may grow before it is replaced, since native engines leak
TOGETHER_S = 4.0  # seconds of work sent together at most, since another worker may be free before
SMALL = 2**14  # bytes of a task that surely fit in a pipe whose reader is busy

_LOG = logging.getLogger(__name__)


@dataclass
class Counters:
    """What a pool has done so far.

    Attributes:
        frames: Frames delivered.
        failures: Scenes given up.
        restarts: Workers lost to a crash, a kill or a timeout.
        recycled: Workers replaced since they held too much memory.
        seconds: Seconds spent rendering, summed over workers.
        lock: To be held by threads that count.
    """

    frames: int = 0
    failures: int = 0
    restarts: int = 0
    recycled: int = 0
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)


@dataclass(frozen=True)
class Orders:
    """What every worker of a crew is made and treated like.

    Attributes:
        kind: Name of the engine.
        options: Its options, checked.
        size: Workers of the crew.
        timeout_s: Seconds without an answer after which a worker is killed.
        executor: Where they are.
    """

    kind: str
    options: Mapping[str, Any]
    size: int
    timeout_s: float
    executor: Executor


class Hand:
    """Takes tasks and has a worker render them, the next one sent before the answer to the last is in.

    A thread (and not a loop of the caller) waits for each worker, so that a caller who is slow to
    take frames delays neither the next scene nor the judgement that a worker hangs. It outlives its
    workers, which matters: Linux kills a worker with the thread that started it. Tasks of a lost
    worker go back to the front of the line, so that another takes them while this one starts anew.

    Args:
        orders: How to make and treat a worker.
        tasks: Where tasks come from.
        counters: Where restarts and seconds are counted.
    """

    def __init__(self, orders: Orders, tasks: Tasks, counters: Counters) -> None:
        self._orders, self._tasks, self._counters = orders, tasks, counters
        self._process: Worker | None = None
        self._sent: deque[Task] = deque()
        self._seconds = math.inf  # that the last task took
        self._busy = False
        self._thread = threading.Thread(target=self._work, name="render", daemon=True)
        self._thread.start()

    def interrupt(self) -> None:
        """Kills a worker in the middle of a scene; to be called once the line of tasks is closed."""
        if self._busy and (process := self._process) is not None:
            process.interrupt()

    def join(self) -> None:
        """Waits until the worker is gone."""
        self._thread.join()

    def _work(self) -> None:
        while self._tasks.wait():
            self._busy = True
            try:
                process = self._ready()
            except Exception as error:
                if (task := self._tasks.take()) is not None:
                    task.future.set_exception(error)
            else:
                self._serve(process)
            self._busy = False
        if self._process is not None:
            self._process.leave()

    def _ready(self) -> Worker:
        """The worker, a new one if there is none; a start that dies is tried again."""
        reason, orders = "", self._orders
        for _ in range(STARTS):
            if self._tasks.closed:
                raise MetasimError("the render pool is closed")
            process = self._process = self._process or orders.executor.worker(orders.size, orders.timeout_s)
            try:
                process.make_engine(orders.kind, orders.options)
            except WorkerDied as death:
                reason = str(death)
                self._bury(process, reason)
            except BaseException:
                self._process = None
                process.leave()
                raise
            else:
                return process
        raise MetasimError(f"renderer {orders.kind} cannot start: {reason}")

    def _serve(self, process: Worker) -> None:
        """Has the worker render until no task waits, or it is lost, or holds too much memory."""
        try:
            while self._send(process):
                answer = process.receive(self._orders.timeout_s)
                self._deliver(self._sent.popleft(), answer)
                if process.grown() > GROWTH:
                    self._recycle(process)
                    return
        except WorkerDied as death:
            self._bury(process, str(death))
            self._blame(self._sent[0], death)
        self._give_back()

    def _blame(self, task: Task, death: WorkerDied) -> None:
        """Notes that a worker was lost to a task, and gives the task up if it has cost enough."""
        reason = str(death)
        if isinstance(death, HostLost):
            task.moves += 1
        else:
            task.losses.append(reason)
            reason = ", then ".join(dict.fromkeys(task.losses))
        if len(task.losses) == LOSSES or task.moves == MOVES:
            self._sent.popleft()
            task.future.set_result([SceneFailure(reason)] * task.scenes)

    def _send(self, process: Worker) -> bool:
        """Sends tasks to an idle worker, and some ahead if plenty wait; says whether it has any."""
        while len(self._sent) <= self._group and (messages := self._take(process)):
            process.send(messages)
            if any(len(message) > SMALL for message in messages):
                break
        return bool(self._sent)

    def _take(self, process: Worker) -> list[bytes]:
        """Takes tasks to be sent together: one, and more if plenty wait."""
        messages: list[bytes] = []
        while len(messages) < self._group:
            task = self._tasks.take(spare=self._orders.size if self._sent else 0)
            if task is None:
                break
            if task.message is None:
                task.future.set_result(process.capabilities)
                continue
            self._sent.append(task)
            messages.append(task.message)
        return messages

    @property
    def _group(self) -> int:
        """Tasks that are sent together: one to begin with, and of those that take long."""
        if self._seconds * self._orders.executor.group <= TOGETHER_S:
            return self._orders.executor.group
        return max(1, int(TOGETHER_S / self._seconds))

    def _deliver(self, task: Task, answer: Answer | MetasimError) -> None:
        if isinstance(answer, MetasimError):
            task.future.set_exception(answer)
            return
        self._seconds = answer.seconds
        with self._counters.lock:
            self._counters.seconds += answer.seconds
        task.future.set_result(answer.results)

    def _recycle(self, process: Worker) -> None:
        with self._counters.lock:
            self._counters.recycled += 1
        self._process = None
        self._give_back()
        process.leave()

    def _bury(self, process: Worker, reason: str) -> None:
        if not self._tasks.closed:
            _LOG.warning("a worker is lost and will be replaced: %s", reason)
            with self._counters.lock:
                self._counters.restarts += 1
        self._process = None
        process.kill()

    def _give_back(self) -> None:
        """Returns the tasks that were sent and not answered to the line."""
        while self._sent:
            self._tasks.put(self._sent.pop(), first=True)
