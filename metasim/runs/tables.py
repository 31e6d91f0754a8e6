"""Progress tables: the loss curves of metrics.jsonl as CSV files, always derived, never appended to."""

from __future__ import annotations

import csv
import io

from metasim.base.files import write_text
from metasim.runs.folder import RunFolder
from metasim.runs.metrics import GRADIENT, Line, read_metrics

RECONSTRUCTION = "reconstruct"
_FIRST = ("stage", "step", "renders", "seconds")


def progress_lines(lines: list[Line]) -> dict[str, list[Line]]:
    """The lines of each progress table: the autoencoder's, and all that carry a squared MMD."""
    return {
        "reconstruction": [line for line in lines if line["stage"] == RECONSTRUCTION],
        "mmd": [line for line in lines if any(key.endswith("mmd2") for key in line)],
    }


def write_tables(folder: RunFolder) -> None:
    """Writes ``progress/reconstruction.csv`` and ``progress/mmd.csv`` whole."""
    for name, lines in progress_lines(read_metrics(folder.metrics)).items():
        if lines:
            write_text(folder.progress / f"{name}.csv", _csv(lines))


def _csv(lines: list[Line]) -> str:
    keys = list(dict.fromkeys([*_FIRST, *(k for line in lines for k in line if not k.startswith(GRADIENT))]))
    text = io.StringIO()
    writer = csv.DictWriter(text, keys, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
