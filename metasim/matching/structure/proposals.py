"""Where sets are drawn from: anywhere at first, then around what was read, at last from what is believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metasim.matching.proposal import Proposal, focused_proposal, wide_proposal
from metasim.matching.structure.bank import SetProposal, assemble
from metasim.matching.structure.inventory import Inventory
from metasim.matching.structure.law import StructureLaw
from metasim.matching.structure.objects import Inferred
from metasim.matching.trainer import CLUSTERS
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Classes, SceneLayout

FLAT = 0.5  # of later rounds' scenes whose numbers are drawn evenly: rare ones must be known too


def wide_sets(inventory: Inventory, prior: Sequence[SceneGraph]) -> SetProposal:
    """All numbers equally often, objects and scenery from the tempered prior."""
    objects, sets = [], inventory.sets(prior)
    for s in range(len(inventory.symbols)):
        layout, units = inventory.part(s), inventory.objects_of(s, sets).units
        empty = np.zeros((len(units), len(layout.choices)), dtype=np.int64)
        objects.append(wide_proposal(units, empty, layout.periodic, layout.class_numbers))
    about = inventory.scenery
    none = np.zeros((len(sets), 0), dtype=np.int64)
    scenery = wide_proposal(sets.scenery, none, about.periodic, ()) if about.columns else None
    count = len(inventory.tallies)
    return SetProposal(np.full(count, 1 / count), tuple(objects), scenery)


def focused_sets(
    wide: SetProposal,
    law: StructureLaw,
    objects: Sequence[Inferred | None],
    scenery: Inferred | None,
    inventory: Inventory,
    seed: int,
) -> SetProposal:
    """Numbers, objects and scenery as they were read."""
    found = [
        wide.objects[s] if inferred is None else _around(inferred, inventory.part(s), seed)
        for s, inferred in enumerate(objects)
    ]
    about = None if scenery is None else _around(scenery, inventory.scenery, seed)
    return SetProposal(FLAT * wide.tallies + (1 - FLAT) * law.tallies, tuple(found), about)


def _around(inferred: Inferred, layout: SceneLayout, seed: int) -> Proposal:
    """Around flat-prior readings and, with the same share, those of the population."""
    believed = inferred.population
    sets = [
        (*draws.pooled(), weights.ravel())
        for draws, weights in (
            (inferred.posteriors, inferred.posteriors.flat_weights()),
            (believed.posteriors, believed.weights),
        )
    ]
    return focused_proposal(sets, layout.periodic, layout.class_numbers, CLUSTERS, seed)


@dataclass(frozen=True)
class Believed:
    """What is believed of the target: its numbers, its objects independent of each other, its scenery.

    Attributes:
        law: The numbers.
        objects: The objects of each symbol, ``None`` where hardly any was seen.
        scenery: The scenery, ``None`` where nothing of it is learnt.
        wide: Stands in for objects that are ``None``.
    """

    law: StructureLaw
    objects: tuple[Inferred | None, ...]
    scenery: Inferred | None
    wide: SetProposal

    def scene(self, inventory: Inventory, rng: np.random.Generator) -> SceneGraph:
        """One scene."""

        def draw(symbol: int) -> tuple[Array, Classes]:
            inferred = self.objects[symbol]
            if inferred is None:
                return self.wide.objects[symbol].sample(rng)
            units, classes = inferred.population.sample(rng, 1)
            return units[0], classes[0]

        scenery = np.zeros(0) if self.scenery is None else self.scenery.population.sample(rng, 1)[0][0]
        return assemble(inventory, self.law.tallies, draw, scenery, rng)
