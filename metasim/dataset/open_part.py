"""OpenPart: a part of a dataset while its scenes come in."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from metasim.base.errors import MetasimError
from metasim.base.files import whole_file
from metasim.dataset.drawing import Drawn
from metasim.dataset.formats import find_format
from metasim.dataset.journal import PartRecord, SceneCost
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.preview import Sheet
from metasim.dataset.record import FileRecord
from metasim.dataset.sample import Sample
from metasim.dataset.statistics import Statistics


class OpenPart:
    """Takes the scenes of a part in their order; its files appear when it is closed.

    Args:
        plan: What is written.
        folder: Folder of the dataset.
        part: The part.
        sheet: Its preview.
    """

    def __init__(self, plan: ExportPlan, folder: Path, part: Part, sheet: Sheet) -> None:
        self._plan, self._part, self._folder, self._sheet = plan, part, folder, sheet
        self._classes = Counter[str]()
        self._statistics = Statistics()
        self._written: list[int] = []
        self._failed: dict[int, str] = {}
        self._costs: dict[int, SceneCost] = {}
        self._open = ExitStack()
        self._writer = self._open.enter_context(find_format(plan.format).open(folder, part))

    @property
    def is_complete(self) -> bool:
        """Whether all its scenes are in."""
        return len(self._costs) == len(self._part.indices)

    def add(self, scene: Drawn) -> None:
        """Takes the next scene.

        Raises:
            InputError: If it is a draw that the format cannot hold. What shows a given thing fails alone.
        """
        began = time.perf_counter()
        result = scene.result
        if isinstance(result, Sample):
            self._write(scene.index, result)
        else:
            self._failed[scene.index] = result.reason
        label_s = scene.cost.label_s + time.perf_counter() - began
        self._costs[scene.index] = replace(scene.cost, label_s=label_s)

    def _write(self, index: int, sample: Sample) -> None:
        try:
            self._writer.add(sample)
        except MetasimError as error:
            if self._plan.independent_draws:
                raise
            self._failed[index] = str(error)
            return
        self._statistics.add(sample)
        self._sheet.add(sample)
        self._written.append(index)
        self._classes.update(node.cls for node in sample.graph.nodes)

    def close(self) -> PartRecord:
        """Has the files appear."""
        self._open.close()
        paths = [*self._writer.files, *self._write_sheet()]
        return PartRecord(
            part=self._part.name,
            files={path: FileRecord.of(self._folder / path) for path in paths},
            written=tuple(self._written),
            failed=self._failed,
            classes=dict(self._classes),
            statistics=self._statistics.to_json(),
            costs=self._costs,
        )

    def discard(self) -> None:
        """Leaves nothing behind."""
        gone = MetasimError(f"{self._part.name} is not complete")
        self._open.__exit__(type(gone), gone, None)

    def _write_sheet(self) -> list[str]:
        data = self._sheet.png()
        if data is None:
            return []
        with whole_file(self._folder / self._sheet.path) as file:
            file.write(data)
        return [self._sheet.path]
