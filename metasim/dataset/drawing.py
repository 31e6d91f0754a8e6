"""Draws the scenes of a plan, has them rendered, and labels them, in the order of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.sample import Provenance, Sample, make_sample
from metasim.dataset.source import SceneSource, render_seed
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph

FIRST = 8  # scenes of the first window, from which the size and time of the whole are told
WINDOW = 128  # scenes of each later one; frames of at most one window are held

T = TypeVar("T")
Place = tuple[Part, int]


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
        graph: The scene.
        result: The labelled sample, or why there is none.
    """

    part: Part
    index: int
    graph: SceneGraph
    result: Sample | SceneFailure


def draw(plan: ExportPlan, source: SceneSource, pool: Pool, parts: Iterable[Part]) -> Iterator[Drawn]:
    """Draws, renders and labels the scenes of some parts, in their order.

    Args:
        plan: What the samples shall carry, and the root seed.
        source: The generator.
        pool: The renderer.
        parts: The parts.
    """
    places = [(part, index) for part in parts for index in part.indices]
    for window in _windows(places):
        yield from _draw_window(plan, source, pool, window)


def _windows(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    if places:
        yield places[:FIRST]
    for start in range(FIRST, len(places), WINDOW):
        yield places[start : start + WINDOW]


def _draw_window(
    plan: ExportPlan, source: SceneSource, pool: Pool, window: Sequence[Place]
) -> Iterator[Drawn]:
    scenes = [source.scene(index) for _, index in window]
    seeds = [render_seed(plan.seed, index) for _, index in window]
    results = in_order(pool.stream(scenes, plan.passes, seeds))
    for (part, index), graph, seed, result in zip(window, scenes, seeds, results, strict=True):
        if isinstance(result, Frame):
            made = Provenance(source.origin, plan.seed, index, seed)
            names = source.schema.class_names
            result = make_sample(graph, result, plan.modalities, names, part.split, made, plan.affordances)
        yield Drawn(part, index, graph, result)


def in_order(results: Iterable[tuple[int, T]]) -> Iterator[T]:
    """Values by their position 0, 1, 2 ..., whatever order they come in."""
    early: dict[int, T] = {}
    position = 0
    for at, value in results:
        early[at] = value
        while position in early:
            yield early.pop(position)
            position += 1
