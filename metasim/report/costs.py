"""Costs: renders and seconds a stage, from the running totals in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metasim.runs.metrics import Line


@dataclass(frozen=True)
class StageCost:
    """What a stage took, up to its last logged step.

    Attributes:
        stage: Name of the stage.
        steps: Steps logged.
        renders: Images rendered for learning.
        seconds: Wall time.
    """

    stage: str
    steps: int
    renders: int
    seconds: float


def stage_costs(lines: Sequence[Line]) -> list[StageCost]:
    """Costs by stage, in order of first appearance; a stage that came in parts is summed."""
    costs: dict[str, StageCost] = {}
    renders, seconds = 0, 0.0
    for line in lines:
        name = str(line["stage"])
        cost = costs.get(name, StageCost(name, 0, 0, 0.0))
        costs[name] = StageCost(
            stage=name,
            steps=cost.steps + 1,
            renders=cost.renders + max(line["renders"] - renders, 0),
            seconds=cost.seconds + max(line["seconds"] - seconds, 0.0),
        )
        renders, seconds = max(line["renders"], renders), max(line["seconds"], seconds)
    return list(costs.values())
