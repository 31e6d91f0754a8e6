"""Objects: the attributes of all objects of a symbol together, whichever image they are in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metasim.matching.inversion import EMPHASIS
from metasim.matching.population import Population, Posteriors, fit_population
from metasim.matching.structure.bank import SetBank
from metasim.matching.structure.inventory import Inventory
from metasim.matching.structure.reader import Readings

MOST = 2000  # objects that a law is told from
LEAST = 20  # objects, below which nothing is


@dataclass(frozen=True)
class ObjectDraws:
    """Posterior draws of the objects of one symbol that are seen, and what is made of them.

    Attributes:
        posteriors: The draws; classes are (objects, S, 0) where the symbol has none to choose.
        population: The law behind them.
    """

    posteriors: Posteriors
    population: Population


def object_draws(
    readings: Readings, bank: SetBank, inventory: Inventory, symbol: int, seed: int, rng: np.random.Generator
) -> ObjectDraws | None:
    """Objects of a symbol seen in images; ``None`` if hardly any is.

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
    return ObjectDraws(posteriors, fit_population(posteriors, layout.periodic, sizes, seed))
