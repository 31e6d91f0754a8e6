"""Readings: what the set predictor makes of images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.matching.rows import Rows
from metasim.scene.layout import Array, Classes


@dataclass(frozen=True)
class Readings(Rows):
    """What the network reads of n images, at the Q queries that are surest of an object.

    Attributes:
        tallies: (n, T) probability of each tally.
        presence: (n, Q) probability that a query sees an object.
        places: (n, Q, 2) where.
        kinds: (n, Q, K) probability of each kind.
        drawn_kinds: (n, Q, S) draws of the kind of objects more likely there than not.
        drawn_units: (n, Q, S, D) draws of their attributes given it, NaN elsewhere.
        drawn_scenery: (n, S', E) draws of the attributes of the scenery.
    """

    tallies: Array
    presence: Array
    places: Array
    kinds: Array
    drawn_kinds: Classes
    drawn_units: Array
    drawn_scenery: Array

    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """(n, Q) which queries see an object."""
        return self.presence > 0.5

    @property
    def moments(self) -> Array:
        """(n, F) an image in one vector: numbers, kinds, places and attributes of its objects."""
        found = np.maximum(self.presence.sum(1, keepdims=True), 1e-6)
        kinds = (self.presence[..., None] * self.kinds).sum(1)
        mean = (self.presence[..., None] * self.places).sum(1) / found
        spread = (self.presence[..., None] * (self.places - mean[:, None]) ** 2).sum(1) / found
        read = np.where(self.seen[..., None], np.nan_to_num(self.drawn_units.mean(2)), 0.0)
        turn = 2 * np.pi * self.drawn_scenery
        about = np.concatenate(
            [self.drawn_scenery.mean(1), np.cos(turn).mean(1), np.sin(turn).mean(1)], axis=1
        )
        return np.concatenate(
            [self.tallies, kinds, mean, np.sqrt(spread), read.sum(1) / found, about], axis=1
        )
