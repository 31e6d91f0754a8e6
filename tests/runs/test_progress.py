from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from metasim.runs.progress import BarProgress, LineProgress, NoProgress, show_progress


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120)


def text(of: Console) -> str:
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


def test_lines_come_at_the_end_of_a_stage_and_after_the_interval() -> None:
    quiet, talkative = console(terminal=False), console(terminal=False)
    for display in (LineProgress(quiet, interval=3600.0), LineProgress(talkative, interval=0.0)):
        display.start("invert", 10)
        for step in range(10):
            display.advance(loss=1.0 / (step + 1))
        display.close()
    assert [line.split(maxsplit=1)[1].split(",")[0] for line in text(quiet).splitlines()] == [
        "invert: 10 steps",
        "invert: 10/10",
    ]
    counts = [int(number) for number in re.findall(r"invert: (\d+)/10", text(talkative))]
    assert counts == list(range(1, 11))
    assert "loss 0.1" in text(talkative).splitlines()[-1]


def test_the_display_follows_the_console() -> None:
    plain, terminal = console(terminal=False), console(terminal=True)
    assert isinstance(show_progress(plain), LineProgress)
    bar = show_progress(terminal)
    assert isinstance(bar, BarProgress)
    bar.start("refine", 4)
    bar.advance(4, mmd2=0.25)
    bar.say("[half] way")
    bar.close()
    shown = text(terminal)
    assert "refine" in shown
    assert "4/4" in shown
    assert "mmd2 0.25" in shown
    assert "[half] way" in shown


def test_nothing_is_shown_where_nothing_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    display = NoProgress()
    display.start("x", 1)
    display.advance(1, loss=0.0)
    display.say("hello")
    display.close()
    assert capsys.readouterr() == ("", "")
