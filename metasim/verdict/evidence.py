"""Evidence: two-sample tests of fresh renders against held-out target images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from metasim.runs.summary import Comparison
from metasim.stats.c2st import c2st
from metasim.stats.fourier import FourierFeatures
from metasim.stats.kernels import GaussianMixture
from metasim.stats.mmd import mmd2
from metasim.stats.permutation import (
    PermutationTest,
    linear_permutation_test,
    permutation_test,
    pooled_gram,
)

Features = npt.NDArray[np.floating]

WIDEST = 64  # axes kept of wider features: those along which all sets together vary most
LARGEST = 3000  # samples of which the kernel matrix is computed; of more, random features stand for it
FREQUENCIES = 1000


def standardised(sets: Sequence[Features]) -> list[npt.NDArray[np.float32]]:
    """The sets on axes of mean 0 and spread 1 over all of them, at most ``WIDEST``; constant axes go.

    Wide features are turned to their principal axes, which keep the spreads that they have.
    """
    together = np.concatenate(sets)
    spread = together.std(0)
    kept = spread > 1e-6 * max(float(spread.max()), 1e-30)
    centre, scale = together.mean(0)[kept], spread[kept]
    scaled = [((s[:, kept] - centre) / scale).astype(np.float32) for s in sets]
    if scaled[0].shape[1] <= WIDEST:
        return scaled
    pooled = np.concatenate(scaled)
    _, directions = np.linalg.eigh(pooled.T @ pooled)
    return [s @ directions[:, -WIDEST:] for s in scaled]


class Pool:
    """Samples side by side, and a kernel that does not tell them apart: any two parts can be tested.

    Args:
        sets: Samples (n, d) of standardised features.
        rng: Draws random features, where the samples are many.
    """

    def __init__(self, sets: Sequence[npt.NDArray[np.float32]], rng: np.random.Generator) -> None:
        points = torch.from_numpy(np.concatenate(sets)).double()
        self.kernel = GaussianMixture.around_median(points)
        ends = np.cumsum([len(s) for s in sets])
        self.rows = [np.arange(end - len(s), end) for s, end in zip(sets, ends, strict=True)]
        self.exact = len(points) <= LARGEST
        if self.exact:
            self._matrix = pooled_gram(points, points[:0], self.kernel)
        else:
            generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
            embed = FourierFeatures(points, self.kernel, FREQUENCIES, generator)
            self._matrix = embed(points).numpy()

    def test(
        self,
        x: npt.NDArray[np.intp],
        y: npt.NDArray[np.intp],
        rng: np.random.Generator,
        permutations: int,
    ) -> PermutationTest:
        """The permutation test of some rows against others."""
        rows = np.concatenate([x, y])
        if self.exact:
            return permutation_test(self._matrix[np.ix_(rows, rows)], len(x), rng, permutations)
        return linear_permutation_test(self._matrix[rows], len(x), rng, permutations)


def compare(
    target: Features, draws: Sequence[Features], rng: np.random.Generator, permutations: int
) -> Comparison:
    """Tests independent sets of renders against the held-out target, and against each other.

    The permutation test pools the sets: one draw's p value depends on the draw. The classifier's
    accuracy is the mean over the sets, each against the whole target.

    Args:
        target: (n, F) features of held-out target images.
        draws: Features of each set of fresh renders, (m, F).
        rng: Draws permutations and folds.
        permutations: How many.
    """
    target, *scaled = standardised([target, *draws])
    pool = Pool([target, *scaled], rng)
    held, *drawn = pool.rows
    test = pool.test(held, np.concatenate(drawn), rng, permutations)
    half = rng.permutation(len(target))
    first, second = (torch.from_numpy(target[half[k::2]]) for k in range(2))
    scores = [c2st(target, draw[: len(target)], rng) for draw in scaled]
    pairs = _pairs(len(draws))
    null = [c2st(scaled[i], scaled[j], rng).accuracy for i, j in pairs[:1]]
    return Comparison(
        n_target=len(target),
        n_generated=sum(map(len, draws)),
        mmd2=test.statistic,
        mmd2_floor=float(mmd2(first, second, pool.kernel)),
        p_value=test.p_value,
        c2st=float(np.mean([s.accuracy for s in scores])),
        c2st_ci=(float(np.mean([s.low for s in scores])), float(np.mean([s.high for s in scores]))),
        p_values=[pool.test(held, draw, rng, permutations).p_value for draw in drawn],
        null_p_values=[pool.test(drawn[i], drawn[j], rng, permutations).p_value for i, j in pairs],
        null_c2st=null[0] if null else None,
    )


def _pairs(draws: int) -> list[tuple[int, int]]:
    """Each draw with the next, around."""
    return [(k, (k + 1) % draws) for k in range(draws if draws > 2 else draws - 1)]
