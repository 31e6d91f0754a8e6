"""Assembly: samples become a dataset, part by part, with the same bytes however often it was interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from metasim.base.errors import MetasimError
from metasim.dataset.card import write_card
from metasim.dataset.costs import write_costs
from metasim.dataset.drawing import Drawn
from metasim.dataset.forecast import FIRST, forecast, require_space
from metasim.dataset.formats import find_format
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.journal import Journal, PartRecord
from metasim.dataset.ledger import write_ledger
from metasim.dataset.manifest import count_samples, export_identity, read_manifest, write_manifest
from metasim.dataset.open_part import OpenPart
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.preview import Sheet
from metasim.dataset.record import FileRecord
from metasim.dataset.sample import Origin, sample_key
from metasim.dataset.statistics import write_statistics
from metasim.dataset.store import LocalStore, Store, open_for_writing
from metasim.dataset.workspace import finished_parts, is_finished
from metasim.rendering.attempt import SceneFailure
from metasim.runs.progress import NoProgress, Progress
from metasim.runs.summary import Summary

GENERATOR = "generator.json"  # the summary of the run that made the generator

Further = Callable[[Path, Sequence[PartRecord]], Sequence[str]]
"""Writes further files about the parts of a dataset to a folder, and returns their paths within it."""

Draw = Callable[[Sequence[Part]], Iterator[Drawn]]
"""Gives the scenes of some parts of the plan, those of a part in order; those of others may be between."""

Afar = Callable[[Sequence[Part]], Iterator[PartRecord]]
"""Makes parts of the plan and has their files take their place, in any order."""


@dataclass(frozen=True)
class Assembly:
    """A dataset to be written: what, from what, where to.

    Attributes:
        plan: What is written.
        origin: The generator that the scenes come from.
        class_names: All classes.
        draw: Gives the samples.
        out: Folder or address of the dataset, empty or new.
        converted_from: Hash of the manifest of the dataset that it is converted from.
        licences: Licence of each asset that the images may show.
        summary: The numbers of the generator's run, for the card.
        progress: Who is told how far it is.
        further: Writes what else describes the dataset.
        afar: Makes parts elsewhere instead of ``draw`` and ``sheet`` here.
        sheet: Makes the preview of a part.
    """

    plan: ExportPlan
    origin: Origin
    class_names: tuple[str, ...]
    draw: Draw
    out: Path | str
    converted_from: str = ""
    licences: Mapping[str, str] = field(default_factory=dict)
    summary: Summary | None = None
    progress: Progress = NoProgress()  # noqa: RUF009 (it has no state)
    further: Further = lambda out, records: ()
    afar: Afar | None = None
    sheet: Callable[[Part], Sheet] = Sheet

    def run(self, resume: bool = False) -> dict[str, Any]:
        """Writes the dataset, part by part; the manifest comes last.

        Args:
            resume: Whether to go on with an interrupted one of the same plan and generator.

        Returns:
            Samples asked for, written and failed, see ``manifest.count_samples``.

        Raises:
            InputError: If something else is at the place, or it cannot be written, or its disk is too small.
            MetasimError: If no scene of the first few draws of a generator can be rendered.
        """
        began = time.perf_counter()
        with open_for_writing(self.out) as store:
            if is_finished(store, self._identity, resume):
                return read_manifest(store)["counts"]
            kept = finished_parts(store, self._identity, resume)
            records = [*kept, *self._write_parts(store, kept)]
            return self._finish(store, records, began)

    @property
    def _identity(self) -> dict[str, Any]:
        return export_identity(self.plan, self.origin, self.converted_from)

    @property
    def _telling(self) -> bool:
        """Whether first scenes that fail say that all will.

        Not where each shows something else, nor where a dataset is converted: it keeps earlier failures.
        """
        return self.plan.independent_draws and not self.converted_from

    def _write_parts(self, store: Store, kept: Sequence[PartRecord]) -> Iterator[PartRecord]:
        """Writes the parts that are not there yet, and notes each in the journal."""
        done = {record.part for record in kept}
        todo = [part for part in self.plan.parts() if part.name not in done]
        if not todo:
            return
        if self.afar is None:
            made = self._write(store, *self._look_ahead(store, todo))
        else:
            made = self._made_afar(self.afar(todo))
        journal = Journal(store)
        if not journal.exists():
            journal.begin(self._identity)
        self.progress.start("export", sum(len(part.indices) for part in todo))
        for record in made:
            journal.add(record)
            yield record

    def _made_afar(self, records: Iterator[PartRecord]) -> Iterator[PartRecord]:
        """Passes records on, and refuses an export whose first part shows that it cannot succeed."""
        for number, record in enumerate(records):
            if number == 0 and self._telling and not record.written and len(record.failed) >= FIRST:
                reason = next(iter(record.failed.values()))
                raise MetasimError(
                    f"none of the {len(record.failed)} scenes of a part can be rendered: {reason}"
                )
            self.progress.advance(len(record.costs))
            yield record

    def _write(self, store: Store, drawn: Iterable[Drawn], bytes_each: float) -> Iterator[PartRecord]:
        """Writes scenes to their parts, several of which may be open, and closes each with its last scene."""
        parts: dict[str, OpenPart] = {}
        try:
            for scene in drawn:
                part, name = scene.part, scene.part.name
                if name not in parts:
                    require_space(store, round(bytes_each * len(part.indices)))
                    sheet = self.sheet(part)
                    parts[name] = OpenPart(self.plan, store.folder, part, sheet)
                parts[name].add(scene)
                self.progress.advance()
                if parts[name].is_complete:
                    record = parts.pop(name).close()
                    store.publish(record.files)
                    yield record
        finally:
            for unfinished in parts.values():
                unfinished.discard()

    def _look_ahead(self, store: Store, todo: Sequence[Part]) -> tuple[Iterable[Drawn], float]:
        """Draws the first scenes, and refuses the export if they show that it cannot succeed."""
        scenes = self.draw(todo)
        began = time.perf_counter()
        first = list(islice(scenes, FIRST))
        reasons = [scene.result.reason for scene in first if isinstance(scene.result, SceneFailure)]
        if len(reasons) == len(first):
            if not self._telling:
                return chain(first, scenes), 0.0
            raise MetasimError(f"none of the first {len(first)} scenes can be rendered: {reasons[0]}")
        num = sum(len(part.indices) for part in todo)
        together = sorted(first, key=lambda scene: scene.part.name)
        harmless = () if self.plan.independent_draws else (MetasimError,)
        format, rendering = find_format(self.plan.format), time.perf_counter() - began
        told = forecast(format, together, rendering, num, harmless)
        self.progress.say(str(told))
        if isinstance(store, LocalStore):  # far from here, a part at a time is all that lies here
            require_space(store, told.bytes_all)
        return chain(first, scenes), told.bytes_each

    def _finish(self, store: Store, records: Iterable[PartRecord], began: float) -> dict[str, Any]:
        """Writes what describes the dataset as a whole."""
        by_name = {record.part: record for record in records}
        ordered = [by_name[part.name] for part in self.plan.parts()]
        ordered[:1] = [record.counting(self.class_names) for record in ordered[:1]]
        counts = count_samples(self.plan, ordered)
        keys = {record.part: tuple(map(sample_key, record.written)) for record in ordered}
        format = find_format(self.plan.format)
        out, info = store.folder, DatasetInfo(self.plan, self.class_names, keys)
        store.fetch(path for part in self.plan.parts() for path in format.summaries(part))
        paths = [
            *format.finalise(out, info),
            *write_ledger(out, ordered),
            write_statistics(out, (record.statistics for record in ordered), self.class_names),
            *self.further(out, ordered),
            write_card(out, self.plan, self.origin, counts, ordered, self.licences, self.summary),
        ]
        if self.summary is not None:
            self.summary.save(out / GENERATOR)
            paths.append(GENERATOR)
        files = {path: FileRecord.of(out / path) for path in paths}
        store.publish(paths)
        write_costs(store, ordered, time.perf_counter() - began)
        write_manifest(store, self._identity, counts, ordered, files, self.licences)
        Journal(store).remove()
        return counts
