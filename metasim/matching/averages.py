"""Averages: losses of single batches, from one line of the log to the next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import torch
from torch import Tensor

from metasim.runs.metrics import ERROR


class Averages:
    """Gathers what every step gives; a line of the log then tells of all batches, not of the last."""

    def __init__(self) -> None:
        self._values: dict[str, list[Tensor]] = defaultdict(list)

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Takes the losses of a step, scalars."""
        for name, value in values.items():
            self._values[name].append(value.detach())

    def take(self) -> dict[str, float]:
        """Means since the last call, and under ``<name>_error`` their standard errors, where several."""
        found: dict[str, float] = {}
        for name, values in self._values.items():
            batch = torch.stack(values).double()
            found[name] = float(batch.mean())
            if len(batch) > 1:
                found[name + ERROR] = float(batch.std() / len(batch) ** 0.5)
        self._values.clear()
        return found
