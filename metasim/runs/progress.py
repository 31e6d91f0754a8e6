"""Progress: how far a stage is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar


class Progress(Protocol):
    """What a long computation tells its spectator."""

    def start(self, stage: str, total: int) -> None:
        """Begins a stage of ``total`` steps; the stage before it is over."""
        ...

    def advance(self, steps: int = 1, **values: float) -> None:
        """Some steps are done; ``values`` are shown beside them."""
        ...

    def say(self, text: str) -> None:
        """Shows a line that stays."""
        ...

    def close(self) -> None:
        """Ends the display."""
        ...


class NoProgress:
    """Shows nothing."""

    def start(self, stage: str, total: int) -> None:
        """Does nothing."""

    def advance(self, steps: int = 1, **values: float) -> None:
        """Does nothing."""

    def say(self, text: str) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


class BarProgress:
    """A bar a stage with count, rate and time left, for terminals."""

    def __init__(self, console: Console) -> None:
        self._bar = Bar(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[values]}"),
            console=console,
        )
        self._task: TaskID | None = None
        self._bar.start()

    def start(self, stage: str, total: int) -> None:
        """Adds a bar below the earlier ones."""
        self._task = self._bar.add_task(stage, total=total, values="", rate="")

    def advance(self, steps: int = 1, **values: float) -> None:
        """Moves the bar."""
        if self._task is not None:
            speed = self._bar.tasks[-1].speed
            rate = f"{speed:.1f}/s" if speed else ""
            self._bar.update(self._task, advance=steps, rate=rate, values=_words(values))

    def say(self, text: str) -> None:
        """Prints a line above the bars."""
        self._bar.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        """Leaves the bars as they stand."""
        self._bar.stop()


class LineProgress:
    """Timestamped lines, at most one an interval and one at the end of a stage, for logs and pipes.

    Args:
        console: Where to write.
        interval: Least seconds between two lines of a stage.
    """

    def __init__(self, console: Console, interval: float = 30.0) -> None:
        self._console = console
        self._interval = interval
        self._stage, self._total, self._done = "", 0, 0
        self._began = self._spoke = time.monotonic()

    def start(self, stage: str, total: int) -> None:
        """Says that a stage begins."""
        self._stage, self._total, self._done = stage, total, 0
        self._began = self._spoke = time.monotonic()
        self.say(f"{stage}: {total} steps")

    def advance(self, steps: int = 1, **values: float) -> None:
        """Says how far the stage is, if the interval is over or the stage is done."""
        self._done += steps
        moment = time.monotonic()
        if self._done < self._total and moment - self._spoke < self._interval:
            return
        self._spoke = moment
        rate = self._done / max(moment - self._began, 1e-9)
        left = max(self._total - self._done, 0) / max(rate, 1e-9)
        counts = f"{self._stage}: {self._done}/{self._total}, {rate:.1f}/s, {left:.0f} s left"
        self.say(f"{counts} {_words(values)}".rstrip())

    def say(self, text: str) -> None:
        """Prints a line with the time of day."""
        self._console.print(
            f"{datetime.now():%H:%M:%S} {text}", markup=False, highlight=False, soft_wrap=True
        )

    def close(self) -> None:
        """Nothing is open."""


def _words(values: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.4g}" for name, value in values.items())


def show_progress(console: Console | None = None) -> BarProgress | LineProgress:
    """The display that fits: a bar on a terminal, lines elsewhere; written to standard error."""
    console = console or Console(stderr=True)
    return BarProgress(console) if console.is_terminal else LineProgress(console)
