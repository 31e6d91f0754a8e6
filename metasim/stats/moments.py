"""Means, spreads and correlations of attributes that may be angles.

Source: Mardia and Jupp, "Directional Statistics", Wiley, 2000, for the circular mean and deviation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class MeanStd(NamedTuple):
    """Mean and standard deviation, in the unit of the values."""

    mean: float
    std: float


@dataclass(frozen=True)
class MomentErrors:
    """Standard errors of estimated moments of D attributes.

    Attributes:
        mean: (D,) of the means.
        std: (D,) of the spreads.
        correlation: (D, D) of the correlations.
    """

    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    correlation: npt.NDArray[np.float64]


def mean_std(values: npt.ArrayLike, period: float | None = None) -> MeanStd:
    """Mean and standard deviation of values (n,), circular if they have a period.

    The circular mean lies in [0, period). The circular deviation is ``sqrt(-2 ln R)`` in the unit, R the
    length of the mean direction: the linear one where the spread is small, without bound towards the
    uniform law, where the mean loses its meaning.
    """
    values = np.asarray(values, dtype=np.float64)
    if period is None:
        return MeanStd(float(values.mean()), float(values.std()))
    unit = period / (2.0 * np.pi)
    mean = _circular_mean(values, period)
    length = np.cos((values - mean) / unit).mean()
    length = np.clip(length, np.finfo(np.float64).eps, 1.0)
    return MeanStd(mean, float(unit * np.sqrt(-2.0 * np.log(length))))


def correlation(
    a: npt.ArrayLike, b: npt.ArrayLike, a_period: float | None = None, b_period: float | None = None
) -> float:
    """Pearson correlation of paired values (n,), nan if either is constant.

    A value with a period is measured from its circular mean and wrapped to half a period on either side.
    """
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(_from_mean(a, a_period), _from_mean(b, b_period))[0, 1])


def _circular_mean(values: npt.NDArray[np.float64], period: float) -> float:
    angles = values * (2.0 * np.pi / period)
    turn = np.arctan2(np.sin(angles).mean(), np.cos(angles).mean()) / (2.0 * np.pi)
    return float(turn % 1.0 % 1.0 * period)  # a turn of -1e-17 becomes 1 the first time, 0 the second


def _from_mean(values: npt.ArrayLike, period: float | None) -> npt.NDArray[np.float64]:
    values = np.asarray(values, dtype=np.float64)
    if period is not None:
        values = values - _circular_mean(values, period)
        values = values - period * np.round(values / period)
    return values
