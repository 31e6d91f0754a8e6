"""A log for each sequence: what was rendered, what failed, how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

Say = Callable[[str], None]


@contextmanager
def job_log(folder: Path | None, name: str) -> Iterator[Say]:
    """Opens the log of a sequence; lines are there as soon as they are said.

    Args:
        folder: Folder of all logs; ``None`` for none.
        name: Name of the sequence, with its scene.
    """
    if folder is None:
        yield lambda line: None
        return
    path = folder / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    with path.open("a", buffering=1) as file:

        def say(line: str) -> None:
            file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {line}\n")

        yield say
        say(f"ended after {time.perf_counter() - began:.1f} s")
