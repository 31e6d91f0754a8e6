"""Host: what runs on a machine of the cluster, a worker process and who watches it."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.cluster.parcel import Parcel
from metasim.rendering.process import EngineProcess, WorkerDied

PACKAGES = ("metasim-scenegraph", "numpy", "torch", "bpy")
"""What the bytes of frames depend on."""


@dataclass(frozen=True)
class Reply:
    """What a host answers.

    Attributes:
        content: The worker's answer, pickled as it came.
        grown: Bytes of memory that the worker has grown by.
        death: How the worker ended, if it did; there is no content then.
    """

    content: bytes = b""
    grown: int = 0
    death: str = ""


class Host:
    """Keeps a worker process on its machine; an actor of the cluster, whose calls come one after the other.

    The process is watched here, so that what a scene does to it is known and told as on one machine. It dies
    with this one.

    Args:
        threads: Threads of the numeric libraries in the worker.
        path: Where Python finds modules on the machine that asks, engines of the user's own among them.
    """

    def __init__(self, threads: int, path: Sequence[str]) -> None:
        sys.path += [entry for entry in path if entry not in sys.path]
        self._process = EngineProcess(threads)

    def make_engine(self, kind: str, options: Mapping[str, Any], versions: Mapping[str, str]) -> Reply:
        """Makes the engine; answers with its capabilities, or the error that it raises.

        Args:
            kind: Name of the engine.
            options: Its options, files among them as parcels.
            versions: Versions of packages where the scenes come from.
        """
        import ray

        try:
            _check(versions)
            here = {
                name: value.unpack(ray.get) if isinstance(value, Parcel) else value
                for name, value in options.items()
            }
            self._process.make_engine(kind, here)
        except WorkerDied as death:
            return Reply(death=str(death))
        except MetasimError as error:
            return Reply(pickle.dumps(error))
        return Reply(pickle.dumps(self._process.capabilities))

    def render(self, message: bytes, timeout_s: float) -> Reply:
        """Has the worker do a pickled ``Job``."""
        try:
            self._process.send(message)
            return Reply(self._process.receive_bytes(timeout_s), self._process.grown())
        except WorkerDied as death:
            return Reply(death=str(death))

    def leave(self) -> None:
        """Lets the engine close itself."""
        self._process.leave()


def installed() -> dict[str, str]:
    """Versions of the packages that are here."""
    found = {name: _version(name) for name in PACKAGES}
    return {name: version for name, version in found.items() if version is not None}


def _check(versions: Mapping[str, str]) -> None:
    for name, here in installed().items():
        there = versions.get(name, here)
        if here != there:
            raise InputError(f"executor: {name} on a node", here, f"{there}, as where it was started")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
