"""Assignment: which query of a set predictor answers for which true object."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from torch import Tensor

NEAR = 8.0  # on the scale of a query's spacing: how much a distance counts beside a doubted presence


def assign(
    presence: Tensor, places: Tensor, centres: Tensor, spacing: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pairs every true object with a query of its own, at the least cost in all.

    The cost of a pair is the surprise at the object's presence and the squared distance of its place. A
    set has no order: objects given in another order are paired with the same queries.

    Args:
        presence: (B, Q) logits.
        places: (B, Q, 2) where the queries see an object.
        centres: (B, N, 2) where objects are, NaN for those that nobody is asked for.
        spacing: Distance of neighbouring queries.

    Returns:
        Image, query and object of each pair.

    References:
        Carion et al., "End-to-End Object Detection with Transformers", ECCV 2020, section 3.1; queries
        that are places of the feature map: Sun et al., "What Makes for End-to-End Object Detection?",
        ICML 2021.
    """
    surprise = -presence.detach().float().sigmoid().clamp(min=1e-6).log().cpu().numpy()
    where, true = places.detach().float().cpu().numpy(), centres.cpu().numpy()
    pairs = []
    for image, asked in enumerate(np.isfinite(true[..., 0])):
        objects = np.flatnonzero(asked)
        apart = (where[image][:, None] - true[image, objects][None]) / spacing
        cost = surprise[image][:, None] + NEAR * (apart**2).sum(-1)
        queries, found = linear_sum_assignment(cost)
        pairs.append((np.full(len(queries), image), queries, objects[found]))
    images, queries, objects = (np.concatenate(part).astype(np.int64) for part in zip(*pairs, strict=True))
    return images, queries, objects
