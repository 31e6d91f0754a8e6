"""StructureLaw: how often each number of objects and each kind is behind a set of images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.grammar.expansion import Step
from metasim.matching.structure.bank import SetRenders
from metasim.matching.structure.draws import UNSEEN, SetDraws
from metasim.matching.structure.inventory import Inventory
from metasim.matching.structure.known import Found
from metasim.matching.structure.readings import Readings
from metasim.scene.layout import Array, Classes
from metasim.stats.resampling import systematic_rows
from metasim.stats.unfolding import tilt, unfold

ITERATIONS = 30
HELD_OUT = 5  # every fifth image's derivations tell when to stop
ALIKE = 4.0  # objects of each symbol, as of any number, that are seen besides in scenes of each number
PRIOR_COUNT = 0.5  # examples that a reader is taken to get right, beside the real ones


@dataclass(frozen=True)
class StructureLaw:
    """Margins of the structure.

    Attributes:
        tallies: (T,) probability of each tally.
        kinds: (K,) probability of each kind among the objects of its symbol.
    """

    tallies: Array
    kinds: Array

    def means(self, inventory: Inventory) -> Array:
        """(T + K,) probability of each tally and mean number of objects of each kind."""
        number = self.tallies @ np.array(inventory.tallies, dtype=np.float64)
        return np.concatenate([self.tallies, self.kinds * number[inventory.symbol_of]])


@dataclass(frozen=True)
class Confusion:
    """What known renders are taken for.

    Attributes:
        tallies: (T, T) mean of the tally probabilities read of scenes of each tally.
        kinds: (K, K) mean of the kind probabilities read of objects of each kind that are seen.
        found: (K,) share of the objects of each kind that are seen.
    """

    tallies: Array
    kinds: Array
    found: Array

    @classmethod
    def of(cls, renders: SetRenders, readings: Readings, found: Found, inventory: Inventory) -> Confusion:
        """Compares what was read of renders, and found in them, with what they show."""
        tallies, kinds = (PRIOR_COUNT * np.eye(n) for n in (len(inventory.tallies), len(inventory.kinds)))
        np.add.at(tallies, renders.tallies, readings.tallies)
        true = renders.kinds[found.image, found.thing]
        np.add.at(kinds, true, readings.kinds[found.image, found.query])
        everyone = renders.kinds[renders.kinds >= 0]
        there, all_there = (np.bincount(k, minlength=len(kinds)) for k in (true, everyone))
        shares = (there + PRIOR_COUNT) / (all_there + PRIOR_COUNT)
        tallies, kinds = (counts / counts.sum(1, keepdims=True) for counts in (tallies, kinds))
        return cls(tallies, kinds, np.minimum(shares, 1))

    def undo(self, readings: Readings, start: StructureLaw, inventory: Inventory) -> StructureLaw:
        """The law that would have been taken for what was read."""
        tallies = unfold(self.tallies, readings.tallies.mean(0), start.tallies)
        if not readings.seen.any():  # a reader that has learnt nothing yet
            return StructureLaw(tallies, start.kinds)
        read = readings.kinds[readings.seen].mean(0)
        kinds = unfold(self.kinds, read, start.means(inventory)[len(tallies) :]) / self.found
        return StructureLaw(tallies, _by_symbol(kinds, inventory, start.kinds))


def fit_law(draws: SetDraws, bank: StructureLaw, inventory: Inventory) -> tuple[StructureLaw, Array]:
    """The law that makes all images likely together: a number, and kinds that may go with it.

    Draws are weighted by the law's probability over the bank's, whose own law is known and whose kinds
    do not go with numbers. Were the law's taken to do no more, what a reader is unsure of would be told
    alike for all numbers, and so loosen whatever ties them.

    Args:
        draws: Of M images, S each.
        bank: Law of the renders that the reader has learnt from.
        inventory: What scenes may hold.

    Returns:
        The law's margins, and (M, S) weights of the draws; rows sum to 1.

    References:
        Saerens, Latinne and Decaestecker, "Adjusting the outputs of a classifier to new a priori
        probabilities", Neural Computation 14, 2002.
    """
    counts, taken = draws.counts(len(inventory.kinds)), draws.tallies.ravel()
    law, given = bank, np.tile(bank.kinds, (len(bank.tallies), 1))
    weights = np.full(draws.tallies.shape, 1 / draws.tallies.shape[1])
    for _ in range(ITERATIONS):
        ratio = np.log(given / bank.kinds)[draws.tallies]
        logs = np.log(law.tallies / bank.tallies)[draws.tallies] + (counts * ratio).sum(2)
        weights = np.exp(logs - logs.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)
        tallies = np.bincount(taken, weights.ravel(), len(law.tallies)) + 1e-3
        weighted = (weights[..., None] * counts).reshape(len(taken), -1)
        pairs = np.stack([np.bincount(taken, column, len(tallies)) for column in weighted.T], axis=1)
        kinds = _by_symbol(pairs.sum(0) + 1e-2, inventory, bank.kinds)
        given = np.stack([_by_symbol(row + ALIKE * kinds, inventory, kinds) for row in pairs])
        law = StructureLaw(tallies / tallies.sum(), kinds)
    return law, weights


def corrected(draws: SetDraws, weights: Array, law: StructureLaw, inventory: Inventory) -> Array:
    """(M, S) weights, of sum 1, that give the draws the margins of a law and leave dependences alone.

    Args:
        draws: Of M images, S each.
        weights: (M, S) their weights within each image.
        law: The margins.
        inventory: What scenes may hold.
    """
    counts = draws.counts(len(inventory.kinds))
    tallies = np.eye(len(law.tallies))[draws.tallies]
    # An object that is not seen is of the law's kinds.
    for s in range(len(inventory.symbols)):
        unseen = ((draws.kinds == UNSEEN) & (draws.symbols == s)).sum(2)
        own = inventory.kinds_of(s)
        counts[..., own] += unseen[..., None] * law.kinds[own]
    features = np.concatenate([tallies, counts], axis=2)
    flat = tilt(weights.ravel() / weights.sum(), features.reshape(weights.size, -1), law.means(inventory))
    return flat.reshape(weights.shape)


def fill_unseen(
    draws: SetDraws, law: StructureLaw, inventory: Inventory, rng: np.random.Generator
) -> Classes:
    """(M, S, N) kinds with unseen objects drawn from a law."""
    kinds = draws.kinds.copy()
    for s in range(len(inventory.symbols)):
        own, unseen = inventory.kinds_of(s), (kinds == UNSEEN) & (draws.symbols == s)
        kinds[unseen] = rng.choice(own, unseen.sum(), p=law.kinds[own] / law.kinds[own].sum())
    return kinds


def shown_derivations(
    draws: SetDraws,
    weights: Array,
    law: StructureLaw,
    inventory: Inventory,
    count: int,
    rng: np.random.Generator,
) -> tuple[list[list[Step]], npt.NDArray[np.bool_]]:
    """Derivations that make what images show.

    Args:
        draws: Of M images, S each.
        weights: (M, S) how often each is to be derived.
        law: What objects that are not seen are.
        inventory: What scenes may hold.
        count: How many derivations.
        rng: Draws them.

    Returns:
        The derivations, and (count,) which are of the images that only tell when to stop.
    """
    kinds = fill_unseen(draws, law, inventory, rng)
    rows = systematic_rows(weights.ravel(), count, rng)
    derivations = []
    for row in rows:
        image, draw = divmod(int(row), weights.shape[1])
        tally = int(draws.tallies[image, draw])
        nodes, _ = inventory.nodes(tally, kinds[image, draw, : inventory.sizes[tally]], rng)
        derivations.append(inventory.expansion.steps(nodes))
    return derivations, rows // weights.shape[1] % HELD_OUT == HELD_OUT - 1


def _by_symbol(kinds: Array, inventory: Inventory, otherwise: Array) -> Array:
    """Kinds as shares within their symbols; other shares for symbols of which there are no objects."""
    totals = np.bincount(inventory.symbol_of, kinds, len(inventory.symbols))[inventory.symbol_of]
    return np.divide(kinds, totals, out=otherwise.copy(), where=totals > 0)
