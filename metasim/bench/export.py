"""Export speed and memory: a dataset against rendering the same scenes and throwing the frames away.

Half of the scenes are rendered alone before the export and half after it, so that a machine that grows
slower or faster meanwhile weighs on both alike.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.bench.render import EXPERIMENTS
from metasim.config import load_experiment
from metasim.dataset.drawing import in_order
from metasim.dataset.export import Export
from metasim.dataset.formats import find_format
from metasim.dataset.modality import choose_modalities
from metasim.dataset.plan import ExportPlan
from metasim.dataset.sample import Origin
from metasim.dataset.source import render_seed
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.executor import Executor
from metasim.rendering.pool import RenderPool
from metasim.runs.progress import NoProgress
from metasim.scene.graph import SceneGraph
from metasim.scene.schema import SceneSchema

EARLY = 200  # samples after which the memory of this process should grow no more
SPLIT = {"train": 0.8, "val": 0.1, "test": 0.1}

Line = dict[str, Any]


@dataclass(frozen=True)
class GrammarSource:
    """Scenes straight from a grammar.

    Attributes:
        grammar: The grammar.
    """

    grammar: SceneGrammar
    origin = Origin("bench", "", "")

    @property
    def schema(self) -> SceneSchema:
        """The vocabulary of its scenes."""
        return self.grammar.schema

    def scene(self, index: int) -> SceneGraph:
        """The scene of an index."""
        return self.grammar.sample(stream(0, "bench/export", index))


class _Memory(NoProgress):
    """Notes the memory of this process as samples are written."""

    def __init__(self) -> None:
        self.done, self.early, self.late = 0, 0, 0

    def advance(self, steps: int = 1, **values: float) -> None:
        self.done += steps
        if self.done == EARLY:
            self.early = psutil.Process().memory_info().rss
        self.late = psutil.Process().memory_info().rss if self.done % 50 == 0 else self.late


class ExportBench:
    """Measures the export of an engine's experiment.

    Args:
        folder: Folder of the experiments.
        engine: Name of the engine.
        format: Name of the format.
        size: Side of the images in pixels.
        samples: Samples to export, more than ``EARLY``.
        workers: Render processes.
        executor: Where they are; by default processes of this machine.

    Raises:
        InputError: If there is no experiment for that engine, or too few samples.
    """

    def __init__(
        self,
        folder: Path,
        engine: str,
        format: str,
        size: int,
        samples: int,
        workers: int,
        executor: Executor | None = None,
    ) -> None:
        if engine not in EXPERIMENTS:
            raise InputError("--engine", engine, f"one of {', '.join(EXPERIMENTS)}")
        if samples <= EARLY:
            raise InputError("--samples", str(samples), f"more than {EARLY}")
        config = load_experiment(folder / EXPERIMENTS[engine])
        assert isinstance(config.grammar, Path)
        self._source = GrammarSource(SceneGrammar.from_file(config.grammar))
        self._engine, self._format, self._samples = engine, format, samples
        options = {**config.renderer.options, "size": size}
        self._pool = RenderPool(engine, options, workers, executor=executor)

    def run(self) -> Iterator[Line]:
        """Measures; yields a line a step, then the summary."""
        half = self._samples // 2
        with self._pool, tempfile.TemporaryDirectory(prefix="metasim-bench-") as folder:
            self._render(0, min(half, 8))  # workers start and load their engine
            before = self._render(0, half)
            yield {"bench": "export", "step": "render", "samples": half, "wall": before}
            memory, began = _Memory(), perf_counter()
            Export(self._plan, self._source, self._pool, Path(folder) / "out", progress=memory).run()
            wall = perf_counter() - began
            yield {"bench": "export", "step": "export", "samples": self._samples, "wall": wall}
            after = self._render(half, self._samples)
            yield {"bench": "export", "step": "render", "samples": self._samples - half, "wall": after}
        yield {
            "bench": "export",
            "engine": self._engine,
            "format": self._format,
            "px": self._plan.size[0],
            "samples": self._samples,
            "wall": wall,
            "render_only": before + after,
            "ratio": wall / (before + after),
            "rss_200_mb": memory.early / 1e6,
            "rss_end_mb": memory.late / 1e6,
            "growth_mb": (memory.late - memory.early) / 1e6,
        }

    @cached_property
    def _plan(self) -> ExportPlan:
        can, held = self._pool.capabilities, find_format(self._format).modalities
        chosen = choose_modalities(None, can.passes, held, self._format)
        return ExportPlan(self._format, self._samples, chosen, SPLIT, 0, can.size)

    def _render(self, start: int, stop: int) -> float:
        """Seconds to render some of the scenes in order, frames thrown away."""
        began = perf_counter()
        scenes = [self._source.scene(index) for index in range(start, stop)]
        seeds = [render_seed(0, index) for index in range(start, stop)]
        for _ in in_order(self._pool.stream(scenes, self._plan.passes, seeds)):
            pass
        return perf_counter() - began
