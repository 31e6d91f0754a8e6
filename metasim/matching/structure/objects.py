"""Laws of attributes: of a symbol's objects together, whichever image they are in, and of the scenery."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.matching.inversion import EMPHASIS
from metasim.matching.population import Population, Posteriors, fit_population
from metasim.matching.structure.bank import SetBank
from metasim.matching.structure.inventory import Inventory
from metasim.matching.structure.readings import Readings
from metasim.scene.layout import SceneLayout

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

    @classmethod
    def of(cls, posteriors: Posteriors, layout: SceneLayout, seed: int) -> Inferred:
        """The law behind some draws of what a layout tells of."""
        return cls(posteriors, fit_population(posteriors, layout.periodic, layout.class_numbers, seed))


def infer_objects(
    readings: Readings, bank: SetBank, inventory: Inventory, symbol: int, seed: int, rng: np.random.Generator
) -> Inferred | None:
    """The law of the objects of a symbol that are seen in images; ``None`` if hardly any is.

    Objects of one symbol are exchangeable, so each is a witness of one law, as each image is where scenes
    have the same nodes.
    """
    image, query = np.nonzero(taken_for(readings, inventory, symbol))
    if len(image) < LEAST:
        return None
    rows = np.sort(rng.permutation(len(image))[:MOST])
    posteriors = read_objects(readings, bank, inventory, symbol, image[rows], query[rows])
    return Inferred.of(posteriors, inventory.part(symbol), seed)


def taken_for(readings: Readings, inventory: Inventory, symbol: int) -> npt.NDArray[np.bool_]:
    """(n, Q) which queries see an object that is, as far as can be told, of a symbol."""
    likely = inventory.symbol_of[readings.kinds.argmax(2)] == symbol
    return readings.seen & likely & (inventory.symbol_of[readings.drawn_kinds] == symbol).all(2)


def read_objects(
    readings: Readings,
    bank: SetBank,
    inventory: Inventory,
    symbol: int,
    image: npt.NDArray[np.intp],
    query: npt.NDArray[np.intp],
) -> Posteriors:
    """What was read of the attributes and classes of some objects of a symbol, (m,) images and queries."""
    units = readings.drawn_units[image, query][..., inventory.owned[symbol]]
    kinds = np.searchsorted(inventory.kinds_of(symbol), readings.drawn_kinds[image, query])
    classes = kinds[..., None][..., : len(inventory.part(symbol).choices)]
    return Posteriors(units, classes, bank.log_density(symbol, units, classes, bank.shares(EMPHASIS)))


def infer_scenery(readings: Readings, bank: SetBank, inventory: Inventory, seed: int) -> Inferred | None:
    """The joint law of the scenery's attributes; ``None`` where none is learnt."""
    if not inventory.scenery.columns:
        return None
    return Inferred.of(read_scenery(readings, bank), inventory.scenery, seed)


def read_scenery(readings: Readings, bank: SetBank) -> Posteriors:
    """What was read of the scenery of each image."""
    units = readings.drawn_scenery
    log_bank = bank.scenery_log_density(units, bank.shares(EMPHASIS))
    return Posteriors(units, np.zeros((*units.shape[:2], 0), dtype=np.int64), log_bank)
