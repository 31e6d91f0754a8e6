"""Draws the scenes of a plan, has them rendered, and labels them, in the order of the plan."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, overload

from metasim.dataset.journal import SceneCost
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.sample import Provenance, Sample, make_sample
from metasim.dataset.source import SceneSource, render_seed
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph

T = TypeVar("T")


class Pool(Protocol):
    """What an export needs of a render pool."""

    def stream(
        self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int]
    ) -> Iterable[tuple[int, Frame | SceneFailure]]:
        """Renders scenes; yields each with its position, in any order."""
        ...


@dataclass(frozen=True)
class Drawn:
    """A scene that was drawn.

    Attributes:
        part: The part it belongs to.
        index: Its index.
        result: The labelled sample, or why there is none.
        cost: What it took so far.
    """

    part: Part
    index: int
    result: Sample | SceneFailure
    cost: SceneCost


def draw(plan: ExportPlan, source: SceneSource, pool: Pool, parts: Iterable[Part]) -> Iterator[Drawn]:
    """Draws, renders and labels the scenes of some parts, in their order.

    All of them are one stream: scenes are drawn as the renderer asks for them, so that it never waits for
    what is being written, and no more are held than it is ahead.

    Args:
        plan: What the samples shall carry, and the root seed.
        source: The generator.
        pool: The renderer.
        parts: The parts.
    """
    places = [(part, index) for part in parts for index in part.indices]
    scenes = _Scenes(source, [index for _, index in places])
    seeds = [render_seed(plan.seed, index) for _, index in places]
    results = in_order(pool.stream(scenes, plan.passes, seeds))
    for at, (part, index) in enumerate(places):
        result, graph = next(results), scenes.take(at)
        cost = result.cost if isinstance(result, Frame) else None
        began = time.perf_counter()
        if isinstance(result, Frame):
            made = Provenance(source.origin, plan.seed, index, seeds[at])
            names = source.schema.class_names
            result = make_sample(graph, result, plan.modalities, names, part.split, made, plan.affordances)
        yield Drawn(part, index, result, SceneCost(cost, time.perf_counter() - began))


class _Scenes(Sequence[SceneGraph]):
    """Scenes drawn when they are asked for, and held until they are taken.

    Args:
        source: The generator.
        indices: Index of each scene.
    """

    def __init__(self, source: SceneSource, indices: Sequence[int]) -> None:
        self._source, self._indices = source, indices
        self._held: dict[int, SceneGraph] = {}

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, at: int) -> SceneGraph: ...

    @overload
    def __getitem__(self, at: slice) -> list[SceneGraph]: ...

    def __getitem__(self, at: int | slice) -> SceneGraph | list[SceneGraph]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        if at >= len(self):
            raise IndexError(at)
        if at not in self._held:
            self._held[at] = self._source.scene(self._indices[at])
        return self._held[at]

    def take(self, at: int) -> SceneGraph:
        """A scene that is not asked for again."""
        graph = self[at]
        del self._held[at]
        return graph


def in_order(results: Iterable[tuple[int, T]]) -> Iterator[T]:
    """Values by their position 0, 1, 2 ..., whatever order they come in."""
    early: dict[int, T] = {}
    position = 0
    for at, value in results:
        early[at] = value
        while position in early:
            yield early.pop(position)
            position += 1
