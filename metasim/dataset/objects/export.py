"""ObjectExport: a dataset of views of assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metasim.base.files import write_json
from metasim.dataset.assembly import Assembly
from metasim.dataset.journal import PartRecord
from metasim.dataset.objects.blacklist import Blacklist
from metasim.dataset.objects.drawing import ObjectDrawing, ObjectPool
from metasim.dataset.objects.source import ObjectSource
from metasim.dataset.objects.tables import failures, outcomes, write_tables
from metasim.dataset.plan import ExportPlan
from metasim.runs.progress import NoProgress, Progress

SETTINGS = "settings.json"


@dataclass(frozen=True)
class ObjectExport:
    """Views of assets: what is written, of what, by which renderer, where to.

    Attributes:
        plan: What is written; its scenes are the views of the source's assets.
        source: The assets and how they are seen.
        pool: The renderer.
        out: Folder or address of the dataset, empty or new.
        blacklist: File of the assets that are not tried, to which those that fail are added.
        progress: Who is told how far it is.
        licences: Licence of each asset.
    """

    plan: ExportPlan
    source: ObjectSource
    pool: ObjectPool
    out: Path | str
    blacklist: Path | None = None
    progress: Progress = NoProgress()  # noqa: RUF009 (it has no state)
    licences: Mapping[str, str] = field(default_factory=dict)

    def run(self, resume: bool = False) -> dict[str, Any]:
        """Writes the dataset; see ``Assembly.run``."""
        listed = Blacklist() if self.blacklist is None else Blacklist.load(self.blacklist)
        failed: dict[str, str] = {}

        def describe(out: Path, records: Sequence[PartRecord]) -> Sequence[str]:
            found = outcomes(self.source, records)
            failed.update(failures(found))
            write_json(out / SETTINGS, self.source.settings)
            return (SETTINGS, *write_tables(out, found))

        counts = Assembly(
            plan=self.plan,
            origin=self.source.origin,
            class_names=self.source.class_names,
            draw=ObjectDrawing(self.plan, self.source, self.pool, listed),
            out=self.out,
            licences=self.licences,
            progress=self.progress,
            further=describe,
        ).run(resume)
        if self.blacklist is not None and failed:
            listed.learn(failed).save(self.blacklist)
        return counts
