"""The verb ``bench``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import UseAppendAction, arg, subcommand

from metasim.base.errors import InputError
from metasim.cli.bench_cluster import Same, Scale
from metasim.cli.json_lines import write_lines
from metasim.cli.options import Overrides, executor_config

if TYPE_CHECKING:
    from metasim.bench.aerial import AerialBench


@dataclass(frozen=True)
class Match:
    """Matches the experiments of the suite and compares methods; runs that are finished are kept.

    Attributes:
        quick: The first sprite experiments, one seed, our defaults alone.
        experiments: Folder of the experiments.
        only: Experiments by name, separated by commas; by default the whole suite.
        methods: Presets of the matching, separated by commas.
        seeds: Root seeds, separated by commas.
        out: Folder of the runs.
        budget: Renders that the presets which are baselines may spend; by default as many as ours may.
        table: Also write the runs as a Markdown table to this file.
        changes: ``executor.KEY=VALUE``: where renders are made, as in an experiment; by default here.
    """

    quick: bool = False
    experiments: Annotated[Path, arg(metavar="DIR")] = Path("experiments")
    only: Annotated[str | None, arg(metavar="A,B")] = None
    methods: Annotated[str, arg(metavar="A,B")] = "inversion,metasim"
    seeds: Annotated[str, arg(metavar="N,N")] = "0,1,2"
    out: Annotated[Path, arg(metavar="DIR")] = Path("results/bench")
    budget: Annotated[int | None, arg(metavar="N")] = None
    table: Annotated[Path | None, arg(metavar="FILE")] = None
    changes: Overrides = ()

    def run(self) -> int:
        """Measures; returns the exit status."""
        from metasim.base.files import write_text
        from metasim.bench.match import run_suite
        from metasim.bench.match_table import table
        from metasim.bench.suite import QUICK, SUITE
        from metasim.runs.progress import show_progress

        names = QUICK if self.quick else tuple(self.only.split(",")) if self.only else tuple(SUITE)
        methods = ["inversion"] if self.quick else self.methods.split(",")
        seeds = [0] if self.quick else _numbers("--seeds", self.seeds)
        executor = executor_config(self.changes)
        progress = show_progress()
        try:
            suite = run_suite(
                self.experiments, names, methods, seeds, self.out, progress, self.budget, executor
            )
            last = write_lines(suite)
        finally:
            progress.close()
        if self.table is not None:
            write_text(self.table, table(last["runs"]) + "\n")
        return 0


@dataclass(frozen=True)
class Render:
    """Compares the render pool with an engine's plain loop, two workers with one, all labels with colour.

    Of ``unity-standin`` it measures the processor time that the link to Unity players takes.

    Attributes:
        engine: The engine, ``blender``, ``sprites`` or ``unity-standin``.
        quick: Few rounds of small frames, for a first look.
        frames: Frames of one worker over which its memory is watched; 0 for none.
        experiments: Folder of the experiments, whose scenes are rendered.
        exp: The experiment whose scenes are rendered and by whose engine; by default the engine's usual one.
    """

    engine: str = "blender"
    quick: bool = False
    frames: int = 3000
    experiments: Annotated[Path, arg(metavar="DIR")] = Path("experiments")
    exp: Annotated[Path | None, arg(metavar="FILE")] = None

    def run(self) -> int:
        """Measures; returns the exit status."""
        from metasim.bench.link import STANDIN, LinkBench
        from metasim.bench.render import SETTLED, Effort, RenderBench, usual_experiment
        from metasim.runs.progress import show_progress

        if self.frames != 0 and self.frames <= SETTLED:
            raise InputError("--frames", str(self.frames), f"0, or more than {SETTLED}")
        effort = (
            Effort(rounds=3, frames=30, soak=self.frames, large=(64, 64))
            if self.quick
            else Effort(soak=self.frames)
        )
        progress = show_progress()
        try:
            experiment = self.exp or usual_experiment(self.experiments, self.engine)
            link = LinkBench(experiment, effort.rounds) if self.engine == STANDIN else None
            write_lines((link or RenderBench(experiment, effort)).run(progress))
        finally:
            progress.close()
        return 0


@dataclass(frozen=True)
class Verdict:
    """Measures false alarms and power of the verdict's tests, on pairs of samples of 500 sprites.

    Attributes:
        source: A finished run whose inverse network looks at them; by default one is trained.
        pairs: Pairs where nothing differs; half as many for each change.
        experiments: Folder of the experiments.
        out: Folder of the run that is trained, or of one that was.
    """

    source: Annotated[Path | None, arg(name="run", metavar="DIR")] = None
    pairs: int = 200
    experiments: Annotated[Path, arg(metavar="DIR")] = Path("experiments")
    out: Annotated[Path, arg(metavar="DIR")] = Path("results/bench")

    def run(self) -> int:
        """Measures; returns the exit status."""
        from metasim.bench.verdict import VerdictBench
        from metasim.runs.progress import show_progress

        if self.pairs < 1:
            raise InputError("--pairs", str(self.pairs), "1 or more")
        progress = show_progress()
        try:
            bench = VerdictBench.of(self.source, self.experiments, self.out, progress, self.pairs)
            write_lines(bench.run(progress))
        finally:
            progress.close()
        return 0


@dataclass(frozen=True)
class Export:
    """Exports a dataset, and compares with rendering the same scenes for nothing.

    Attributes:
        engine: The engine, ``blender`` or ``sprites``.
        format: Format of the dataset.
        px: Side of the images in pixels.
        samples: Samples to export.
        workers: Render processes.
        experiments: Folder of the experiments, whose scenes are exported.
        changes: ``executor.KEY=VALUE``: where renders are made, as in an experiment; by default here.
    """

    engine: str = "blender"
    format: Annotated[str, arg(metavar="NAME")] = "webdataset"
    px: Annotated[int, arg(metavar="N")] = 64
    samples: Annotated[int, arg(metavar="N")] = 2000
    workers: Annotated[int, arg(metavar="K")] = 2
    experiments: Annotated[Path, arg(metavar="DIR")] = Path("experiments")
    changes: Overrides = ()

    def run(self) -> int:
        """Measures; returns the exit status."""
        from metasim.bench.export import ExportBench

        for name in ("px", "workers"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name}", str(getattr(self, name)), "1 or more")
        bench = ExportBench(
            self.experiments,
            self.engine,
            self.format,
            self.px,
            self.samples,
            self.workers,
            executor_config(self.changes).open(),
        )
        write_lines(bench.run())
        return 0


@dataclass(frozen=True)
class Task:
    """Tests networks that learn from a generator's images alone, with and without tuning it for them.

    Attributes:
        only: Rows by name, separated by commas; by default all.
        seeds: Root seeds, separated by commas.
        digits: Folder of MNIST's four idx files; by default the digits that come with scikit-learn.
        steps: Optimiser steps of each network.
        images: Renders that each network learns from, those of the matching among them.
        beside: Further networks, separated by commas: of the grammar as it is (prior), of the target's
            own law (target), or none.
        experiments: Folder of the experiments.
        out: Folder of the runs; those that are finished are kept.
        changes: Further settings of the runs, ``path.to.key=value``.
    """

    only: Annotated[str | None, arg(metavar="A,B")] = None
    seeds: Annotated[str, arg(metavar="N,N")] = "0"
    digits: Annotated[Path | None, arg(metavar="DIR")] = None
    steps: Annotated[int, arg(metavar="N")] = 4000
    images: Annotated[int, arg(metavar="N")] = 5000
    beside: Annotated[str, arg(metavar="A,B")] = "prior"
    experiments: Annotated[Path, arg(metavar="DIR")] = Path("experiments")
    out: Annotated[Path, arg(metavar="DIR")] = Path("results/bench")
    changes: Annotated[UseAppendAction[tuple[str, ...]], arg(name="set", metavar="KEY=VALUE")] = ()

    def run(self) -> int:
        """Measures; returns the exit status."""
        from metasim.bench.task import ROWS, TaskBench
        from metasim.runs.progress import show_progress

        if self.steps < 1:
            raise InputError("--steps", str(self.steps), "1 or more")
        names = self.only.split(",") if self.only else list(ROWS)
        beside = () if self.beside == "none" else tuple(self.beside.split(","))
        out = self.out / "task"
        bench = TaskBench(self.experiments, out, self.digits, self.changes, self.steps, self.images, beside)
        progress = show_progress()
        try:
            write_lines(bench.run(names, _numbers("--seeds", self.seeds), progress))
        finally:
            progress.close()
        return 0


@dataclass(frozen=True)
class Aerial:
    """Learns the aerial experiment, then tests networks that segment target views of it.

    Attributes:
        quick: Measure little.
        seeds: Root seeds, separated by commas.
        experiments: Folder of the experiments.
        out: Folder of the runs; those that are finished are kept.
        changes: Further settings of the runs, ``path.to.key=value``.
    """

    quick: bool = False
    seeds: Annotated[str, arg(metavar="N,N")] = "0"
    experiments: Annotated[Path, arg(metavar="DIR")] = Path("experiments")
    out: Annotated[Path, arg(metavar="DIR")] = Path("results/bench")
    changes: Annotated[UseAppendAction[tuple[str, ...]], arg(name="set", metavar="KEY=VALUE")] = ()

    def run(self) -> int:
        """Measures; returns the exit status."""
        from metasim.runs.progress import show_progress

        progress = show_progress()
        try:
            write_lines(self.bench.run(_numbers("--seeds", self.seeds), progress))
        finally:
            progress.close()
        return 0

    @property
    def bench(self) -> AerialBench:
        """What is asked for."""
        from metasim.bench.aerial import FULL, QUICK, AerialBench

        return AerialBench(self.experiments, self.out / "aerial", QUICK if self.quick else FULL, self.changes)


@dataclass(frozen=True)
class Bench:
    """Measures how well and how fast things work; JSON lines, the last one a summary."""

    what: (
        Annotated[Match, subcommand("match")]
        | Annotated[Render, subcommand("render")]
        | Annotated[Verdict, subcommand("verdict")]
        | Annotated[Export, subcommand("export")]
        | Annotated[Scale, subcommand("scale")]
        | Annotated[Task, subcommand("task")]
        | Annotated[Aerial, subcommand("aerial")]
        | Annotated[Same, subcommand("same")]
    )

    def run(self) -> int:
        """Measures; returns the exit status."""
        return self.what.run()


def _numbers(option: str, text: str) -> list[int]:
    if not all(part.isdecimal() for part in text.split(",")):
        raise InputError(option, text, "numbers separated by commas")
    return [int(part) for part in text.split(",")]
