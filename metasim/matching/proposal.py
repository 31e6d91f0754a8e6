"""Proposal: where to render next, with a density known in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.special import logsumexp
from sklearn.cluster import KMeans

from metasim.base.files import whole_file
from metasim.scene.layout import Array, Classes

BINS = 64
SMOOTH_BINS = 1.5
TOGETHER = 32  # factors, none above BINS or below a level by a number of classes: their product is a number


@dataclass(frozen=True)
class Proposal:
    r"""A mixture of products, tempered: each scene draws a level, each attribute may become uniform.

    .. math:: q(\theta, c) = \sum_k w_k \sum_l v_l
              \prod_j \big(\epsilon_l + (1 - \epsilon_l) h_{kj}(\theta_j)\big)
              \prod_i \big(\epsilon_l / n_i + (1 - \epsilon_l) \pi_{ki}(c_i)\big)

    with histograms h on [0, 1]. Independent replacement of single attributes keeps scenes close to the
    plausible ones while every value of every attribute stays possible, and the density stays a short sum.

    Attributes:
        weights: (K,) weights of the components.
        histograms: (K, D, BINS) densities on [0, 1], mean 1.
        class_probabilities: For each choice (K, classes).
        levels: (L,) shares of uniform replacement, equally likely.
    """

    weights: Array
    histograms: Array
    class_probabilities: tuple[Array, ...]
    levels: Array

    def sample(self, rng: np.random.Generator) -> tuple[Array, Classes]:
        """One draw: (D,) attributes on [0, 1] and (C,) class indices."""
        k = rng.choice(len(self.weights), p=self.weights)
        level = rng.choice(self.levels)
        edges = np.cumsum(self.histograms[k], axis=1) / BINS
        at = [np.searchsorted(e, u * e[-1]) for e, u in zip(edges, rng.random(len(edges)), strict=True)]
        units = (np.minimum(at, BINS - 1) + rng.random(len(edges))) / BINS
        units = np.where(rng.random(len(edges)) < level, rng.random(len(edges)), units)
        classes = [
            rng.integers(p.shape[1]) if rng.random() < level else rng.choice(p.shape[1], p=p[k])
            for p in self.class_probabilities
        ]
        return units, np.array(classes, dtype=np.int64)

    def log_density(self, units: Array, classes: Classes) -> Array:
        """(n,) log densities of (n, D) attributes and (n, C) classes."""
        bins = np.clip((units * BINS).astype(int), 0, BINS - 1)
        terms = []
        for k, weight in enumerate(self.weights):
            heights = [self.histograms[k, j, bins[:, j]] for j in range(bins.shape[1])]
            shares = [(p.shape[1], p[k, classes[:, i]]) for i, p in enumerate(self.class_probabilities)]
            for level in self.levels:
                factors = [level + (1 - level) * height for height in heights]
                factors += [level / count + (1 - level) * share for count, share in shares]
                terms.append(np.log(weight / len(self.levels)) + _log_product(factors))
        return np.asarray(logsumexp(np.stack(terms), axis=0))

    def save(self, path: Path) -> None:
        """Writes the proposal whole."""
        shares = {f"classes_{i}": p for i, p in enumerate(self.class_probabilities)}
        with whole_file(path) as file:
            np.savez(file, weights=self.weights, histograms=self.histograms, levels=self.levels, **shares)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as data:
            shares = tuple(data[f"classes_{i}"] for i in range(len(data.files) - 3))
            return cls(data["weights"], data["histograms"], shares, data["levels"])


def _log_product(factors: Sequence[Array]) -> Array:
    """Log of a product of positive arrays; logarithms take far longer than products, which may overflow."""
    parts = [reduce(np.multiply, factors[i : i + TOGETHER]) for i in range(0, len(factors), TOGETHER)]
    return np.sum([np.log(part) for part in parts], axis=0)


def smooth_histogram(units: Array, weights: Array, periodic: bool) -> Array:
    """(BINS,) density of weighted values on [0, 1], mean 1, never 0."""
    heights, _ = np.histogram(units, bins=BINS, range=(0, 1), weights=weights)
    smooth = gaussian_filter1d(heights.astype(float), SMOOTH_BINS, mode="wrap" if periodic else "reflect")
    return 0.98 * smooth * BINS / max(smooth.sum(), 1e-300) + 0.02


def wide_proposal(
    units: Array, classes: Classes, periodic: npt.NDArray[np.bool_], sizes: tuple[int, ...]
) -> Proposal:
    """The tempered wide prior of the first round: at least a quarter of a scene's attributes uniform.

    Args:
        units: (n, D) draws of the prior.
        classes: (n, C) their classes; the proposal takes every class equally often.
        periodic: (D,) which attributes wrap.
        sizes: Number of classes of each choice.
    """
    weights = np.ones(len(units))
    histograms = [smooth_histogram(units[:, j], weights, bool(p)) for j, p in enumerate(periodic)]
    flat = tuple(np.full((1, size), 1 / size) for size in sizes)
    return Proposal(np.ones(1), np.stack(histograms)[None], flat, np.maximum(np.arange(1, 9) / 8, 0.25))


def focused_proposal(
    sets: list[tuple[Array, Classes, Array]],
    periodic: npt.NDArray[np.bool_],
    sizes: tuple[int, ...],
    clusters: int,
    seed: int,
) -> Proposal:
    """A proposal around weighted sets of draws, each set with the same share.

    Args:
        sets: (n, D) attributes, (n, C) classes and (n,) weights of each set.
        periodic: (D,) which attributes wrap.
        sizes: Number of classes of each choice.
        clusters: Components per set; they keep rival modes apart.
        seed: Seed of the clustering.
    """
    weights, histograms, probabilities = [], [], []
    for units, classes, mass in sets:
        turn = 2 * np.pi * units[:, periodic]
        embedded = np.concatenate([units[:, ~periodic], np.cos(turn) / 6, np.sin(turn) / 6], axis=1)
        embedded = embedded / np.sqrt(np.average((embedded - embedded.mean(0)) ** 2, axis=0) + 1e-4)
        # A seed of more bits is beyond the clustering.
        label = KMeans(clusters, random_state=seed % 2**32).fit_predict(embedded, sample_weight=mass)
        for k in range(clusters):
            part = label == k
            if mass[part].sum() <= 0:
                continue
            weights.append(mass[part].sum() / mass.sum() / len(sets))
            histograms.append(
                [smooth_histogram(units[part, j], mass[part], bool(p)) for j, p in enumerate(periodic)]
            )
            probabilities.append(
                [np.bincount(classes[part, i], mass[part], size) for i, size in enumerate(sizes)]
            )
    shares = tuple(np.stack([p[i] / p[i].sum() for p in probabilities]) for i in range(len(sizes)))
    levels = 0.05 + 0.55 * (np.arange(8) / 7) ** 3
    return Proposal(np.array(weights) / sum(weights), np.array(histograms), shares, levels)
