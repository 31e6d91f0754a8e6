"""Laws of attributes: of a symbol's objects together, whichever image they are in, and of the scenery."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metasim.matching.inversion import EMPHASIS
from metasim.matching.population import Population, Posteriors, fit_population
from metasim.matching.structure.bank import SetBank
from metasim.matching.structure.inventory import Inventory
from metasim.matching.structure.readings import Readings

MOST = 2000  # objects that a law is told from
LEAST = 20  # objects, below which nothing is


@dataclass(frozen=True)
class Inferred:
    """Posterior draws of attributes, and what is made of them.

    Attributes:
        posteriors: Of the objects of one symbol that are seen, or of the scenery of each image; classes are
            (n, S, 0) where there are none to choose.
        population: The law behind them.
    """

    posteriors: Posteriors
    population: Population


def infer_objects(
    readings: Readings, bank: SetBank, inventory: Inventory, symbol: int, seed: int, rng: np.random.Generator
) -> Inferred | None:
    """The law of the objects of a symbol that are seen in images; ``None`` if hardly any is.

    Objects of one symbol are exchangeable, so each is a witness of one law, as each image is where scenes
    have the same nodes.
    """
    own = inventory.kinds_of(symbol)
    likely = inventory.symbol_of[readings.kinds.argmax(2)] == symbol
    image, query = np.nonzero(readings.seen & likely)
    kinds = readings.drawn_kinds[image, query]
    pure = (inventory.symbol_of[kinds] == symbol).all(1)
    image, query, kinds = image[pure], query[pure], kinds[pure]
    if len(image) < LEAST:
        return None
    rows = np.sort(rng.permutation(len(image))[:MOST])
    units = readings.drawn_units[image[rows], query[rows]][..., inventory.owned[symbol]]
    layout = inventory.part(symbol)
    classes = np.searchsorted(own, kinds[rows])[..., None][..., : len(layout.choices)]
    log_bank = bank.log_density(symbol, units, classes, bank.shares(EMPHASIS))
    posteriors = Posteriors(units, classes, log_bank)
    sizes = inventory.class_numbers(symbol)
    return Inferred(posteriors, fit_population(posteriors, layout.periodic, sizes, seed))


def infer_scenery(readings: Readings, bank: SetBank, inventory: Inventory, seed: int) -> Inferred | None:
    """The joint law of the scenery's attributes; ``None`` where none is learnt."""
    if not inventory.scenery.columns:
        return None
    units = readings.drawn_scenery
    log_bank = bank.scenery_log_density(units, bank.shares(EMPHASIS))
    posteriors = Posteriors(units, np.zeros((*units.shape[:2], 0), dtype=np.int64), log_bank)
    return Inferred(posteriors, fit_population(posteriors, inventory.scenery.periodic, (), seed))
