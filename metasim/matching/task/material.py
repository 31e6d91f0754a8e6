"""Material: the renders a task network learns from, fresh ones of the generator and those of the bank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metasim.matching.bank import Bank, Renders
from metasim.matching.mixture import Law
from metasim.scene.layout import Array

WIDENED = 0.03  # of the range: a network that sees scenes a little beside the law loses nothing by it


@dataclass(frozen=True)
class Material:
    """Renders with weights that make them a sample of the matched law.

    Attributes:
        renders: The renders.
        weights: (n,) they sum to 1.
    """

    renders: Renders
    weights: Array

    @classmethod
    def of(cls, drawn: list[Renders], bank: Bank, law: Law) -> Material:
        """Renders of the law itself, and those of the bank by their importance, 1 at most.

        Truncated importance sampling (Ionides, 2008): a scene of the bank never counts more than one that
        was drawn for the purpose. A bank that is wide leaves few scenes exactly within a narrow law, so
        that the law is taken a little wider.

        Args:
            drawn: Renders of scenes of the law.
            bank: All that was rendered before.
            law: What the bank's scenes are weighed by.
        """
        own = Renders.joined(drawn)
        known = bank.renders
        even = np.array([len(r.renders) for r in bank.rounds]) / len(known)
        log = law.widened(WIDENED).log_density(known.units, known.classes)
        log = log - bank.log_density(known.units, known.classes, even)
        weights = np.concatenate([np.ones(len(own)), np.minimum(np.exp(np.minimum(log, 0)), 1.0)])
        return cls(Renders.joined([own, known]), weights / weights.sum())
