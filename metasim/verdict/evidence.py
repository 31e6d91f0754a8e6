"""Evidence: two-sample tests of fresh renders against held-out target images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from metasim.runs.summary import Verdict
from metasim.stats.c2st import c2st
from metasim.stats.kernels import GaussianMixture
from metasim.stats.mmd import mmd2
from metasim.stats.permutation import permutation_test, pooled_gram

Features = npt.NDArray[np.floating]


def standardised(sets: list[Features]) -> list[npt.NDArray[np.float32]]:
    """The sets on axes of mean 0 and spread 1 over all of them; constant axes go."""
    together = np.concatenate(sets)
    spread = together.std(0)
    kept = spread > 1e-6 * max(float(spread.max()), 1e-30)
    centre, scale = together.mean(0)[kept], spread[kept]
    return [((s[:, kept] - centre) / scale).astype(np.float32) for s in sets]


def weigh(target: Features, draws: list[Features], rng: np.random.Generator, permutations: int) -> Verdict:
    """Tests independent sets of renders against the held-out target.

    The permutation test pools the sets: one draw's p value depends on the draw. The classifier's
    accuracy is the mean over the sets, each against the whole target.

    Args:
        target: (n, F) features of held-out target images.
        draws: Features of each set of fresh renders, (m, F).
        rng: Draws permutations and folds.
        permutations: How many.
    """
    target, *scaled = standardised([target, *draws])
    generated = np.concatenate(scaled)
    a, b = torch.from_numpy(target), torch.from_numpy(generated)
    kernel = GaussianMixture.around_median(torch.cat([a, b]))
    test = permutation_test(pooled_gram(a, b, kernel), len(target), rng, permutations)
    half = rng.permutation(len(target))
    first, second = a[half[::2].copy()], a[half[1::2].copy()]
    scores = [c2st(target, draw[: len(target)], rng) for draw in scaled]
    return Verdict(
        n_target=len(target),
        n_generated=len(generated),
        mmd2=float(test.statistic),
        mmd2_floor=float(mmd2(first, second, kernel)),
        p_value=float(test.p_value),
        c2st=float(np.mean([s.accuracy for s in scores])),
        c2st_ci=(float(np.mean([s.low for s in scores])), float(np.mean([s.high for s in scores]))),
    )
