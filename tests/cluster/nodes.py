"""Nodes: a Ray cluster of three nodes on this machine that can be killed, and what runs of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import psutil

from metasim.bench.local_cluster import LocalCluster
from metasim.rendering.process import ENTRY

MARK = "METASIM_TEST_CLUSTER"
SOON_S = 20.0
SIZE = 3


class Nodes(LocalCluster):
    """The cluster; each node has room for a worker."""

    def __init__(self) -> None:
        os.environ[MARK] = str(os.getpid())  # which all that is started from here inherits
        super().__init__(SIZE)

    def kill(self) -> None:
        """Kills the oldest node but the first with all that is on it, and starts another.

        It waits for a worker on every node, so that the one killed has one too.
        """
        self.soon(lambda: len(self.workers()) >= SIZE)
        super().kill()
        self.grow()

    def processes(self) -> list[psutil.Process]:
        """What runs of this cluster, orphans too."""
        return [process for process in psutil.process_iter() if _told(process, MARK) == os.environ[MARK]]

    def workers(self) -> list[psutil.Process]:
        """Render workers among them."""
        return [process for process in self.processes() if ENTRY in _command(process)]

    def is_clean(self) -> bool:
        """Whether no render worker is left, or the last are gone soon."""
        return self.soon(lambda: not self.workers())

    @staticmethod
    def soon(condition: Callable[[], bool]) -> bool:
        """Whether something is so before long."""
        end = time.monotonic() + SOON_S
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True


def _told(process: psutil.Process, name: str) -> str | None:
    try:
        return process.environ().get(name)
    except psutil.Error:
        return None


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
