"""SceneSource: where an export's scenes come from."""

from __future__ import annotations

from typing import Protocol

from metasim.base.streams import stream_seed
from metasim.dataset.sample import Origin
from metasim.scene.graph import SceneGraph
from metasim.scene.schema import SceneSchema


class SceneSource(Protocol):
    """A generator of scenes, for example the one that a run has tuned."""

    @property
    def schema(self) -> SceneSchema:
        """The vocabulary of its scenes."""
        ...

    @property
    def origin(self) -> Origin:
        """Which generator it is."""
        ...

    def scene(self, index: int) -> SceneGraph:
        """The scene of an index; it depends on the source's seed and the index alone."""
        ...


def render_seed(seed: int, index: int) -> int:
    """The seed of the renderer's own noise for a scene."""
    return stream_seed(seed, "export/render", index)
