"""A Ray cluster whose nodes are all on this machine and listen on loopback alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from metasim.base.errors import InputError
from metasim.rendering.cluster.executor import INSTALL

LOOPBACK = "127.0.0.1"
STORE = 80 * 2**20  # bytes of a node's object store, hardly more than the least that it takes
PATIENCE_S = 180.0  # which a busy machine may take to start
SETTINGS = {
    # Ray takes the machine's own address for 127.0.0.1 unless it believes that there is but one machine.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""Environment that Ray reads as it is first imported."""


class LocalCluster:
    """Nodes with room for a few workers each; use it as a context manager.

    Args:
        size: Nodes.
        cpus: Workers that each has room for.

    Raises:
        InputError: If Ray is not installed.
    """

    def __init__(self, size: int, cpus: int = 1) -> None:
        os.environ |= SETTINGS
        try:
            from ray.cluster_utils import Cluster
        except ImportError as error:
            raise InputError("executor.kind", "ray, which is not installed", INSTALL) from error
        # Wherever its nodes live, Ray notes their address in its usual folder, and takes that to be there.
        Path(os.environ.get("RAY_TMPDIR", tempfile.gettempdir()), "ray").mkdir(parents=True, exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix="ray-")
        self._options: dict[str, Any] = {
            "num_cpus": cpus,
            "node_ip_address": LOOPBACK,
            "object_store_memory": STORE,
        }
        head = self._options | {"include_dashboard": False, "temp_dir": self.folder}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.others: list[Any] = []
        for _ in range(size - 1):
            self.grow()
        self._cluster.wait_for_nodes(PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Address of the cluster."""
        return str(self._cluster.address)

    def grow(self) -> None:
        """Starts a node."""
        self.others.append(self._cluster.add_node(wait=False, **self._options))

    def kill(self) -> None:
        """Kills the oldest node but the first with all that is on it."""
        self._cluster.remove_node(self.others.pop(0), allow_graceful=False)

    def close(self) -> None:
        """Ends all nodes, and this process's part in them."""
        import ray

        ray.shutdown()
        self._cluster.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)
