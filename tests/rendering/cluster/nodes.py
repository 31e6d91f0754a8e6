"""Nodes: a Ray cluster of three nodes on this machine, which listen on loopback alone and can be killed."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from typing import Any

import psutil
import ray
from ray.cluster_utils import Cluster

from metasim.rendering.process import ENTRY

MARK = "METASIM_TEST_CLUSTER"
SOON_S = 20.0
LOOPBACK = "127.0.0.1"
SIZE = 3
STORE = 80 * 2**20  # bytes of a node's object store, hardly more than the least


class Nodes:
    """The cluster: a head and two others, each with room for a worker."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # sockets want a short path
        os.environ[MARK] = self.folder  # which all that is started from here inherits
        self._options: dict[str, Any] = {
            "num_cpus": 1,
            "node_ip_address": LOOPBACK,
            "object_store_memory": STORE,
        }
        head = self._options | {"include_dashboard": False, "temp_dir": self.folder}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.others = [self._cluster.add_node(wait=False, **self._options) for _ in range(SIZE - 1)]
        self._cluster.wait_for_nodes()

    @property
    def address(self) -> str:
        """Address of the cluster."""
        return str(self._cluster.address)

    def kill(self) -> None:
        """Kills the oldest node but the head with all that is on it, and starts another."""
        self._cluster.remove_node(self.others.pop(0), allow_graceful=False)
        self.grow()

    def grow(self) -> None:
        """Starts a node."""
        self.others.append(self._cluster.add_node(wait=False, **self._options))

    def shrink(self) -> None:
        """Ends a node."""
        self._cluster.remove_node(self.others.pop(), allow_graceful=True)

    def processes(self) -> list[psutil.Process]:
        """What runs of this cluster, orphans too."""
        return [process for process in psutil.process_iter() if _told(process, MARK) == self.folder]

    def workers(self) -> list[psutil.Process]:
        """Render workers among them."""
        return [process for process in self.processes() if ENTRY in _command(process)]

    def is_clean(self) -> bool:
        """Whether no render worker is left, or the last are gone soon."""
        end = time.monotonic() + SOON_S
        while self.workers():
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    def close(self) -> None:
        """Ends all nodes."""
        ray.shutdown()
        self._cluster.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)


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
