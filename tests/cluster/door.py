"""Door: a way to a server on this machine that can be shut for a number of connections."""

from __future__ import annotations

import contextlib
import socket
import threading


class Door:
    """Passes bytes on to a port and back.

    Args:
        port: The server's.
    """

    def __init__(self, port: int) -> None:
        self._server, self._listener = port, socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.refuse, self.refused = 0, 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Lets nobody in any more."""
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self._listener.accept()
                if self.refuse > 0:
                    self.refuse, self.refused = self.refuse - 1, self.refused + 1
                    visitor.close()
                else:
                    host = socket.create_connection(("127.0.0.1", self._server))
                    for ends in ((visitor, host), (host, visitor)):
                        threading.Thread(target=_pump, args=ends, daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(2**16):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
