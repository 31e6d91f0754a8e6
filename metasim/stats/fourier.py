"""Random Fourier features: MMD linear in the batch, the target kept as one vector."""

from __future__ import annotations

import torch
from torch import Tensor

from metasim.stats.kernels import BlockSum, GaussianMixture
from metasim.stats.mmd import Witness, leave_one_out


class FourierFeatures:
    """Features whose inner products estimate a kernel.

    A Gaussian kernel is the mean of ``cos(w (x - y))`` over normal frequencies w, so D of them estimate
    it with an error of O(1/sqrt(D)) at a cost of O(n D d) (Rahimi and Recht, "Random features for
    large-scale kernel machines", NeurIPS 2007). A sum over blocks has frequencies that are zero outside
    their block.

    Args:
        like: (m, d) what the features are made for: width, type and device.
        kernel: Gaussian mixture, or a sum of such over blocks, to stand for.
        frequencies: D for each mixture, shared out among its bandwidths; rounded up to a multiple of them.
        generator: Stream of the frequencies, on the CPU.

    Attributes:
        norm: Squared length of every feature vector: the kernel of a point with itself.
    """

    def __init__(
        self, like: Tensor, kernel: GaussianMixture | BlockSum, frequencies: int, generator: torch.Generator
    ) -> None:
        if isinstance(kernel, BlockSum):
            parts = zip(kernel.kernels, kernel.widths, strict=True)
        else:
            parts = iter([(kernel, like.shape[1])])
        blocks = []
        for part, width in parts:
            assert isinstance(part, GaussianMixture)
            blocks.append(_frequencies(part, width, frequencies, generator))
        self.norm = float(len(blocks))
        self._frequencies = torch.block_diag(*blocks).to(like)
        self._scale = torch.cat([torch.full((b.shape[1],), b.shape[1] ** -0.5) for b in blocks]).to(like)

    def __call__(self, x: Tensor) -> Tensor:
        """Features (n, 2 D) of (n, d)."""
        phase = x @ self._frequencies
        return torch.cat([phase.cos() * self._scale, phase.sin() * self._scale], 1)


def _frequencies(kernel: GaussianMixture, width: int, count: int, generator: torch.Generator) -> Tensor:
    each = -(-count // len(kernel.bandwidths))
    return torch.cat([torch.randn(width, each, generator=generator) / s for s in kernel.bandwidths], 1)


class FourierMMD:
    """A target as its mean embedding, for batches whose kernel matrices are too large.

    With the frequencies fixed this is itself the unbiased MMD^2 of a kernel, hence its gradients are
    unbiased.

    Args:
        sample: Target (m, d).
        kernel: As for ``FourierFeatures``.
        frequencies: Likewise.
        generator: Likewise.
    """

    def __init__(
        self, sample: Tensor, kernel: GaussianMixture | BlockSum, frequencies: int, generator: torch.Generator
    ) -> None:
        self.embed = FourierFeatures(sample, kernel, frequencies, generator)
        embedded = self.embed(sample.detach())
        self._target = embedded.mean(0)
        self._own_term = self._pair_mean(embedded)

    def _pair_mean(self, embedded: Tensor) -> Tensor:
        """Mean inner product of distinct rows."""
        n = len(embedded)
        return (embedded.sum(0).square().sum() - n * self.embed.norm) / (n * (n - 1))

    def mmd2(self, x: Tensor) -> Tensor:
        """Unbiased MMD^2 of a batch (n, d) to the target."""
        embedded = self.embed(x)
        return self._pair_mean(embedded) + self._own_term - 2.0 * embedded.mean(0) @ self._target

    def witness(self, x: Tensor) -> Witness:
        """Per-sample credit of a batch (n, d), n >= 3, as in `metasim.stats.mmd.MMDTarget.witness`."""
        embedded = self.embed(x.detach())
        near_batch = embedded @ embedded.sum(0) - self.embed.norm
        return leave_one_out(near_batch, embedded @ self._target)
