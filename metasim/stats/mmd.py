"""Maximum mean discrepancy: its estimate, a target with its terms cached, and the witness.

Source: Gretton et al., "A kernel two-sample test", JMLR 13, 2012.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from metasim.stats.kernels import Kernel


def _pair_mean(gram: Tensor) -> Tensor:
    """Mean of a square kernel matrix without its diagonal."""
    n = len(gram)
    return (gram.sum() - gram.diagonal().sum()) / (n * (n - 1))


def mmd2(x: Tensor, y: Tensor, kernel: Kernel) -> Tensor:
    """Unbiased estimate of MMD^2 (U-statistic) between samples (n, d) and (m, d).

    Its mean is zero when both samples have one law, so about half the values are then negative.
    """
    return _pair_mean(kernel(x, x)) + _pair_mean(kernel(y, y)) - 2.0 * kernel(x, y).mean()


class Witness(NamedTuple):
    """Credit of each sample for the discrepancy, both (n,) and without gradient.

    Attributes:
        value: How much more the batch than the target crowds around the sample.
        baseline: Mean value of the other samples in a batch without this one.
    """

    value: Tensor
    baseline: Tensor

    @property
    def advantage(self) -> Tensor:
        """Value less baseline: the per-sample loss with the smaller variance."""
        return self.value - self.baseline


class MMDTarget:
    """A fixed target sample: each evaluation costs only the terms of the new batch.

    Args:
        sample: Target (m, d).
        kernel: Kernel, its bandwidths chosen beforehand: gradients are unbiased for a fixed kernel only.
    """

    def __init__(self, sample: Tensor, kernel: Kernel) -> None:
        self.sample, self.kernel = sample.detach(), kernel
        self._own_term = _pair_mean(kernel(self.sample, self.sample))

    def mmd2(self, x: Tensor) -> Tensor:
        """Unbiased MMD^2 of a batch (n, d) to the target; equals the function of that name."""
        cross = self.kernel(x, self.sample).mean()
        return _pair_mean(self.kernel(x, x)) + self._own_term - 2.0 * cross

    def standard_error(self, x: Tensor) -> Tensor:
        """Standard error of ``mmd2`` as far as the batch (n, d), n >= 3, is to blame, the target being fixed.

        Jackknife: Efron, "The jackknife, the bootstrap and other resampling plans", SIAM, 1982.
        """
        n, gram, cross = len(x), self.kernel(x, x), self.kernel(x, self.sample).mean(1)
        near = gram.sum(1) - gram.diagonal()
        pairs = (near.sum() - 2.0 * near) / ((n - 1) * (n - 2))
        without = pairs - 2.0 * (cross.sum() - cross) / (n - 1)
        return ((n - 1) / n * (without - without.mean()).square().sum()).sqrt()

    def witness(self, x: Tensor) -> Witness:
        """Per-sample credit of a batch (n, d), n >= 3, for learning through a black-box renderer.

        With ``w(x) = E_q k(x, x') - E_p k(x, y)`` the gradient of the discrepancy between a generator q
        and a target p is ``2 E_q[w(x) grad log q(x)]``. Value i leaves sample i out of the batch mean,
        and baseline i depends on the other samples only, so ``2 mean_i((value_i - baseline_i) grad log q_i)``
        is unbiased. Score function: Williams, Machine Learning 8, 1992; leave-one-out baseline: Kool, van
        Hoof and Welling, "Buy 4 REINFORCE samples, get a baseline for free!", ICLR workshop 2019.
        """
        x = x.detach()
        gram = self.kernel(x, x)
        return leave_one_out(gram.sum(1) - gram.diagonal(), self.kernel(x, self.sample).mean(1))


def leave_one_out(near_batch: Tensor, near_target: Tensor) -> Witness:
    """Witness from kernel sums.

    Args:
        near_batch: Sum of k(x_i, x_j) over j != i, (n,).
        near_target: Mean of k(x_i, y) over the target, (n,).
    """
    n = len(near_batch)
    value = near_batch / (n - 1) - near_target
    pairs_without = near_batch.sum() - 2.0 * near_batch
    target_without = near_target.sum() - near_target
    baseline = pairs_without / ((n - 1) * (n - 2)) - target_without / (n - 1)
    return Witness(value, baseline)
