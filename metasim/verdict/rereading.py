"""Rereading: how well the attributes of renders whose scenes are known are read off their images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metasim.runs.summary import Reading
from metasim.scene.layout import Array, Classes, Column, SceneLayout
from metasim.stats.moments import mean_std
from metasim.stats.reading import FOLDS, explained, typical_error

FEW = 10  # renders of a class that say nothing about it
# Guesses at an angle that know nothing of it come to an error ratio below 1 - CHANCE / sqrt(n) about once in
# a hundred times, by simulation with 10 to 40 renders.
CHANCE = 2.0


@dataclass(frozen=True)
class Reread:
    """Renders read again.

    Attributes:
        units: (n, D) their attributes on [0, 1].
        classes: (n, C) their classes.
        multiples: (n, F, D) what is read of them and of their multiples by ``FOLDS``, on [0, 1].
    """

    units: Array
    classes: Classes
    multiples: Array

    @property
    def means(self) -> Array:
        """(n, D) what is read of the attributes themselves."""
        return self.multiples[:, 0]

    @classmethod
    def joined(cls, parts: Sequence[Reread]) -> Reread:
        """All renders of several parts."""
        columns = zip(*((part.units, part.classes, part.multiples) for part in parts), strict=True)
        return cls(*map(np.concatenate, columns))

    def by_class(self, layout: SceneLayout, column: Column, fold: int = 1) -> dict[str, tuple[Array, Array]]:
        """True and read values of a column by class of its node; under ``""`` where it has no choice.

        Args:
            layout: Columns and choices of the renders.
            column: The attribute.
            fold: Which multiple of it, one of ``FOLDS``.
        """
        j = layout.columns.index(column)
        truth, means = fold * self.units[:, j], self.multiples[:, FOLDS.index(fold), j]
        for c, choice in enumerate(layout.choices):
            if choice.node == column.node:
                rows = {name: self.classes[:, c] == k for k, name in enumerate(choice.classes)}
                return {name: (truth[r], means[r]) for name, r in rows.items() if r.sum() >= FEW}
        return {"": (truth, means)} if len(truth) >= FEW else {}


def readings(layout: SceneLayout, bank: Reread, fresh: Reread) -> dict[str, Reading]:
    """How well every column is read: how wrong on fresh renders, how much is explained in the bank."""
    found = {}
    for j, column in enumerate(layout.columns):
        period = 1.0 if column.spec.periodic else None
        shares = {
            name: explained(truth, means, period)
            for name, (truth, means) in bank.by_class(layout, column).items()
        }
        found[column.name] = Reading(
            error=typical_error(fresh.units[:, j], fresh.means[:, j], period) * column.spec.span,
            explained={name: share for name, share in shares.items() if np.isfinite(share)},
        )
    return found


@dataclass(frozen=True)
class Misreading:
    """How wrong the readings of some renders are.

    Attributes:
        ratio: Their typical error over that of the best constant: 1 where nothing is read.
        renders: How many they are.
    """

    ratio: float
    renders: int

    @property
    def sure(self) -> bool:
        """Whether readings as good as these are no chance."""
        return self.ratio < 1 - CHANCE / self.renders**0.5


def misreadings(
    layout: SceneLayout, column: Column, bank: Reread, folds: Sequence[int] = FOLDS
) -> dict[str, Misreading]:
    """How wrong the readings of an attribute are, by class of its node.

    Args:
        layout: Columns and choices of the scenes.
        column: The attribute.
        bank: Renders read again.
        folds: Of an angle also errors within a half, third or quarter turn count, if these are smaller.
    """
    found: dict[str, Misreading] = {}
    for fold in folds if column.spec.periodic else (1,):
        for name, (truth, means) in bank.by_class(layout, column, fold).items():
            ratio = _error_ratio(truth, means, column.spec.periodic)
            if ratio is not None and (name not in found or ratio < found[name].ratio):
                found[name] = Misreading(ratio, len(truth))
    return found


def _error_ratio(truth: Array, means: Array, periodic: bool) -> float | None:
    period = 1.0 if periodic else None
    constant = typical_error(truth, np.full(len(truth), mean_std(truth, period).mean), period)
    return typical_error(truth, means, period) / constant if constant > 0 else None
