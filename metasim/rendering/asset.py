"""Asset: a mesh file and what is known of it before any engine has read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Up = Literal["y", "z"]


@dataclass(frozen=True)
class Asset:
    """A mesh file and what is known of it.

    Attributes:
        name: Its path below the catalogue's folder.
        cls: Its class.
        path: The file.
        metres_per_unit: Length of the file's unit.
        up: Axis that points up, where the format does not say.
        licence: Its licence, empty if unknown.
        affordances: What can be done with the whole of it.
        parts: What can be done with each of its parts, by the name of the part's material.
        identifier: Where it comes from, say an address; its name where nothing else is known.
    """

    name: str
    cls: str
    path: Path
    metres_per_unit: float = 1.0
    up: Up | None = None
    licence: str = ""
    affordances: frozenset[str] = frozenset()
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    identifier: str = ""
