"""Distances between histograms of classes or counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def total_variation(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Total variation distance, from 0 to 1, of two histograms (k,) over the same k cases.

    Args:
        a: Counts or shares, of any sum; none at all are half as far from all others as these can be.
        b: Likewise.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return float(np.abs(a / (a.sum() or 1.0) - b / (b.sum() or 1.0)).sum() / 2.0)
