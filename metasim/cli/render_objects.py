"""The verb ``render objects``."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from metasim.base.errors import InputError, MetasimError
from metasim.cli.options import Overrides, open_executor
from metasim.rendering.options import LONGEST_TIMEOUT

if TYPE_CHECKING:
    from metasim.dataset.affordance import Affordances
    from metasim.dataset.modality import Modality
    from metasim.dataset.objects.looks import Looks
    from metasim.dataset.objects.source import ObjectSource
    from metasim.dataset.objects.variation import VariationPlan
    from metasim.dataset.plan import ExportPlan
    from metasim.rendering.pool import RenderPool
    from metasim.runs.progress import Progress

ENGINE = "blender"
SPLIT = "train=1"
FORMAT = "freesplatter"
DEBUG = {"views": 2, "size": 64, "samples": 2}
DEBUG_ASSETS = 2
VIEWPOINTS = {"radius", "elevation", "fov", "northern_hemisphere", "safe_radius", "grid", "jitter"}
PLANNED = VIEWPOINTS | {"lighting", "kelvin", "intensity"}
"""Options that say how views are seen, which a run says too."""

Pair = Annotated[tuple[float, float], arg(metavar="LOW HIGH")]
Numbers = Annotated[tuple[float, ...], arg(metavar="N ...")]
Count = Annotated[int, arg(metavar="N")]


@dataclass(frozen=True)
class Objects:
    """Renders views of meshes, each made one size, with all labels.

    The longest edge of an asset becomes 2 m and its middle the origin, which all cameras look at.

    Attributes:
        assets: Folder of mesh files, or a text file that lists some of those in its folder.
        out: Folder or fsspec address of the dataset, empty or new.
        views: Views an asset.
        size: Side of the images in pixels.
        samples: Light paths a pixel.
        radius: Distances of cameras from the origin, metres.
        elevation: Degrees of cameras above the horizon.
        fov: Fields of view, degrees; the views of an asset share one in formats that hold no other.
        northern_hemisphere: No camera below the horizon.
        safe_radius: Cameras stand as far off as it takes to see the cube [-1, 1]^3 whole.
        grid: Numbers of azimuths and elevations, whose product with the lightings gives the views.
        jitter: Degrees by which azimuths and elevations of the grid are changed at most.
        run_dir: Folder of a run whose cameras and lights are taken, in place of all these ranges and lights.
        lighting: Presets, separated by commas: white, studio, natural, dramatic.
        kelvin: Temperatures of the light, each with each preset.
        intensity: Factors of the light, each with each temperature.
        min_foreground: Least share of pixels that show the object in a valid view.
        min_segments: Least number of its parts in a valid view.
        min_in_frame: Least share of the surface of its box in a valid view.
        attempts: Viewpoints that are tried for a view until one is valid.
        blacklist: File of assets that are not tried; those that fail are added.
        format: Format of the dataset, as for metasim export.
        modalities: Labels by name, separated by commas; by default the usual ones that the format holds.
        affordances: YAML file of the affordances of each class, or class/part; by default those of the
            assets' manifest.
        split: Share of each split; an asset falls in one.
        shard_assets: Assets a shard at most; by default 1 in freesplatter, else as many as fit.
        workers: Render processes; by default one for each core.
        timeout: Seconds for all views of an asset, after which it has failed.
        seed: Root seed.
        resume: Go on with what was interrupted.
        debug: Few small views of the first assets only.
        changes: ``executor.KEY=VALUE``: where renders are made, as in an experiment; by default here.
    """

    assets: Annotated[Path, arg(metavar="DIR|FILE")]
    out: Annotated[str, arg(metavar="DIR")]
    views: Count = 32
    size: Count = 256
    samples: Count = 16
    radius: Pair = (1.5, 2.8)
    elevation: Pair = (-45.0, 45.0)
    fov: Pair = (35.0, 70.0)
    northern_hemisphere: bool = False
    safe_radius: bool = False
    grid: Annotated[tuple[int, int] | None, arg(metavar="AZIMUTHS ELEVATIONS")] = None
    jitter: Annotated[tuple[float, float], arg(metavar="AZIMUTH ELEVATION")] = (10.0, 5.0)
    run_dir: Annotated[Path | None, arg(name="run", metavar="DIR")] = None
    lighting: Annotated[str, arg(metavar="A,B")] = "white"
    kelvin: Numbers = (6600.0,)
    intensity: Numbers = (1.0,)
    min_foreground: float = 0.001
    min_segments: Count = 1
    min_in_frame: float = 0.0
    attempts: Count = 3
    blacklist: Annotated[Path | None, arg(metavar="FILE")] = None
    format: Annotated[str, arg(metavar="NAME")] = FORMAT
    modalities: Annotated[str | None, arg(metavar="A,B")] = None
    affordances: Annotated[Path | None, arg(metavar="FILE")] = None
    split: Annotated[str, arg(metavar="NAME=SHARE,...")] = SPLIT
    shard_assets: Annotated[int | None, arg(metavar="N")] = None
    workers: Annotated[int | None, arg(metavar="K")] = None
    timeout: float = 300.0
    seed: Count = 0
    resume: bool = False
    debug: bool = False
    changes: Overrides = ()

    def run(self) -> int:
        """Renders the views; returns the exit status."""
        from metasim.runs.progress import show_progress

        chosen = replace(self, **DEBUG) if self.debug else self
        chosen._check_options()
        progress = show_progress()
        try:
            counts = chosen._render(progress)
            told = f"{counts['written']} views in {self.out}, {counts['failed']} failed"
            progress.say(f"{told}; failed.csv and assets_failed.csv there say why")
            if not counts["written"]:
                raise MetasimError("no view could be rendered")
        finally:
            progress.close()
        return 0

    def _check_options(self) -> None:
        from metasim.dataset.formats import find_format

        find_format(self.format)
        numbers = {"views": 1, "samples": 1, "workers": 1, "seed": 0, "shard_assets": 1}
        for name, least in numbers.items():
            number = getattr(self, name)
            if number is not None and number < least:
                raise InputError(f"--{name.replace('_', '-')}", str(number), f"{least} or more")
        for name in ("kelvin", "intensity"):
            if not getattr(self, name):
                raise InputError(f"--{name}", "nothing", "a number or more")
        planned = (f for f in fields(self) if f.name in PLANNED and getattr(self, f.name) != f.default)
        if self.run_dir is not None and (given := next(planned, None)) is not None:
            raise InputError(f"--{given.name.replace('_', '-')}", "a run too", "one or the other")
        if not 0.0 < self.timeout <= LONGEST_TIMEOUT:
            raise InputError("--timeout", f"{self.timeout:g}", f"more than 0, at most {LONGEST_TIMEOUT:g}")

    def _render(self, progress: Progress) -> dict[str, Any]:
        from metasim.dataset.objects.export import ObjectExport
        from metasim.dataset.objects.source import subjects_of
        from metasim.rendering.registry import catalogue

        assets = catalogue(ENGINE, self.assets)
        subjects = subjects_of(assets)[: DEBUG_ASSETS if self.debug else None]
        with self._pool() as pool:
            source = self._source(subjects, self._looks(pool))
            plan = self._plan(pool, len(subjects))
            licences = pool.capabilities.licences
            export = ObjectExport(plan, source, pool, self.out, self.blacklist, progress, licences)
            return export.run(self.resume)

    def _source(self, subjects: Any, looks: Looks) -> ObjectSource:
        from metasim.dataset.objects.gate import Gate
        from metasim.dataset.objects.source import ObjectSource

        gate = Gate(self.min_foreground, self.min_segments, self.min_in_frame, self.attempts)
        engine = {"name": "CYCLES", "size": self.size, "samples": self.samples}
        return ObjectSource(subjects, looks, gate, self.views, engine)

    def _looks(self, pool: RenderPool) -> Looks:
        """As a run has learnt them, or as planned."""
        from metasim.cli.run_sources import tuned_source
        from metasim.dataset.objects.looks import TunedLooks
        from metasim.runs.folder import RunFolder

        if self.run_dir is None:
            return self._variation()
        tuned = tuned_source(RunFolder(self.run_dir), self.seed)
        return TunedLooks(tuned.generator, tuned.origin, pool.capabilities.attributes)

    def _variation(self) -> VariationPlan:
        from metasim.dataset.formats import ONE_LENS
        from metasim.dataset.objects.lighting import Lighting
        from metasim.dataset.objects.variation import VariationPlan
        from metasim.dataset.objects.viewpoint import Ranges

        ranges = Ranges(self.radius, self.elevation, self.fov, self.northern_hemisphere, self.safe_radius)
        lightings = (
            Lighting(preset, kelvin, intensity)
            for preset in self.lighting.split(",")
            for kelvin in self.kelvin
            for intensity in self.intensity
        )
        one_lens = self.format in ONE_LENS
        return VariationPlan(ranges, tuple(lightings), self.grid, self.jitter, one_lens, self.seed)

    def _pool(self) -> RenderPool:
        from metasim.rendering.pool import RenderPool

        options = {"scene": "objects", "assets": self.assets, "size": self.size, "samples": self.samples}
        return RenderPool(ENGINE, options, self.workers, self.timeout, open_executor(self.changes))

    def _plan(self, pool: RenderPool, assets: int) -> ExportPlan:
        from metasim.dataset.affordance import chosen_affordances
        from metasim.dataset.plan import ExportPlan, parse_split

        words = chosen_affordances(self.affordances, pool.capabilities)
        shard_assets = self.shard_assets or (1 if self.format == FORMAT else None)
        return ExportPlan(
            format=self.format,
            num=assets * self.views,
            modalities=self._chosen(pool, words),
            split=parse_split(self.split),
            seed=self.seed,
            size=pool.capabilities.size,
            part_samples=None if shard_assets is None else shard_assets * self.views,
            affordances=words,
            part_names=pool.capabilities.part_names,
            views=self.views,
            independent_draws=False,
        )

    def _chosen(self, pool: RenderPool, words: Affordances | None) -> tuple[Modality, ...]:
        from metasim.dataset.formats import find_format
        from metasim.dataset.modality import USUAL, Modality, choose_modalities

        format, given = find_format(self.format), pool.capabilities.passes
        if self.modalities is not None:
            names = self.modalities.split(",")
            if Modality.AFFORDANCE in names and words is None:
                raise InputError("--modalities", "affordance", "--affordances FILE beside it")
        else:
            usual = USUAL | {Modality.MASK, Modality.PART} | format.required
            usual |= {Modality.AFFORDANCE} if words else frozenset()
            names = [m.value for m in usual & format.modalities if m.sources <= given]
        return choose_modalities(names, given, format.modalities, self.format, format.required)
