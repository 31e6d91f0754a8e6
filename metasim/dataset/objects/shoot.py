"""Shoot: the views of one asset in work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from metasim.dataset.objects.gate import Measures
from metasim.dataset.objects.source import ObjectSource
from metasim.dataset.plan import Part
from metasim.dataset.source import render_seed
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.protocol import Cost, Frame
from metasim.scene.graph import SceneGraph


@dataclass(frozen=True)
class View:
    """What became of a view.

    Attributes:
        graph: The scene that was rendered last.
        seed: Seed of the engine's noise.
        result: Its frame, or why there is none.
        cost: What all its attempts took.
        measures: What it shows.
        attempt: How many viewpoints were found wanting before.
    """

    graph: SceneGraph
    seed: int
    result: Frame | SceneFailure
    cost: Cost | None = None
    measures: Measures | None = None
    attempt: int = 0


class Shoot:
    """Views are rendered together first; each that shows too little is rendered again, alone.

    Args:
        source: Gives the scenes.
        part: The part that the views belong to.
        indices: Indices of their scenes.
        seed: Root seed.
    """

    def __init__(self, source: ObjectSource, part: Part, indices: Sequence[int], seed: int) -> None:
        self._source, self.part, self.indices = source, part, tuple(indices)
        self._seed = render_seed(seed, self.indices[0])
        self._views: dict[int, View] = {}
        self._spent: dict[int, Cost] = {}

    @property
    def done(self) -> bool:
        """Whether all views are there or given up."""
        return len(self._views) == len(self.indices)

    def scenes(self, indices: Sequence[int], attempt: int) -> tuple[list[SceneGraph], int]:
        """Scenes to render, and the seed of the first.

        Args:
            indices: Indices in a row.
            attempt: How many viewpoints of theirs have been found wanting.
        """
        return [self._source.scene(i, attempt) for i in indices], self._seed_of(indices[0])

    def give_up(self, reason: str) -> None:
        """Fails all views."""
        for index in self.indices:
            self._views[index] = View(self._source.scene(index), self._seed_of(index), SceneFailure(reason))

    def take(
        self, indices: Sequence[int], attempt: int, results: Sequence[Frame | SceneFailure]
    ) -> Iterator[int]:
        """Takes what was rendered of ``scenes``; yields the indices of those to be tried once more."""
        for index, result in zip(indices, results, strict=True):
            view = self._judged(index, attempt, result)
            if view.measures is not None and isinstance(view.result, SceneFailure):
                if attempt + 1 < self._source.gate.attempts:
                    yield index
                    continue
                reason = f"no valid view in {attempt + 1} attempts, the last with {view.result.reason}"
                view = replace(view, result=SceneFailure(reason))
            self._views[index] = view

    def views(self) -> Iterator[tuple[int, View]]:
        """The views in order, with their indices; each is forgotten with that."""
        for index in self.indices:
            yield index, self._views.pop(index)

    def _judged(self, index: int, attempt: int, result: Frame | SceneFailure) -> View:
        graph, seed = self._source.scene(index, attempt), self._seed_of(index)
        if isinstance(result, SceneFailure):
            return View(graph, seed, result, self._spent.get(index))
        cost = self._add_cost(index, result.cost)
        name = self._source.subject(index).asset.name
        if result.facts.get("name") != name:
            other = SceneFailure(f"the engine shows {result.facts.get('name')}: its folder has changed")
            return View(graph, seed, other, cost)
        measures = Measures.of(result)
        fault = self._source.gate.fault(measures)
        return View(graph, seed, SceneFailure(fault) if fault else result, cost, measures, attempt)

    def _seed_of(self, index: int) -> int:
        return self._seed + index - self.indices[0]

    def _add_cost(self, index: int, cost: Cost | None) -> Cost | None:
        before = self._spent.get(index)
        if cost is not None and before is not None:
            stages = {n: before.stages.get(n, 0.0) + s for n, s in cost.stages.items()}
            peak = max(before.peak_bytes, cost.peak_bytes)
            cost = Cost(before.wall_s + cost.wall_s, before.cpu_s + cost.cpu_s, peak, stages)
        if cost is not None:
            self._spent[index] = cost
        return cost
