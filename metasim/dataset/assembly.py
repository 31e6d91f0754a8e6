"""Assembly: samples become a dataset, part by part, with the same bytes however often it was interrupted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

from metasim.base.errors import MetasimError
from metasim.base.files import whole_file
from metasim.dataset.card import write_card
from metasim.dataset.costs import write_costs
from metasim.dataset.drawing import Drawn
from metasim.dataset.forecast import FIRST, forecast, require_space
from metasim.dataset.formats import find_format
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.journal import Journal, PartRecord
from metasim.dataset.ledger import write_ledger
from metasim.dataset.manifest import count_samples, export_identity, read_manifest, write_manifest
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.preview import Sheet
from metasim.dataset.record import FileRecord
from metasim.dataset.sample import Origin, Sample, sample_key
from metasim.dataset.statistics import Statistics, write_statistics
from metasim.dataset.store import LocalStore, Store, open_for_writing
from metasim.dataset.workspace import finished_parts, is_finished
from metasim.rendering.attempt import SceneFailure
from metasim.runs.progress import NoProgress, Progress
from metasim.runs.summary import Summary

GENERATOR = "generator.json"  # the summary of the run that made the generator

Further = Callable[[Path, Sequence[PartRecord]], Sequence[str]]
"""Writes further files about the parts of a dataset to a folder, and returns their paths within it."""

Draw = Callable[[Sequence[Part]], Iterator[Drawn]]
"""Gives the scenes of some parts of the plan, part by part; the order of the parts is its own affair."""


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

    def run(self, resume: bool = False) -> dict[str, Any]:
        """Writes the dataset, part by part; the manifest comes last.

        Args:
            resume: Whether to go on with an interrupted one of the same plan and generator.

        Returns:
            Samples asked for, written and failed, see ``manifest.count_samples``.

        Raises:
            InputError: If something else is at the place, or it cannot be written, or its disk is too small.
            MetasimError: If no scene of the first few can be rendered.
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

    def _write_parts(self, store: Store, kept: Sequence[PartRecord]) -> Iterator[PartRecord]:
        """Writes the parts that are not there yet, and notes each in the journal."""
        done = {record.part for record in kept}
        todo = [part for part in self.plan.parts() if part.name not in done]
        if not todo:
            return
        drawn, bytes_each = self._look_ahead(store, todo)
        journal = Journal(store)
        if not journal.exists():
            journal.begin(self._identity)
        self.progress.start("export", sum(len(part.indices) for part in todo))
        for part, scenes in groupby(drawn, key=lambda scene: scene.part):
            require_space(store, round(bytes_each * len(part.indices)))
            record = self._write_part(store, part, scenes)
            store.publish(record.files)
            journal.add(record)
            yield record

    def _look_ahead(self, store: Store, todo: Sequence[Part]) -> tuple[Iterable[Drawn], float]:
        """Draws the first scenes, and refuses the export if they show that it cannot succeed.

        Scenes that show one thing say nothing of those that show another.
        """
        scenes = self.draw(todo)
        began = time.perf_counter()
        first = list(islice(scenes, FIRST))
        reasons = [scene.result.reason for scene in first if isinstance(scene.result, SceneFailure)]
        if len(reasons) == len(first):
            if self.plan.views > 1:
                return chain(first, scenes), 0.0
            raise MetasimError(f"none of the first {len(first)} scenes can be rendered: {reasons[0]}")
        num = sum(len(part.indices) for part in todo)
        told = forecast(find_format(self.plan.format), first, time.perf_counter() - began, num)
        self.progress.say(str(told))
        if isinstance(store, LocalStore):  # far from here, a part at a time is all that lies here
            require_space(store, told.bytes_all)
        return chain(first, scenes), told.bytes_each

    def _write_part(self, store: Store, part: Part, scenes: Iterable[Drawn]) -> PartRecord:
        written, failed, costs = [], {}, {}
        classes = Counter(dict.fromkeys(self.class_names, 0))
        statistics, sheet = Statistics(), Sheet(part)
        with find_format(self.plan.format).open(store.folder, part) as writer:
            for scene in scenes:
                began = time.perf_counter()
                if isinstance(sample := scene.result, Sample):
                    writer.add(sample)
                    statistics.add(sample)
                    sheet.add(sample)
                    written.append(scene.index)
                    classes.update(node.cls for node in sample.graph.nodes)
                else:
                    failed[scene.index] = sample.reason
                label_s = scene.cost.label_s + time.perf_counter() - began
                costs[scene.index] = replace(scene.cost, label_s=label_s)
                self.progress.advance()
        paths = [*writer.files, *_write_sheet(store.folder, sheet)]
        files = {path: FileRecord.of(store.folder / path) for path in paths}
        found = statistics.to_json()
        return PartRecord(part.name, files, tuple(written), failed, dict(classes), found, costs)

    def _finish(self, store: Store, records: Iterable[PartRecord], began: float) -> dict[str, Any]:
        """Writes what describes the dataset as a whole."""
        by_name = {record.part: record for record in records}
        ordered = [by_name[part.name] for part in self.plan.parts()]
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


def _write_sheet(folder: Path, sheet: Sheet) -> list[str]:
    data = sheet.png()
    if data is None:
        return []
    with whole_file(folder / sheet.path) as file:
        file.write(data)
    return [sheet.path]
