"""Known scenes: which objects of them are found in their renders, and what is read of these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from metasim.matching.population import Posteriors
from metasim.matching.structure.bank import SetBank, SetRenders
from metasim.matching.structure.inventory import Inventory
from metasim.matching.structure.objects import LEAST, read_objects, read_scenery, taken_for
from metasim.matching.structure.reader import asked_for
from metasim.matching.structure.readings import Readings
from metasim.model.assignment import assign
from metasim.model.sets import STRIDE
from metasim.scene.layout import Array, Classes
from metasim.stats.reading import multiple_means


@dataclass(frozen=True)
class Found:
    """m objects of known renders, and the queries that have found them.

    Attributes:
        image: (m,) render.
        query: (m,) query.
        thing: (m,) index of the object in its render.
    """

    image: npt.NDArray[np.int64]
    query: npt.NDArray[np.int64]
    thing: npt.NDArray[np.int64]

    @classmethod
    def of(cls, renders: SetRenders, readings: Readings, inventory: Inventory) -> Found:
        """Pairs the objects that can be seen with queries; only those that see an object find one."""
        centres = asked_for(renders, len(inventory.kinds))
        logits = torch.logit(torch.from_numpy(readings.presence), eps=1e-6)
        spacing = STRIDE / max(renders.images.shape[1:3])
        image, query, thing = assign(logits, torch.from_numpy(readings.places), centres, spacing)
        sure = readings.seen[image, query]
        return cls(image[sure], query[sure], thing[sure])

    def among(self, renders: range) -> Found:
        """Those of some renders in a row, which are then numbered from 0."""
        own = (self.image >= renders.start) & (self.image < renders.stop)
        return Found(self.image[own] - renders.start, self.query[own], self.thing[own])


@dataclass(frozen=True)
class Known:
    """Objects of a symbol that were found, or the scenery of renders.

    Attributes:
        units: (n, D) their true attributes on [0, 1].
        classes: (n, C) their true classes.
        posteriors: What was read of them.
    """

    units: Array
    classes: Classes
    posteriors: Posteriors

    @classmethod
    def objects(
        cls,
        renders: SetRenders,
        readings: Readings,
        found: Found,
        bank: SetBank,
        inventory: Inventory,
        symbol: int,
    ) -> Known | None:
        """Of the objects of a symbol that were taken for such; ``None`` if hardly any was."""
        kinds = renders.kinds[found.image, found.thing]
        own = taken_for(readings, inventory, symbol)[found.image, found.query]
        own &= inventory.symbol_of[kinds] == symbol
        if own.sum() < LEAST:
            return None
        image, query, thing = found.image[own], found.query[own], found.thing[own]
        classes = np.searchsorted(inventory.kinds_of(symbol), kinds[own])
        return cls(
            renders.units[image, thing][:, inventory.owned[symbol]],
            classes[:, None][:, : len(inventory.part(symbol).choices)],
            read_objects(readings, bank, inventory, symbol, image, query),
        )

    @classmethod
    def scenery(cls, renders: SetRenders, readings: Readings, bank: SetBank) -> Known:
        """Of all renders."""
        none = np.zeros((len(renders), 0), dtype=np.int64)
        return cls(renders.scenery, none, read_scenery(readings, bank))

    def multiples(self, periodic: npt.NDArray[np.bool_]) -> Array:
        """(n, F, D) means of what was read and of its multiples, see ``multiple_means``."""
        return multiple_means(self.posteriors.units, periodic)
