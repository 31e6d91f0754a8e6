"""Draws the frames of sequences, several sequences at a time, each by a renderer of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from pathlib import Path

from metasim.base.errors import MetasimError
from metasim.dataset.drawing import Drawn, in_order
from metasim.dataset.journal import SceneCost
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.sample import Provenance, Sample, make_sample
from metasim.dataset.sequences.lanes import Lanes
from metasim.dataset.sequences.logs import Say, job_log
from metasim.dataset.sequences.source import Reel, SequenceSource
from metasim.dataset.source import render_seed
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame

PATIENCE = 3
"""Frames that fail one after the other until the rest of a sequence is given up."""

Result = Frame | SceneFailure


@dataclass(frozen=True, eq=False)
class SequenceDrawing:
    """The labelled frames of sequences, each a part; frames of a part come in order.

    A scene that crashes, hangs or cannot be opened ends its own sequences only.

    Attributes:
        plan: What the samples shall carry, and the root seed.
        source: The scenes.
        open_pool: Makes the renderer of a scene, with one worker.
        lanes: Sequences in work at a time.
        logs: Folder of the logs; ``None`` for none.
        tell: Told when a sequence is done.
    """

    plan: ExportPlan
    source: SequenceSource
    open_pool: Callable[[Reel], RenderPool]
    lanes: int
    logs: Path | None = None
    tell: Say = lambda line: None

    def __call__(self, parts: Sequence[Part]) -> Iterator[Drawn]:
        """Draws some parts of the plan."""
        for part, index, result in Lanes([partial(self._shoot, part) for part in parts], self.lanes):
            cost, began = result.cost if isinstance(result, Frame) else None, time.perf_counter()
            drawn = self._labelled(part, index, result) if isinstance(result, Frame) else result
            yield Drawn(part, index, drawn, SceneCost(cost, time.perf_counter() - began))

    def _shoot(self, part: Part) -> Generator[tuple[Part, int, Result], None, None]:
        """Renders a sequence; an answer for each of its frames, in order."""
        name, done = self.source.sequence(part.indices[0]), 0
        with job_log(self.logs, name) as say:
            for index, result in zip(part.indices, self._results(part, say), strict=True):
                done += isinstance(result, Frame)
                yield part, index, result
            told = f"{done} of {len(part.indices)} frames rendered"
            say(told)
        self.tell(f"{name}: {told}")

    def _results(self, part: Part, say: Say) -> Iterator[Result]:
        """What the renderer gives, and why it gives no more for each frame after that."""
        given, row, reason = 0, 0, ""
        with closing(self._rendered(part, say)) as results:
            try:
                for given, result in enumerate(results, start=1):
                    yield result
                    row = row + 1 if isinstance(result, SceneFailure) else 0
                    if isinstance(result, SceneFailure):
                        say(f"frame {given - 1} failed: {result.reason}")
                        reason = f"given up after {row} failures in a row: {result.reason}"
                    if row == PATIENCE:
                        break
            except MetasimError as error:
                reason = str(error)
        if left := len(part.indices) - given:
            say(f"{left} frames are not rendered: {reason}")
        yield from repeat(SceneFailure(reason), left)

    def _rendered(self, part: Part, say: Say) -> Generator[Result, None, None]:
        reel = self.source.reel(part.indices[0])
        for line in (f"{reel.file}, sha256 {reel.sha256}", *reel.footage.notes):
            say(line)
        scenes = [self.source.graph(index) for index in part.indices]
        seeds = [render_seed(self.plan.seed, index) for index in part.indices]
        with self.open_pool(reel) as pool:
            yield from in_order(pool.stream(scenes, self.plan.passes, seeds))

    def _labelled(self, part: Part, index: int, frame: Frame) -> Sample:
        plan, source = self.plan, self.source
        made = Provenance(source.origin, plan.seed, index, render_seed(plan.seed, index))
        graph, names = source.graph(index), source.class_names
        sample = make_sample(graph, frame, plan.modalities, names, part.split, made, plan.affordances)
        facts = {**frame.facts, **source.facts(index)}
        return replace(sample, sequence=source.sequence(index), frame=source.place(index), facts=facts)
