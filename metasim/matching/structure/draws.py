"""Draws of whole sets: how many objects an image shows, where among the queries, of which kinds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from metasim.matching.structure.inventory import ABSENT, Inventory
from metasim.matching.structure.readings import Readings
from metasim.scene.layout import Array, Classes
from metasim.stats.subsets import sample_subsets

DRAWS = 24
UNSEEN = -2  # kind of an object that is there by the numbers, but hidden
LEAST = 1e-6


@dataclass(frozen=True)
class SetDraws:
    """S draws for each of M images, of at most N objects.

    Attributes:
        tallies: (M, S) which tally.
        kinds: (M, S, N) kind of each object, ``UNSEEN`` or ``ABSENT``.
        symbols: (M, S, N) symbol of each object, ``ABSENT`` beyond the last.
    """

    tallies: Classes
    kinds: Classes
    symbols: Classes

    def counts(self, kinds: int) -> Array:
        """(M, S, K) how many objects of each kind are seen."""
        return (self.kinds[..., None] == np.arange(kinds)).sum(2).astype(np.float64)


def draw_sets(readings: Readings, inventory: Inventory, hidden: float, rng: np.random.Generator) -> SetDraws:
    """Draws sets from what was read of images.

    The number comes first; so many of the queries are then right, each with its own odds; those that the
    number asks for beyond are hidden ones. Symbols are shared out as the tally says, by the best
    assignment of perturbed log-probabilities.

    Args:
        readings: Of M images.
        inventory: What scenes may hold.
        hidden: Share of objects that cannot be seen.
        rng: Draws them.

    References:
        Perturb and MAP: Papandreou and Yuille, "Perturb-and-MAP random fields", ICCV 2011.
    """
    images, most = len(readings.tallies), inventory.most
    edges = np.cumsum(readings.tallies, axis=1)
    tallies = (rng.random((images, DRAWS, 1)) * edges[:, None, -1:] > edges[:, None]).sum(2)
    tallies = np.minimum(tallies, len(inventory.tallies) - 1)
    seen = np.clip(readings.presence, LEAST, 1 - LEAST)
    odds = np.concatenate([seen / (1 - seen), np.full((images, most), hidden / (1 - hidden))], axis=1)
    rows = np.repeat(np.arange(images), DRAWS)
    members = sample_subsets(odds[rows], inventory.sizes[tallies.ravel()], rng)
    kinds = np.full((len(rows), most), ABSENT, dtype=np.int64)
    symbols = kinds.copy()
    logs = np.log(np.maximum(readings.kinds, LEAST))
    for row, (image, tally) in enumerate(zip(rows, tallies.ravel(), strict=True)):
        queries = np.flatnonzero(members[row])
        found = queries[queries < seen.shape[1]]
        at = len(found)
        seats = np.repeat(np.arange(len(inventory.symbols)), inventory.tallies[tally])
        taken, picked = _share_out(logs[image, found], seats, inventory, rng)
        kinds[row, :at], symbols[row, :at] = picked, seats[taken]
        kinds[row, at : len(seats)] = UNSEEN
        symbols[row, at : len(seats)] = np.delete(seats, taken)
    shape = (images, DRAWS, most)
    return SetDraws(tallies, kinds.reshape(shape), symbols.reshape(shape))


def _share_out(
    logs: Array, seats: Classes, inventory: Inventory, rng: np.random.Generator
) -> tuple[npt.NDArray[np.intp], Classes]:
    """Which seat each object takes, and of which kind it then is, given (objects, K) log-probabilities."""
    perturbed = logs + rng.gumbel(size=logs.shape)
    same = inventory.symbol_of[None, :] == seats[:, None]  # (seats, K)
    if len(set(seats.tolist())) > 1:
        best = np.where(same[None], perturbed[:, None], -np.inf).max(2)
        objects, taken = linear_sum_assignment(-best)
        taken = taken[np.argsort(objects)]
    else:
        taken = np.arange(len(logs))
    return taken, np.where(same[taken], perturbed, -np.inf).argmax(1)
