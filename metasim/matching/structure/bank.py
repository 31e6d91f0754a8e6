"""SetBank: every scene of varying structure rendered so far, on disk, append-only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from metasim.base.files import whole_file
from metasim.base.streams import stream
from metasim.matching.bank import Scenes, visible_boxes
from metasim.matching.proposal import Proposal
from metasim.matching.rounds import Rounds, mixed_log_density
from metasim.matching.rows import Rows
from metasim.matching.structure.inventory import Inventory, Sets
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Classes


@dataclass(frozen=True)
class SetProposal:
    """Where to render next: how many objects, what each is, and the scenery, independent of each other.

    Attributes:
        tallies: (T,) probability of each tally.
        objects: For each symbol a proposal of the attributes and class of one object.
        scenery: A proposal of the scenery's attributes; ``None`` where it has none to learn.
    """

    tallies: Array
    objects: tuple[Proposal, ...]
    scenery: Proposal | None = None

    def scene(self, inventory: Inventory, rng: np.random.Generator) -> SceneGraph:
        """One scene."""
        scenery = np.zeros(0) if self.scenery is None else self.scenery.sample(rng)[0]
        return assemble(
            inventory, self.tallies, lambda symbol: self.objects[symbol].sample(rng), scenery, rng
        )

    def save(self, path: Path) -> None:
        """Writes the proposal; the file ``path``, written last, stands for all of its files."""
        for s, proposal in enumerate(self.objects):
            proposal.save(_beside(path, str(s)))
        if self.scenery is not None:
            self.scenery.save(_beside(path, "scenery"))
        with whole_file(path) as file:
            np.savez(file, tallies=self.tallies, symbols=len(self.objects))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as data:
            tallies, symbols = data["tallies"], int(data["symbols"])
        objects = tuple(Proposal.load(_beside(path, str(s))) for s in range(symbols))
        scenery = _beside(path, "scenery")
        return cls(tallies, objects, Proposal.load(scenery) if scenery.exists() else None)


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{path.stem}_{name}{path.suffix}")


def assemble(
    inventory: Inventory,
    tallies: Array,
    draw: Callable[[int], tuple[Array, Classes]],
    scenery: Array,
    rng: np.random.Generator,
) -> SceneGraph:
    """A scene of independent objects.

    Args:
        inventory: What scenes may hold.
        tallies: (T,) probability of each tally.
        draw: Draws attributes and class of an object of a symbol.
        scenery: (E,) attributes of the scenery on [0, 1].
        rng: Draws the tally, and what the objects leave open.
    """
    tally = int(rng.choice(len(tallies), p=tallies))
    owners = np.repeat(np.arange(len(inventory.symbols)), inventory.tallies[tally])
    kinds = np.zeros(len(owners), dtype=np.int64)
    units = np.full((len(owners), len(inventory.things.columns)), np.nan)
    for i, symbol in enumerate(owners):
        values, classes = draw(int(symbol))
        kinds[i] = inventory.kinds_of(symbol)[classes[0] if len(classes) else 0]
        units[i, inventory.owned[symbol]] = values
    return inventory.scene(tally, kinds, units, scenery, rng)


@dataclass(frozen=True)
class SetRenders(Rows):
    """Rendered scenes with their free labels.

    Attributes:
        images: (n, H, W, 3) uint8.
        tallies: As in ``Sets``.
        kinds: As in ``Sets``.
        units: As in ``Sets``.
        scenery: As in ``Sets``.
        boxes: (n, N, 4) visible box (left, top, right, bottom) of each object as shares of the image, NaN
            where it is not seen.
        pixels: (n, N) pixels in which each object is seen.
    """

    images: npt.NDArray[np.uint8]
    tallies: Classes
    kinds: Classes
    units: Array
    scenery: Array
    boxes: npt.NDArray[np.float32]
    pixels: npt.NDArray[np.int64]

    @property
    def sets(self) -> Sets:
        """What they show."""
        return Sets(self.tallies, self.kinds, self.units, self.scenery)


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
    seen = [_seen(frame, inventory.places(graph), inventory.most) for graph, frame in done]
    return SetRenders(
        np.stack([np.asarray(frame[Pass.RGB], dtype=np.uint8) for _, frame in done]),
        sets.tallies,
        sets.kinds,
        sets.units,
        sets.scenery,
        np.stack([boxes for boxes, _ in seen]),
        np.stack([pixels for _, pixels in seen]),
    )


def _seen(
    frame: Frame, objects: list[int], most: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Boxes and pixels of the objects of a scene, up to the fullest scene's number."""
    boxes, pixels = visible_boxes(frame, objects)
    beyond = most - len(objects)
    return np.pad(boxes, ((0, beyond), (0, 0)), constant_values=np.nan), np.pad(pixels, (0, beyond))


class SetBank(Rounds[SetProposal, SetRenders]):
    """The rounds of scenes that differ in their nodes.

    Args:
        folder: Where the rounds are kept.
        scenes: How scenes are rendered.
        inventory: What they hold.
    """

    def __init__(self, folder: Path, scenes: Scenes, inventory: Inventory) -> None:
        super().__init__(folder, SetProposal, SetRenders)
        self.scenes, self.inventory = scenes, inventory

    def render(self, proposal: SetProposal, number: int, indices: range) -> SetRenders:
        """Draws and renders some scenes of a round."""
        stage = f"bank/{number}"
        graphs = [proposal.scene(self.inventory, stream(self.scenes.seed, stage, i)) for i in indices]
        return render_sets(self.scenes, self.inventory, graphs, stage, indices.start)

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
        return mixed_log_density([r.proposal.objects[symbol] for r in self.rounds], units, classes, shares)

    def scenery_log_density(self, units: Array, shares: Array) -> Array:
        """Log density of the scenery in the bank, at (..., E) attributes; there must be some."""
        proposals = [r.proposal.scenery for r in self.rounds if r.proposal.scenery is not None]
        return mixed_log_density(proposals, units, np.zeros((*units.shape[:-1], 0), np.int64), shares)


def _class_law(proposal: Proposal) -> Array:
    """(classes,) marginal of the one choice of an object, or certainty where it has none."""
    if not proposal.class_probabilities:
        return np.ones(1)
    shares, level = proposal.class_probabilities[0], proposal.levels.mean()
    return level / shares.shape[1] + (1 - level) * proposal.weights @ shares
