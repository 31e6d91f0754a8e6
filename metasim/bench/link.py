"""The link to Unity players: processor time a scene, with frames that cost the player nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from metasim.base.errors import MetasimError
from metasim.base.streams import stream, stream_seed
from metasim.config import load_experiment
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.runs.progress import Progress

STANDIN = "unity-standin"
PASSES = frozenset({Pass.RGB, Pass.DEPTH, Pass.INSTANCE, Pass.NORMAL})
SLOTS = 16  # scenes of a step
STEPS = 4  # of a round

Line = dict[str, Any]


@dataclass(frozen=True)
class LinkBench:
    """Measures this process, while a stand-in sends the encoded frames of its first step again and again.

    Args:
        experiment: File of the experiment whose scenes are sent.
        rounds: Rounds at each size.
        sides: Sides of the images, pixels.
        engine: Name of the engine that draws.
    """

    experiment: Path
    rounds: int = 7
    sides: tuple[int, ...] = (64, 256)
    engine: str = "blender"

    def run(self, progress: Progress) -> Iterator[Line]:
        """Measures; yields a line a round, then the summary."""
        summary: Line = {
            "bench": "render",
            "engine": STANDIN,
            "experiment": self.experiment.stem,
            "slots": SLOTS,
            "passes": sorted(PASSES),
        }
        for side in self.sides:
            progress.start(f"{side} px", self.rounds)
            rounds: list[Line] = []
            for line in self._rounds(side):
                rounds.append(line)
                progress.advance()
                yield {"bench": "render", "px": side, **line}
            for figure in ("cpu_ms_per_scene", "ms_per_scene"):
                summary[f"{figure}_{side}"] = round(median(line[figure] for line in rounds), 4)
        yield summary

    def _rounds(self, side: int) -> Iterator[Line]:
        """One round more than is measured: the first one starts the player and has the scenes drawn."""
        config = load_experiment(self.experiment)
        grammar = SceneGrammar.from_source(config.grammar)
        options = {"engine": self.engine, "size": side, "slots": SLOTS, "replay": True, "noisy": False}
        count = SLOTS * STEPS
        with RenderPool(STANDIN, options, workers=1) as pool:
            for turn in range(self.rounds + 1):
                indices = range(turn * count, (turn + 1) * count)
                scenes = [grammar.sample(stream(0, "bench/scenes", index)) for index in indices]
                seeds = [stream_seed(0, "bench/render", index) for index in indices]
                cpu, wall = process_time(), perf_counter()
                results = pool.render(scenes, PASSES, seeds)
                cpu, wall = process_time() - cpu, perf_counter() - wall
                if failed := [result for result in results if not isinstance(result, Frame)]:
                    raise MetasimError(f"a scene of the benchmark failed: {failed[0]}")
                if turn > 0:
                    yield {"cpu_ms_per_scene": 1e3 * cpu / count, "ms_per_scene": 1e3 * wall / count}
