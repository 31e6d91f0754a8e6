"""Scale: what scenes cost on more and more nodes, and what that means for ten thousand to a hundred million.

Three things are measured: a scene of an engine, by size and light paths, a sample of a dataset of it, and its
frame; what the process that hands scenes out spends on drawing one, and on handing it out and taking in its
frame, on nodes of this machine whose renderer only sleeps; and how that process's memory grows. All else
follows from the model, see ``capacity``. Frames are neither labelled nor written there, as when machines
write parts.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import psutil

from metasim.base.errors import MetasimError
from metasim.base.streams import stream
from metasim.bench.capacity import Capacity, Sighting
from metasim.bench.export import GrammarSource
from metasim.bench.local_cluster import LocalCluster
from metasim.bench.render import usual_experiment
from metasim.config import load_experiment
from metasim.dataset.drawing import Drawn, draw
from metasim.dataset.forecast import forecast
from metasim.dataset.formats import find_format
from metasim.dataset.modality import choose_modalities
from metasim.dataset.plan import ExportPlan
from metasim.dataset.sample import Sample
from metasim.grammar.grammar import SceneGrammar
from metasim.rendering.cluster.executor import RayExecutor
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.runs.progress import Progress
from metasim.scene.graph import SceneGraph

STANDIN = "metasim.bench.standin:SleepingRenderer"
COLOUR = frozenset({Pass.RGB})
FORMAT = "webdataset"
SETTLED = 2000  # scenes after which the memory of this process should grow no more
GLANCES = (SETTLED, 10_000, 50_000, 100_000)  # scenes at which it is told
SMALL, LARGE = 64, 256  # sides of the frames that sleeping renderers give, pixels
DRAWN = 256  # scenes that are handed out again and again
IMAGES = tuple(10**power for power in range(4, 9))
WORKERS = (1, 10, 100, 1000)

Line = dict[str, Any]


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        nodes: Numbers of nodes.
        scenes: Scenes that sleeping renderers are given, on each number of nodes.
        sleep_s: Seconds that they sleep a scene.
        soak: Scenes over which the memory of this process is watched; 0 for none.
        sizes: Sides of the images that the engine renders, pixels.
        samples: Light paths a pixel.
        frames: Scenes that it renders at each of both, after a first one that is not counted.
    """

    nodes: tuple[int, ...] = (1, 2, 4)
    scenes: int = 2000
    sleep_s: float = 0.02
    soak: int = 100_000
    sizes: tuple[int, ...] = (64, 128, 256)
    samples: tuple[int, ...] = (4, 64)
    frames: int = 5


QUICK = Effort(nodes=(1, 2), scenes=200, sizes=(16, 32), samples=(1, 4), frames=2)


class _Scenes(Sequence[SceneGraph]):
    """A few scenes again and again."""

    def __init__(self, scenes: Sequence[SceneGraph], count: int) -> None:
        self._scenes, self._count = scenes, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: Any) -> Any:
        return self._scenes[at % len(self._scenes)]


