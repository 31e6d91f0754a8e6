"""Link: the server's end of the connection that a player opens; its calls come out one by one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from typing import Any

from renderers.unity.errors import PlayerCrashed, PlayerUnavailable
from renderers.unity.native import load_stubs

TRIES = 8  # to find a port that is free on both loopback addresses
GOODBYE_SECONDS = 0.5


class Call:
    """A call of the player, which blocks until it is answered.

    Attributes:
        message: What the player sends.
    """

    def __init__(self, message: Any) -> None:
        self.message = message
        self.answered = False
        self._answer: SimpleQueue[Any] = SimpleQueue()

    def answer(self, message: Any) -> None:
        """Lets the call return."""
        self.answered = True
        self._answer.put(message)

    def wait(self) -> Any:
        """The answer, as soon as there is one."""
        return self._answer.get()


class Link:
    """Listens on the loopback addresses, and nowhere else.

    Args:
        port: Where; 0 for any free port.

    Attributes:
        port: Where.

    Raises:
        PlayerUnavailable: If the port is taken.
        MetasimError: If ``mlagents-envs`` is not installed.
    """

    def __init__(self, port: int = 0) -> None:
        stubs = load_stubs()
        self._stubs = stubs
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._open: set[Call] = set()
        self._server, self.port = self._listening(port)

    def receive(self, seconds: float) -> Call | None:
        """The player's next call, ``None`` if there is none within some seconds.

        Raises:
            PlayerCrashed: If the player breaks a call off.
        """
        try:
            call = self._calls.get(timeout=seconds)
        except Empty:
            return None
        if call is None:
            raise PlayerCrashed("the player broke the connection off")
        return call

    def close(self) -> None:
        """Ends the server; what has been answered still arrives."""
        for call in list(self._open):
            if not call.answered:
                call.answer(self._stubs.message())
        self._server.stop(GOODBYE_SECONDS).wait()

    def Exchange(self, request: Any, context: Any) -> Any:
        """The one service; gRPC calls it in a thread of its own for each call."""
        call = Call(request)
        self._open.add(call)
        context.add_callback(lambda: self._ended(call))
        self._calls.put(call)
        return call.wait()

    def _ended(self, call: Call) -> None:
        self._open.discard(call)
        if not call.answered:
            call.answer(self._stubs.message())
            self._calls.put(None)

    def _listening(self, port: int) -> tuple[Any, int]:
        reason = ""
        for _ in range(TRIES if port == 0 else 1):
            server = self._server_for()
            try:
                bound = server.add_insecure_port(f"127.0.0.1:{port}")
                if _has_ipv6():
                    server.add_insecure_port(f"[::1]:{bound}")
            except RuntimeError as error:
                server.stop(None)
                reason = str(error)
                continue
            server.start()
            return server, bound
        raise PlayerUnavailable(f"port {port}", f"taken by another program ({reason})", "a free port")

    def _server_for(self) -> Any:
        unlimited = ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)
        options = [("grpc.so_reuseport", 0), *unlimited]
        server = self._stubs.grpc.server(DaemonThreads(), options=options)
        self._stubs.service.add_UnityToExternalProtoServicer_to_server(self, server)
        return server


class DaemonThreads(Executor):
    """A thread a task, none of which the interpreter waits for: one may block for as long as it is idle."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Runs a task in a new thread."""
        future: Future[Any] = Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=work, name="player", daemon=True).start()
        return future


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
