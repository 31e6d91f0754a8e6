"""Bank: every scene rendered so far, on disk, append-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from metasim.base.errors import MetasimError
from metasim.base.streams import stream, stream_seed
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.proposal import Proposal
from metasim.matching.rounds import Rounds, mixed_log_density
from metasim.matching.rows import Rows
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Classes, SceneLayout, classes_by_node


class Draw(Protocol):
    """Where scenes come from: attributes and classes, a row a call."""

    def sample(self, rng: np.random.Generator) -> tuple[Array, Classes]:
        """One draw: (D,) attributes on [0, 1] and (C,) class indices."""
        ...


@dataclass(frozen=True)
class Renders(Rows):
    """Rendered scenes with their free labels.

    Attributes:
        images: (n, H, W, 3) uint8.
        units: (n, D) attributes on [0, 1].
        classes: (n, C) class indices.
        boxes: (n, nodes, 4) visible box (left, top, right, bottom) of each node as shares of the image;
            NaN where a node is not seen.
    """

    images: npt.NDArray[np.uint8]
    units: Array
    classes: Classes
    boxes: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Scenes:
    """What it takes to draw and render scenes of an experiment."""

    grammar: SceneGrammar
    layout: SceneLayout
    pool: RenderPool
    seed: int

    def draw(self, source: Draw, stage: str, index: int) -> SceneGraph:
        """Scene ``index`` of a stage: all but attributes and classes from the grammar."""
        rng = stream(self.seed, stage, index)
        units, classes = source.sample(rng)
        base = self.grammar.sample(rng, classes_by_node(self.layout.choices, classes))
        return self.layout.place([base], units[None], classes[None])[0]

    def placed(self, units: Array, classes: Classes, stage: str) -> list[SceneGraph]:
        """Scenes with (n, D) attributes on [0, 1] and (n, C) classes; all else is the grammar's for those."""
        named = [classes_by_node(self.layout.choices, row) for row in classes]
        bases = [self.grammar.sample(stream(self.seed, stage, i), row) for i, row in enumerate(named)]
        return self.layout.place(bases, units, classes)

    def render(self, graphs: list[SceneGraph], stage: str, first: int = 0) -> Renders:
        """Renders scenes and their labels; scenes that fail are left out.

        Raises:
            MetasimError: If more than half of them fail.
        """
        frames = self.frames(graphs, {Pass.RGB, Pass.INSTANCE} & self.pool.capabilities.passes, stage, first)
        done = [(graph, frame) for graph, frame in zip(graphs, frames, strict=True) if frame is not None]
        nodes = range(len(self.layout.node_names))
        return Renders(
            np.stack([np.asarray(frame[Pass.RGB], dtype=np.uint8) for _, frame in done]),
            self.layout.units([graph for graph, _ in done]),
            self.layout.classes([graph for graph, _ in done]),
            np.stack([visible_boxes(frame, nodes)[0] for _, frame in done]),
        )

    def images(self, graphs: list[SceneGraph], stage: str) -> npt.NDArray[np.uint8]:
        """(n, H, W, 3) images alone, one for each scene; one that fails is as grey as the others' mean.

        Raises:
            MetasimError: If more than half of them fail.
        """
        frames = self.frames(graphs, {Pass.RGB}, stage, 0)
        done = np.stack([np.asarray(f[Pass.RGB], dtype=np.uint8) for f in frames if f is not None])
        images = np.broadcast_to(done.mean(0).astype(np.uint8), (len(graphs), *done.shape[1:])).copy()
        images[[frame is not None for frame in frames]] = done
        return images

    def frames(
        self, graphs: list[SceneGraph], passes: set[Pass], stage: str, first: int
    ) -> list[Frame | None]:
        """A frame for each scene, ``None`` for one that fails.

        Raises:
            MetasimError: If more than half of them fail.
        """
        seeds = [stream_seed(self.seed, f"{stage}/render", first + i) for i in range(len(graphs))]
        results = self.pool.render(graphs, frozenset(passes), seeds)
        failures = [result for result in results if not isinstance(result, Frame)]
        if len(failures) > len(graphs) / 2:
            raise MetasimError(f"{len(failures)} of {len(graphs)} scenes failed: {failures[0].reason}")
        return [result if isinstance(result, Frame) else None for result in results]


class Bank(Rounds[Proposal, Renders]):
    """The rounds of scenes that all have the same nodes.

    Args:
        folder: Where the rounds are kept.
        scenes: How scenes are drawn and rendered.
    """

    def __init__(self, folder: Path, scenes: Scenes) -> None:
        super().__init__(folder, Proposal, Renders)
        self.scenes = scenes

    def render(self, proposal: Proposal, number: int, indices: range) -> Renders:
        """Draws and renders some scenes of a round."""
        stage = f"bank/{number}"
        graphs = [self.scenes.draw(proposal, stage, i) for i in indices]
        return self.scenes.render(graphs, stage, indices.start)

    def log_density(self, units: Array, classes: Classes, shares: Array) -> Array:
        """Log density of the bank, rounds weighted by ``shares``, at (..., D) and (..., C)."""
        return mixed_log_density([r.proposal for r in self.rounds], units, classes, shares)


def visible_boxes(
    frame: Frame, nodes: Sequence[int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """(nodes, 4) boxes of some nodes of a scene and (nodes,) pixels in which each is seen."""
    boxes, pixels = np.full((len(nodes), 4), np.nan, dtype=np.float32), np.zeros(len(nodes), dtype=np.int64)
    if Pass.INSTANCE not in frame.passes:
        return boxes, pixels
    ids = np.asarray(frame[Pass.INSTANCE], dtype=np.int32)
    height, width = ids.shape
    for row, node in enumerate(nodes):
        y, x = np.nonzero(ids == node + 1)
        pixels[row] = len(x)
        if len(x):
            corners = (x.min() / width, y.min() / height, (x.max() + 1) / width, (y.max() + 1) / height)
            boxes[row] = corners
    return boxes, pixels
