"""Where sets are drawn from: anywhere at first, then around what was read, at last from what is believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metasim.matching.proposal import focused_proposal, wide_proposal
from metasim.matching.structure.bank import SetProposal, assemble
from metasim.matching.structure.inventory import Inventory
from metasim.matching.structure.law import StructureLaw
from metasim.matching.structure.objects import ObjectDraws
from metasim.matching.trainer import CLUSTERS
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Classes

FLAT = 0.5  # of later rounds' scenes whose numbers are drawn evenly: rare ones must be known too


def wide_sets(inventory: Inventory, prior: Sequence[SceneGraph]) -> SetProposal:
    """All numbers equally often, objects from the tempered prior."""
    objects, sets = [], inventory.sets(prior)
    for s in range(len(inventory.symbols)):
        layout, sizes = inventory.part(s), inventory.class_numbers(s)
        mine = (inventory.symbol_of[sets.kinds] == s) & (sets.kinds >= 0)
        units = sets.units[mine][:, inventory.owned[s]]
        empty = np.zeros((len(units), len(sizes)), dtype=np.int64)
        objects.append(wide_proposal(units, empty, layout.periodic, sizes))
    count = len(inventory.tallies)
    return SetProposal(np.full(count, 1 / count), tuple(objects))


def focused_sets(
    wide: SetProposal,
    law: StructureLaw,
    objects: Sequence[ObjectDraws | None],
    inventory: Inventory,
    seed: int,
) -> SetProposal:
    """Numbers and objects as they were read; flat-prior readings of objects beside the population's."""
    found = []
    for s, drawn in enumerate(objects):
        if drawn is None:
            found.append(wide.objects[s])
            continue
        believed = drawn.population
        sets = [
            (*draws.pooled(), weights.ravel())
            for draws, weights in (
                (drawn.posteriors, drawn.posteriors.flat_weights()),
                (believed.posteriors, believed.weights),
            )
        ]
        periodic = inventory.part(s).periodic
        found.append(focused_proposal(sets, periodic, inventory.class_numbers(s), CLUSTERS, seed))
    return SetProposal(FLAT * wide.tallies + (1 - FLAT) * law.tallies, tuple(found))


@dataclass(frozen=True)
class Believed:
    """What is believed of the target: its numbers, and its objects independent of each other.

    Attributes:
        law: The numbers.
        objects: The objects of each symbol, ``None`` where hardly any was seen.
        wide: Stands in for these.
    """

    law: StructureLaw
    objects: tuple[ObjectDraws | None, ...]
    wide: SetProposal

    def scene(self, inventory: Inventory, rng: np.random.Generator) -> SceneGraph:
        """One scene."""

        def draw(symbol: int) -> tuple[Array, Classes]:
            drawn = self.objects[symbol]
            if drawn is None:
                return self.wide.objects[symbol].sample(rng)
            units, classes = drawn.population.sample(rng, 1)
            return units[0], classes[0]

        return assemble(inventory, self.law.tallies, draw, rng)
