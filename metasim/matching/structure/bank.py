"""SetBank: every scene of varying structure rendered so far, on disk, append-only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from metasim.base.files import whole_file
from metasim.base.streams import stream
from metasim.matching.bank import CHUNK, Scenes, load_proposal, save_proposal
from metasim.matching.proposal import Proposal
from metasim.matching.structure.inventory import Inventory, Sets
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Classes


@dataclass(frozen=True)
class SetProposal:
    """Where to render next: how many objects, and what each is, independent of the others.

    Attributes:
        tallies: (T,) probability of each tally.
        objects: For each symbol a proposal of the attributes and class of one object.
    """

    tallies: Array
    objects: tuple[Proposal, ...]

    def scene(self, inventory: Inventory, rng: np.random.Generator) -> SceneGraph:
        """One scene."""
        return assemble(inventory, self.tallies, lambda symbol: self.objects[symbol].sample(rng), rng)

    def save(self, folder: Path) -> None:
        """Writes the proposal; its last file stands for all."""
        for s, proposal in enumerate(self.objects):
            save_proposal(folder / f"proposal_{s}.npz", proposal)
        with whole_file(folder / "proposal.npz") as file:
            np.savez(file, tallies=self.tallies, symbols=len(self.objects))

    @classmethod
    def load(cls, folder: Path) -> SetProposal:
        """Reads a proposal."""
        with np.load(folder / "proposal.npz", allow_pickle=False) as data:
            tallies, symbols = data["tallies"], int(data["symbols"])
        return cls(tallies, tuple(load_proposal(folder / f"proposal_{s}.npz") for s in range(symbols)))


def assemble(
    inventory: Inventory,
    tallies: Array,
    draw: Callable[[int], tuple[Array, Classes]],
    rng: np.random.Generator,
) -> SceneGraph:
    """A scene of independent objects.

    Args:
        inventory: What scenes may hold.
        tallies: (T,) probability of each tally.
        draw: Draws attributes and class of an object of a symbol.
        rng: Draws the tally, and what the objects leave open.
    """
    tally = int(rng.choice(len(tallies), p=tallies))
    owners = np.repeat(np.arange(len(inventory.symbols)), inventory.tallies[tally])
    kinds = np.zeros(len(owners), dtype=np.int64)
    units = np.full((len(owners), len(inventory.layout.columns)), np.nan)
    for i, symbol in enumerate(owners):
        values, classes = draw(int(symbol))
        kinds[i] = inventory.kinds_of(symbol)[classes[0] if len(classes) else 0]
        units[i, inventory.owned[symbol]] = values
    return inventory.scene(tally, kinds, units, rng)


@dataclass(frozen=True)
class SetRenders:
    """Rendered scenes with their free labels.

    Attributes:
        images: (n, H, W, 3) uint8.
        tallies: As in ``Sets``.
        kinds: As in ``Sets``.
        units: As in ``Sets``.
        boxes: (n, N, 4) visible box (left, top, right, bottom) of each object as shares of the image, NaN
            where it is not seen.
        pixels: (n, N) pixels in which each object is seen.
    """

    images: npt.NDArray[np.uint8]
    tallies: Classes
    kinds: Classes
    units: Array
    boxes: npt.NDArray[np.float32]
    pixels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def sets(self) -> Sets:
        """Their objects."""
        return Sets(self.tallies, self.kinds, self.units)

    def take(self, rows: npt.NDArray[np.intp]) -> SetRenders:
        """Some of the renders."""
        return SetRenders(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @classmethod
    def joined(cls, parts: list[SetRenders]) -> SetRenders:
        """All parts as one."""
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})

    def save(self, path: Path) -> None:
        """Writes renders whole."""
        with whole_file(path) as file:
            np.savez(file, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> SetRenders:
        """Reads renders."""
        with np.load(path, allow_pickle=False) as data:
            return cls(**{f.name: data[f.name] for f in fields(cls)})


def render_sets(
    scenes: Scenes, inventory: Inventory, graphs: list[SceneGraph], stage: str, first: int = 0
) -> SetRenders:
    """Renders scenes and their labels; scenes that fail are left out.

    Raises:
        MetasimError: If more than half of them fail.
    """
    frames = scenes.frames(graphs, {Pass.RGB, Pass.INSTANCE}, stage, first)
    done = [(graph, frame) for graph, frame in zip(graphs, frames, strict=True) if frame is not None]
    sets = inventory.sets([graph for graph, _ in done])
    seen = [_seen(frame, inventory.most) for _, frame in done]
    return SetRenders(
        np.stack([np.asarray(frame[Pass.RGB], dtype=np.uint8) for _, frame in done]),
        sets.tallies,
        sets.kinds,
        sets.units,
        np.stack([boxes for boxes, _ in seen]),
        np.stack([pixels for _, pixels in seen]),
    )


def _seen(frame: Frame, most: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Boxes and pixels of the objects, which are all nodes but the root."""
    boxes, pixels = np.full((most, 4), np.nan, dtype=np.float32), np.zeros(most, dtype=np.int64)
    ids = np.asarray(frame[Pass.INSTANCE], dtype=np.int32)
    height, width = ids.shape
    for node in np.unique(ids[ids > 1]):
        y, x = np.nonzero(ids == node)
        boxes[node - 2] = (x.min() / width, y.min() / height, (x.max() + 1) / width, (y.max() + 1) / height)
        pixels[node - 2] = len(x)
    return boxes, pixels


