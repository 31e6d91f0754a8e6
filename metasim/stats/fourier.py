"""MMD by random Fourier features: linear in the batch, the target kept as one vector."""

from __future__ import annotations

import torch
from torch import Tensor

from metasim.stats.kernels import GaussianMixture
from metasim.stats.mmd import Witness, leave_one_out


class FourierMMD:
    """A target as its mean embedding, for batches whose kernel matrices are too large.

    A Gaussian kernel is the mean of ``cos(w (x - y))`` over normal frequencies w, so D of them estimate
    it with an error of O(1/sqrt(D)) at a cost of O(n D d) (Rahimi and Recht, "Random features for
    large-scale kernel machines", NeurIPS 2007). With the frequencies fixed this is itself the unbiased
    MMD^2 of a kernel, hence its gradients are unbiased.

    Args:
        sample: Target (m, d).
        kernel: Gaussian mixture to stand for.
        frequencies: D, shared out among the bandwidths; rounded up to a multiple of their number.
        generator: Stream of the frequencies, on the CPU.
    """

    def __init__(
        self, sample: Tensor, kernel: GaussianMixture, frequencies: int, generator: torch.Generator
    ) -> None:
        each = -(-frequencies // len(kernel.bandwidths))
        draws = [torch.randn(sample.shape[1], each, generator=generator) / s for s in kernel.bandwidths]
        self._frequencies = torch.cat(draws, 1).to(sample)
        embedded = self.embed(sample.detach())
        self._target = embedded.mean(0)
        self._own_term = _pair_mean(embedded)

    def embed(self, x: Tensor) -> Tensor:
        """Features (n, 2 D) of unit length whose inner products estimate the kernel."""
        phase = x @ self._frequencies
        return torch.cat([phase.cos(), phase.sin()], 1) / phase.shape[1] ** 0.5

    def mmd2(self, x: Tensor) -> Tensor:
        """Unbiased MMD^2 of a batch (n, d) to the target."""
        embedded = self.embed(x)
        return _pair_mean(embedded) + self._own_term - 2.0 * embedded.mean(0) @ self._target

    def witness(self, x: Tensor) -> Witness:
        """Per-sample credit of a batch (n, d), n >= 3, as in `metasim.stats.mmd.MMDTarget.witness`."""
        embedded = self.embed(x.detach())
        near_batch = embedded @ embedded.sum(0) - 1.0
        return leave_one_out(near_batch, embedded @ self._target)


def _pair_mean(embedded: Tensor) -> Tensor:
    """Mean inner product of distinct rows, each of unit length."""
    n = len(embedded)
    return (embedded.sum(0).square().sum() - n) / (n * (n - 1))
