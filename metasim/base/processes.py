"""Processes: which of those below this one run a program."""

from __future__ import annotations

import psutil


def running(program: str, below: int | None = None) -> list[psutil.Process]:
    """Processes below one that have a program among the words of their command line.

    Those that end meanwhile, and the dead that nobody has waited for, do not count.

    Args:
        program: A word of the command line.
        below: Id of a process; by default this one.
    """
    return [
        child for child in psutil.Process(below).children(recursive=True) if program in _command_line(child)
    ]


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
