"""Bins shared by the populations that a histogram compares.

Bins chosen a population at a time make a spike look as wide as the target; here all populations are
counted in the same ones, as shares, so that areas and heights compare.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

FEWEST, MOST = 20, 80
STRAY = 0.02  # share of values that an empty arc of a circle may hold


def shared_bins(populations: Sequence[Array], low: float, high: float) -> Array:
    """Edges of equal width over all values, fine enough for the narrowest population.

    The width is Freedman and Diaconis' (1981) for the population with the least, within 20 to 80 bins.

    Args:
        populations: Values of each population, NaN where missing.
        low: Least value of the attribute, used where there are no values.
        high: Greatest value.
    """
    finite = [values[np.isfinite(values)] for values in populations]
    finite = [values for values in finite if values.size]
    if not finite:
        return np.linspace(low, high, FEWEST + 1)
    start, stop = min(v.min() for v in finite), max(v.max() for v in finite)
    if stop - start < 1e-9 * (high - low):
        start, stop = start - 0.01 * (high - low), stop + 0.01 * (high - low)
    width = min((_width(v) for v in finite), default=0.0)
    number = int(np.clip((stop - start) / width, FEWEST, MOST)) if width > 0 else MOST
    return np.linspace(start, stop, number + 1)


def _width(values: Array) -> float:
    first, third = np.quantile(values, [0.25, 0.75])
    return float(2 * (third - first) / np.cbrt(values.size))


def shares(values: Array, edges: Array) -> Array:
    """Share of the finite values in each bin (B,); they sum to 1 where the edges hold all values."""
    finite = values[np.isfinite(values)]
    return np.histogram(finite, edges)[0] / max(finite.size, 1)


def unwrapped(populations: Sequence[Array], low: float, period: float) -> list[Array]:
    """Periodic values of all populations, cut open together where the circle is emptiest.

    So a mode about the seam of the range is drawn in one piece; half of the values at least stay in
    ``[low, low + period)``, others may lie a period beside it.
    """
    pooled = np.concatenate(populations)
    turned = np.sort(np.mod(pooled[np.isfinite(pooled)] - low, period))
    if not turned.size:
        return list(populations)
    cut = _emptiest(turned, period)
    cut -= period * (cut >= period or np.median(cut + np.mod(turned - cut, period)) >= period)
    return [low + cut + np.mod(values - low - cut, period) for values in populations]


def _emptiest(turned: Array, period: float) -> float:
    """The middle of the widest gap within the widest arc that holds stray values alone.

    Args:
        turned: (n,) ascending values in ``[0, period)``.
        period: What the circle measures.
    """
    stray = int(STRAY * turned.size)
    circle = np.concatenate([turned, turned + period])
    start = int((circle[stray + 1 : stray + 1 + turned.size] - circle[: turned.size]).argmax())
    arc = circle[start : start + stray + 2]
    widest = int(np.diff(arc).argmax())
    return float(arc[widest] + arc[widest + 1]) / 2.0
