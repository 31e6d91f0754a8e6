"""Player: renders batches, through as many lives as that takes; see PROTOCOL.md, section 5."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from metasim.base.errors import InputError
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph
from renderers.unity.batch import NUMBERS, batch_message
from renderers.unity.errors import PlayerCrashed, PlayerFailure, PlayerProtocolError, SceneRejected
from renderers.unity.frames import SOURCE, Developer, observations_of
from renderers.unity.message import LARGEST
from renderers.unity.reply import read_reply
from renderers.unity.session import Patience, Session

STARTS = 3  # tries to get a player that comes up
TRIES = 2  # of a batch, or of a scene alone, before it is held to be what ends the player
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds before a restart, doubled from one to the next

Result = Frame | PlayerFailure | SceneRejected
Job = Sequence[tuple[int, SceneGraph, int]]
"""Scenes with their indices in the call and their seeds."""


@dataclass
class Restarts:
    """How often players may still be started again, all together.

    Attributes:
        left: How often.
    """

    left: int
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, failure: PlayerFailure) -> None:
        """Counts a restart.

        Raises:
            PlayerFailure: The same failure, as a lasting one, if there were too many.
        """
        with self._lock:
            self.left -= 1
            if self.left < 0:
                raise type(failure)(f"{failure}; there were too many restarts", lasting=True) from failure


@dataclass(frozen=True)
class Orders:
    """What every player is made and treated like.

    Attributes:
        command: How to start it, but for the port; ``None`` to wait for one that the user starts.
        port: Port of one that the user starts.
        slots: Most scenes of a batch.
        patience: How long it is waited for.
        developer: Makes frames of what it sends.
        restarts: How often all players may be started again.
    """

    command: Sequence[str] | None
    port: int
    slots: int
    patience: Patience
    developer: Developer
    restarts: Restarts


class Player:
    """A player, started when it is first needed; its methods but ``stop`` belong to one thread at a time.

    Args:
        orders: How to make and treat it.
    """

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._session: Session | None = None
        self._number = 0
        self._failures = 0
        self._closed = threading.Event()

    @property
    def waits_for_user(self) -> bool:
        """Whether the user starts the player."""
        return self._orders.command is None

    def render(self, job: Job, passes: frozenset[Pass]) -> dict[int, Result]:
        """Renders at most as many scenes as there are slots; gives each one's frame, or why there is none.

        Raises:
            InputError: If a scene is too large.
            PlayerFailure: If no player comes up, or too many were restarted.
        """
        return self._render(job, passes, TRIES)

    def stop(self) -> None:
        """Has whoever waits for the player give up; the one method for any thread."""
        self._closed.set()

    def leave(self) -> None:
        """Lets the player quit."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _render(self, job: Job, passes: frozenset[Pass], tries: int) -> dict[int, Result]:
        """A batch that fails is tried again, then halved until the scene is known that ends the player."""
        failure = PlayerCrashed("not tried")
        for _ in range(tries):
            session = self._ready()
            try:
                results = self._exchange(session, job, passes)
            except PlayerFailure as error:
                failure = error
                self._lose(error)
            else:
                self._failures = 0
                return results
        if len(job) == 1:
            return {job[0][0]: failure}
        return self._halves(job, passes)

    def _halves(self, job: Job, passes: frozenset[Pass]) -> dict[int, Result]:
        middle = len(job) // 2
        results: dict[int, Result] = {}
        for half in (job[:middle], job[middle:]):
            results |= self._render(half, passes, TRIES if len(half) == 1 else 1)
        return results

    def _exchange(self, session: Session, job: Job, passes: frozenset[Pass]) -> dict[int, Result]:
        self._number = self._number % (NUMBERS - 1) + 1
        indices, scenes, seeds = zip(*job, strict=True)
        wire = {SOURCE[name] for name in passes}
        payload = batch_message(self._number, scenes, seeds, wire).pack()
        if len(payload) > LARGEST:
            if len(job) == 1:
                size = f"{len(payload) / 2**20:.1f} MiB when packed"
                raise InputError(f"scene {indices[0]}", size, f"a scene below {LARGEST // 2**20} MiB")
            return self._halves(job, passes)
        for _ in range(2):
            output = session.exchange(payload)
            replies = read_reply(output.side_channel, self._number, len(job))
            observed = observations_of(output, self._number, len(job))
            if replies is not None and observed is not None:
                break
        else:
            raise PlayerProtocolError(f"stale frames, of another batch than {self._number}")
        develop = self._orders.developer.frame
        return {
            index: SceneRejected(index, reply.error)
            if reply.error
            else develop(scene, observations, reply, passes)
            for index, scene, reply, observations in zip(indices, scenes, replies, observed, strict=True)
        }

    def _ready(self) -> Session:
        """The player's session, a new one if there is none; a start that fails is tried again."""
        failure = PlayerCrashed("the player is closed")
        for _ in range(STARTS):
            if self._closed.is_set():
                raise PlayerCrashed("the player is closed", lasting=True)
            if self._session is not None:
                return self._session
            self._pause()
            try:
                orders = self._orders
                self._session = Session(orders.command, orders.port, orders.patience, self._closed)
            except PlayerFailure as error:
                failure = error
                self._lose(error)
        raise type(failure)(f"{failure}; {STARTS} starts failed", lasting=True) from failure

    def _lose(self, failure: PlayerFailure) -> None:
        """Buries the player; one that the user started is not ours to restart."""
        session, self._session = self._session, None
        if session is not None:
            session.kill()
        if failure.lasting or self._closed.is_set():
            raise failure
        if self.waits_for_user:
            raise type(failure)(f"{failure}; start it again, then this run", lasting=True) from failure
        self._orders.restarts.take(failure)
        self._failures += 1

    def _pause(self) -> None:
        """Waits before a restart, the longer the more lives in a row have failed."""
        if self._failures > 0:
            self._closed.wait(min(FIRST_PAUSE * 2 ** (self._failures - 1), LONGEST_PAUSE))
