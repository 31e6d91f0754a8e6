"""Kernels between two samples: Gaussian mixture, energy, and sums over feature blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Kernel = Callable[[Tensor, Tensor], Tensor]
"""Maps samples (n, d) and (m, d) to their kernel matrix (n, m)."""

_MEDIAN_ROWS = 1000


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """Squared Euclidean distances (n, m) between the rows of (n, d) and (m, d)."""
    centre = y.detach().mean(0)  # distances do not move with the origin, but rounding does
    x, y = x - centre, y - centre
    squares = x.square().sum(1)[:, None] + y.square().sum(1)[None, :]
    return (squares - 2.0 * x @ y.T).clamp_min(0.0)


def median_distance(x: Tensor) -> float:
    """Median distance between distinct points of a sample (n, d); 1 if all points coincide.

    A sample of more than 1000 rows is thinned evenly: the median of its pairs hardly moves.
    """
    rows = x.detach()[:: -(-len(x) // _MEDIAN_ROWS)]
    distances = torch.nn.functional.pdist(rows)
    distances = distances[distances > 0]
    return float(distances.median()) if len(distances) else 1.0


@dataclass(frozen=True)
class GaussianMixture:
    """Mean over bandwidths s of ``exp(-|x - y|^2 / (2 s^2))``.

    One bandwidth has no gradient far away and sees no detail near by; a range of them has both
    (Li, Swersky and Zemel, "Generative Moment Matching Networks", ICML 2015).
    """

    bandwidths: tuple[float, ...]

    @classmethod
    def around_median(cls, x: Tensor) -> GaussianMixture:
        """Bandwidths of 1/4, 1/2, 1, 2 and 4 times the median distance of a sample (n, d)."""
        median = median_distance(x)
        return cls(tuple(median * factor for factor in (0.25, 0.5, 1.0, 2.0, 4.0)))

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Kernel matrix (n, m)."""
        distances = squared_distances(x, y)
        terms = [torch.exp(distances * (-0.5 / width**2)) for width in self.bandwidths]
        return torch.stack(terms).mean(0)


@dataclass(frozen=True)
class Energy:
    """Distance-induced kernel ``-|x - y|``: no bandwidth; its MMD^2 is the energy distance.

    It is positive definite on weights that sum to zero, which is all that an MMD needs (Sejdinovic et
    al., "Equivalence of distance-based and RKHS-based statistics", Annals of Statistics 41, 2013).
    """

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Kernel matrix (n, m)."""
        centre = y.detach().mean(0)
        return -torch.cdist(x - centre, y - centre)


@dataclass(frozen=True)
class BlockSum:
    """Sum of kernels, each on its own columns: the layers of a network side by side in one matrix.

    Attributes:
        kernels: One kernel a block.
        widths: Columns of each block, in order; they add up to d.
    """

    kernels: tuple[Kernel, ...]
    widths: tuple[int, ...]

    @classmethod
    def around_median(cls, blocks: Sequence[Tensor]) -> BlockSum:
        """A Gaussian mixture a block (n, d_l), each around the median distance of that block."""
        kernels = tuple(GaussianMixture.around_median(block) for block in blocks)
        return cls(kernels, tuple(block.shape[1] for block in blocks))

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Kernel matrix (n, m) of blocks concatenated along columns, (n, d) and (m, d)."""
        pairs = zip(x.split(self.widths, 1), y.split(self.widths, 1), strict=True)
        terms = [kernel(a, b) for kernel, (a, b) in zip(self.kernels, pairs, strict=True)]
        return torch.stack(terms).sum(0)
