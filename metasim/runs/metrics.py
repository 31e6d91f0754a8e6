"""metrics.jsonl: one JSON line a step; whole lines only, whatever becomes of the process."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from metasim.base.files import write_text

Line = dict[str, Any]

GRADIENT = "gradient/"
"""What the names of gradient norms begin with; a layer of the network follows."""

ERROR = "_error"
"""What the name of a value's standard error ends with; the name of the value stands before it."""


def read_metrics(path: Path) -> list[Line]:
    """All whole lines; none if the file is missing. A line cut short by a kill is left out."""
    if not path.exists():
        return []
    return [line for line in map(_parse, path.read_text().splitlines()) if line is not None]


def _parse(text: str) -> Line | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and "stage" in line else None


def append_line(path: Path, line: Line) -> None:
    """Appends a line by a single write, so that it is there for every later reader."""
    text = json.dumps({key: _jsonable(value) for key, value in line.items()}, allow_nan=False) + "\n"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)


def _jsonable(value: Any) -> Any:
    """Numbers of numpy and torch become Python's; what JSON cannot say becomes null."""
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def keep_lines(path: Path, keep: Callable[[Line], bool] = lambda _: True) -> list[Line]:
    """Rewrites the file, whole, with the lines to keep; cut lines go too. Returns the kept lines."""
    lines = [line for line in read_metrics(path) if keep(line)]
    text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)
    if path.exists() and path.read_text() != text:
        write_text(path, text)
    return lines


def curve(lines: Iterable[Line], key: str) -> tuple[list[Line], list[float]]:
    """The lines that carry a finite value of ``key``, and those values."""
    found = [line for line in lines if isinstance(line.get(key), int | float)]
    return found, [float(line[key]) for line in found]
