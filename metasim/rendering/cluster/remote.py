"""RemoteWorker: a worker on another machine, as a pool sees it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from metasim.base.errors import MetasimError
from metasim.rendering.cluster.host import Reply
from metasim.rendering.message import decoded
from metasim.rendering.process import LEAVE_SECONDS, HostLost, WorkerDied
from metasim.rendering.protocol import Capabilities
from metasim.rendering.worker import Answer

GRACE_S = 60.0  # seconds beyond those of a scene that a machine may be silent, so busy is its network


class RemoteWorker:
    """A worker process behind a ``Host``.

    Args:
        ray: The module, connected.
        host: Handle of the actor.
    """

    def __init__(self, ray: Any, host: Any) -> None:
        self._ray, self._host = ray, host
        self._calls: deque[tuple[int, Any]] = deque()
        self._replies: deque[bytes] = deque()
        self._capabilities: Capabilities | None = None
        self._grown = 0

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do, once it is made."""
        assert self._capabilities is not None
        return self._capabilities

    def grown(self) -> int:
        """Bytes by which the process had grown at its last answer."""
        return self._grown

    def make_engine(self, kind: str, options: Mapping[str, Any]) -> None:
        """Makes the engine, unless that is done; waits for a machine with room as long as it takes.

        Raises:
            InputError: If the engine refuses its options, or the machine has other versions.
            MetasimError: If the engine cannot be made.
            WorkerDied: If the process dies of it.
            HostLost: If the machine or the actor is lost.
        """
        if self._capabilities is None:
            answer = self._read(self._told(self._host.make_engine.remote(kind, options), None))
            if isinstance(answer, MetasimError):
                raise answer
            self._capabilities = answer

    def send(self, messages: Sequence[bytes]) -> None:
        """Queues pickled ``Job``s."""
        self._calls.append((len(messages), self._host.render.remote(list(messages))))

    def receive(self, timeout_s: float) -> Answer | MetasimError:
        """The answer to the first job not answered yet.

        Raises:
            WorkerDied: If the process dies, or is silent for ``timeout_s`` and is killed for it.
            HostLost: If the machine or the actor is lost.
        """
        if not self._replies:
            number, call = self._calls.popleft()
            self._replies.extend(self._told(call, number * timeout_s + GRACE_S))
        return self._read(self._replies.popleft())

    def _told(self, call: Any, timeout_s: float | None) -> Any:
        try:
            return self._ray.get(call, timeout=timeout_s)
        except self._ray.exceptions.GetTimeoutError as error:
            raise HostLost(f"no word from its machine for {timeout_s:g} s") from error
        except self._ray.exceptions.RayError as error:
            raise HostLost(f"machine lost: {type(error).__name__}") from error

    def _read(self, packed: bytes) -> Any:
        reply = Reply.unpacked(packed)
        if reply.death:
            raise WorkerDied(reply.death)
        self._grown = reply.grown
        return decoded(reply.content)

    def leave(self) -> None:
        """Lets the engine close itself, kills it if that takes too long."""
        with suppress(self._ray.exceptions.RayError):
            self._ray.get(self._host.leave.remote(), timeout=2 * LEAVE_SECONDS)
        self.kill()

    def interrupt(self) -> None:
        """Ends the actor, and the process with it."""
        with suppress(self._ray.exceptions.RayError, ValueError):
            self._ray.kill(self._host)

    def kill(self) -> None:
        """The same, and forgets what it has not answered."""
        self.interrupt()
        self._calls.clear()
        self._replies.clear()
