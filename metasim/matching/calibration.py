"""Calibration: how wide posteriors must be for renders that their network has not learnt from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from metasim.model.posterior import AutoregressivePosterior

WIDENINGS = tuple(float(w) for w in np.geomspace(0.6, 4.0, 15))
FLOORS = (1e-3, 3e-3, 1e-2, 3e-2, 0.1)


@torch.no_grad()
def calibrate(posterior: AutoregressivePosterior, score: Callable[[], Tensor]) -> list[float]:
    """Widens each attribute's density, and raises its even share, as known scenes ask for.

    Args:
        posterior: Densities of D attributes.
        score: (D,) log-likelihoods of the scenes, as the densities stand.

    Returns:
        The factors; far above 1 says that the bank is too small.
    """
    heads = [posterior.head(j) for j in range(len(posterior.order))]
    grid = [(widen, floor) for widen in WIDENINGS for floor in FLOORS]
    scores = []
    for widen, floor in grid:
        for head in heads:
            head.widen.fill_(widen)
            head.floor.fill_(floor)
        scores.append(score())
    chosen = [grid[i] for i in torch.stack(scores).argmax(0).tolist()]
    for head, (widen, floor) in zip(heads, chosen, strict=True):
        head.widen.fill_(widen)
        head.floor.fill_(floor)
    return [widen for widen, _ in chosen]
