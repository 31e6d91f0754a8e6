"""Bank: every scene rendered so far, on disk, append-only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from metasim.base.errors import MetasimError
from metasim.base.files import whole_file
from metasim.base.streams import stream, stream_seed
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.proposal import Proposal
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Classes, SceneLayout

CHUNK = 250  # scenes a file: what a kill can cost


class Draw(Protocol):
    """Where scenes come from: attributes and classes, a row a call."""

    def sample(self, rng: np.random.Generator) -> tuple[Array, Classes]:
        """One draw: (D,) attributes on [0, 1] and (C,) class indices."""
        ...


@dataclass(frozen=True)
class Renders:
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

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: npt.NDArray[np.intp]) -> Renders:
        """Some of the renders."""
        return Renders(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @classmethod
    def joined(cls, parts: list[Renders]) -> Renders:
        """All parts as one."""
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})


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
        return self.layout.place([self.grammar.sample(rng)], units[None], classes[None])[0]

    def render(self, graphs: list[SceneGraph], stage: str, first: int = 0) -> Renders:
        """Renders scenes and their labels; scenes that fail are left out.

        Raises:
            MetasimError: If more than half of them fail.
        """
        frames = self.frames(graphs, {Pass.RGB, Pass.INSTANCE} & self.pool.capabilities.passes, stage, first)
        done = [(graph, frame) for graph, frame in zip(graphs, frames, strict=True) if frame is not None]
        nodes = len(self.layout.node_names)
        return Renders(
            np.stack([np.asarray(frame[Pass.RGB], dtype=np.uint8) for _, frame in done]),
            self.layout.units([graph for graph, _ in done]),
            self.layout.classes([graph for graph, _ in done]),
            np.stack([_boxes(frame, nodes) for _, frame in done]),
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


@dataclass
class Round:
    """Scenes drawn from one proposal."""

    proposal: Proposal
    renders: Renders


class Bank:
    """The rounds of a run; each is a folder with its proposal and files of ``CHUNK`` scenes.

    Args:
        folder: Where the rounds are kept.
        scenes: How scenes are drawn and rendered.
    """

    def __init__(self, folder: Path, scenes: Scenes) -> None:
        self.folder, self.scenes = folder, scenes
        self.rounds: list[Round] = []

    def __len__(self) -> int:
        return sum(len(r.renders) for r in self.rounds)

    def grow(self, propose: Callable[[], Proposal], count: int, advance: Callable[[int], None]) -> None:
        """Adds a round, taking what is on disk already and rendering the rest.

        Args:
            propose: Makes the round's proposal; not called if the round was begun before.
            count: Scenes of the round.
            advance: Told the number of scenes as they are added.
        """
        number = len(self.rounds)
        folder = self.folder / f"round_{number:02d}"
        kept = folder / "proposal.npz"
        if not kept.exists():
            save_proposal(kept, propose())
        proposal = load_proposal(kept)
        parts = []
        for first in range(0, count, CHUNK):
            path = folder / f"{first:06d}.npz"
            if not path.exists():
                save_renders(path, self._render(proposal, number, first, min(CHUNK, count - first)))
            parts.append(load_renders(path))
            advance(len(parts[-1]))
        self.rounds.append(Round(proposal, Renders.joined(parts)))

    def load(self) -> None:
        """Adds the next round, which is on disk whole."""
        folder = self.folder / f"round_{len(self.rounds):02d}"
        parts = [load_renders(path) for path in sorted(folder.glob("[0-9]*.npz"))]
        self.rounds.append(Round(load_proposal(folder / "proposal.npz"), Renders.joined(parts)))

    def _render(self, proposal: Proposal, number: int, first: int, count: int) -> Renders:
        stage = f"bank/{number}"
        graphs = [self.scenes.draw(proposal, stage, first + i) for i in range(count)]
        return self.scenes.render(graphs, stage, first)

    @property
    def renders(self) -> Renders:
        """The scenes of all rounds, in order."""
        return Renders.joined([r.renders for r in self.rounds])

    def shares(self, emphasis: float) -> Array:
        """(rounds,) share of each round in training: later ones count ``emphasis`` times more a scene."""
        mass = np.array([len(r.renders) * emphasis**i for i, r in enumerate(self.rounds)])
        return mass / mass.sum()

    def log_density(self, units: Array, classes: Classes, shares: Array) -> Array:
        """Log density of the bank, rounds weighted by ``shares``, at (..., D) and (..., C)."""
        flat = units.reshape(-1, units.shape[-1])
        labels = classes.reshape(len(flat), classes.shape[-1])  # which may be 0
        rows = [
            np.log(s) + r.proposal.log_density(flat, labels) for s, r in zip(shares, self.rounds, strict=True)
        ]
        return np.asarray(logsumexp(np.stack(rows), axis=0)).reshape(units.shape[:-1])


def _boxes(frame: Frame, nodes: int) -> npt.NDArray[np.float32]:
    boxes = np.full((nodes, 4), np.nan, dtype=np.float32)
    if Pass.INSTANCE not in frame.passes:
        return boxes
    ids = np.asarray(frame[Pass.INSTANCE], dtype=np.int32)
    height, width = ids.shape
    for node in np.unique(ids[ids > 0]):
        y, x = np.nonzero(ids == node)
        corners = (x.min() / width, y.min() / height, (x.max() + 1) / width, (y.max() + 1) / height)
        boxes[node - 1] = corners
    return boxes


def save_renders(path: Path, renders: Renders) -> None:
    """Writes renders whole."""
    with whole_file(path) as file:
        np.savez(file, **{f.name: getattr(renders, f.name) for f in fields(Renders)})


def load_renders(path: Path) -> Renders:
    """Reads renders."""
    with np.load(path, allow_pickle=False) as data:
        return Renders(**{f.name: data[f.name] for f in fields(Renders)})


def save_proposal(path: Path, proposal: Proposal) -> None:
    """Writes a proposal whole."""
    shares = {f"classes_{i}": p for i, p in enumerate(proposal.class_probabilities)}
    with whole_file(path) as file:
        np.savez(
            file, weights=proposal.weights, histograms=proposal.histograms, levels=proposal.levels, **shares
        )


def load_proposal(path: Path) -> Proposal:
    """Reads a proposal."""
    with np.load(path, allow_pickle=False) as data:
        shares = tuple(data[f"classes_{i}"] for i in range(len(data.files) - 3))
        return Proposal(data["weights"], data["histograms"], shares, data["levels"])
