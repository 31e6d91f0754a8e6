"""The verb ``bench``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from metasim.base.errors import InputError


@dataclass(frozen=True)
class Bench:
    """Measures how well and how fast things work; JSON lines, the last one a summary.

    ``match`` matches the experiments of the suite and compares methods; runs that are finished are kept.

    Attributes:
        what: What to measure.
        quick: The first sprite experiments, one seed, our defaults alone.
        experiments: Folder of the experiments.
        only: Experiments by name, separated by commas; by default the whole suite.
        methods: Presets of the matching, separated by commas.
        seeds: Root seeds, separated by commas.
        out: Folder of the runs.
        table: Also write the runs as a Markdown table to this file.
    """

    what: Annotated[Positional[Literal["match"]], arg(metavar="match")]
    quick: bool = False
    experiments: Annotated[Path, arg(metavar="DIR")] = Path("experiments")
    only: Annotated[str | None, arg(metavar="A,B")] = None
    methods: Annotated[str, arg(metavar="A,B")] = "inversion,metasim"
    seeds: Annotated[str, arg(metavar="N,N")] = "0,1,2"
    out: Annotated[Path, arg(metavar="DIR")] = Path("results/bench")
    table: Annotated[Path | None, arg(metavar="FILE")] = None

    def run(self) -> int:
        """Measures; returns the exit status."""
        import json

        from metasim.base.files import write_text
        from metasim.bench.match import QUICK, SUITE, run_suite, table
        from metasim.runs.progress import show_progress

        names = QUICK if self.quick else tuple(self.only.split(",")) if self.only else tuple(SUITE)
        methods = ["inversion"] if self.quick else self.methods.split(",")
        seeds = [0] if self.quick else self._seeds()
        progress, line = show_progress(), {}
        try:
            for line in run_suite(self.experiments, names, methods, seeds, self.out, progress):
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()
        finally:
            progress.close()
        if self.table is not None:
            write_text(self.table, table(line["runs"]) + "\n")
        return 0

    def _seeds(self) -> list[int]:
        if not all(part.isdecimal() for part in self.seeds.split(",")):
            raise InputError("--seeds", self.seeds, "numbers separated by commas")
        return [int(part) for part in self.seeds.split(",")]
