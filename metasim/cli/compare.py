"""The verb ``compare``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import UseAppendAction, arg

from metasim.base.errors import InputError


@dataclass(frozen=True)
class Compare:
    """Writes report.html and comparison.json of one or more runs into the first.

    Attributes:
        runs: Folder of a run; given again, a further run to put beside it.
        published: ``mmd.csv`` or ``gcn.csv`` of a run of the original implementation, to draw beside these.
    """

    runs: Annotated[UseAppendAction[tuple[Path, ...]], arg(name="run", metavar="DIR")] = ()
    published: Annotated[UseAppendAction[tuple[Path, ...]], arg(metavar="FILE")] = ()

    def run(self) -> int:
        """Writes both files; returns the exit status."""
        from rich.console import Console

        from metasim.report.comparison import write_comparison
        from metasim.report.page import write_report
        from metasim.report.run_data import load_run
        from metasim.runs.folder import RunFolder
        from metasim.runs.published import published_logs

        if not self.runs:
            raise InputError("--run", "nothing", "the folder of a run")
        runs = [load_run(RunFolder(path)) for path in self.runs]
        published = published_logs(self.published)
        table = self.runs[0] / "comparison.json"
        write_comparison(runs, table)
        report = write_report(runs[0], runs[1:], published)
        Console().print(f"{report}\n{table}", markup=False, highlight=False, soft_wrap=True)
        return 0
