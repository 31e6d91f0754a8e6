"""Images whose posteriors are known in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats

from metasim.base.streams import stream
from metasim.matching.population import Posteriors
from metasim.scene.layout import Array, Classes

DRAWS = 64


@dataclass(frozen=True)
class Normal:
    """The bank: each attribute normal by itself."""

    mean: float = 0.5
    std: float = 0.4


def no_classes(units: Array) -> Classes:
    return np.zeros((*units.shape[:-1], 0), dtype=np.int64)


def posteriors(truth: Array, noise: float, bank: Normal, seed: int, draws: int = DRAWS) -> Posteriors:
    """Images show the attributes with normal noise; under a normal bank their posteriors are normal."""
    rng = stream(seed, "test/images")
    seen = truth + noise * rng.standard_normal(truth.shape)
    precision = 1 / noise**2 + 1 / bank.std**2
    mean = (seen / noise**2 + bank.mean / bank.std**2) / precision
    units = mean[:, None] + rng.standard_normal((len(truth), draws, truth.shape[1])) / precision**0.5
    log_bank = scipy.stats.norm.logpdf(units, bank.mean, bank.std).sum(-1)
    return Posteriors(units, no_classes(units), log_bank)
