"""Permutation two-sample tests on one kernel matrix that is computed once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from metasim.stats.kernels import Kernel


class PermutationTest(NamedTuple):
    """Outcome of a permutation test.

    Attributes:
        statistic: Unbiased MMD^2 of the two samples under the kernel of the test.
        p_value: Chance of a statistic at least as large if both samples have one law.
    """

    statistic: float
    p_value: float


def pooled_gram(x: Tensor, y: Tensor, kernel: Kernel) -> npt.NDArray[np.float64]:
    """Kernel matrix (n + m, n + m) of both samples together, x first.

    For an exact level the kernel must not tell the samples apart: choose its bandwidths on the pooled
    sample or on other data.
    """
    pooled = torch.cat([x, y]).detach().double()
    return kernel(pooled, pooled).cpu().numpy()


def permutation_test(
    gram: npt.NDArray[np.float64], n: int, rng: np.random.Generator, permutations: int = 500
) -> PermutationTest:
    """Tests by MMD whether the first n samples and the others have one law.

    The p value ``(1 + number of shuffles at least as far apart) / (1 + permutations)`` has the exact level
    (Phipson and Smyth, "Permutation p-values should never be zero", Statistical Applications in Genetics
    and Molecular Biology 9, 2010).

    Args:
        gram: Kernel matrix (N, N) of the pooled sample, first sample first.
        n: Size of the first sample, 2 <= n <= N - 2.
        rng: Stream of the shuffles.
        permutations: Number of shuffles; the least p value is 1 / (1 + permutations).
    """
    members = _splits(len(gram), n, rng, permutations)
    pairs = gram - np.diag(np.diag(gram))
    within_x = np.einsum("bi,bi->b", members @ pairs, members)
    statistics = _mmd2_of_splits(within_x, members @ pairs.sum(1), float(pairs.sum()), n, len(gram) - n)
    return _outcome(statistics, float(np.abs(gram).max()))


def linear_permutation_test(
    embedded: npt.NDArray[np.float64], n: int, rng: np.random.Generator, permutations: int = 500
) -> PermutationTest:
    """The same test where the kernel is an inner product of features: linear in the number of samples.

    Args:
        embedded: Features (N, d) of the pooled sample, first sample first; see `metasim.stats.fourier`.
        n: Size of the first sample, 2 <= n <= N - 2.
        rng: Stream of the shuffles.
        permutations: Number of shuffles.
    """
    members = _splits(len(embedded), n, rng, permutations)
    own = np.square(embedded).sum(1)
    whole, sums = embedded.sum(0), members @ embedded
    within_x = np.square(sums).sum(1) - members @ own
    to_all = sums @ whole - members @ own
    statistics = _mmd2_of_splits(within_x, to_all, float(whole @ whole - own.sum()), n, len(embedded) - n)
    return _outcome(statistics, float(own.max()))


def _splits(total: int, n: int, rng: np.random.Generator, permutations: int) -> npt.NDArray[np.float64]:
    """Rows (1 + permutations, total) of ones for the first sample: as it is, then shuffled."""
    members = np.zeros((permutations + 1, total))
    members[:, :n] = 1.0
    members[1:] = rng.permuted(members[1:], axis=1)
    return members


def _mmd2_of_splits(
    within_x: npt.NDArray[np.float64], to_all: npt.NDArray[np.float64], total: float, n: int, m: int
) -> npt.NDArray[np.float64]:
    """Unbiased MMD^2 (B,) of every split.

    Args:
        within_x: (B,) kernel summed over the ordered pairs of the first sample.
        to_all: (B,) kernel summed over pairs of the first sample and anything else, itself included.
        total: Kernel summed over all ordered pairs.
        n: Size of the first sample.
        m: Size of the second.
    """
    between = to_all - within_x
    within_y = total - within_x - 2.0 * between
    return within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2.0 * between / (n * m)


def _outcome(statistics: npt.NDArray[np.float64], scale: float) -> PermutationTest:
    rounding = 1e-10 * scale  # a shuffle equal to the samples themselves must count
    beyond = int((statistics[1:] >= statistics[0] - rounding).sum())
    return PermutationTest(float(statistics[0]), (1 + beyond) / len(statistics))
