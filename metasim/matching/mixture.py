"""Mixture: normals with full covariance and class probabilities, fitted by EM to posterior draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from sklearn.cluster import KMeans

from metasim.scene.layout import Array, Classes

ITERATIONS = 40
SHORT_RUN = 8  # iterations of each start that is tried
THINNED = 4  # these see every fourth draw
# Of the range, added to every component's spread in every step. Where posteriors are much wider than the
# law a step narrows it by little, and what is added holds it open; without it few draws may become all of it.
LEAST_SPREAD = 2e-3
FINEST_SPREAD = 2e-4  # where many draws lie near the law
MISREAD = 0.005  # share of images of which nothing is believed: a digit read upside down, say


@dataclass(frozen=True)
class Draws:
    """Posterior draws of M images, S each, on axes without wraps.

    Attributes:
        points: (M, S, D).
        classes: (M, S, C) class indices.
        log_bank: (M, S) log density of the bank's proposals at the draws.
        sizes: Number of classes of each choice.
    """

    points: Array
    classes: Classes
    log_bank: Array
    sizes: tuple[int, ...]

    @cached_property
    def misread(self) -> Array:
        """(M,) log likelihood of each image, up to a constant of it, as one that was misread."""
        anything = -self.log_bank - sum(np.log(size) for size in self.sizes)
        return np.asarray(logsumexp(anything, axis=1)) + np.log(MISREAD)

    def rows(self, which: npt.NDArray[np.bool_]) -> Draws:
        """The draws of some images."""
        return Draws(self.points[which], self.classes[which], self.log_bank[which], self.sizes)

    def thinned(self, step: int) -> Draws:
        """Every so many-th draw of each image."""
        return Draws(self.points[:, ::step], self.classes[:, ::step], self.log_bank[:, ::step], self.sizes)


@dataclass(frozen=True)
class Mixture:
    """A law of attributes and classes.

    Attributes:
        weights: (K,).
        means: (K, D).
        factors: (K, D, D) lower Cholesky factors of the covariances.
        class_probabilities: For each choice (K, classes).
        shared: Whether all components have the same class probabilities, so that attributes and classes
            are independent.
    """

    weights: Array
    means: Array
    factors: Array
    class_probabilities: tuple[Array, ...]
    shared: bool

    def log_ratios(self, draws: Draws) -> Array:
        """(M, S, K) log of component weight and density over the bank's density."""
        images, per_image, width = draws.points.shape
        points = draws.points.reshape(-1, width)
        classes = draws.classes.reshape(len(points), -1)
        columns = []
        for k, weight in enumerate(self.weights):
            inverse = solve_triangular(self.factors[k], np.eye(width), lower=True)
            white = points @ inverse.T - inverse @ self.means[k]
            squares = np.einsum("nd,nd->n", white, white)
            log = np.log(weight) - 0.5 * squares - np.log(np.diag(self.factors[k])).sum()
            for i, probability in enumerate(self.class_probabilities):
                log = log + np.log(probability[k, classes[:, i]])
            columns.append(log - 0.5 * width * np.log(2 * np.pi))
        return np.stack(columns, axis=1).reshape(images, per_image, -1) - draws.log_bank[..., None]

    def log_likelihoods(self, draws: Draws) -> Array:
        """(M,) log likelihood of each image, up to a constant of the image; it may have been misread."""
        return np.logaddexp(_read(self.log_ratios(draws)), draws.misread)

    def trust(self, draws: Draws) -> Array:
        """(M,) chance that each image has been read at all, and not misread."""
        read = _read(self.log_ratios(draws))
        return np.exp(read - np.logaddexp(read, draws.misread))

    def draw_weights(self, draws: Draws) -> Array:
        """(M, S) weight of each draw in its image's posterior under this law; rows sum to 1."""
        log = np.asarray(logsumexp(self.log_ratios(draws), axis=2))
        return np.exp(log - logsumexp(log, axis=1, keepdims=True))


@dataclass(frozen=True)
class Law:
    """A mixture of attributes of which some wrap.

    Attributes:
        mixture: The law on axes without wraps.
        cuts: (D,) where on [0, 1] these begin.
        periodic: (D,) which attributes wrap.
    """

    mixture: Mixture
    cuts: Array
    periodic: npt.NDArray[np.bool_]

    @property
    def centres(self) -> Array:
        """(K, D) means of the components on [0, 1]."""
        return np.where(self.periodic, np.mod(self.mixture.means + self.cuts, 1.0), self.mixture.means)

    def log_density(self, units: Array, classes: Classes) -> Array:
        """(n,) log density at (n, D) attributes and (n, C) classes."""
        return self.log_densities(units[:, None], classes[:, None])[:, 0]

    def log_densities(self, units: Array, classes: Classes) -> Array:
        """(M, S) log densities at (M, S, D) attributes and (M, S, C) classes."""
        return np.asarray(logsumexp(self._log_ratios(units, classes), axis=2))

    def widened(self, spread: float) -> Law:
        """The law of its scenes with independent errors of some spread, a share of the range, added."""
        more = spread**2 * np.eye(len(self.periodic))
        factors = np.stack([np.linalg.cholesky(f @ f.T + more) for f in self.mixture.factors])
        return replace(self, mixture=replace(self.mixture, factors=factors))

    def memberships(self, units: Array, classes: Classes) -> Array:
        """(M, S, K) chance that each of (M, S, D) scenes with classes (M, S, C) is of each component."""
        log = self._log_ratios(units, classes)
        return np.exp(log - np.asarray(logsumexp(log, axis=2, keepdims=True)))

    def likeliest(self, units: Array, classes: Classes) -> npt.NDArray[np.intp]:
        """(n,) the likeliest component of (n, D) scenes with classes (n, C)."""
        return self._log_ratios(units[:, None], classes[:, None])[:, 0].argmax(1)

    def _log_ratios(self, units: Array, classes: Classes) -> Array:
        """(M, S, K) log of component weight and density."""
        sizes = tuple(p.shape[1] for p in self.mixture.class_probabilities)
        points = uncut(units, self.cuts, self.periodic)
        return self.mixture.log_ratios(Draws(points, classes, np.zeros(units.shape[:2]), sizes))


