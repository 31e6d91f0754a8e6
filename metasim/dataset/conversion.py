"""Conversion: a dataset of ours in another format, by the reader of one and the writer of the other."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from metasim.base.errors import InputError, MetasimError
from metasim.dataset.affordance import Affordances
from metasim.dataset.assembly import GENERATOR, Assembly
from metasim.dataset.drawing import Drawn
from metasim.dataset.formats import find_format
from metasim.dataset.journal import SceneCost
from metasim.dataset.ledger import FAILED
from metasim.dataset.manifest import NAME as MANIFEST
from metasim.dataset.manifest import load_manifest
from metasim.dataset.modality import Modality, find_modality, require
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.record import FileRecord
from metasim.dataset.sample import Origin, Sample
from metasim.dataset.store import is_remote, local_copy, local_path
from metasim.dataset.verify import verify
from metasim.rendering.attempt import SceneFailure
from metasim.runs.progress import NoProgress, Progress
from metasim.runs.summary import Summary

FREE = SceneCost(None, 0.0)
_FIELDS = {
    Modality.BBOX: "boxes",
    Modality.BBOX_FULL: "full_boxes",
    Modality.VISIBILITY: "visibility",
    Modality.BBOX3D: "solids",
}


@dataclass(frozen=True)
class Conversion:
    """A dataset to be written again in another format.

    Attributes:
        source: Folder or address of the dataset.
        format: Name of the other format.
        out: Folder or address of the new dataset, empty or new.
        modalities: What to take over; all that the format can hold by default.
        part_samples: Scenes a part at most.
        part_bytes: Bytes a part at most, before they are compressed.
        progress: Who is told how far it is.
    """

    source: Path | str
    format: str
    out: Path | str
    modalities: Sequence[str] | None = None
    part_samples: int | None = None
    part_bytes: int | None = None
    progress: Progress = NoProgress()  # noqa: RUF009 (it has no state)

    def run(self, resume: bool = False) -> dict[str, Any]:
        """Writes the dataset; see ``Assembly.run``.

        Raises:
            InputError: If the source is no dataset, or not as it was written.
        """
        find_format(self.format)
        content = load_manifest(self.source)
        if _inside(self.out, self.source):
            raise InputError(str(self.out), "in the dataset that is converted", "a place beside it")
        plan = self._plan(content["export"])
        if problems := verify(self.source):
            raise InputError(str(self.source), problems[0], "a dataset as it was written")
        with local_copy(self.source) as folder:
            reader = find_format(content["export"]["format"])
            generator = folder / GENERATOR
            return Assembly(
                plan=plan,
                origin=Origin(**content["export"]["generator"]),
                class_names=tuple(content["classes"]),
                draw=lambda parts: _in_parts(parts, reader.read(folder), _failures(folder), plan.modalities),
                out=self.out,
                converted_from=FileRecord.of(folder / MANIFEST).sha256,
                licences=content["licences"],
                summary=Summary.load(generator) if generator.exists() else None,
                progress=self.progress,
            ).run(resume)

    def _plan(self, export: Mapping[str, Any]) -> ExportPlan:
        words, views = export["affordances"], export.get("views", 1)
        plan = ExportPlan(
            format=self.format,
            num=export["num"],
            modalities=self._chosen(tuple(map(Modality, export["modalities"]))),
            split=export["split"],
            seed=export["seed"],
            size=tuple(export["image_size"]),
            part_samples=self.part_samples,
            affordances=Affordances({k: frozenset(row) for k, row in words.items()}) if words else None,
            part_names=tuple(export.get("part_names", ())),
            views=views,
            siblings=export.get("siblings", 1),
            independent_draws=export.get("independent_draws", views == 1),  # earlier manifests left it open
        )
        return plan if self.part_bytes is None else replace(plan, part_bytes=self.part_bytes)

    def _chosen(self, there: tuple[Modality, ...]) -> tuple[Modality, ...]:
        format = find_format(self.format)
        chosen = self._wanted(there, format.modalities)
        require(format.required, chosen, self.format)
        return chosen

    def _wanted(self, there: tuple[Modality, ...], held: frozenset[Modality]) -> tuple[Modality, ...]:
        if self.modalities is None:
            return tuple(m for m in there if m in held)
        asked = {find_modality(name) for name in self.modalities}
        for modality in sorted(asked):
            if modality not in there or modality not in held:
                can = ", ".join(m for m in there if m in held)
                raise InputError("--modalities", f"{modality}, not there or not held", f"some of {can}")
        return tuple(m for m in there if m in asked)


def _inside(place: Path | str, dataset: Path | str) -> bool:
    """Whether a local place is in a local dataset, or it itself."""
    if is_remote(place) or is_remote(dataset):
        return False
    there, whole = (local_path(each).resolve() for each in (place, dataset))
    return there.is_relative_to(whole)


def _failures(folder: Path) -> dict[int, str]:
    rows = csv.DictReader(io.StringIO((folder / FAILED).read_text()))
    return {int(row["index"]): row["reason"] for row in rows}


def _in_parts(
    parts: Sequence[Part],
    samples: Iterator[Sample],
    failed: Mapping[int, str],
    modalities: Sequence[Modality],
) -> Iterator[Drawn]:
    """Deals samples, which come split by split in the order of their indices, to the parts of a plan."""
    places = {
        split: iter([(part, i) for part in parts if part.split == split for i in part.indices])
        for split in dict.fromkeys(part.split for part in parts)
    }
    wanted = {index for part in parts for index in part.indices}
    split = ""
    for sample in samples:
        if sample.provenance.index not in wanted:
            continue
        if sample.split != split:
            yield from _missing(places.get(split, iter(())), failed)
            split = sample.split
        for part, index in places[split]:
            if index == sample.provenance.index:
                yield Drawn(part, index, _lean(sample, modalities), FREE)
                break
            yield _failure(part, index, failed)
    for rest in places.values():
        yield from _missing(rest, failed)


def _missing(places: Iterator[tuple[Part, int]], failed: Mapping[int, str]) -> Iterator[Drawn]:
    for part, index in places:
        yield _failure(part, index, failed)


def _failure(part: Part, index: int, failed: Mapping[int, str]) -> Drawn:
    if index not in failed:
        raise MetasimError(f"sample {index} of {part.split} is missing, or not in the order of the indices")
    return Drawn(part, index, SceneFailure(failed[index]), FREE)


def _lean(sample: Sample, modalities: Sequence[Modality]) -> Sample:
    """A sample without the modalities that are not asked for."""
    images = {m: image for m, image in sample.images.items() if m in modalities}
    absent = {field: None for m, field in _FIELDS.items() if m not in modalities}
    return replace(sample, images=images, **absent)  # pyright: ignore[reportArgumentType]
