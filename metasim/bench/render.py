"""Rendering speed: the pool against an engine's plain loop, two workers against one, labels against colour.

In each round all contestants of a comparison render the same scenes, one contestant after another, so that
whatever else the machine does weighs on all of them alike; figures are medians over the rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import psutil

from metasim.base.errors import InputError, MetasimError
from metasim.base.processes import running
from metasim.base.streams import stream, stream_seed
from metasim.bench.bare import BareProcesses, has_bare_loop
from metasim.config import load_experiment
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.pool import RenderPool
from metasim.rendering.process import ENTRY
from metasim.rendering.protocol import Frame, Pass
from metasim.rendering.registry import check_options
from metasim.runs.progress import Progress
from metasim.scene.graph import SceneGraph

EXPERIMENTS = {
    "blender": "tyol.yaml",
    "sprites": "digits_rotation.yaml",
    "unity-standin": "tyol_unity.yaml",
}
"""The experiment whose scenes and renderer options an engine is measured with."""

COLOUR = frozenset({Pass.RGB})
SETTLED = 300  # frames after which a worker should grow no more

Line = dict[str, Any]
Reel = tuple[Sequence[SceneGraph], Sequence[int]]  # scenes and their seeds
Contestant = Callable[[Reel], float]  # renders a reel, returns the seconds it took


@dataclass(frozen=True)
class Effort:
    """How much is rendered.

    Attributes:
        rounds: Rounds of each comparison.
        frames: Frames of a contestant in a round, small ones.
        label_frames: The same in the comparison of labels and colour, where they are large.
        soak: Frames of one worker over which its memory is watched; 0 for none.
        small: Side in pixels and samples a pixel of small frames.
        large: The same of large ones.
    """

    rounds: int = 7
    frames: int = 120
    label_frames: int = 4
    soak: int = 3000
    small: tuple[int, int] = (64, 4)
    large: tuple[int, int] = (256, 64)


def usual_experiment(folder: Path, kind: str) -> Path:
    """The experiment in a folder of them that an engine is measured with.

    Raises:
        InputError: If there is none for that engine.
    """
    if kind not in EXPERIMENTS:
        raise InputError("--engine", kind, f"one of {', '.join(EXPERIMENTS)}")
    return folder / EXPERIMENTS[kind]


class RenderBench:
    """Measures an engine with the scenes of an experiment.

    Args:
        experiment: File of the experiment.
        effort: How much to render.

    Raises:
        InputError: If that is no experiment.
    """

    def __init__(self, experiment: Path, effort: Effort) -> None:
        config = load_experiment(experiment)
        self._name, self._kind, self._given = experiment.stem, config.renderer.kind, config.renderer.options
        self._grammar, self._effort = SceneGrammar.from_source(config.grammar), effort

    def run(self, progress: Progress) -> Iterator[Line]:
        """Measures; yields a line a round, then the summary."""
        known = check_options(self._kind, self._given)
        size, samples = self._effort.small
        rounds: list[Line] = []
        for compare in (self._compare_speed, self._compare_passes):
            progress.start(compare.__name__.removeprefix("_compare_"), self._effort.rounds)
            for line in compare():
                rounds.append(line)
                progress.advance()
                yield {"bench": "render", **line}
        growth = self._memory_growth(progress) if self._effort.soak else None
        yield {
            "bench": "render",
            "engine": self._kind,
            "experiment": self._name,
            "px": size,
            "spp": samples if "samples" in known else None,
            "fps": _median(rounds, "fps"),
            "fps_bare": _median(rounds, "fps_bare"),
            "ratio_bare": _median(rounds, "ratio_bare"),
            "scaling_2": _median(rounds, "scaling_2"),
            "passes_overhead": _median(rounds, "passes_overhead"),
            "memory_growth": growth,
        }

    def _compare_speed(self) -> Iterator[Line]:
        """Two workers, one worker, two bare loops; an engine in this process has neither of the latter."""
        options, frames = self._options(*self._effort.small), self._effort.frames
        with ExitStack() as stack:
            two = stack.enter_context(RenderPool(self._kind, options, workers=2))
            contestants: dict[str, Contestant] = {"two": _renders(two, COLOUR)}
            if not two.capabilities.in_process:
                one = stack.enter_context(RenderPool(self._kind, options, workers=1))
                contestants["one"] = _renders(one, COLOUR)
            if has_bare_loop(self._kind):
                contestants["bare"] = stack.enter_context(BareProcesses(self._kind, options, 2))
            for seconds in self._rounds(contestants, frames):
                line: Line = {"fps": frames / seconds["two"]}
                if "bare" in seconds:
                    line["fps_bare"] = frames / seconds["bare"]
                    line["ratio_bare"] = seconds["bare"] / seconds["two"]
                if "one" in seconds:
                    line["scaling_2"] = seconds["one"] / seconds["two"]
                yield line

    def _compare_passes(self) -> Iterator[Line]:
        """All passes against colour alone."""
        options = self._options(*self._effort.large)
        # Two pools, since an engine may keep what a pass has once needed.
        with RenderPool(self._kind, options, 2) as plain, RenderPool(self._kind, options, 2) as full:
            contestants = {
                "colour": _renders(plain, COLOUR),
                "all": _renders(full, full.capabilities.passes),
            }
            for seconds in self._rounds(contestants, self._effort.label_frames):
                yield {"passes_overhead": seconds["all"] / seconds["colour"] - 1.0}

    def _rounds(self, contestants: Mapping[str, Contestant], frames: int) -> Iterator[dict[str, float]]:
        """The seconds of each contestant in each round; the first to start changes from round to round.

        Each renders once beforehand, unmeasured: the first frame of a worker loads what all need.
        """
        names = list(contestants)
        for turn in range(-1, self._effort.rounds):
            reel = self._reel(frames, (turn + 1) * frames)
            shift = turn % len(names)
            seconds = {name: contestants[name](reel) for name in names[shift:] + names[:shift]}
            if turn >= 0:
                yield seconds

    def _memory_growth(self, progress: Progress) -> float | None:
        """How much more memory the renderer ever holds after the first frames than then, as a share.

        Raises:
            MetasimError: If it grew so much that it was replaced.
        """
        with RenderPool(self._kind, self._options(*self._effort.small), workers=1) as pool:
            scenes, seeds = self._reel(self._effort.soak, 0)
            progress.start("memory", len(scenes))
            settled = most = 0
            for done, (_, result) in enumerate(pool.stream(scenes, COLOUR, seeds), start=1):
                _check(result)
                progress.advance()
                if done == SETTLED:
                    settled = _memory()
                if done >= SETTLED and done % SETTLED == 0:
                    most = max(most, _memory())
            if pool.counters.recycled:
                raise MetasimError("the worker's memory grew until it was replaced")
            return max(most, _memory()) / settled - 1.0 if settled else None

    def _reel(self, frames: int, start: int) -> Reel:
        """Scenes of the grammar, from an index on."""
        indices = range(start, start + frames)
        scenes = [self._grammar.sample(stream(0, "bench/scenes", index)) for index in indices]
        return scenes, [stream_seed(0, "bench/render", index) for index in indices]

    def _options(self, size: int, samples: int) -> dict[str, Any]:
        """The experiment's options of the renderer at another size, and samples where it has such."""
        known = check_options(self._kind, self._given)
        return known | {"size": size} | ({"samples": samples} if "samples" in known else {})


def _renders(pool: RenderPool, passes: frozenset[Pass]) -> Contestant:
    def render(reel: Reel) -> float:
        began = perf_counter()
        for _, result in pool.stream(reel[0], passes, reel[1]):
            _check(result)
        return perf_counter() - began

    return render


def _check(result: object) -> None:
    if not isinstance(result, Frame):
        raise MetasimError(f"a scene of the benchmark failed: {result}")


def _memory() -> int:
    """Bytes held by the worker, or by this process if the engine is in it."""
    return sum(process.memory_info().rss for process in running(ENTRY) or [psutil.Process()])


def _median(rounds: Sequence[Line], key: str) -> float | None:
    values = [line[key] for line in rounds if key in line]
    return round(median(values), 4) if values else None
