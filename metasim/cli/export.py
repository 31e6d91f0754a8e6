"""The verb ``export``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from metasim.base.errors import InputError
from metasim.cli.options import Overrides, open_executor
from metasim.dataset.registry import FORMATS

if TYPE_CHECKING:
    from metasim.dataset.afar import FarParts
    from metasim.dataset.affordance import Affordances
    from metasim.dataset.modality import Modality
    from metasim.dataset.plan import ExportPlan
    from metasim.dataset.source import SceneSource
    from metasim.rendering.pool import RenderPool
    from metasim.runs.folder import RunFolder
    from metasim.runs.progress import Progress

SPLIT = "train=0.8,val=0.1,test=0.1"


@dataclass(frozen=True)
class Export:
    """Writes a labelled dataset drawn from the generator of a run, or another dataset in another format.

    Attributes:
        format: Name of the format.
        out: Folder or fsspec address of the dataset, empty or new.
        run_dir: Folder of the run.
        num: Scenes to draw.
        dataset: Instead of a run, the dataset to convert: folder or fsspec address.
        modalities: Labels by name, separated by commas; by default the usual ones of the renderer.
        split: Share of each split; train=0.8,val=0.1,test=0.1 by default.
        affordances: YAML file of the affordances of each class, or class/part; by default those of the
            renderer's assets.
        prior: Draw from the grammar that the run has started from, for comparison.
        workers: Render processes; by default those of the run.
        seed: Root seed of the dataset; by default that of the run.
        shard_samples: Samples a shard at most.
        shard_mb: Megabytes a shard at most, reckoned before they are compressed.
        resume: Go on with an export that was interrupted.
        changes: ``executor.KEY=VALUE``: where renders are made, as in an experiment; by default here.
    """

    format: Annotated[str, arg(metavar="NAME", help=f"Format of the dataset: {', '.join(FORMATS)}.")]
    out: Annotated[str, arg(metavar="DIR")]
    run_dir: Annotated[Path | None, arg(name="run", metavar="DIR")] = None
    num: Annotated[int | None, arg(metavar="N")] = None
    dataset: Annotated[str | None, arg(name="from", metavar="DIR")] = None
    modalities: Annotated[str | None, arg(metavar="A,B")] = None
    split: Annotated[str | None, arg(metavar="NAME=SHARE,...")] = None
    affordances: Annotated[Path | None, arg(metavar="FILE")] = None
    prior: bool = False
    workers: Annotated[int | None, arg(metavar="K")] = None
    seed: Annotated[int | None, arg(metavar="N")] = None
    shard_samples: Annotated[int | None, arg(metavar="N")] = None
    shard_mb: Annotated[int | None, arg(metavar="N")] = None
    resume: bool = False
    changes: Overrides = ()

    def run(self) -> int:
        """Writes the dataset; returns the exit status."""
        from metasim.runs.progress import show_progress

        self._check_options()
        progress = show_progress()
        try:
            counts = self._convert(progress) if self.run_dir is None else self._draw(self.run_dir, progress)
            progress.say(f"{counts['written']} samples in {self.out}, {counts['failed']} scenes failed")
        finally:
            progress.close()
        return 0

    def _check_options(self) -> None:
        from metasim.dataset.formats import find_format

        find_format(self.format)
        if (self.run_dir is None) == (self.dataset is None):
            raise InputError("--run", "both" if self.run_dir else "nothing", "--run DIR or --from DIR")
        if self.run_dir is not None and self.num is None:
            raise InputError("--num", "nothing", "the number of scenes to draw")
        numbers = {"num": 1, "workers": 1, "seed": 0, "shard_samples": 1, "shard_mb": 1}
        for name, least in numbers.items():
            number = getattr(self, name)
            if number is not None and number < least:
                raise InputError(f"--{name.replace('_', '-')}", str(number), f"{least} or more")
        drawn = {name: getattr(self, name) for name in ("num", "split", "affordances", "workers", "seed")}
        drawn |= {"prior": self.prior or None, "set": self.changes or None}
        for name, value in drawn.items():
            if self.dataset is not None and value is not None:
                raise InputError(f"--{name}", "a dataset to convert", "it only with --run")

    def _convert(self, progress: Progress) -> dict[str, Any]:
        from metasim.dataset.conversion import Conversion

        assert self.dataset is not None
        sizes = {"part_samples": self.shard_samples, "part_bytes": self._shard_bytes()}
        names = None if self.modalities is None else self.modalities.split(",")
        conversion = Conversion(self.dataset, self.format, self.out, names, progress=progress, **sizes)
        return conversion.run(self.resume)

    def _draw(self, run_dir: Path, progress: Progress) -> dict[str, Any]:
        from metasim.cli.run_sources import run_source
        from metasim.dataset import export
        from metasim.runs.folder import RunFolder
        from metasim.runs.summary import Summary

        folder = RunFolder(run_dir)
        source, seed = run_source(folder, self.seed, self.prior)
        summary = Summary.load(folder.summary) if folder.summary.exists() else None
        with self._pool(folder) as pool:
            plan, licences = self._plan(pool, seed), pool.capabilities.licences
            afar = self._afar(pool, plan, source)
            drawn = export.Export(plan, source, pool, self.out, summary, progress, licences, afar)
            return drawn.run(self.resume)

    def _afar(self, pool: RenderPool, plan: ExportPlan, source: SceneSource) -> FarParts | None:
        """What makes parts on a cluster, if the dataset is to lie where all its machines can write."""
        from metasim.dataset.store import is_remote

        if not (pool.orders.executor.remote and is_remote(self.out)):
            return None
        from metasim.dataset.afar import far_parts

        return far_parts(pool, plan, source, self.out)

    def _plan(self, pool: RenderPool, seed: int) -> ExportPlan:
        from metasim.dataset.affordance import chosen_affordances
        from metasim.dataset.plan import PART_BYTES, ExportPlan, parse_split

        split, can = parse_split(SPLIT if self.split is None else self.split), pool.capabilities
        words = chosen_affordances(self.affordances, can)
        assert self.num is not None
        return ExportPlan(
            format=self.format,
            num=self.num,
            modalities=self._chosen(pool, words),
            split=split,
            seed=seed,
            size=can.size,
            part_samples=self.shard_samples,
            part_bytes=self._shard_bytes() or PART_BYTES,
            affordances=words,
            part_names=can.part_names,
        )

    def _chosen(self, pool: RenderPool, words: Affordances | None) -> tuple[Modality, ...]:
        """The modalities; a vocabulary brings affordances, if it is asked for or the format can hold them."""
        from metasim.dataset.formats import find_format
        from metasim.dataset.modality import Modality, choose_modalities
        from metasim.rendering.protocol import Pass

        format, given = find_format(self.format), pool.capabilities.passes
        held, required = format.modalities, format.required
        names = None if self.modalities is None else self.modalities.split(",")
        if words is None:
            if names is not None and Modality.AFFORDANCE in names:
                raise InputError("--modalities", "affordance", "--affordances FILE beside it")
            return choose_modalities(names, given, held, self.format, required)
        if words.needs_parts and Pass.PART not in given:
            raise InputError("--affordances", "parts of classes, beyond this renderer", "classes alone")
        chosen = {*choose_modalities(names, given, held, self.format, required)}
        if self.affordances is not None:
            chosen.add(Modality.AFFORDANCE)
        elif names is None:
            chosen |= held & {Modality.AFFORDANCE, *({Modality.PART} if words.needs_parts else ())}
        return choose_modalities(chosen, given, held, self.format, required)

    def _pool(self, folder: RunFolder) -> RenderPool:
        from metasim.cli.run_sources import run_config
        from metasim.rendering.pool import RenderPool

        renderer = run_config(folder).renderer
        executor = open_executor(self.changes)
        workers = self.workers or (None if executor.remote else renderer.workers)
        return RenderPool(renderer.kind, renderer.options, workers, renderer.timeout_s, executor)

    def _shard_bytes(self) -> int | None:
        return None if self.shard_mb is None else self.shard_mb * 10**6
