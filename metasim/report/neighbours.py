"""Neighbours: target images beside the renders most like them, from the best pair to the worst."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from sklearn.neighbors import NearestNeighbors

from metasim.report.columns import Array
from metasim.report.montage import montage
from metasim.report.pictures import Pictures

PAIRS = 10


@dataclass(frozen=True)
class Neighbours:
    """Nearest renders of target images, in feature space.

    Attributes:
        nearest: (m,) which render is nearest to each target image.
        distances: (m,) how far it is.
        floor: Median distance of a target image to the nearest other one, among as many as there are
            renders.
    """

    nearest: npt.NDArray[np.int64]
    distances: Array
    floor: float

    @property
    def median(self) -> float:
        """Median distance of a target image to its nearest render."""
        return float(np.median(self.distances))


def neighbours(shown: Pictures) -> Neighbours:
    """Finds the render nearest to each target image."""
    search = NearestNeighbors(n_neighbors=1).fit(shown.generated_features)
    distances, nearest = search.kneighbors(shown.target_features)
    own = shown.target_features[: len(shown.generated) + 1]
    floor = float("nan")
    if len(own) > 1:
        floor = float(np.median(NearestNeighbors(n_neighbors=1).fit(own).kneighbors()[0]))
    return Neighbours(nearest[:, 0], distances[:, 0], floor)


def neighbour_pairs(shown: Pictures, found: Neighbours) -> Image.Image:
    """Ten target images above their nearest renders, evenly from the nearest pair to the farthest."""
    order = np.argsort(found.distances)
    picked = order[np.unique(np.linspace(0, len(order) - 1, PAIRS).round().astype(int))]
    rows = [*shown.target[picked], *shown.generated[found.nearest[picked]]]
    return montage(rows, len(picked))
