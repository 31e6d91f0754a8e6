"""What a machine of a cluster must have in common with the one that asks, and how it is set right."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from metasim.base.errors import InputError
from metasim.rendering.message import decoded

PACKAGES = ("metasim-scenegraph", "numpy", "torch", "bpy")
"""What the bytes of frames depend on."""


def _installed() -> dict[str, str]:
    """Versions of the packages that are here."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _path() -> tuple[str, ...]:
    return tuple(str(Path(entry).absolute()) for entry in sys.path)


@dataclass(frozen=True)
class Home:
    """The machine that asks.

    Attributes:
        path: Where Python finds modules there, engines of the user's own among them.
        versions: Versions of the packages that are there.
    """

    path: Sequence[str] = field(default_factory=_path)
    versions: dict[str, str] = field(default_factory=_installed)

    def settle(self) -> None:
        """Has Python look for modules where it does there.

        Raises:
            InputError: If a package has another version here.
        """
        sys.path += [entry for entry in self.path if entry not in sys.path]
        for name, here in _installed().items():
            there = self.versions.get(name, here)
            if here != there:
                raise InputError(f"executor: {name} on a node", here, f"{there}, as where it was started")


def call(home: Home, function: bytes, argument: Any) -> Any:
    """Calls a pickled function, whose modules are found once this machine is settled."""
    home.settle()
    called: Callable[[Any], Any] = decoded(function)
    return called(argument)