def uncut(units: Array, cuts: Array, periodic: npt.NDArray[np.bool_]) -> Array:
    """(..., D) attributes on [0, 1], laid on axes without wraps."""
    return np.where(periodic, np.mod(units - cuts, 1.0), units)


def fit_mixture(draws: Draws, flat_weights: Array, components: int, shared: bool, seed: int) -> Mixture:
    """Maximises the likelihood of all images by EM over their draws.

    An image may have been misread: it then says nothing. Without that, one digit in five hundred that is
    read upside down would widen a spread of ten degrees to thirteen. A uniform law for outliers: Banfield
    and Raftery, "Model-based Gaussian and non-Gaussian clustering", Biometrics 49, 1993.

    EM ends where it begins to: two modes of one attribute may drown among seven others. So clusters of all
    attributes together and of each by itself are tried for a few steps on some draws, and the likeliest
    goes on (Biernacki, Celeux and Govaert, "Choosing starting values for the EM algorithm", 2003).

    Args:
        draws: Posterior draws under the bank's density.
        flat_weights: (M, S) weights of the posteriors under a flat prior; their clusters are the starts,
            so rival modes are in them.
        components: Number of normals.
        shared: Whether classes are independent of attributes.
        seed: Seed of the clustering.
    """
    some, width = draws.thinned(THINNED), draws.points.shape[2]
    mass = flat_weights[:, ::THINNED].ravel()
    tried = [slice(None), *(slice(j, j + 1) for j in range(width) if components > 1)]
    starts = [
        climbed(_clustered(some, mass, axes, components, shared, seed), some, SHORT_RUN) for axes in tried
    ]
    likeliest = max(starts, key=lambda start: start.log_likelihoods(some).mean())
    return climbed(likeliest, draws, ITERATIONS)


def _clustered(draws: Draws, mass: Array, axes: slice, components: int, shared: bool, seed: int) -> Mixture:
    """A start of EM: the normals of clusters along some axes of draws that weigh (M * S,)."""
    points = draws.points.reshape(len(mass), -1)[:, axes]
    # A seed of more bits is beyond the clustering.
    label = KMeans(components, random_state=seed % 2**32).fit_predict(points, sample_weight=mass)
    near = 0.9 * (label[:, None] == np.arange(components)) + 0.1 / components
    return _maximise(draws, mass[:, None] * near, shared, LEAST_SPREAD)


def climbed(mixture: Mixture, draws: Draws, steps: int, least: float = LEAST_SPREAD) -> Mixture:
    """A mixture after some steps of EM, of which each adds ``least`` to its spreads."""
    for _ in range(steps):
        log = mixture.log_ratios(draws)
        share = np.exp(log + np.log1p(-MISREAD) - np.logaddexp(_read(log), draws.misread)[:, None, None])
        mixture = _maximise(draws, share.reshape(-1, share.shape[2]), mixture.shared, least)
    return mixture


def _read(log_ratios: Array) -> Array:
    """(M,) log likelihood of each image, up to a constant of it, as one that was read and is of the law."""
    return np.asarray(logsumexp(log_ratios, axis=(1, 2))) + np.log1p(-MISREAD)


def _maximise(draws: Draws, share: Array, shared: bool, least: float) -> Mixture:
    """The mixture that fits all draws with (M * S, K) responsibilities best."""
    points = draws.points.reshape(-1, draws.points.shape[-1])
    classes = draws.classes.reshape(len(points), -1)
    mass = share.sum(0) + 1e-9
    means = share.T @ points / mass[:, None]
    factors = []
    for k in range(share.shape[1]):
        centred = points - means[k]
        covariance = (share[:, k, None] * centred).T @ centred / mass[k]
        factors.append(np.linalg.cholesky(covariance + least**2 * np.eye(points.shape[1])))
    probabilities = []
    for i, size in enumerate(draws.sizes):
        counts = np.stack([np.bincount(classes[:, i], s, size) for s in share.T])
        if shared:
            counts = np.broadcast_to(counts.sum(0), counts.shape)
        # A hundredth of an image a class keeps rare classes possible.
        probabilities.append((counts + 0.01) / (counts + 0.01).sum(1, keepdims=True))
    return Mixture(mass / mass.sum(), means, np.stack(factors), tuple(probabilities), shared)
