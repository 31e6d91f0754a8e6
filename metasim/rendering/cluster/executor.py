"""RayExecutor: workers on the machines of a Ray cluster."""

from __future__ import annotations

import logging
import math
import pickle
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.cluster.machine import Home, call
from metasim.rendering.cluster.parcel import Parcel
from metasim.rendering.registry import files_of

if TYPE_CHECKING:
    from metasim.rendering.executor import Worker

INSTALL = "pip install 'ray>=2.60,<3'"
KNOCK_SECONDS = 10.0
RETRIES = 10  # machines that may be lost to a call


class RayExecutor:
    """Connects to a cluster, which stays as it is when this process ends.

    Each worker is an actor that Ray places where there is room, now or later: more of them than there is
    room for make a cluster grow that can. A machine that is lost costs its scenes a retry.

    Args:
        address: Address of the cluster; ``auto`` finds the one that this machine belongs to.
        workers: Workers of a pool; by default one for each processor that the cluster has now.
        cpus: Processors that a worker takes, and threads that its numeric libraries use.
        gpus: GPUs that a worker takes; without any it sees none.

    Raises:
        InputError: If Ray is not installed, or there is no such cluster.
    """

    remote = True
    group = 4  # since a call costs more processor time than all else

    def __init__(
        self, address: str = "auto", workers: int | None = None, cpus: float = 1.0, gpus: float = 0.0
    ) -> None:
        ray = connect(address)
        from metasim.rendering.cluster.host import Host

        self._workers, self._cpus, self._ray = workers, cpus, ray
        self._home = Home()
        self._host = ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=0)(Host)
        self._call = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=RETRIES)(call)
        self._parcels: dict[tuple[Path, Path], Parcel] = {}

    def size(self, workers: int | None) -> int:
        """As many as the cluster has room for by default."""
        room = self._ray.cluster_resources().get("CPU", 0.0) / self._cpus
        return workers or self._workers or max(1, int(room))

    def sent(self, kind: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """The options with parcels in place of the files that they name; equal files are packed once."""
        found = dict(options)
        for name, (root, path) in files_of(kind, options).items():
            if (root, path) not in self._parcels:
                as_text = isinstance(options[name], str)
                self._parcels[root, path] = Parcel.pack(root, path, as_text, self._ray.put)
            found[name] = self._parcels[root, path]
        return found

    def worker(self, size: int, timeout_s: float) -> Worker:
        """An actor that is placed when there is room."""
        from metasim.rendering.cluster.remote import RemoteWorker

        host = self._host.remote(self._home, max(1, math.floor(self._cpus)), timeout_s)
        return RemoteWorker(self._ray, host)

    def begin(self, function: Any, argument: Any) -> Any:
        """Has a machine call a function, from ``put``; one that is lost is called elsewhere."""
        return self._call.remote(self._home, function, argument)

    def put(self, function: Any) -> Any:
        """Stores a function of one argument, to be pickled, where all machines find it."""
        return self._ray.put(pickle.dumps(function))

    def landed(self, calls: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Waits for a call to end; those that have, and the others."""
        return self._ray.wait(list(calls), num_returns=1)

    def result(self, call: Any) -> Any:
        """What a call has returned, or the error that it raised.

        Raises:
            MetasimError: If it was lost again and again, or for a reason of its own.
        """
        try:
            return self._ray.get(call)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, MetasimError):
                raise error.cause from None
            raise
        except self._ray.exceptions.RayError as error:
            raise MetasimError(f"cluster: {' '.join(str(error).split())}") from error

    def cancel(self, call: Any) -> None:
        """Ends a call."""
        self._ray.cancel(call, force=True)


def connect(address: str) -> Any:
    """Ray, connected to a cluster.

    Raises:
        InputError: If it is not installed, or there is no such cluster.
    """
    try:
        import ray
    except ImportError as error:
        raise InputError("executor.kind", "ray, which is not installed", INSTALL) from error
    if not ray.is_initialized():
        try:
            _knock(address)
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError) as error:
            what = f"{address} ({' '.join(str(error).split())[:200]})"
            raise InputError("executor.address", what, "the address of a running Ray cluster") from error
    return ray


def _knock(address: str) -> None:
    """Sees whether anyone is there at ``host:port``, which takes Ray minutes to deny."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "//" not in host:
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()
