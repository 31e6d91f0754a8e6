"""A log for each sequence: what was rendered, what failed, how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

from metasim.base.errors import InputError

Say = Callable[[str], None]


@contextmanager
def job_log(folder: Path | None, name: str) -> Iterator[Say]:
    """Opens the log of a sequence; lines are there as soon as they are said.

    Args:
        folder: Folder of all logs; ``None`` for none.
        name: Name of the sequence, with its scene.

    Raises:
        InputError: If it cannot be written there.
    """
    if folder is None:
        yield lambda line: None
        return
    path = folder / f"{name}.log"
    began = time.perf_counter()
    with _opened(path) as file:

        def say(line: str) -> None:
            file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {line}\n")

        yield say
        say(f"ended after {time.perf_counter() - began:.1f} s")


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a", buffering=1)
    except OSError as error:
        what = error.strerror or str(error)
        raise InputError(f"--logs: {path}", what, "a file that can be written") from error
