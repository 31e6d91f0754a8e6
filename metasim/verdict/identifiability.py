"""Identifiability: what the target images tell of each attribute, judged without the truth."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.scene.layout import Array, Classes, SceneLayout
from metasim.stats.reading import FOLDS, typical_error
from metasim.verdict.rereading import Reread, error_ratios, surely_read

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
FEW = 5  # images of a class that say nothing about it


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


def identify(
    layout: SceneLayout,
    units: Array,
    classes: Classes,
    flat: Array,
    fitted: Array,
    bank: Sequence[Reread] = (),
    fresh: Reread | None = None,
    turned: Callable[[int, float], Array] | None = None,
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
        units: (M, S, D) posterior draws of the target images.
        classes: (M, S, C) their classes.
        flat: (M, S) weights of the posteriors under a flat prior.
        fitted: (M, S) weights under the inferred population.
        bank: Held-out renders of the bank, read again, round by round: the first lies anywhere, the others
            where the target does. What is read in one of them, or in all these others together, is read.
        fresh: Fresh renders of the generator, read again.
        turned: For an angle's column and a share of a turn, (M,) by how much likelier each image is under the
            population than if that were turned so.
        kept: Columns and classes (``""`` where there is no choice) that have been found untold before, and so
            keep their prior law.
    """
    found = {}
    near = [Reread.joined(bank[1:])] if len(bank) > 1 else []  # enough renders of every class
    for j, column in enumerate(layout.columns):
        periodic = column.spec.periodic
        folds = FOLDS if periodic else (1,)
        wide = np.stack([spreads(units[..., j] * fold, flat, periodic) / EVEN for fold in folds])
        narrow = spreads(units[..., j], fitted, periodic)
        overall = spreads(units[..., j].reshape(1, -1), fitted.reshape(1, -1), periodic)[0]
        groups = _by_class(layout, column.node, classes, fitted)
        misread = _least([error_ratios(layout, column, each) for each in [*bank, *near]])
        sure = set().union(*(surely_read(layout, column, each) for each in [*bank, *near]))
        # Which way an angle points is asked only where scenes lie anywhere: elsewhere a car's place tells it.
        mistaken = error_ratios(layout, column, bank[0], (1,)) if bank and periodic else {}
        told = {
            name: (j, name) not in kept
            and misread.get(name, 0.0) < UNKNOWN
            and (name in sure or bool(wide[:, rows].mean(1).min() < UNKNOWN))
            for name, rows in groups.items()
        }
        resolved = {}
        for name, rows in groups.items():
            alike = folds[int(wide[:, rows].mean(1).argmin())]  # so many positions
            gains = [turned(j, k / alike)[rows] for k in range(1, alike)] if turned else []
            meant = narrow[rows].mean() < RESOLVED * EVEN and all(map(_above_zero, gains))
            resolved[name] = mistaken.get(name, 0.0) < UNKNOWN and bool(
                wide[0, rows].mean() < UNKNOWN or meant
            )
        known = {name: told[name] and resolved[name] for name in told}
        rows = np.any([groups[name] for name in known if known[name]] or [np.zeros(len(units), bool)], axis=0)
        spread = rows.any() and np.sqrt((narrow[rows] ** 2).mean()) < UNRESOLVED * overall
        if fresh is not None:
            error = typical_error(fresh.units[:, j], fresh.means[:, j], 1.0 if periodic else None)
            spread = spread and error < DROWNED * overall
        found[column.name] = Identifiability(
            tuple(name for name, yes in known.items() if not yes and name),
            any(known.values()),
            bool(spread),
            tuple(name for name, yes in told.items() if not yes),
        )
    return found


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


def _least(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: min(r[name] for r in rounds if name in r) for name in set().union(*rounds)}


def _by_class(
    layout: SceneLayout, node: str, classes: Classes, weights: Array
) -> dict[str, npt.NDArray[np.bool_]]:
    """Which images show which class of a node; under ``""`` all, where the node has no choice."""
    names = [choice.node for choice in layout.choices]
    if node not in names:
        return {"": np.ones(len(classes), dtype=bool)}
    c = names.index(node)
    kinds = layout.choices[c].classes
    mass = np.stack([(weights * (classes[..., c] == k)).sum(1) for k in range(len(kinds))], axis=1)
    best = mass.argmax(1)
    return {name: best == k for k, name in enumerate(kinds) if (best == k).sum() >= FEW}
