"""Energy distances: in d dimensions, column by column, and along given directions.

The energy distance ``2 E|x - y| - E|x - x'| - E|y - y'|`` is the MMD^2 of the kernel ``-|x - y|``: zero
for equal laws only, without a bandwidth, with a gradient at any distance (Szekely and Rizzo, "Energy
statistics", Journal of Statistical Planning and Inference 143, 2013).
"""

from __future__ import annotations

import torch
from torch import Tensor

from metasim.stats.kernels import Energy
from metasim.stats.mmd import mmd2


def energy_distance(x: Tensor, y: Tensor) -> Tensor:
    """Unbiased energy distance (U-statistic) between samples (n, d) and (m, d)."""
    return mmd2(x, y, Energy())


def energy_distance_1d(x: Tensor, y: Tensor) -> Tensor:
    """Unbiased energy distance of each column, (n, d) and (m, d) -> (d,), in O((n + m) log(n + m)).

    Between two swaps of order the statistic is linear in the values, with coefficients that the ranks
    give: the pooled order is found once, without gradient, and the rest is a weighted sum.
    """
    pooled = torch.cat([x, y]).T.contiguous()
    with torch.no_grad():
        order = pooled.argsort(1)
        ranked = _rank_weights((order < len(x)).to(pooled.dtype), len(x), len(y))
        weights = torch.empty_like(pooled).scatter_(1, order, ranked)
        centre = pooled.mean(1, keepdim=True)
    return ((pooled - centre) * weights).sum(1)


def _rank_weights(from_x: Tensor, n: int, m: int) -> Tensor:
    """Coefficient (d, n + m) of each value in ascending order, given which of them are from x (1, else 0)."""
    x_before = from_x.cumsum(1)
    y_before = torch.arange(1, n + m + 1, dtype=from_x.dtype, device=from_x.device) - x_before
    of_x = (2 * y_before - m) / (n * m) - (2 * x_before - n - 1) / (n * (n - 1))
    of_y = (2 * x_before - n) / (n * m) - (2 * y_before - m - 1) / (m * (m - 1))
    return 2 * torch.where(from_x > 0, of_x, of_y)


def projected_energy_distance(x: Tensor, y: Tensor, directions: Tensor) -> Tensor:
    """Unbiased 1-D energy distance (k,) of (n, d) and (m, d) along each direction, the columns of (d, k).

    The mean over random unit directions is, up to a factor of the dimension alone, the energy distance in
    d dimensions (Hertrich et al., "Generative sliced MMD flows with Riesz kernels", ICLR 2024).
    """
    return energy_distance_1d(x @ directions, y @ directions)
