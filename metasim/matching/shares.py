"""Shares: how much of a population lies in each mode, freed of what a rehearsal shows to be misread."""

from __future__ import annotations

import numpy as np

from metasim.matching.correction import without_noise
from metasim.matching.population import Population
from metasim.scene.layout import Array, Classes

MOST = 1.5  # times a share grows at most, and shrinks: beyond, the inference has failed


def fair_weights(population: Population, drawn: Array, kinds: Classes, again: Population) -> Array:
    """The (M, S) weights of a population whose modes have the shares that they should have had.

    A network that takes some images of one mode for the other moves its share, however many images there
    are. Scenes drawn from the population and inferred again show by how much, one by one, so that little
    noise is in it; an unknown share is then told by the confusion of known ones (Saerens, Latinne and
    Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", 2002; here to
    first order).

    Args:
        population: What was inferred of the target.
        drawn: (n, D) attributes on [0, 1] of scenes drawn from it.
        kinds: (n, C) their classes.
        again: What was inferred of their renders.
    """
    law, given = population.law, population.posteriors
    true = law.memberships(drawn[again.read][:, None], kinds[again.read][:, None])[:, 0]
    seen = law.memberships(again.posteriors.units, again.posteriors.classes)
    surplus = without_noise((again.weights[..., None] * seen).sum(1) - true)
    memberships = law.memberships(given.units, given.classes)
    shares = np.einsum("ms,msk->k", population.weights, memberships) / len(population.weights)
    factors = np.clip((shares - surplus) / shares, 1 / MOST, MOST)
    weights = population.weights * (memberships @ factors)
    return weights * (len(weights) / weights.sum())
