"""Population: the joint law of attributes and classes behind a set of target images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from metasim.matching.correction import Correction
from metasim.matching.mixture import (
    FINEST_SPREAD,
    ITERATIONS,
    Draws,
    Law,
    Mixture,
    climbed,
    fit_mixture,
    uncut,
)
from metasim.scene.layout import Array, Classes, Labels, SceneLayout
from metasim.stats.gains import clearly_better
from metasim.stats.resampling import systematic_rows

HELD_OUT = 5  # every fifth image chooses the form of the law
MOST_COMPONENTS = 6
SHARPENINGS = 4
LOST = 0.5  # of the images that were read: a law that reads fewer of them has lost its way
PATIENCE = 2  # components beyond the best so far that are still tried


@dataclass(frozen=True)
class Posteriors:
    """Posterior draws of M images, S each, and the density of the bank they were learnt from.

    Attributes:
        units: (M, S, D) attributes on [0, 1].
        classes: (M, S, C) class indices.
        log_bank: (M, S) log density of the bank's proposals at the draws; of those that were chosen for
            being likely, more by what their choice adds.
    """

    units: Array
    classes: Classes
    log_bank: Array

    def rows(self, which: npt.NDArray[np.bool_]) -> Posteriors:
        """The draws of some images."""
        return Posteriors(self.units[which], self.classes[which], self.log_bank[which])

    def uncut(self, cuts: Array, periodic: npt.NDArray[np.bool_], sizes: tuple[int, ...]) -> Draws:
        """The draws on axes without wraps; arguments as of ``Law`` and ``Draws``."""
        return Draws(uncut(self.units, cuts, periodic), self.classes, self.log_bank, sizes)

    def pooled(self) -> tuple[Array, Classes]:
        """(M * S, D) attributes and (M * S, C) classes of all images together."""
        units = self.units.reshape(-1, self.units.shape[-1])
        return units, self.classes.reshape(len(units), self.classes.shape[-1])

    def nearer(self, law: Law, count: int, rng: np.random.Generator) -> Posteriors:
        """So many of each image's draws, half of them by chance and half as they are likely by a law.

        Half by chance keeps all weights bounded where the law is wrong (importance resampling: Rubin, 1988;
        the defensive half: Hesterberg, Technometrics 37, 1995).

        Args:
            law: Where the scenes are, roughly.
            count: How many draws to keep of each image.
            rng: Where the resampling starts.
        """
        log = law.log_densities(self.units, self.classes) - self.log_bank
        likely = np.exp(log - np.asarray(logsumexp(log, axis=1, keepdims=True))) * log.shape[1]
        share = 0.5 + 0.5 * likely
        rows = np.stack([systematic_rows(each, count, rng) for each in share])
        units = np.take_along_axis(self.units, rows[..., None], 1)
        classes = np.take_along_axis(self.classes, rows[..., None], 1)
        log_bank = self.log_bank + np.log(share)
        return Posteriors(units, classes, np.take_along_axis(log_bank, rows, 1))

    def flat_weights(self) -> Array:
        """(M, S) weights that turn each image's draws into its posterior under a flat prior."""
        weights = np.exp(self.log_bank.min(1, keepdims=True) - self.log_bank)
        return weights / weights.sum(1, keepdims=True)


@dataclass(frozen=True)
class Unknown:
    """An attribute of which the images of a class tell nothing.

    Attributes:
        column: The attribute.
        choice: The choice that the class is of; ``None`` for all scenes.
        kind: The class.
    """

    column: int
    choice: int | None = None
    kind: int = 0

    def rows(self, classes: Classes) -> npt.NDArray[np.bool_]:
        """Which of some scenes, with classes (n, C), it concerns."""
        return np.ones(len(classes), bool) if self.choice is None else classes[:, self.choice] == self.kind


def _together(unknown: Sequence[Unknown]) -> list[list[Unknown]]:
    """By class: what is drawn from one scene of the prior, which may tie some attributes to others."""
    found: dict[tuple[int | None, int], list[Unknown]] = {}
    for law in unknown:
        found.setdefault((law.choice, law.kind), []).append(law)
    return list(found.values())


