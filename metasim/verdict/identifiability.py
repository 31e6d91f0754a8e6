"""Identifiability: what the target images tell of each attribute, judged without the truth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from metasim.scene.layout import Array, Classes, Column, SceneLayout
from metasim.stats.reading import FOLDS, typical_error
from metasim.verdict.rereading import Misreading, Reread, misreadings

EVEN = 12**-0.5  # spread of the uniform law
# Posterior spread over that of no knowledge, of an angle within the best of a full, half, third or quarter
# turn: which of a few alike positions is meant, the population resolves. From a prototype on another scene
# (bowl's yaw 0.7, shoe's 0.1); here only its outcome was seen.
UNKNOWN = 0.55
# The same under the population, for an angle that images tell up to a part of a turn: seven of a hundred
# draws half a turn away come to this much. One of five, as once in `clutter`, is not resolved.
RESOLVED = 0.3
MEANT = 3.0  # standard errors by which images must be likelier than if all were turned by the part
# Posterior spread over the population's: from here on the spread is the prior law's, not the images'.
UNRESOLVED = 0.9
# Typical error of readings over the population's spread: beyond it the spread is drowned. The posterior of
# a normal population is then 0.9 times as wide as the population, so this is the limit above once more.
DROWNED = UNRESOLVED / (1 - UNRESOLVED**2) ** 0.5
FEW = 5  # images of a class that say nothing about it, where there are more of another


@dataclass(frozen=True)
class Identifiability:
    """What is known of one attribute.

    Attributes:
        classes_not_identifiable: Classes whose images do not determine it.
        identifiable: Whether some class's images do.
        spread_identifiable: Whether its spread is told by images too.
        untold: Classes whose images say nothing of it, not even up to a part of a turn; ``""`` where
            there is no choice.
    """

    classes_not_identifiable: tuple[str, ...]
    identifiable: bool
    spread_identifiable: bool
    untold: tuple[str, ...] = ()


@dataclass(frozen=True)
class Beliefs:
    """What the inverse network makes of the target images.

    Attributes:
        units: (M, S, D) posterior draws.
        classes: (M, S, C) their classes.
        flat: (M, S) weights of the posteriors under a flat prior.
        fitted: (M, S) weights under the inferred population.
        turned: For an angle's column and a share of a turn, (M,) by how much likelier each image is under the
            population than if that were turned so.
    """

    units: Array
    classes: Classes
    flat: Array
    fitted: Array
    turned: Callable[[int, float], Array] | None = None

    def by_class(self, layout: SceneLayout, node: str) -> dict[str, npt.NDArray[np.bool_]]:
        """Which images show which class of a node; under ``""`` all, where the node has no choice."""
        names = [choice.node for choice in layout.choices]
        if node not in names:
            return {"": np.ones(len(self.classes), dtype=bool)}
        c = names.index(node)
        kinds = layout.choices[c].classes
        mass = [(self.fitted * (self.classes[..., c] == k)).sum(1) for k in range(len(kinds))]
        best = np.argmax(mass, axis=0)
        shown = np.bincount(best, minlength=len(kinds))
        least = min(FEW, shown.max())
        return {name: best == k for k, name in enumerate(kinds) if shown[k] >= least}


def identify(
    layout: SceneLayout,
    beliefs: Beliefs,
    bank: Sequence[Reread] = (),
    fresh: Reread | None = None,
    kept: Collection[tuple[int, str]] = (),
) -> dict[str, Identifiability]:
    """Judges every attribute by the posteriors of the target images, and by readings of known renders.

    The width of posteriors tells what the network believes to know; readings of renders tell whether it
    does. An attribute is told only if neither objects; readings that cannot be chance overrule the width,
    for a network that has seen too few handwritings to be sure may yet be right.

    An angle that is told up to a half, third or quarter turn is determined if the population resolves which
    is meant, and not by taking any: of most known renders it must be read, and images must speak for it.
    Otherwise (boxes of which half seem turned round, cars from above) it is not determined, yet not untold.

    Args:
        layout: Columns and choices.
        beliefs: What the network makes of the target images.
        bank: Held-out renders of the bank, read again, round by round: the first lies anywhere, the others
            where the target does. What is read in one of them, or in all these others together, is read.
        fresh: Fresh renders of the generator, read again.
        kept: Columns and classes (``""`` where there is no choice) that have been found untold before, and so
            keep their prior law.
    """
    found = {}
    near = [Reread.joined(bank[1:])] if len(bank) > 1 else []  # enough renders of every class
    for j, column in enumerate(layout.columns):
        case = _Case(layout, j, beliefs, [*bank, *near])
        told = {name: (j, name) not in kept and case.told(name) for name in case.rows}
        known = {name: told[name] and case.resolved(name) for name in told}
        found[column.name] = Identifiability(
            tuple(name for name, yes in known.items() if not yes and name),
            any(known.values()),
            case.spread_told([name for name, yes in known.items() if yes], fresh),
            tuple(name for name, yes in told.items() if not yes),
        )
    return found


@dataclass(frozen=True)
class _Case:
    """One attribute, column j, and what speaks for it.

    Attributes:
        layout: Columns and choices.
        j: The column.
        beliefs: What the network makes of the target images.
        rereads: Sets of known renders; the scenes of the first lie anywhere.
    """

    layout: SceneLayout
    j: int
    beliefs: Beliefs
    rereads: Sequence[Reread]

    def told(self, name: str) -> bool:
        """Whether images of a class say anything of it, if only up to a part of a turn."""
        misread = [each[name] for each in self.misread if name in each]
        if misread and min(each.ratio for each in misread) >= UNKNOWN:
            return False
        narrow = self.widths[:, self.rows[name]].mean(1).min() < UNKNOWN
        return bool(narrow) or any(each.sure for each in misread)

    def resolved(self, name: str) -> bool:
        """Whether the population says at which of a few alike positions an angle is."""
        if name in self.mistaken and self.mistaken[name].ratio >= UNKNOWN:
            return False
        rows = self.rows[name]
        widths = self.widths[:, rows].mean(1)
        if widths[0] < UNKNOWN:
            return True
        alike, turned = self.folds[int(widths.argmin())], self.beliefs.turned
        gains = [turned(self.j, k / alike)[rows] for k in range(1, alike)] if turned else []
        return bool(self.narrow[rows].mean() < RESOLVED * EVEN) and all(map(_above_zero, gains))

    def spread_told(self, names: Sequence[str], fresh: Reread | None) -> bool:
        """Whether images of these classes tell its spread, and readings of fresh renders do not drown it."""
        if not names:
            return False
        rows = np.any([self.rows[name] for name in names], axis=0)
        draws = self.values[rows].reshape(1, -1), self.beliefs.fitted[rows].reshape(1, -1)
        overall = spreads(*draws, self.periodic)[0]
        told = np.sqrt((self.narrow[rows] ** 2).mean()) < UNRESOLVED * overall
        read = {} if fresh is None else fresh.by_class(self.layout, self.column)
        if told and (shown := [read[name] for name in names if name in read]):
            truth, means = map(np.concatenate, zip(*shown, strict=True))
            told = typical_error(truth, means, 1.0 if self.periodic else None) < DROWNED * overall
        return bool(told)

    @property
    def column(self) -> Column:
        return self.layout.columns[self.j]

    @property
    def periodic(self) -> bool:
        return self.column.spec.periodic

    @property
    def folds(self) -> tuple[int, ...]:
        return FOLDS if self.periodic else (1,)

    @property
    def values(self) -> Array:
        """(M, S) posterior draws."""
        return self.beliefs.units[..., self.j]

    @cached_property
    def rows(self) -> dict[str, npt.NDArray[np.bool_]]:
        """Which images show which class."""
        return self.beliefs.by_class(self.layout, self.column.node)

    @cached_property
    def widths(self) -> Array:
        """(folds, M) posterior spread over that of no knowledge, within each part of a turn."""
        flat = self.beliefs.flat
        return np.stack([spreads(self.values * fold, flat, self.periodic) / EVEN for fold in self.folds])

    @cached_property
    def narrow(self) -> Array:
        """(M,) posterior spread under the population."""
        return spreads(self.values, self.beliefs.fitted, self.periodic)

    @cached_property
    def misread(self) -> list[dict[str, Misreading]]:
        """Of each set of known renders, by class."""
        return [misreadings(self.layout, self.column, each) for each in self.rereads]

    @cached_property
    def mistaken(self) -> dict[str, Misreading]:
        """Ends confused included, where scenes lie anywhere: elsewhere a car's place tells them apart."""
        if not (self.rereads and self.periodic):
            return {}
        return misreadings(self.layout, self.column, self.rereads[0], (1,))


def all_identifiable(layout: SceneLayout) -> dict[str, Identifiability]:
    """The assumption where no posterior was inferred."""
    return {column.name: Identifiability((), True, True) for column in layout.columns}


def spreads(values: Array, weights: Array, periodic: bool) -> Array:
    """(M,) spread of each row of weighted (M, S) values on [0, 1], circular if periodic, at most uniform."""
    weights = weights / weights.sum(1, keepdims=True)
    if not periodic:
        mean = (weights * values).sum(1, keepdims=True)
        return np.sqrt((weights * (values - mean) ** 2).sum(1))
    resultant = np.abs((weights * np.exp(2j * np.pi * values)).sum(1)).clip(1e-12, 1)
    return np.minimum(np.sqrt(-2 * np.log(resultant)) / (2 * np.pi), EVEN)


def _above_zero(gain: Array) -> bool:
    return bool(gain.mean() > MEANT * gain.std() / len(gain) ** 0.5)
