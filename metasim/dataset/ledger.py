"""The ledger of an export: success.csv and failed.csv, a row a scene."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from metasim.base.files import write_text
from metasim.dataset.journal import PartRecord
from metasim.dataset.sample import sample_key

SUCCESS, FAILED = "success.csv", "failed.csv"


def write_ledger(out: Path, records: Sequence[PartRecord]) -> tuple[str, str]:
    """Writes both tables, rows by index.

    Returns:
        Their paths within the dataset.
    """
    written = sorted((index, sample_key(index), r.part) for r in records for index in r.written)
    failed = sorted((i, sample_key(i), r.part, why) for r in records for i, why in r.failed.items())
    write_text(out / SUCCESS, _table(("index", "key", "part"), written))
    write_text(out / FAILED, _table(("index", "key", "part", "reason"), failed))
    return SUCCESS, FAILED


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()
