"""Shifts: how far apart generated and target are in each attribute, and how far they would have to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from metasim.runs.summary import Shift
from metasim.scene.attribute import AttributeSpec
from metasim.scene.layout import Array, SceneLayout
from metasim.stats.moments import mean_std
from metasim.stats.spread import spread_test

LEVEL = 0.05
POWER = 0.9
DEGREES = 5.0  # the shift whose power is stated, for angles
SHARE = 0.02  # of the range, for all else
CLIP = 3.0  # standard deviations beyond which a reading counts no more
LEAST_SLOPE = 0.2  # readings that follow the truth less than this say nothing of a shift


@dataclass(frozen=True)
class Readings:
    """Posterior means of attributes on [0, 1], (n, D) each.

    Attributes:
        target: Of held-out target images.
        fresh: Of fresh renders of the generator.
        truth: The attributes that these renders have.
    """

    target: Array
    fresh: Array
    truth: Array


def shifts(layout: SceneLayout, readings: Readings) -> dict[str, Shift]:
    """The shift of every column."""
    r = readings
    return {
        column.name: attribute_shift(column.spec, r.target[:, j], r.fresh[:, j], r.truth[:, j])
        for j, column in enumerate(layout.columns)
    }


def attribute_shift(spec: AttributeSpec, target: Array, fresh: Array, truth: Array) -> Shift:
    """Tests one attribute's mean.

    Readings are drawn towards what the network has seen most, so their difference is less than that of
    the attributes: it is divided by the slope of readings over the truth, known for the renders. Errors
    are those of means of independent images, the p value is normal.

    Args:
        spec: Of the attribute.
        target: (n,) readings of target images on [0, 1].
        fresh: (m,) readings of fresh renders.
        truth: (m,) their attribute.
    """
    read, other = np.concatenate([target, fresh]), len(target)
    bounded, gain = deviations(read, spec.periodic)
    gap = bounded[other:].mean() - bounded[:other].mean()
    noise = np.sqrt(bounded[:other].var() / other + bounded[other:].var() / len(fresh))
    if noise == 0:
        return Shift(difference=None, error=None, p_value=float(gap == 0), smallest=None, power=None)
    p_value = float(2 * norm.sf(abs(gap) / noise))
    slope = gain * _slope(truth, fresh, spec.periodic)
    if not slope > LEAST_SLOPE:
        return Shift(difference=None, error=None, p_value=p_value, smallest=None, power=None)
    error = float(noise / slope * spec.span)
    limit = float(norm.isf(LEVEL / 2))
    stated = (DEGREES if spec.unit == "deg" else SHARE * spec.span) / error
    return Shift(
        difference=float(gap / slope * spec.span),
        error=error,
        p_value=p_value,
        smallest=(limit + float(norm.ppf(POWER))) * error,
        power=float(norm.sf(limit - stated) + norm.sf(limit + stated)),
    )


def deviations(values: Array, periodic: bool) -> tuple[Array, float]:
    """Bounded deviations of values on [0, 1] from their middle, and how far their mean follows a shift.

    On a line they are clipped (Huber, "Robust estimation of a location parameter", Annals of
    Mathematical Statistics 35, 1964). On a circle they are sines from the mean direction: readings half a
    turn off, the usual miss, count as little as right ones.
    """
    if periodic:
        turn = 2 * np.pi * (values - mean_std(values, 1.0).mean)
        return np.sin(turn) / (2 * np.pi), float(np.cos(turn).mean())
    away = values - np.median(values)
    limit = CLIP * 1.4826 * np.median(np.abs(away))
    if limit == 0:
        return away, 1.0
    return away.clip(-limit, limit), float((np.abs(away) < limit).mean())


def _slope(truth: Array, read: Array, periodic: bool) -> float:
    """Slope of readings over the truth, far misses left out; 0 where the truth does not vary."""
    here, there = truth - np.median(truth), read - np.median(read)
    miss = there - here
    if periodic:
        here = _wrapped(truth - mean_std(truth, 1.0).mean)
        miss = _wrapped(read - truth)
    miss -= np.median(miss)
    rows = np.abs(miss) <= CLIP * 1.4826 * np.median(np.abs(miss)) + 1e-9
    x = here[rows]
    return 1.0 + float(np.cov(x, miss[rows])[0, 1] / x.var(ddof=1)) if rows.sum() > 2 and x.std() > 0 else 0.0


def _wrapped(values: Array) -> Array:
    return values - np.round(values)


def spread_p_value(
    layout: SceneLayout, target: Array, draws: Array, rng: np.random.Generator, permutations: int
) -> float:
    """Tests spreads and correlations of readings (n, D) and (m, D), blind to their means."""
    columns = [
        deviations(np.concatenate([target[:, j], draws[:, j]]), bool(wraps))[0]
        for j, wraps in enumerate(layout.periodic)
    ]
    together = np.stack(columns, axis=1)
    n = len(target)
    return spread_test(together[:n], together[n:], rng, permutations).p_value


def holm(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """P values (k,) that hold for all of them together (Holm, Scandinavian Journal of Statistics 6, 1979)."""
    p = np.asarray(p_values, dtype=np.float64).reshape(-1)
    order = np.argsort(p)
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    return raised[np.argsort(order)]
