"""Export: a labelled dataset from a generator, with the same bytes however often it was interrupted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

from metasim.base.errors import MetasimError
from metasim.dataset.card import write_card
from metasim.dataset.drawing import FIRST, Drawn, Pool, draw
from metasim.dataset.forecast import forecast, require_space
from metasim.dataset.formats import find_format
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.journal import FileRecord, Journal, PartRecord
from metasim.dataset.ledger import write_ledger
from metasim.dataset.manifest import (
    count_classes,
    count_samples,
    export_identity,
    load_manifest,
    write_manifest,
)
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.sample import Sample, sample_key
from metasim.dataset.source import SceneSource
from metasim.dataset.workspace import finished_parts, is_finished, locked
from metasim.rendering.attempt import SceneFailure
from metasim.runs.progress import NoProgress, Progress
from metasim.runs.summary import Summary


@dataclass(frozen=True)
class Export:
    """An export: what is written, from which generator, by which renderer, where to.

    Attributes:
        plan: What is written.
        source: The generator.
        pool: The renderer, a ``RenderPool``.
        out: Folder of the dataset, empty or new.
        summary: The numbers of the generator's run, for the card.
        progress: Who is told how far it is.
    """

    plan: ExportPlan
    source: SceneSource
    pool: Pool
    out: Path
    summary: Summary | None = None
    progress: Progress = NoProgress()  # noqa: RUF009 (it has no state)

    def run(self, resume: bool = False) -> dict[str, Any]:
        """Writes the dataset, part by part; the manifest comes last.

        Args:
            resume: Whether to go on with an interrupted export of the same plan and generator.

        Returns:
            Samples asked for, written and failed, see ``manifest.count_samples``.

        Raises:
            InputError: If the folder holds something else, or its disk is too small.
            MetasimError: If no scene of the first few can be rendered, or the disk fills up.
        """
        with locked(self.out):
            if is_finished(self.out, self._identity, resume):
                return load_manifest(self.out)["counts"]
            kept = finished_parts(self.out, self._identity, resume)
            return self._finish([*kept, *self._write_parts(kept)])

    @property
    def _identity(self) -> dict[str, Any]:
        return export_identity(self.plan, self.source.origin)

    def _write_parts(self, kept: Sequence[PartRecord]) -> Iterator[PartRecord]:
        """Writes the parts that are not there yet, and notes each in the journal."""
        done = {record.part for record in kept}
        todo = [part for part in self.plan.parts() if part.name not in done]
        if not todo:
            return
        drawn, bytes_each = self._look_ahead(todo)
        journal = Journal(self.out)
        if not journal.path.exists():
            journal.begin(self._identity)
        self.progress.start("export", sum(len(part.indices) for part in todo))
        for part, scenes in groupby(drawn, key=lambda scene: scene.part):
            require_space(self.out, round(bytes_each * len(part.indices)))
            record = self._write_part(part, scenes)
            journal.add(record)
            yield record

    def _look_ahead(self, todo: Sequence[Part]) -> tuple[Iterable[Drawn], float]:
        """Draws the first scenes, and refuses the export if they show that it cannot succeed."""
        scenes = draw(self.plan, self.source, self.pool, todo)
        began = time.perf_counter()
        first = list(islice(scenes, FIRST))
        reasons = [scene.result.reason for scene in first if isinstance(scene.result, SceneFailure)]
        if len(reasons) == len(first):
            raise MetasimError(f"none of the first {len(first)} scenes can be rendered: {reasons[0]}")
        num = sum(len(part.indices) for part in todo)
        told = forecast(find_format(self.plan.format), first, time.perf_counter() - began, num)
        self.progress.say(str(told))
        require_space(self.out, told.bytes_all)
        return chain(first, scenes), told.bytes_each

    def _write_part(self, part: Part, scenes: Iterable[Drawn]) -> PartRecord:
        written, failed, classes = [], {}, Counter(dict.fromkeys(self.source.schema.class_names, 0))
        with find_format(self.plan.format).open(self.out, part) as writer:
            for scene in scenes:
                if isinstance(scene.result, Sample):
                    writer.add(scene.result)
                    written.append(scene.index)
                    classes.update(node.cls for node in scene.graph.nodes)
                else:
                    failed[scene.index] = scene.result.reason
                self.progress.advance()
        files = {path: FileRecord.of(self.out / path) for path in writer.files}
        return PartRecord(part.name, files, tuple(written), failed, dict(classes))

    def _finish(self, records: Iterable[PartRecord]) -> dict[str, Any]:
        """Writes what describes the dataset as a whole."""
        by_name = {record.part: record for record in records}
        ordered = [by_name[part.name] for part in self.plan.parts()]
        counts, classes = count_samples(self.plan, ordered), count_classes(ordered)
        keys = {record.part: tuple(map(sample_key, record.written)) for record in ordered}
        info = DatasetInfo(self.plan, self.source.schema.class_names, keys)
        files = [
            *find_format(self.plan.format).finalise(self.out, info),
            *write_ledger(self.out, ordered),
            write_card(self.out, self.plan, self.source.origin, counts, classes, self.summary),
        ]
        write_manifest(self.out, self._identity, counts, ordered, files)
        Journal(self.out).remove()
        return counts
