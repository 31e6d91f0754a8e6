"""The verb ``export``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from metasim.base.errors import InputError

if TYPE_CHECKING:
    from metasim.dataset.plan import ExportPlan
    from metasim.dataset.sample import Origin
    from metasim.matching.generator import Generator
    from metasim.rendering.pool import RenderPool
    from metasim.runs.folder import RunFolder
    from metasim.scene.graph import SceneGraph
    from metasim.scene.schema import SceneSchema


@dataclass(frozen=True)
class Export:
    """Writes a labelled dataset drawn from the generator of a run.

    Attributes:
        run_dir: Folder of the run.
        format: Format of the dataset: webdataset.
        num: Scenes to draw.
        out: Folder of the dataset, empty or new.
        modalities: Labels by name, separated by commas; by default the usual ones of the renderer.
        split: Share of each split.
        workers: Render processes; by default those of the run.
        seed: Root seed of the dataset; by default that of the run.
        resume: Go on with an export that was interrupted.
    """

    run_dir: Annotated[Path, arg(name="run", metavar="DIR")]
    format: Annotated[str, arg(metavar="NAME")]
    num: Annotated[int, arg(metavar="N")]
    out: Annotated[Path, arg(metavar="DIR")]
    modalities: Annotated[str | None, arg(metavar="A,B")] = None
    split: Annotated[str, arg(metavar="NAME=SHARE,...")] = "train=0.8,val=0.1,test=0.1"
    workers: Annotated[int | None, arg(metavar="K")] = None
    seed: Annotated[int | None, arg(metavar="N")] = None
    resume: bool = False

    def run(self) -> int:
        """Writes the dataset; returns the exit status."""
        from metasim.dataset import export
        from metasim.matching.generator import Generator
        from metasim.runs.folder import RunFolder
        from metasim.runs.progress import show_progress
        from metasim.runs.summary import Summary

        self._check_numbers()
        folder = RunFolder(self.run_dir)
        origin = _origin(folder)
        source = RunSource(Generator.load(_weights(folder), self.seed), origin)
        summary = Summary.load(folder.summary) if folder.summary.exists() else None
        with self._pool(folder) as pool:
            plan = self._plan(pool, source.generator.seed)
            progress = show_progress()
            try:
                counts = export.Export(plan, source, pool, self.out, summary, progress).run(self.resume)
                progress.say(f"{counts['written']} samples in {self.out}, {counts['failed']} scenes failed")
            finally:
                progress.close()
        return 0

    def _check_numbers(self) -> None:
        for name, number, least in (
            ("num", self.num, 1),
            ("workers", self.workers, 1),
            ("seed", self.seed, 0),
        ):
            if number is not None and number < least:
                raise InputError(f"--{name}", str(number), f"{least} or more")

    def _plan(self, pool: RenderPool, seed: int) -> ExportPlan:
        from metasim.dataset.formats import find_format
        from metasim.dataset.modality import choose_modalities
        from metasim.dataset.plan import ExportPlan, parse_split

        names = None if self.modalities is None else self.modalities.split(",")
        held, split = find_format(self.format).modalities, parse_split(self.split)
        can = pool.capabilities
        chosen = choose_modalities(names, can.passes, held, self.format)
        return ExportPlan(self.format, self.num, chosen, split, seed, can.size)

    def _pool(self, folder: RunFolder) -> RenderPool:
        from metasim.base.files import read_yaml
        from metasim.base.validation import validated
        from metasim.config import ExperimentConfig
        from metasim.rendering.pool import RenderPool

        renderer = validated(ExperimentConfig, read_yaml(folder.config), str(folder.config)).renderer
        workers = self.workers or renderer.workers
        return RenderPool(renderer.kind, renderer.options, workers, renderer.timeout_s)


@dataclass(frozen=True)
class RunSource:
    """The generator of a run, as an export sees it.

    Attributes:
        generator: The tuned generator.
        origin: Which run it is.
    """

    generator: Generator
    origin: Origin

    @property
    def schema(self) -> SceneSchema:
        """The vocabulary of its scenes."""
        return self.generator.grammar.schema

    def scene(self, index: int) -> SceneGraph:
        """The scene of an index."""
        return self.generator.scene(index, "export")


def _weights(folder: RunFolder) -> Path:
    return folder.checkpoints / "best.pt"


def _origin(folder: RunFolder) -> Origin:
    from metasim.dataset.record import FileRecord
    from metasim.dataset.sample import Origin
    from metasim.runs.manifest import Manifest

    made = Manifest.load(folder.manifest)
    for path, what in ((folder.config, "the config of a run"), (_weights(folder), "the generator of a run")):
        if not path.is_file():
            raise InputError(str(path), "no such file", what)
    hashes = (FileRecord.of(path).sha256 for path in (folder.config, _weights(folder)))
    return Origin(f"{made.experiment}/{made.seed}", *hashes)
