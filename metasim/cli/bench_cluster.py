"""The verbs ``bench scale`` and ``bench same``: clusters of nodes on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import UseAppendAction, arg

from metasim.base.errors import InputError
from metasim.cli.json_lines import write_lines


@dataclass(frozen=True)
class Scale:
    """Measures scenes and a cluster of nodes on this machine, and reckons what large exports take on many.

    Attributes:
        engine: The engine, ``blender`` or ``sprites``.
        px: Side of the images reckoned with, in pixels.
        samples: Light paths reckoned with.
        price: Dollars an hour of a processor.
        soak: Scenes over which the memory of the process that hands them out is watched; 0 for none.
        quick: Measure little.
        experiments: Folder of the experiments, whose scenes are rendered.
        table: Also write what is reckoned as a Markdown table to this file.
    """

    engine: str = "blender"
    px: Annotated[int, arg(metavar="N")] = 512
    samples: Annotated[int, arg(metavar="N")] = 256
    price: Annotated[float | None, arg(metavar="DOLLARS")] = None
    soak: Annotated[int, arg(metavar="N")] = 100_000
    quick: bool = False
    experiments: Annotated[Path, arg(metavar="DIR")] = Path("experiments")
    table: Annotated[Path | None, arg(metavar="FILE")] = None

    def run(self) -> int:
        """Measures; returns the exit status."""
        from dataclasses import replace

        from metasim.base.files import write_text
        from metasim.bench.capacity import table
        from metasim.bench.scale import QUICK, Effort, ScaleBench
        from metasim.runs.progress import show_progress

        for name in ("px", "samples"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name}", str(getattr(self, name)), "1 or more")
        effort = replace(QUICK if self.quick else Effort(), soak=self.soak)
        progress = show_progress()
        try:
            bench = ScaleBench(self.experiments, self.engine, effort, self.px, self.samples, self.price)
            last = write_lines(bench.run(progress))
        finally:
            progress.close()
        if self.table is not None:
            write_text(self.table, table(last["rows"]) + "\n")
        return 0


@dataclass(frozen=True)
class Same:
    """Trains and exports here and on a cluster of nodes on this machine, and compares all bytes.

    Attributes:
        exp: Files of experiments, separated by commas.
        samples: Samples of each dataset.
        format: Their format.
        nodes: Nodes of the cluster, with room for a worker each.
        out: Folder of the runs and datasets.
        changes: ``path.to.key=value``: changes to the experiments.
    """

    exp: Annotated[str, arg(metavar="FILE,FILE")] = (
        "experiments/digits_rotation.yaml,experiments/tyol/single_3_attr.yaml"
    )
    samples: Annotated[int, arg(metavar="N")] = 500
    format: Annotated[str, arg(metavar="NAME")] = "webdataset"
    nodes: Annotated[int, arg(metavar="N")] = 3
    out: Annotated[Path, arg(metavar="DIR")] = Path("results/bench/same")
    changes: Annotated[UseAppendAction[tuple[str, ...]], arg(name="set", metavar="KEY=VALUE")] = ()

    def run(self) -> int:
        """Compares; returns the exit status, 1 if anything differs."""
        from metasim.bench.local_cluster import LocalCluster
        from metasim.bench.same import SameBench
        from metasim.runs.progress import show_progress

        for name in ("samples", "nodes"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name}", str(getattr(self, name)), "1 or more")
        files = [Path(name) for name in self.exp.split(",")]
        progress = show_progress()
        try:
            with LocalCluster(self.nodes) as cluster:
                bench = SameBench(files, self.out, self._export, self.changes)
                last = write_lines(bench.run(cluster.address, progress))
        finally:
            progress.close()
        return 0 if last["same"] else 1

    def _export(self, run: Path, out: Path, changes: Sequence[str]) -> None:
        from metasim.cli import export

        number, place = self.samples, str(out)
        export.Export(self.format, place, run, number, resume=out.exists(), changes=(tuple(changes),)).run()
