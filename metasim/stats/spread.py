"""A two-sample test of spread and correlation that is blind to the means."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metasim.stats.permutation import PermutationTest, permutation_test

_SAMPLES_PER_DIRECTION = 10
_LEAST_VARIANCE = 1e-6


def spread_test(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], rng: np.random.Generator, permutations: int = 500
) -> PermutationTest:
    """Tests whether two samples (n, d) and (m, d) have one covariance, whatever their means.

    An MMD over all features spends its power on the means and hardly sees a destroyed correlation. Here
    each sample is centred on its own mean, both are whitened together, and the kernel ``(x . y)^2``
    compares all second moments and nothing else: the statistic estimates the squared Frobenius distance
    of the two covariances in units of the pooled one, so that a direction of small variance, as between
    two attributes that go together, counts as much as any other.

    Centring makes the level asymptotic: the two means are estimated, an effect of O(1/n).

    Args:
        x: First sample, n >= 2.
        y: Second sample, m >= 2.
        rng: Stream of the shuffles.
        permutations: Number of shuffles.
    """
    centred = np.concatenate([x - x.mean(0), y - y.mean(0)])
    white = _whiten(centred)
    return permutation_test(np.square(white @ white.T), len(x), rng, permutations)


def _whiten(centred: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Principal directions (N, r) at unit variance: as many as ten samples each can determine."""
    deviations = centred.std(0)
    standard = centred[:, deviations > 0] / deviations[deviations > 0]
    variances, directions = np.linalg.eigh(standard.T @ standard / len(standard))
    most = max(1, len(centred) // _SAMPLES_PER_DIRECTION)
    kept = np.flatnonzero(variances > _LEAST_VARIANCE * variances.max(initial=0.0))[-most:]
    return standard @ (directions[:, kept] / np.sqrt(variances[kept]))
