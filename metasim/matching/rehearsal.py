"""Rehearsal: the inferred population, rendered and inferred again, shows what the inference does to it.

A parametric bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 6.5): the
scenes drawn are known, so whatever their inference gets wrong, the target's will have got wrong alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from metasim.base.streams import stream
from metasim.matching.correction import TINY, WIDEST, Correction, Shape, offsets
from metasim.matching.population import Population, Unknown, told
from metasim.matching.shares import fair_weights
from metasim.scene.layout import Labels

DRAWS = 8000
APART = 0.25  # of a turn: a mode farther than this from an angle's mean is not stretched around it
RARE = 0.02  # share of the scenes: modes of fewer are left to the others

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal has shown.

    Attributes:
        inferred: Shape of the population, its modes as often as they should be.
        corrected: Shape of the population with the correction.
        population: The population with that, the correction and what images do not tell.
    """

    inferred: Shape
    corrected: Shape
    population: Population

    @classmethod
    def of(
        cls,
        population: Population,
        drawn: Labels,
        again: Population,
        unknown: Sequence[Unknown],
        seed: int,
    ) -> Rehearsal:
        """Compares scenes drawn from a population with the population inferred of their renders.

        An angle that is spread all round, in two modes say, or of which some lie far from the others, as
        digits that are read upside down do, has no mean to be corrected around: it is mode by mode, by
        the scenes that were drawn from each.

        Args:
            population: What was inferred of the target.
            drawn: Labels of the scenes drawn from it.
            again: What was inferred of their renders.
            unknown: What images do not tell.
            seed: Root seed.
        """
        law, columns = population.law, drawn.units.shape[1]
        fair = replace(population, weights=fair_weights(population, drawn, again, unknown))
        units, classes = fair.sample(stream(seed, "rehearse/inferred"), DRAWS)
        known = told(classes, unknown, columns)
        seen = told(drawn.classes, unknown, columns)[again.read]  # of the rest readings only guess
        true, kinds = drawn.units[again.read], drawn.classes[again.read]

        def between(ours: Mask, theirs: Mask) -> Correction:
            """The correction of what two masks leave of the population, and of the scenes drawn from it."""
            inferred = Shape.of(np.where(ours, units, np.nan), law.periodic)
            found = np.where(theirs[:, None], again.posteriors.units, np.nan)
            return Correction.between(
                inferred, np.where(theirs, true, np.nan), found, again.weights, law.periodic
            )

        inferred = Shape.of(np.where(known, units, np.nan), law.periodic)
        centres = law.centres[law.mixture.weights > RARE]
        apart = (np.abs(offsets(centres, inferred.mean, law.periodic)) > APART).any(0)
        wide = law.periodic & (apart | (inferred.std > WIDEST))
        mode, their_mode = law.likeliest(units, classes)[:, None], law.likeliest(true, kinds)[:, None]
        modes = range(len(law.mixture.weights)) if wide.any() else ()
        corrected = replace(
            fair,
            correction=between(known & ~wide, seen & ~wide),
            by_mode=tuple(
                between(known & wide & (mode == k), seen & wide & (their_mode == k)) for k in modes
            ),
            unknown=tuple(unknown),
        )
        moved = np.where(known, corrected.corrected(units, classes), np.nan)
        return cls(inferred, Shape.of(moved, law.periodic), corrected)

    def changes(self, names: Sequence[str]) -> dict[str, float]:
        """How far the correction moves the mean (of the range) and stretches the spread, by attribute."""
        shift = offsets(self.corrected.mean, self.inferred.mean, self.population.law.periodic)
        stretch = self.corrected.std / np.maximum(self.inferred.std, TINY)
        moved = {f"{name}/shift": float(s) for name, s in zip(names, shift, strict=True)}
        return moved | {f"{name}/stretch": float(s) for name, s in zip(names, stretch, strict=True)}
