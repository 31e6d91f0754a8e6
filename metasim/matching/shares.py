"""Shares: how much of a population lies in each mode, freed of what a rehearsal shows to be misread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metasim.matching.correction import without_noise
from metasim.matching.population import Population, Unknown, told
from metasim.scene.layout import Array, Labels

MOST = 1.5  # times a share grows at most, and shrinks: beyond, the inference has failed


def fair_weights(
    population: Population, drawn: Labels, again: Population, unknown: Sequence[Unknown]
) -> Array:
    """The (M, S) weights of a population whose modes have the shares that they should have had.

    A network that takes some images of one mode for the other moves its share, however many images there
    are. Scenes drawn from the population and inferred again show by how much, one by one, so that little
    noise is in it; an unknown share is then told by the confusion of known ones (Saerens, Latinne and
    Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", 2002; here to
    first order). Classes that hide an attribute are left as they are: of their modes readings only guess.

    Args:
        population: What was inferred of the target.
        drawn: Labels of n scenes drawn from it.
        again: What was inferred of their renders.
        unknown: What images do not tell.
    """
    law, given = population.law, population.posteriors
    columns = given.units.shape[-1]
    rows = again.read & told(drawn.classes, unknown, columns).all(-1)
    mass = population.weights * told(given.classes, unknown, columns).all(-1)
    if not (rows.any() and mass.any()):
        return population.weights
    true = law.memberships(drawn.units[rows][:, None], drawn.classes[rows][:, None])[:, 0]
    known = rows[again.read]
    seen = law.memberships(again.posteriors.units[known], again.posteriors.classes[known])
    surplus = without_noise((again.weights[known][..., None] * seen).sum(1) - true)

    memberships = law.memberships(given.units, given.classes)
    shares = np.einsum("ms,msk->k", mass, memberships) / mass.sum()
    rise = np.divide(shares - surplus, shares, out=np.ones_like(shares), where=shares > 0)
    factors = memberships @ np.clip(rise, 1 / MOST, MOST)
    return population.weights - mass + mass * factors * (mass.sum() / (mass * factors).sum())
