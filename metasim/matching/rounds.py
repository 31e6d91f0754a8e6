"""Rounds: what every bank does: proposals and their renders, on disk, append-only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from scipy.special import logsumexp

from metasim.base.threads import abreast
from metasim.matching.proposal import Proposal
from metasim.matching.rows import Rows
from metasim.scene.layout import Array, Classes

CHUNK = 250  # scenes a file: what a kill can cost
AT_ONCE = 8192  # points, whose densities the caches hold
KEPT = "proposal.npz"


class Kept(Protocol):
    """A proposal that can be kept."""

    def save(self, path: Path) -> None:
        """Writes it; the file ``path`` stands for all of it."""
        ...

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads it."""
        ...


P = TypeVar("P", bound=Kept)
R = TypeVar("R", bound=Rows)


@dataclass
class Round(Generic[P, R]):
    """Scenes drawn from one proposal."""

    proposal: P
    renders: R


class Rounds(ABC, Generic[P, R]):
    """The rounds of a run; each is a folder with its proposal and files of ``CHUNK`` scenes.

    Args:
        folder: Where the rounds are kept.
        proposals: What its proposals are.
        tables: What its renders are.
    """

    def __init__(self, folder: Path, proposals: type[P], tables: type[R]) -> None:
        self.folder, self._proposals, self._tables = folder, proposals, tables
        self.rounds: list[Round[P, R]] = []

    def __len__(self) -> int:
        return sum(len(r.renders) for r in self.rounds)

    @abstractmethod
    def render(self, proposal: P, number: int, indices: range) -> R:
        """Draws and renders some scenes of a round."""

    def grow(self, propose: Callable[[], P], count: int, advance: Callable[[int], None]) -> None:
        """Adds a round, taking what is on disk already and rendering the rest.

        Args:
            propose: Makes the round's proposal; not called if the round was begun before.
            count: Scenes of the round.
            advance: Told the number of scenes as they are added.
        """
        number = len(self.rounds)
        folder = self.folder / f"round_{number:02d}"
        if not (folder / KEPT).exists():
            propose().save(folder / KEPT)
        proposal, parts = self._proposals.load(folder / KEPT), []
        for first in range(0, count, CHUNK):
            path = folder / f"{first:06d}.npz"
            if not path.exists():
                self.render(proposal, number, range(first, min(first + CHUNK, count))).save(path)
            parts.append(self._tables.load(path))
            advance(len(parts[-1]))
        self.rounds.append(Round(proposal, self._tables.joined(parts)))

    def load(self) -> None:
        """Adds the next round, which is on disk whole."""
        folder = self.folder / f"round_{len(self.rounds):02d}"
        parts = [self._tables.load(path) for path in sorted(folder.glob("[0-9]*.npz"))]
        self.rounds.append(Round(self._proposals.load(folder / KEPT), self._tables.joined(parts)))

    @property
    def renders(self) -> R:
        """The scenes of all rounds, in order."""
        return self._tables.joined([r.renders for r in self.rounds])

    def shares(self, emphasis: float) -> Array:
        """(rounds,) share of each round in training: later ones count ``emphasis`` times more a scene."""
        mass = np.array([len(r.renders) * emphasis**i for i, r in enumerate(self.rounds)])
        return mass / mass.sum()


def mixed_log_density(proposals: list[Proposal], units: Array, classes: Classes, shares: Array) -> Array:
    """Log density of proposals with these shares, at (..., D) attributes and (..., C) classes."""
    flat = units.reshape(-1, units.shape[-1])
    labels = classes.reshape(len(flat), classes.shape[-1])  # which may be 0

    def mixed(first: int) -> Array:
        part = slice(first, first + AT_ONCE)
        given = flat[part], labels[part]
        rows = [np.log(s) + p.log_density(*given) for s, p in zip(shares, proposals, strict=True)]
        return np.asarray(logsumexp(np.stack(rows), axis=0))

    parts = abreast(mixed, range(0, len(flat), AT_ONCE))
    return np.concatenate([*parts, np.zeros(0)]).reshape(units.shape[:-1])
