"""Gains: whether one of two is better, by what it gains in each of the same cases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import sem

Array = npt.NDArray[np.float64]

# Standard errors. What k cases alone gain comes to the root of k of them, however much it is: with one, a
# single case would decide.
CLEAR = 2.0


def clearly_better(gains: Array) -> bool:
    """Whether the mean of (n,) gains exceeds zero by two of its standard errors; never with a single case."""
    return len(gains) > 1 and bool(gains.mean() > CLEAR * sem(gains))
