"""Reading: how well guesses follow the truth, for values that may be angles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from metasim.stats.moments import mean_std

FOLDS = (1, 2, 3, 4)
"""Symmetries of a turn, none first: a 0 looks the same upside down, a square after each quarter."""

_NORMAL = 1.4826  # standard deviation of a normal law over its median absolute deviation


def multiple_means(
    draws: npt.NDArray[np.float64], periodic: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """(n, F, D) means of (n, S, D) draws on [0, 1] and of their multiples by ``FOLDS``.

    An angle that may as well be half a turn away has no mean, but twice the angle has one. Means of angles
    are circular, of one turn; other values have theirs in all folds.
    """
    turns = [np.exp(2j * np.pi * fold * draws).mean(1) for fold in FOLDS]
    angles = np.angle(np.stack(turns, axis=1)) / (2 * np.pi) % 1.0
    return np.where(periodic, angles, draws.mean(1)[:, None])


def explained(truth: npt.ArrayLike, guess: npt.ArrayLike, period: float | None = None) -> float:
    """Share of the variation of values (n,) that guesses (n,) explain: 1 at best, 0 for the best constant.

    The coefficient of determination; on a circle with ``1 - cos`` of the error in place of its square,
    which for small errors is the same. Below 0 guesses are worse than a constant. NaN without variation.
    """
    truth, guess = np.asarray(truth, dtype=np.float64), np.asarray(guess, dtype=np.float64)
    centre = mean_std(truth, period).mean
    left, total = (_loss(truth - other, period).mean() for other in (guess, centre))
    return float(1.0 - left / total) if total > 0 else float("nan")


def typical_error(truth: npt.ArrayLike, guess: npt.ArrayLike, period: float | None = None) -> float:
    """Error of guesses (n,) as a standard deviation, from its median: a few far misses do not count."""
    error = np.asarray(guess, dtype=np.float64) - np.asarray(truth, dtype=np.float64)
    if period is not None:
        error -= period * np.round(error / period)
    return float(_NORMAL * np.median(np.abs(error)))


def _loss(error: npt.NDArray[np.float64], period: float | None) -> npt.NDArray[np.float64]:
    return np.square(error) if period is None else 1.0 - np.cos(error * (2.0 * np.pi / period))
