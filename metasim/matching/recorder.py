"""Recorder: what the steps of a stage leave in the log and show on the way."""

from __future__ import annotations

from collections.abc import Callable

from metasim.runs.log import RunLog
from metasim.runs.metrics import ERROR, GRADIENT
from metasim.runs.progress import Progress

Record = Callable[[int, dict[str, float]], None]


def recorder(log: RunLog, progress: Progress, stage: str, steps: int, renders: Callable[[], int]) -> Record:
    """Begins a stage; what it returns is told the step and its figures now and then.

    Args:
        log: Where the figures are kept; those of an earlier attempt at the stage are dropped.
        progress: What the spectator sees.
        stage: Name of the stage.
        steps: How many it has.
        renders: Tells how many scenes have been rendered so far.
    """
    log.rewind(stage)
    progress.start(stage, steps)
    done = 0

    def record(step: int, values: dict[str, float]) -> None:
        nonlocal done
        log.scalars(stage, step, renders(), **values)
        shown = {n: v for n, v in values.items() if not n.startswith(GRADIENT) and not n.endswith(ERROR)}
        progress.advance(step + 1 - done, **shown)
        done = step + 1

    return record