@dataclass
class SetRound:
    """Scenes drawn from one proposal."""

    proposal: SetProposal
    renders: SetRenders


class SetBank:
    """The rounds of a run; each is a folder with its proposal and files of ``CHUNK`` scenes.

    Args:
        folder: Where the rounds are kept.
        scenes: How scenes are rendered.
        inventory: What they hold.
    """

    def __init__(self, folder: Path, scenes: Scenes, inventory: Inventory) -> None:
        self.folder, self.scenes, self.inventory = folder, scenes, inventory
        self.rounds: list[SetRound] = []

    def grow(self, propose: Callable[[], SetProposal], count: int, advance: Callable[[int], None]) -> None:
        """Adds a round, taking what is on disk already and rendering the rest.

        Args:
            propose: Makes the round's proposal; not called if the round was begun before.
            count: Scenes of the round.
            advance: Told the number of scenes as they are added.
        """
        number = len(self.rounds)
        folder = self.folder / f"round_{number:02d}"
        if not (folder / "proposal.npz").exists():
            propose().save(folder)
        proposal = SetProposal.load(folder)
        parts = []
        for first in range(0, count, CHUNK):
            path = folder / f"{first:06d}.npz"
            if not path.exists():
                self._render(proposal, number, range(first, min(first + CHUNK, count))).save(path)
            parts.append(SetRenders.load(path))
            advance(len(parts[-1]))
        self.rounds.append(SetRound(proposal, SetRenders.joined(parts)))

    def _render(self, proposal: SetProposal, number: int, indices: range) -> SetRenders:
        stage = f"bank/{number}"
        graphs = [proposal.scene(self.inventory, stream(self.scenes.seed, stage, i)) for i in indices]
        return render_sets(self.scenes, self.inventory, graphs, stage, indices.start)

    @property
    def renders(self) -> SetRenders:
        """The scenes of all rounds, in order."""
        return SetRenders.joined([r.renders for r in self.rounds])

    def shares(self, emphasis: float) -> Array:
        """(rounds,) share of each round in training: later ones count ``emphasis`` times more a scene."""
        mass = np.array([len(r.renders) * emphasis**i for i, r in enumerate(self.rounds)])
        return mass / mass.sum()

    def tally_law(self, shares: Array) -> Array:
        """(T,) probability of each tally in the bank, rounds weighted by ``shares``."""
        return np.sum([s * r.proposal.tallies for s, r in zip(shares, self.rounds, strict=True)], axis=0)

    def kind_law(self, shares: Array) -> Array:
        """(K,) probability of each kind among objects of its symbol."""
        law = np.zeros(len(self.inventory.kinds))
        for share, each in zip(shares, self.rounds, strict=True):
            for s, proposal in enumerate(each.proposal.objects):
                law[self.inventory.kinds_of(s)] += share * _class_law(proposal)
        return law

    def log_density(self, symbol: int, units: Array, classes: Classes, shares: Array) -> Array:
        """Log density of an object of a symbol in the bank, at (..., D) attributes and (..., C) classes."""
        flat = units.reshape(-1, units.shape[-1])
        labels = classes.reshape(len(flat), classes.shape[-1])
        rows = [
            np.log(s) + r.proposal.objects[symbol].log_density(flat, labels)
            for s, r in zip(shares, self.rounds, strict=True)
        ]
        return np.asarray(logsumexp(np.stack(rows), axis=0)).reshape(units.shape[:-1])


def _class_law(proposal: Proposal) -> Array:
    """(classes,) marginal of the one choice of an object, or certainty where it has none."""
    if not proposal.class_probabilities:
        return np.ones(1)
    shares, level = proposal.class_probabilities[0], proposal.levels.mean()
    return level / shares.shape[1] + (1 - level) * proposal.weights @ shares
