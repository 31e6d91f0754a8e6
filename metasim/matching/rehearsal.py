"""Rehearsal: the inferred population, rendered and inferred again, shows what the inference does to it.

A parametric bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 6.5): the
scenes drawn are known, so whatever their inference gets wrong, the target's will have got wrong alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from metasim.base.streams import stream
from metasim.matching.correction import TINY, Correction, Shape, offsets
from metasim.matching.population import Population, Unknown, told
from metasim.matching.shares import fair_weights
from metasim.scene.layout import Labels

DRAWS = 8000


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal has shown.

    Attributes:
        inferred: Shape of the population, its modes as often as they should be.
        corrected: Shape of the population with the correction.
        population: The population with that and the correction.
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

        Args:
            population: What was inferred of the target.
            drawn: Labels of the scenes drawn from it.
            again: What was inferred of their renders.
            unknown: What images do not tell.
            seed: Root seed.
        """
        periodic = population.law.periodic
        fair = replace(population, weights=fair_weights(population, drawn, again, unknown))
        ours, classes = fair.sample(stream(seed, "rehearse/inferred"), DRAWS)
        known = told(classes, unknown, ours.shape[1])
        inferred = Shape.of(np.where(known, ours, np.nan), periodic)
        seen = told(drawn.classes, unknown, ours.shape[1])[again.read]  # of the rest readings only guess
        correction = Correction.between(
            inferred,
            np.where(seen, drawn.units[again.read], np.nan),
            np.where(seen[:, None], again.posteriors.units, np.nan),
            again.weights,
            periodic,
        )
        moved = correction.apply(np.where(known, ours, correction.centre))
        corrected = Shape.of(np.where(known, moved, np.nan), periodic)
        return cls(inferred, corrected, replace(fair, correction=correction))

    def changes(self, names: Sequence[str]) -> dict[str, float]:
        """How far the correction moves the mean (of the range) and stretches the spread, by attribute."""
        shift = offsets(self.corrected.mean, self.inferred.mean, self.population.law.periodic)
        stretch = self.corrected.std / np.maximum(self.inferred.std, TINY)
        moved = {f"{name}/shift": float(s) for name, s in zip(names, shift, strict=True)}
        return moved | {f"{name}/stretch": float(s) for name, s in zip(names, stretch, strict=True)}
