"""The verb ``runs``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from metasim.base.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from metasim.report.headline import Headline

Key = Literal[
    "path", "experiment", "seed", "status", "renders", "seconds", "finding", "p_value", "c2st", "w1"
]


@dataclass(frozen=True)
class Runs:
    """Shows a table of all runs.

    Attributes:
        folder: Where the runs are.
        sort: Column to order by; runs without a value come last.
        csv: File to write the table to, beside showing it.
    """

    folder: Annotated[Positional[Path], arg(metavar="DIR")] = Path("results")
    sort: Key = "path"
    csv: Annotated[Path | None, arg(metavar="FILE")] = None

    def run(self) -> int:
        """Prints the table; returns the exit status."""
        from rich.console import Console

        from metasim.report.headline import headline
        from metasim.report.run_data import load_run
        from metasim.runs.folder import find_runs

        if not self.folder.is_dir():
            raise InputError(str(self.folder), "no such folder", "a folder of runs")
        rows = [headline(load_run(folder)) for folder in find_runs(self.folder)]
        rows.sort(key=self._rank)
        if self.csv is not None:
            _write_csv(self.csv, rows)
        Console().print(_table(rows) if rows else f"no runs in {self.folder}")
        return 0

    def _rank(self, row: Headline) -> tuple[bool, object]:
        value = getattr(row, self.sort)
        return value is None, value


def _table(rows: list[Headline]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=0)
    for title in (
        "experiment",
        "seed",
        "status",
        "renders",
        "seconds",
        "verdict",
        "p",
        "c2st",
        "worst attribute",
    ):
        table.add_column(title, overflow="fold")
    for row in rows:
        worst = f"{row.worst} {row.w1:.4f}" if row.worst is not None else ""
        costs = _shown(row.renders, "d"), _shown(row.seconds, ".0f")
        verdict = row.finding or "", _shown(row.p_value, ".3f"), _shown(row.c2st, ".3f")
        table.add_row(row.experiment, str(row.seed), row.status, *costs, *verdict, worst)
    return table


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _write_csv(path: Path, rows: list[Headline]) -> None:
    import csv
    import io
    from dataclasses import asdict, fields

    from metasim.base.files import write_text
    from metasim.report.headline import Headline

    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Headline)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_text(path, text.getvalue())
