"""Plan: how many scenes and steps an experiment asks for, from its layout alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from metasim.scene.layout import SceneLayout

# Chosen on one to eight attributes, seed 0; the README's table says what was run with it.
SCENES_PER_ATTRIBUTE = 370
ROUNDS = (0.36, 0.27, 0.27)
REHEARSAL = 0.1
MOST_REHEARSED = 400
TRANSFER_PER_ATTRIBUTE = 800  # steps; a single attribute has no joint law to learn
AGAIN = 0.15  # of the scenes, where a bank is inherited
AGAIN_STEPS = 150
AGAIN_POLISH = 600  # with 150 one spread of `tyol` 5 was 0.74 of the target's
AGAIN_TRANSFER = 0.5  # of the steps: the network starts from another population, not from nothing
LEAST_ROUND = 100
LEAST_STEPS = 20  # a one-cycle schedule has no fewer


@dataclass(frozen=True)
class Plan:
    """The work of the inversion.

    Attributes:
        rounds: Scenes to render in each round.
        rehearsal: Scenes to render of the inferred population, as a check of the inference.
        steps: Optimiser steps of the inverse network after each round.
        polish: Its steps after the last, in the renderer's own light.
        reconstruct: Steps of the graph autoencoder.
        transfer: Steps of the attribute network on the population.
    """

    rounds: tuple[int, ...]
    steps: tuple[int, ...]
    rehearsal: int
    polish: int = 900
    reconstruct: int = 300
    transfer: int = 1500

    @property
    def renders(self) -> int:
        """Scenes in all."""
        return sum(self.rounds) + self.rehearsal

    def again(self, effort: float) -> Plan:
        """The work that is left where bank and networks are inherited: one round at the target."""
        count = max(round(AGAIN * self.renders / 10) * 10, LEAST_ROUND)
        return replace(
            self,
            rounds=(count,),
            steps=(_shortened(AGAIN_STEPS, effort),),
            polish=_shortened(AGAIN_POLISH, effort),
            reconstruct=0,
            transfer=_shortened(self.transfer, AGAIN_TRANSFER),
        )


def plan_for(layout: SceneLayout, renders: int | None, effort: float = 1.0) -> Plan:
    """The plan of an experiment.

    The number of scenes grows with the number of different attributes; with the number of classes and
    of like objects it grows more slowly, since the network shares what it learns among them.

    Args:
        layout: Columns and choices of the scenes.
        renders: Scenes in all, if the user fixes them.
        effort: Factor on all optimiser steps.
    """
    kinds = Counter(column.spec.name for column in layout.columns)
    classes = max(layout.class_numbers, default=1)
    like = max(kinds.values())
    total = renders or round(SCENES_PER_ATTRIBUTE * (2 + len(kinds)) * classes ** (1 / 3) * like**0.5)
    *first, rehearsal = (round(share * total / 10) * 10 for share in (*ROUNDS[:-1], REHEARSAL))
    rounds = (*first, round(total / 10) * 10 - sum(first) - rehearsal)
    seen = [sum(rounds[: i + 1]) for i in range(len(rounds))]
    steps = tuple(min(max(round(0.35 * n), 500), 1000) for n in seen)
    return Plan(
        rounds,
        tuple(_shortened(count, effort) for count in steps),
        min(rehearsal, MOST_REHEARSED),
        _shortened(Plan.polish, effort),
        _shortened(Plan.reconstruct, effort),
        _shortened(min(Plan.transfer, TRANSFER_PER_ATTRIBUTE * len(layout.columns)), effort),
    )


def _shortened(steps: int, effort: float) -> int:
    return max(round(effort * steps), LEAST_STEPS)
