"""Trajectories: where cameras go, without pictures: ``split/SCENE/SEQUENCE/`` for each sequence.

There stand the HDF5 files of a camera of Hypersim's, see ``metasim.rendering.trajectory``, ``info.json``, how
far and how fast it goes, and ``metasim.json`` with lens, scene graph and origin of each frame.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.formats.record import checked_name, from_record, need_camera, sorted_json, to_record
from metasim.dataset.formats.sequences import SequenceFormat
from metasim.dataset.formats.staging import StagedFiles
from metasim.dataset.formats.travel import INFO, Travel
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample
from metasim.rendering.trajectory import Trajectory

RECORDS = "metasim.json"


class PoseSequence:
    """A sequence of poses.

    Args:
        staged: Takes the files.
        first: Its first frame.
    """

    def __init__(self, staged: StagedFiles, first: Sample) -> None:
        self._staged = staged
        self._folder = f"{first.split}/{checked_name(first.sequence or first.key)}"
        self._rate = float(first.facts.get("frame_rate", 1.0))
        self._frames: list[int] = []
        self._poses: list[np.ndarray] = []
        self._records: list[dict[str, Any]] = []
        self._travel = Travel()

    def add(self, sample: Sample) -> None:
        """Takes the camera of a frame."""
        self._poses.append(need_camera(sample, TrajectoriesFormat.name).world_from_camera)
        self._frames.append(sample.frame)
        self._records.append(to_record(sample))
        self._travel.add(sample)

    def close(self) -> None:
        """Writes the files."""
        with tempfile.TemporaryDirectory() as folder:
            Trajectory(np.array(self._frames), np.stack(self._poses), self._rate).save(Path(folder))
            for path in sorted(Path(folder).iterdir()):
                self._write(path.name, path.read_bytes())
        self._write(RECORDS, sorted_json(self._records))
        if (info := self._travel.info()) is not None:
            self._write(INFO, sorted_json(info))

    def _write(self, name: str, data: bytes) -> None:
        self._staged.write(f"{self._folder}/{name}", data)


class TrajectoriesFormat(SequenceFormat):
    """Poses alone."""

    name = "trajectories"
    modalities: frozenset[Modality] = frozenset()
    required: frozenset[Modality] = frozenset()
    begin = PoseSequence

    def read(self, out: Path) -> Iterator[Sample]:
        """All samples, sequence by sequence.

        Raises:
            InputError: If a file is damaged or missing.
        """
        for path in sorted(out.glob(f"*/**/{RECORDS}")):
            with refusing_damage(path, "the frames of a sequence"):
                samples = [from_record(record, {}) for record in json.loads(path.read_bytes())]
            yield from samples
