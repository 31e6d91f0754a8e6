"""Counting: how many of several uncertain things are there."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


def number_law(chances: Tensor) -> Tensor:
    """(..., n + 1) probability of each number of n independent things, given (..., n) the chance of each.

    References:
        The Poisson binomial distribution, one thing at a time: Chen and Liu, "Statistical applications of the
        Poisson-binomial and conditional Bernoulli distributions", Statistica Sinica 7, 1997.
    """
    law = torch.ones_like(chances[..., :1])
    for chance in chances.unbind(-1):
        there = chance[..., None]
        law = pad(law * (1 - there), (0, 1)) + pad(law * there, (1, 0))
    return law
