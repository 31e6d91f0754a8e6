"""Published logs: the CSV files that runs of the original implementation left in ``progress/``."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from metasim.base.errors import InputError
from metasim.runs.metrics import Line

RECONSTRUCTION, MATCHING = "reconstruct", "refine"
_TABLES: dict[str, tuple[str, str, dict[str, str]]] = {
    # the column that tells the table: stage, column of steps, other columns by their name in a log
    "mmd_loss": (MATCHING, "epoch", {"mmd_loss": "mmd2", "task_loss": "task_loss", "task_acc": "accuracy"}),
    "rec_epoch": (
        RECONSTRUCTION,
        "rec_epoch",
        {"loss": "loss", "class_loss": "class_loss", "cont_loss": "content_loss"},
    ),
}
_SECONDS = "epoch_runtime"


def read_published(path: Path) -> list[Line]:
    """Lines of a log from ``mmd.csv``, ``mmd_mnist.csv`` or ``gcn.csv``, a line an epoch.

    The published MMD is that of the last batch of an epoch, in a kernel of its own: its course compares
    with ours, its height does not. Seconds add up over epochs.

    Raises:
        InputError: If the file is no such table.
    """
    try:
        rows = list(csv.DictReader(path.read_text().splitlines(), skipinitialspace=True))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), str(error), "a readable CSV file") from error
    columns = list(rows[0]) if rows else []
    kind = next((name for name in _TABLES if name in columns), None)
    if kind is None or _TABLES[kind][1] not in columns:
        got = f"columns {', '.join(columns) or 'none'}"
        raise InputError(str(path), got, "epoch and mmd_loss, or rec_epoch and loss")
    stage, steps, names = _TABLES[kind]
    lines, seconds = [], 0.0
    for number, row in enumerate(rows, start=2):
        where = f"{path}: line {number}"
        seconds += _number(row[_SECONDS], where) if _SECONDS in row else 0.0
        line: Line = {
            "stage": stage,
            "step": int(_number(row[steps], where)),
            "renders": 0,
            "seconds": seconds,
        }
        line |= {ours: _number(row[theirs], where) for theirs, ours in names.items() if theirs in row}
        lines.append(line)
    return lines


def published_logs(paths: Sequence[Path]) -> dict[str, list[Line]]:
    """Lines of several files, those of one run together, under the name of its folder.

    Raises:
        InputError: If one of the files is no such table.
    """
    found: dict[str, list[Line]] = {}
    for path in paths:
        folder = path.absolute().parent
        run = folder.parent if folder.name == "progress" else folder
        found.setdefault(f"published {run.parent.name}/{run.name}", []).extend(read_published(path))
    return found


def _number(text: str | None, where: str) -> float:
    try:
        return float(text or "")
    except ValueError as error:
        raise InputError(where, repr(text), "a number") from error
