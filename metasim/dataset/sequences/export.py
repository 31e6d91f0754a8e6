"""SequenceExport: a dataset of sequences of scene files."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metasim.base.files import write_text
from metasim.dataset.assembly import Assembly
from metasim.dataset.journal import PartRecord
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.preview import Sheet
from metasim.dataset.sequences.drawing import SequenceDrawing
from metasim.dataset.sequences.source import Reel, SequenceSource
from metasim.rendering.pool import RenderPool
from metasim.runs.progress import NoProgress, Progress

EXCLUDED = "excluded.csv"
TRAJECTORIES = "trajectories"

OpenPool = Callable[[Reel, Path | None], RenderPool]
"""Makes the renderer of a scene, with one worker, given the folder of its trajectory if there is one."""


@dataclass(frozen=True)
class SequenceExport:
    """Sequences of scenes: what is written, of what, by which renderer, where to.

    Attributes:
        plan: What is written; a part is a sequence.
        source: The scenes.
        open_pool: Makes their renderers.
        lanes: Sequences in work at a time.
        out: Folder or address of the dataset, empty or new.
        logs: Folder of the logs; ``None`` for none.
        excluded: Why scenes are left out, by name.
        progress: Who is told how far it is.
    """

    plan: ExportPlan
    source: SequenceSource
    open_pool: OpenPool
    lanes: int
    out: Path | str
    logs: Path | None = None
    excluded: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = NoProgress()  # noqa: RUF009 (it has no state)

    def run(self, resume: bool = False) -> dict[str, Any]:
        """Writes the dataset; see ``Assembly.run``."""
        with tempfile.TemporaryDirectory(prefix="metasim-") as folder:
            ways = self._save_ways(Path(folder))

            def open_pool(reel: Reel) -> RenderPool:
                return self.open_pool(reel, ways.get(reel.name))

            tell = self.progress.say
            draw = SequenceDrawing(self.plan, self.source, open_pool, self.lanes, self.logs, tell)
            return Assembly(
                plan=self.plan,
                origin=self.source.origin,
                class_names=self.source.class_names,
                draw=draw,
                out=self.out,
                progress=self.progress,
                further=self._describe,
                sheet=self._sheet,
            ).run(resume)

    def _save_ways(self, folder: Path) -> dict[str, Path]:
        """Folders of the trajectories, by scene."""
        ways = {reel.name: reel.way for reel in self.source.reels if reel.way is not None}
        for name, way in ways.items():
            way.save(folder / name)
        return {name: folder / name for name in ways}

    def _describe(self, out: Path, records: Sequence[PartRecord]) -> Sequence[str]:
        """Writes which scenes are left out, and the trajectories that were made or read."""
        table = io.StringIO()
        rows = [("scene", "reason"), *sorted(self.excluded.items())]
        csv.writer(table, lineterminator="\n").writerows(rows)
        write_text(out / EXCLUDED, table.getvalue())
        ways = self._save_ways(out / TRAJECTORIES)
        saved = (path for folder in ways.values() for path in sorted(folder.iterdir()))
        return [EXCLUDED, *(path.relative_to(out).as_posix() for path in saved)]

    def _sheet(self, part: Part) -> Sheet:
        return Sheet.spread(part, self.source.sequence(part.indices[0]))
