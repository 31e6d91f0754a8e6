"""Readout: what an inverse network makes of images, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Readout:
    """One row an image.

    Attributes:
        moments: (n, F) posterior means and spreads, class probabilities.
        multiples: (n, F, D) posterior means of the attributes, and of multiples of them by which angles are
            told up to a part of a turn, on [0, 1], circular where attributes are.
        look: (n, W) what the heads read them from: how the image looks to the network.
    """

    moments: npt.NDArray[np.float32]
    multiples: npt.NDArray[np.float64]
    look: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.multiples)

    @property
    def means(self) -> npt.NDArray[np.float64]:
        """(n, D) posterior means of the attributes themselves."""
        return self.multiples[:, 0]

    @classmethod
    def joined(cls, parts: Sequence[Readout]) -> Readout:
        """All parts as one."""
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})

    def take(self, rows: npt.NDArray[np.intp]) -> Readout:
        """Some of the rows."""
        return Readout(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})
