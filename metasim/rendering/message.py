"""Messages between the processes of one run, here or on a cluster of the user's own."""

from __future__ import annotations

from multiprocessing.reduction import ForkingPickler
from typing import Any


def decoded(message: bytes) -> Any:
    """What a process of this run has sent, as ``Connection.recv`` reads it; never for files or strangers."""
    return ForkingPickler.loads(message)  # pyright: ignore (the stub takes a function for a method)
