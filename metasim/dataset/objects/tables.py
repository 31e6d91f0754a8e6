"""Tables of assets: which were rendered and which failed, a row an asset."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metasim.base.files import write_text
from metasim.dataset.journal import PartRecord
from metasim.dataset.objects.source import ObjectSource, Subject

SUCCESS, FAILED = "assets_success.csv", "assets_failed.csv"


@dataclass(frozen=True)
class Outcome:
    """What became of an asset.

    Attributes:
        subject: The asset.
        views: Views that were written.
        reason: Why the first missing view is missing; empty if none is.
    """

    subject: Subject
    views: int
    reason: str


def outcomes(source: ObjectSource, records: Iterable[PartRecord]) -> list[Outcome]:
    """What became of each asset, in order."""
    written: dict[int, int] = {}
    reasons: dict[int, str] = {}
    for record in records:
        for index in record.written:
            written[index // source.views] = written.get(index // source.views, 0) + 1
        for index in sorted(record.failed):
            reasons.setdefault(index // source.views, record.failed[index])
    return [Outcome(s, written.get(i, 0), reasons.get(i, "")) for i, s in enumerate(source.subjects)]


def write_tables(out: Path, found: Sequence[Outcome]) -> tuple[str, str]:
    """Writes both tables; an asset with a view is a success, with the reason for those that it lacks.

    Returns:
        Their paths within the dataset.
    """
    for path, seen in ((SUCCESS, True), (FAILED, False)):
        write_text(out / path, _table(o for o in found if (o.views > 0) == seen))
    return SUCCESS, FAILED


def failures(found: Iterable[Outcome]) -> Mapping[str, str]:
    """Why assets failed, by hash of their file."""
    return {o.subject.file.sha256: o.reason for o in found if not o.views}


def _table(rows: Iterable[Outcome]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("uid", "asset", "sha256", "views", "reason"))
    for row in rows:
        cells: tuple[Any, ...] = (row.subject.uid, row.subject.asset.name, row.subject.file.sha256)
        writer.writerow((*cells, row.views, row.reason))
    return text.getvalue()
