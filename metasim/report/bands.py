"""Bands: curves with their error, comparable because all curves of a panel are cut in the same places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

WINDOWS = 30


@dataclass(frozen=True)
class Band:
    """A curve and its error.

    Attributes:
        x: (n,) places.
        middle: (n,) means.
        error: (n,) of a run the standard errors of these means, of several the deviations between runs; 0
            where there is one value alone.
    """

    x: Array
    middle: Array
    error: Array

    @property
    def low(self) -> Array:
        """Lower edge."""
        return self.middle - self.error

    @property
    def high(self) -> Array:
        """Upper edge."""
        return self.middle + self.error


def shared_windows(places: Sequence[Array]) -> Array | None:
    """Edges of the windows that all curves of a panel are averaged in; ``None`` if each value may stand.

    Args:
        places: Steps or renders of each curve.
    """
    if max((len(x) for x in places), default=0) <= WINDOWS:
        return None
    pooled = np.concatenate(places)
    return np.linspace(pooled.min(), np.nextafter(pooled.max(), np.inf), WINDOWS + 1)


def band(x: Array, values: Array, windows: Array | None, errors: Array | None = None) -> Band:
    """Mean of a curve in each window and its standard error, or the values with errors of their own.

    Args:
        x: (n,) places.
        values: (n,) values there.
        windows: Shared edges, or ``None``.
        errors: (n,) standard errors of the values, where they are known.
    """
    if windows is None:
        return Band(x, values, np.zeros_like(values) if errors is None else errors)
    places = np.searchsorted(windows, x, side="right") - 1
    filled = np.unique(places)
    groups = [places == place for place in filled]
    return Band(
        np.array([x[group].mean() for group in groups]),
        np.array([values[group].mean() for group in groups]),
        np.array([values[group].std() / np.sqrt(group.sum()) for group in groups]),
    )


def band_of_seeds(bands: Sequence[Band]) -> Band:
    """Mean and deviation over runs that differ in their seed alone, where all of them have values.

    Curves are read between their points on the places of the first.
    """
    first = bands[0].x
    start, stop = max(b.x[0] for b in bands), min(b.x[-1] for b in bands)
    x = first[(first >= start) & (first <= stop)]
    values = np.stack([np.interp(x, b.x, b.middle) for b in bands])
    return Band(x, values.mean(0), values.std(0))