@dataclass(frozen=True)
class ScaleBench:
    """Measures an engine's experiment and nodes on this machine.

    Attributes:
        experiments: Folder of the experiments.
        engine: Name of the engine.
        effort: How much to measure.
        px: Side of the images of the forecast, pixels.
        samples: Light paths of the forecast.
        price: Dollars an hour of a processor, if dollars are asked for.
    """

    experiments: Path
    engine: str
    effort: Effort
    px: int = 512
    samples: int = 256
    price: float | None = None

    def run(self, progress: Progress) -> Iterator[Line]:
        """Measures; yields a line a measurement, then the summary."""
        config = load_experiment(usual_experiment(self.experiments, self.engine))
        grammar = SceneGrammar.from_source(config.grammar)
        grammar.sample(stream(0, "bench/scale"))  # which makes its laws
        began = process_time()
        scenes = [grammar.sample(stream(0, "bench/scale", index)) for index in range(DRAWN)]
        draw_ms = 1e3 * (process_time() - began) / DRAWN
        nodes: list[Line] = []
        for number in self.effort.nodes:
            nodes.append(self._nodes(scenes, number, SMALL, progress))
            yield nodes[-1]
        large = self._nodes(scenes, self.effort.nodes[-1], LARGE, progress)
        yield large
        memory = self._memory(scenes, progress)
        yield memory
        sightings = []
        kinds = [*product(self.effort.sizes, self.effort.samples)]
        progress.start("scenes", len(kinds))
        for px, samples in kinds:
            sightings.append(self._sighting(grammar, config.renderer.options, px, samples))
            progress.advance()
            yield {"bench": "scale", "measured": "scene", **vars(sightings[-1])}
        hand_ms = median(line["driver_cpu_ms_per_scene"] for line in nodes)
        more_ms = max(0.0, large["driver_cpu_ms_per_scene"] - nodes[-1]["driver_cpu_ms_per_scene"])
        byte_s = more_ms / 1e3 / (3 * (LARGE**2 - SMALL**2))
        start_s = max(line["start_s"] for line in nodes)
        model = Capacity.fit(sightings, (draw_ms + hand_ms) / 1e3, byte_s, start_s)
        yield self._summary(model, nodes, draw_ms, hand_ms) | {"driver_growth_mb": memory["growth_mb"]}

    def _summary(self, model: Capacity, nodes: Sequence[Line], draw_ms: float, hand_ms: float) -> Line:
        rows = [
            model.row(images, workers, self.px, self.samples, self.price)
            for images, workers in product(IMAGES, WORKERS)
        ]
        return {
            "bench": "scale",
            "engine": self.engine,
            "driver_cpu_ms_per_scene": hand_ms,
            "draw_cpu_ms_per_scene": draw_ms,
            "network_kb_per_scene": median(line["network_kb_per_scene"] for line in nodes),
            "scaling": {line["nodes"]: line["scaling"] for line in nodes},
            "model": vars(model),
            "saturation_workers": model.saturation(self.px, self.samples),
            "rows": rows,
            "measured": "model, driver, network, scaling and growth, on one machine",
            "extrapolated": "rows and saturation_workers; networks between machines were not measured",
        }

    def _sighting(self, grammar: SceneGrammar, given: Line, px: int, samples: int) -> Sighting:
        """Renders and writes a few scenes with one worker of this machine."""
        options = {**given, "size": px} | ({"samples": samples} if "samples" in given else {})
        with RenderPool(self.engine, options, workers=1) as pool:
            held = find_format(FORMAT).modalities
            chosen = choose_modalities(None, pool.capabilities.passes, held, FORMAT)
            plan = ExportPlan(FORMAT, 1 + self.effort.frames, chosen, {"train": 1.0}, 0, (px, px))
            source = GrammarSource(grammar)
            scenes = draw(plan, source, pool, plan.parts())
            next(scenes)  # which loads what all need
            began = process_time()
            drawn = list(scenes)
            label_s = (process_time() - began) / len(drawn)
            graph = source.scene(0)
            sent = pickle.dumps((graph, pool.render([graph], plan.passes, [0])))
        size = forecast(find_format(FORMAT), drawn, 0.0, len(drawn)).bytes_each
        return Sighting(px, samples, median(map(_seconds, drawn)) + label_s, size, len(sent))

    def _nodes(self, scenes: Sequence[SceneGraph], number: int, px: int, progress: Progress) -> Line:
        """Hands scenes to sleeping renderers of frames of a size, one on each node."""
        effort, begun = self.effort, perf_counter()
        options = {"seconds": effort.sleep_s, "size": px}
        with LocalCluster(number) as cluster:
            executor = RayExecutor(cluster.address)
            with RenderPool(STANDIN, options, executor=executor) as pool:
                _hand_out(pool, scenes, 8 * pool.workers)  # workers start
                started = perf_counter() - begun
                wall, cpu, sent = perf_counter(), process_time(), _loopback()
                progress.start(f"{number} nodes", effort.scenes)
                for _ in _handed_out(pool, scenes, effort.scenes):
                    progress.advance()
                wall, cpu, sent = perf_counter() - wall, process_time() - cpu, _loopback() - sent
        ideal = effort.scenes * effort.sleep_s / number
        return {
            "bench": "scale",
            "measured": "nodes",
            "nodes": number,
            "px": px,
            "scenes": effort.scenes,
            "scenes_per_s": effort.scenes / wall,
            "scaling": ideal / wall,
            "driver_cpu_ms_per_scene": 1e3 * cpu / effort.scenes,
            "network_kb_per_scene": sent / 1e3 / effort.scenes,
            "start_s": started,
        }

    def _memory(self, scenes: Sequence[SceneGraph], progress: Progress) -> Line:
        """Hands out many scenes that take no time, on the most nodes, and watches this process's memory."""
        count, number, seen = self.effort.soak, self.effort.nodes[-1], dict[int, float]()
        progress.start("memory", count)
        if count:
            with LocalCluster(number) as cluster:
                executor = RayExecutor(cluster.address)
                with RenderPool(STANDIN, {"seconds": 0.0}, executor=executor) as pool:
                    for done, _ in enumerate(_handed_out(pool, scenes, count), start=1):
                        progress.advance()
                        if done % SETTLED == 0:
                            seen[done] = psutil.Process().memory_info().rss / 1e6
        return {
            "bench": "scale",
            "measured": "memory",
            "nodes": number,
            "scenes": count,
            "mb": {done: seen[done] for done in GLANCES if done in seen},
            "growth_mb": max(seen.values(), default=0.0) - next(iter(seen.values()), 0.0),
        }


def _loopback() -> int:
    """Bytes that this machine has sent to itself, by whichever process."""
    return psutil.net_io_counters(pernic=True)["lo"].bytes_sent


def _seconds(drawn: Drawn) -> float:
    """Seconds of processors, which other processes hardly change, that rendering took."""
    if not isinstance(drawn.result, Sample) or drawn.cost.render is None:
        raise MetasimError(f"a scene of the benchmark failed: {drawn.result}")
    return drawn.cost.render.cpu_s


def _handed_out(pool: RenderPool, scenes: Sequence[SceneGraph], count: int) -> Iterator[Frame]:
    for _, result in pool.stream(_Scenes(scenes, count), COLOUR, range(count)):
        if not isinstance(result, Frame):
            raise MetasimError(f"a scene of the benchmark failed: {result.reason}")
        yield result


def _hand_out(pool: RenderPool, scenes: Sequence[SceneGraph], count: int) -> None:
    for _ in _handed_out(pool, scenes, count):
        pass
