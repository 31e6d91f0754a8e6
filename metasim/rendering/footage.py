"""Footage: what an animated scene file shows, told by an engine before anything is rendered."""

from __future__ import annotations

from dataclasses import dataclass

from metasim.rendering.camera import Camera
from metasim.rendering.protocol import Pass
from metasim.rendering.surfaces import Surfaces


@dataclass(frozen=True)
class Thing:
    """Something in a scene file that can be seen.

    Attributes:
        name: Its name, unique in the file.
        cls: What its name says that it is: copies share it.
    """

    name: str
    cls: str


@dataclass(frozen=True, eq=False)
class Footage:
    """A scene file.

    Attributes:
        first: First frame of its timeline.
        last: Last frame.
        frame_rate: Frames a second.
        things: What can be seen in it, in the order of their names.
        size: Height and width of its pictures, pixels.
        camera: Its camera at the first frame.
        zooms: Whether its lens changes.
        passes: What the engine can render of it.
        surfaces: Its triangles at the first frame, of things by their position in ``things`` (-1 for what
            is none); ``None`` if not asked for.
        notes: What the user should know of it.
    """

    first: int
    last: int
    frame_rate: float
    things: tuple[Thing, ...]
    size: tuple[int, int]
    camera: Camera
    zooms: bool
    passes: frozenset[Pass]
    surfaces: Surfaces | None = None
    notes: tuple[str, ...] = ()
