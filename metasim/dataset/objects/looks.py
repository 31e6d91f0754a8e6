"""Looks: how the views of assets are seen and lit, planned or as a run has learnt it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from metasim.base.errors import InputError
from metasim.dataset.sample import Origin
from metasim.scene.graph import SceneGraph, SceneNode

CAMERA = "camera"
SEEN = (CAMERA, "environment", "light")
"""Symbols of what is no asset in a view."""


class Looks(Protocol):
    """Gives each view of an asset its camera and its light."""

    @property
    def origin(self) -> Origin:
        """Where views come from; the hash of the settings that they depend on is still missing."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the nodes that it gives."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that it depends on, as JSON data."""
        ...

    def nodes(self, asset: str, view: int, views: int, attempt: int = 0) -> tuple[SceneNode, ...]:
        """The nodes of camera and light, children of a root.

        Args:
            asset: Name of the asset.
            view: Number of the view.
            views: Views of the asset in all.
            attempt: How many viewpoints of the view have been found wanting before.
        """
        ...

    def told(self, asset: str, view: int, views: int) -> Mapping[str, Any]:
        """What is known of a view beside its nodes, as JSON data: ``ranges``, and ``lighting`` if planned."""
        ...


class StagedScenes(Protocol):
    """A generator that gives as many scenes as wanted under any name."""

    def scene(self, index: int, stage: str) -> SceneGraph:
        """Scene ``index`` of a stage."""
        ...


@dataclass(frozen=True)
class TunedLooks:
    """Cameras and lights of the scenes of a generator, whatever else these show.

    Attributes:
        generator: Draws the scenes.
        origin: Which generator it is.
        shown: Attribute names that a view has room for, by symbol.

    Raises:
        InputError: If its cameras have no attribute that cameras of views have.
    """

    generator: StagedScenes
    origin: Origin
    shown: Mapping[str, frozenset[str]]

    def __post_init__(self) -> None:
        wanted = self.shown[CAMERA]
        cameras = [n for n in self.nodes("", 0, 1) if n.symbol == CAMERA]
        if not any(wanted & camera.attributes.keys() for camera in cameras):
            expected = f"one whose cameras have {', '.join(sorted(wanted))}"
            raise InputError("--run", self.origin.run, expected)

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of the generator's cameras and lights."""
        return tuple(dict.fromkeys(node.cls for node in self.nodes("", 0, 1)))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The weights stand for the generator."""
        return {"run": self.origin.run, "checkpoint_sha256": self.origin.checkpoint_sha256}

    def nodes(self, asset: str, view: int, views: int, attempt: int = 0) -> tuple[SceneNode, ...]:
        """Those of the generator's scene that has the number of the view; see ``Looks``."""
        graph = self.generator.scene(view, f"objects/{asset}/{attempt}")
        return tuple(self._bare(node) for node in graph.nodes if node.symbol in SEEN)

    def told(self, asset: str, view: int, views: int) -> Mapping[str, Any]:
        """A generator has no ranges."""
        return {"ranges": {}}

    def _bare(self, node: SceneNode) -> SceneNode:
        room = self.shown.get(node.symbol, frozenset())
        values = {name: value for name, value in node.attributes.items() if name in room}
        return replace(node, parent=0, attributes=values, mutable=node.mutable & room)
