"""The verb ``sample``."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from metasim.base.errors import InputError, MetasimError

if TYPE_CHECKING:
    from metasim.rendering.pool import RenderPool
    from metasim.runs.progress import Progress
    from metasim.scene.graph import SceneGraph


@dataclass(frozen=True)
class Sample:
    """Draws scene graphs, and images of them, straight from a grammar.

    Scene i is written as ``00000i.json``, its image as ``00000i.png``, in the folder given. It depends
    on the seed and on i alone: more of them go on where fewer ended.

    Attributes:
        grammar: Grammar file: YAML, or JSON in the original format.
        num: Scenes to draw.
        out: Folder for them.
        render: Render each scene too.
        renderer: Engine that renders, or an experiment file whose engine and options to use.
        seed: Root seed.
    """

    grammar: Annotated[Path, arg(metavar="FILE")]
    num: Annotated[int, arg(metavar="N")]
    out: Annotated[Path, arg(metavar="DIR")]
    render: bool = False
    renderer: Annotated[str, arg(metavar="NAME|FILE")] = "blender"
    seed: Annotated[int, arg(metavar="N")] = 0

    def run(self) -> int:
        """Writes the scenes; returns the exit status."""
        from metasim.base.files import read_json, write_json
        from metasim.base.streams import stream
        from metasim.grammar.grammar import SceneGrammar
        from metasim.runs.progress import show_progress
        from metasim.scene.serialization import to_json

        for name, number, least in (("num", self.num, 1), ("seed", self.seed, 0)):
            if number < least:
                raise InputError(f"--{name}", str(number), f"{least} or more")
        grammar = SceneGrammar.from_file(self.grammar)
        graphs = [grammar.sample(stream(self.seed, "sample", index)) for index in range(self.num)]
        scenes = {self.out / f"{index:06d}.json": to_json(graph) for index, graph in enumerate(graphs)}
        for path, scene in scenes.items():
            if path.exists() and read_json(path) != scene:
                raise InputError("--out", f"{path}, another scene", "a new folder, or one of the same seed")
        with ExitStack() as stack:
            pool = stack.enter_context(self._pool()) if self.render else None
            progress = show_progress()
            stack.callback(progress.close)
            for path, scene in scenes.items():
                write_json(path, scene)
            progress.say(f"{self.num} scene graphs in {self.out}")
            if pool is not None:
                self._render(graphs, pool, progress)
        return 0

    def _render(self, graphs: list[SceneGraph], pool: RenderPool, progress: Progress) -> None:
        from PIL import Image

        from metasim.base.files import whole_file
        from metasim.base.streams import stream_seed
        from metasim.rendering.attempt import SceneFailure
        from metasim.rendering.protocol import Pass

        seeds = [stream_seed(self.seed, "sample/render", index) for index in range(len(graphs))]
        failures: list[str] = []
        progress.start("render", len(graphs))
        for index, result in pool.stream(graphs, frozenset({Pass.RGB}), seeds):
            if isinstance(result, SceneFailure):
                failures.append(f"scene {index}: {result.reason}")
            else:
                with whole_file(self.out / f"{index:06d}.png") as file:
                    Image.fromarray(result[Pass.RGB]).save(file, format="PNG")
            progress.advance()
        if failures:
            raise MetasimError(f"{len(failures)} of {len(graphs)} scenes failed; {failures[0]}")
        progress.say(f"{len(graphs)} images in {self.out}")

    def _pool(self) -> RenderPool:
        from metasim.config import RendererConfig, load_experiment
        from metasim.rendering.pool import RenderPool

        if Path(self.renderer).suffix in (".yaml", ".yml"):
            engine = load_experiment(Path(self.renderer)).renderer
        else:
            engine = RendererConfig(kind=self.renderer)
        return RenderPool(engine.kind, engine.options, engine.workers, engine.timeout_s)
