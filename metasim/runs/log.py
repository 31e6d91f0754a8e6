"""RunLog: what a run writes while it works: metrics.jsonl, TensorBoard events, progress tables."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from metasim.runs.folder import RunFolder
from metasim.runs.manifest import Manifest
from metasim.runs.metrics import append_line, keep_lines
from metasim.runs.tables import write_tables

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class RunLog:
    """Appends to the log of a run; opened again, it goes on where it stopped.

    Names of values have a meaning in tables and plots: ``loss``, ``mmd2``, ``accuracy``, and
    anything else that ends in one of these.

    Args:
        folder: The run.
        tensorboard: Whether to write TensorBoard events as well, one folder a stage.
    """

    def __init__(self, folder: RunFolder, tensorboard: bool = True) -> None:
        self._folder = folder
        self._tensorboard = tensorboard
        self._writers: dict[str, SummaryWriter] = {}
        self._purge: dict[str, int] = {}
        folder.path.mkdir(parents=True, exist_ok=True)
        lines = keep_lines(folder.metrics)
        earlier = Manifest.load(folder.manifest).seconds if folder.manifest.exists() else 0.0
        self._before = max([earlier, *(line.get("seconds") or 0.0 for line in lines)])
        self._start = time.monotonic()

    def scalars(self, stage: str, step: int, renders: int, **values: float) -> None:
        """Logs the numbers of a step.

        Args:
            stage: Stage of the run, for example ``invert``.
            step: Step of the stage, counted from 0.
            renders: Images rendered for learning so far, in the whole run.
            values: Losses and other numbers; what is not finite is written as null.
        """
        seconds = round(self._before + time.monotonic() - self._start, 3)
        line = {"stage": stage, "step": step, "renders": renders, "seconds": seconds, **values}
        append_line(self._folder.metrics, line)
        if (writer := self._writer(stage)) is not None:
            for name, value in {"renders": renders, **values}.items():
                writer.add_scalar(name, float(value), step)

    def histogram(self, stage: str, step: int, name: str, values: npt.NDArray[np.floating]) -> None:
        """Logs a distribution of values, any shape, to TensorBoard; what is not finite is left out."""
        finite = values[np.isfinite(values)]
        if finite.size and (writer := self._writer(stage)) is not None:
            writer.add_histogram(name, finite, step)

    def images(self, stage: str, step: int, name: str, images: npt.NDArray[np.uint8]) -> None:
        """Logs a batch of images (N, H, W, 3) to TensorBoard."""
        if len(images) and (writer := self._writer(stage)) is not None:
            writer.add_images(name, images, step, dataformats="NHWC")

    def rewind(self, stage: str, step: int = 0) -> None:
        """Forgets a stage from a step on, which is about to be done again from a checkpoint."""

        def earlier(line: dict[str, object]) -> bool:
            return line["stage"] != stage or int(str(line["step"])) < step

        keep_lines(self._folder.metrics, earlier)
        if (writer := self._writers.pop(stage, None)) is not None:
            writer.close()
        self._purge[stage] = step

    def close(self) -> None:
        """Flushes the events and writes the progress tables."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        write_tables(self._folder)

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _writer(self, stage: str) -> SummaryWriter | None:
        if not self._tensorboard:
            return None
        if stage not in self._writers:
            from torch.utils.tensorboard import SummaryWriter

            folder = str(self._folder.tensorboard / stage)
            self._writers[stage] = SummaryWriter(folder, purge_step=self._purge.pop(stage, None))
        return self._writers[stage]