def told(classes: Classes, unknown: Sequence[Unknown], columns: int) -> npt.NDArray[np.bool_]:
    """(..., columns) which attributes the images of scenes with classes (..., C) tell."""
    flat = classes.reshape(math.prod(classes.shape[:-1]), classes.shape[-1])  # which may be 0
    known = np.ones((len(flat), columns), bool)
    for law in unknown:
        known[law.rows(flat), law.column] = False
    return known.reshape(*classes.shape[:-1], columns)


Untold = Callable[[SceneLayout, "Population", Sequence[tuple[Labels, Array]]], tuple[Unknown, ...]]
"""What images do not tell, given what was inferred of them, and round by round known renders with
(n, F, D) what was read of them and of their multiples."""


@dataclass(frozen=True)
class Population:
    """The inferred law: the posterior draws of all images, re-weighted by it.

    Attributes:
        posteriors: The draws of all images but those that have been misread.
        weights: (M, S) weight of each draw; rows sum to 1 until a rehearsal shows that an image stands for
            more, or fewer, than itself.
        law: The mixture that was fitted.
        read: Which of the images that were given have not been misread.
        correction: What a rehearsal has shown to be wrong with it, undone in its draws.
        by_mode: What it has shown to be wrong with each component of the law in angles that have no one mean.
        unknown: What the images do not tell; it keeps its prior law.
        prior: Scenes of the prior, for what is unknown.
    """

    posteriors: Posteriors
    weights: Array
    law: Law
    read: npt.NDArray[np.bool_]
    correction: Correction | None = None
    by_mode: tuple[Correction, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    prior: Labels | None = None

    def sample(self, rng: np.random.Generator, count: int) -> tuple[Array, Classes]:
        """Draws (count, D) attributes on [0, 1] and (count, C) classes; an image as often as it weighs."""
        order = rng.permutation(len(self.weights))
        rows = systematic_rows(self.weights[order].sum(1), count, rng)
        image = rng.permutation(order[rows])
        edges = np.cumsum(self.weights, axis=1)[image]
        draw = (rng.random(count)[:, None] * edges[:, -1:] > edges).sum(1).clip(max=edges.shape[1] - 1)
        units, classes = self.posteriors.units[image, draw], self.posteriors.classes[image, draw]
        units = self.corrected(units, classes)
        for laws in _together(self.unknown):
            assert self.prior is not None
            rows, alike = laws[0].rows(classes), laws[0].rows(self.prior.classes)
            known = self.prior.units[alike] if alike.any() else self.prior.units
            columns = np.array([law.column for law in laws])
            units[np.ix_(rows, columns)] = rng.choice(known[:, columns], rows.sum())
        return units, classes

    def turned_gain(self, column: int, share: float) -> Array:
        """(M,) by how much likelier each image is under the law than under it with an angle turned.

        Args:
            column: The angle.
            share: How far it is turned, as a share of a turn.
        """
        draws = self.posteriors
        units = draws.units.copy()
        units[..., column] = (units[..., column] + share) % 1.0
        as_it_is, turned = (
            np.asarray(logsumexp(self.law.log_densities(each, draws.classes) - draws.log_bank, axis=1))
            for each in (draws.units, units)
        )
        return as_it_is - turned

    def corrected(self, units: Array, classes: Classes) -> Array:
        """(n, D) draws with classes (n, C), without what a rehearsal has shown to be wrong with them."""
        if self.correction is None:
            return units
        known = told(classes, self.unknown, units.shape[1])  # what is not moves nothing that is
        moved = self.correction.apply(np.where(known, units, self.correction.centre))
        if not self.by_mode:
            return moved
        mode = self.law.likeliest(units, classes)
        for k, correction in enumerate(self.by_mode):
            rows = mode == k
            moved[rows] = correction.apply(np.where(known[rows], moved[rows], correction.centre))
        return moved


def fit_population(
    posteriors: Posteriors, periodic: npt.NDArray[np.bool_], sizes: tuple[int, ...], seed: int
) -> Population:
    """Finds the law that makes all images likely together.

    A draw's weight is the law's density over the bank's, so the bank's own (known) density is divided
    out: what label-shift correction does for classes, here for the joint of attributes and classes. The
    simplest law is kept unless one with more components, or with attributes that depend on classes,
    explains held-out images clearly better: on symmetric objects a free law can trade one class's wrong mode
    against another's.

    Args:
        posteriors: Draws of every target image.
        periodic: (D,) which attributes wrap; they are cut where they are emptiest.
        sizes: Number of classes of each choice.
        seed: Seed of the starting clusters.
    """
    flat = posteriors.flat_weights()
    cuts = _emptiest(posteriors.units, flat, periodic)
    draws = posteriors.uncut(cuts, periodic, sizes)
    held = np.arange(len(flat)) % HELD_OUT == HELD_OUT - 1

    def fit(components: int, shared: bool, rows: npt.NDArray[np.bool_]) -> Mixture:
        return fit_mixture(draws.rows(rows), flat[rows], components, shared, seed)

    best: tuple[int, bool] = (1, True)
    score = fit(*best, ~held).log_likelihoods(draws.rows(held))
    for components, shared in _ladder(sizes):
        if components > best[0] + PATIENCE:
            continue
        other = fit(components, shared, ~held).log_likelihoods(draws.rows(held))
        if clearly_better(other - score):
            best, score = (components, shared), other
    law = Law(fit(*best, np.ones_like(held)), cuts, periodic)
    return _weighted(posteriors, draws, law)


def sharpen(rough: Population, many: Posteriors, rng: np.random.Generator) -> Population:
    """Goes on from a law with draws that lie where the law does.

    Of a posterior in many dimensions that is wider than the law few draws lie near it; what the law is like
    in the directions in which it is narrow, two attributes that follow each other, has to be read off those.
    A network that has hardly learnt has posteriors that contradict each other; a law that goes on from there
    may end as the draws of a few images, and is then not taken.

    Args:
        rough: The population as fitted to draws of the posteriors as they are.
        many: More draws of the same images; of each, as many are kept as the population has.
        rng: For the choice among them.
    """
    law, sizes = rough.law, tuple(p.shape[1] for p in rough.law.mixture.class_probabilities)
    near, draws = many, many.uncut(law.cuts, law.periodic, sizes)
    for _ in range(SHARPENINGS):
        near = many.nearer(law, rough.weights.shape[1], rng)
        draws = near.uncut(law.cuts, law.periodic, sizes)
        law = replace(law, mixture=climbed(law.mixture, draws, ITERATIONS, FINEST_SPREAD))
    sharp = _weighted(near, draws, law)
    return sharp if sharp.read.sum() > LOST * rough.read.sum() else rough


def _weighted(posteriors: Posteriors, draws: Draws, law: Law) -> Population:
    """The population of a law, without the images that it says have been misread."""
    read = law.mixture.trust(draws) > 0.5
    return Population(posteriors.rows(read), law.mixture.draw_weights(draws.rows(read)), law, read)


def _ladder(sizes: tuple[int, ...]) -> list[tuple[int, bool]]:
    """Components, and whether classes are independent, from the simplest law up."""
    counts = range(1, MOST_COMPONENTS + 1)
    return [(k, True) for k in counts[1:]] + ([(k, False) for k in counts] if sizes else [])


def _emptiest(units: Array, weights: Array, periodic: npt.NDArray[np.bool_]) -> Array:
    """(D,) where to cut each periodic axis: the middle of its emptiest twelfth."""
    cuts = np.zeros(len(periodic))
    for j in np.flatnonzero(periodic):
        heights, _ = np.histogram(units[..., j].ravel(), 72, (0, 1), weights=weights.ravel())
        window = sum(np.roll(heights, -shift) for shift in range(6))
        cuts[j] = np.mod((np.argmin(window) + 3) / 72, 1.0)
    return cuts
