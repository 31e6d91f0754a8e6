"""The verb ``render sequences``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from metasim.base.errors import InputError, MetasimError
from metasim.cli.options import Overrides, open_executor
from metasim.rendering.options import LONGEST_TIMEOUT

if TYPE_CHECKING:
    from metasim.dataset.modality import Modality
    from metasim.dataset.plan import ExportPlan
    from metasim.dataset.sequences.export import SequenceExport
    from metasim.dataset.sequences.source import Reel, SequenceSource
    from metasim.rendering.executor import Executor
    from metasim.rendering.pool import RenderPool
    from metasim.runs.progress import Progress

ENGINE = "blender"

Count = Annotated[int, arg(metavar="N")]


@dataclass(frozen=True)
class Sequences:
    """Renders sequences of the animations of .blend files, with all labels.

    Sequences of a scene begin at even distances on its timeline and share no frame. A scene that cannot be
    rendered never stops the others.

    Attributes:
        scenes: Folder of .blend files, and of folders of them.
        out: Folder or fsspec address of the dataset, empty or new.
        names: Names of the scenes wanted, as a shell has it: "ai_00*".
        exclude: CSV table of scenes that are left out, with the columns scene and reason.
        sequences_per_scene: Sequences of each scene.
        num_frames: Frames of each sequence; by default as many as fit, or 100 along an orbit or a walk.
        keyframe_multiplier: Frames for each frame of a file: 2 is half as fast.
        trajectory: How the camera goes: animation (as the file has it), orbit, walk (at random through free
            space), or a folder with a trajectory for each scene.
        width: Width of the images in pixels.
        height: Height of the images in pixels.
        samples: Light paths a pixel.
        bounces: Bounces of light.
        motion_blur: Blur images as the file has it; there is no flow then.
        format: Format of the dataset, as for metasim export.
        modalities: Labels by name, separated by commas; by default colour, depth, normals, ids and flow.
        split: Share of each split; a scene falls in one.
        workers: Sequences in work at a time; by default one for each core.
        timeout: Seconds for a frame, after which it has failed.
        seed: Root seed.
        logs: Folder of the logs, one a sequence; by default logs in the dataset, if that is a folder here.
        resume: Go on with what was interrupted; what is finished is left as it is.
        dry_run: Write where the cameras go, and render nothing.
        changes: ``executor.KEY=VALUE``: where renders are made, as in an experiment; by default here.
    """

    scenes: Annotated[Path, arg(metavar="DIR")]
    out: Annotated[str, arg(metavar="DIR")]
    names: Annotated[str, arg(metavar="GLOB")] = "*"
    exclude: Annotated[Path | None, arg(metavar="FILE")] = None
    sequences_per_scene: Count = 1
    num_frames: Annotated[int | None, arg(metavar="N")] = None
    keyframe_multiplier: float = 1.0
    trajectory: Annotated[str, arg(metavar="NAME|DIR")] = "animation"
    width: Count = 512
    height: Count = 512
    samples: Count = 32
    bounces: Count = 4
    motion_blur: bool = False
    format: Annotated[str, arg(metavar="NAME")] = "visionsim"
    modalities: Annotated[str | None, arg(metavar="A,B")] = None
    split: Annotated[str, arg(metavar="NAME=SHARE,...")] = "train=1"
    workers: Annotated[int | None, arg(metavar="K")] = None
    timeout: float = 600.0
    seed: Count = 0
    logs: Annotated[Path | None, arg(metavar="DIR")] = None
    resume: Annotated[bool, arg(aliases=("--allow-skips",))] = False
    dry_run: bool = False
    changes: Overrides = ()

    def run(self) -> int:
        """Renders the sequences; returns the exit status."""
        from metasim.runs.progress import show_progress

        self._check_options()
        progress = show_progress()
        try:
            export = self._export(progress)
            counts = export.run(self.resume)
            told = f"{counts['written']} frames in {self.out}, {counts['failed']} failed"
            left_out = f"{len(export.excluded)} scenes left out"
            progress.say(f"{told}, {left_out}; failed.csv and excluded.csv say why")
            if not counts["written"]:
                raise MetasimError("no frame could be rendered")
        finally:
            progress.close()
        return 0

    def _check_options(self) -> None:
        from metasim.dataset.formats import find_format

        find_format(self.format)
        numbers = {"sequences_per_scene": 1, "num_frames": 1, "workers": 1, "seed": 0, "samples": 1}
        numbers |= {"width": 4, "height": 4, "bounces": 0}
        for name, least in numbers.items():
            number = getattr(self, name)
            if number is not None and number < least:
                raise InputError(f"--{name.replace('_', '-')}", str(number), f"{least} or more")
        for name in ("keyframe_multiplier", "timeout"):
            if not 0.0 < getattr(self, name) <= LONGEST_TIMEOUT:
                expected = f"more than 0, at most {LONGEST_TIMEOUT:g}"
                raise InputError(f"--{name.replace('_', '-')}", f"{getattr(self, name):g}", expected)

    @property
    def _format(self) -> str:
        return "trajectories" if self.dry_run else self.format

    @property
    def _lanes(self) -> int:
        return self.workers or len(os.sched_getaffinity(0))

    def _export(self, progress: Progress) -> SequenceExport:
        from metasim.dataset.sequences.export import SequenceExport
        from metasim.dataset.store import is_remote, local_path

        reels, excluded = self._reels(progress)
        for name, reason in excluded.items():
            progress.say(f"scene {name} is left out: {reason}")
        executor = open_executor(self.changes)
        if not reels:
            raise InputError(f"--scenes {self.scenes}", "no scene that can be rendered", "one at least")
        source = self._source(reels)
        logs = self.logs or (None if is_remote(self.out) else local_path(self.out) / "logs")
        return SequenceExport(
            plan=self._plan(source),
            source=source,
            open_pool=partial(self._open_pool, executor),
            lanes=executor.size(self.workers),
            out=self.out,
            logs=logs,
            excluded=excluded,
            progress=progress,
        )

    def _reels(self, progress: Progress) -> tuple[tuple[Reel, ...], dict[str, str]]:
        """The scenes cut into sequences, and why others are left out."""
        from metasim.dataset.formats import ONE_LENS
        from metasim.dataset.sequences.reels import Cut, make_reels, needs_surfaces
        from metasim.dataset.sequences.scouting import find_scenes, read_exclusions, scout

        scenes = find_scenes(self.scenes, self.names)
        listed = {} if self.exclude is None else read_exclusions(self.exclude)
        wanted = {name: path for name, path in scenes.items() if name not in listed}
        progress.start("scenes", len(wanted))
        size = self.height, self.width
        shown, dark = scout(wanted, size, needs_surfaces(self.trajectory), self._lanes, progress.advance)
        one_lens = self.format in ONE_LENS and not self.dry_run
        cut = Cut(
            sequences=self.sequences_per_scene,
            num_frames=self.num_frames,
            multiplier=self.keyframe_multiplier,
            trajectory=self.trajectory,
            one_lens=one_lens,
            seed=self.seed,
        )
        reels, uncut = make_reels(scenes, shown, cut)
        return reels, {name: listed[name] for name in scenes if name in listed} | dark | uncut

    def _source(self, reels: tuple[Reel, ...]) -> SequenceSource:
        from metasim.dataset.sequences.source import SequenceSource

        light = {"samples": self.samples, "bounces": self.bounces, "motion_blur": self.motion_blur}
        return SequenceSource(reels, self.keyframe_multiplier, light)

    def _plan(self, source: SequenceSource) -> ExportPlan:
        from metasim.dataset.plan import ExportPlan, parse_split

        each = source.sequences * source.frames
        return ExportPlan(
            format=self._format,
            num=len(source.reels) * each,
            modalities=self._chosen(source),
            split=parse_split(self.split),
            seed=self.seed,
            size=(self.height, self.width),
            part_samples=source.frames,
            views=source.frames,
            siblings=source.sequences,
            independent_draws=False,
        )

    def _chosen(self, source: SequenceSource) -> tuple[Modality, ...]:
        from metasim.dataset.formats import find_format
        from metasim.dataset.modality import USUAL, Modality, choose_modalities

        format = find_format(self.format)
        given = frozenset.intersection(*(reel.footage.passes for reel in source.reels))
        flow = {Modality.FLOW_FORWARD, Modality.FLOW_BACKWARD}
        if self.modalities is not None:
            names = self.modalities.split(",")
            if self.motion_blur and flow & set(names):
                raise InputError("--modalities", "flow with --motion-blur", "one without the other")
        else:
            colour = Modality.RGB if Modality.RGB in format.modalities else Modality.HDR
            usual = USUAL | format.required | {colour} | (set() if self.motion_blur else flow)
            names = [m.value for m in usual & format.modalities if m.sources <= given]
        chosen = choose_modalities(names, given, format.modalities, self.format, format.required)
        return () if self.dry_run else chosen

    def _open_pool(self, executor: Executor, reel: Reel, trajectory: Path | None) -> RenderPool:
        from metasim.rendering.pool import RenderPool

        options: dict[str, Any] = {
            "scene": "footage",
            "file": reel.file,
            "keyframe_multiplier": self.keyframe_multiplier,
            "trajectory": trajectory,
            "motion_blur": self.motion_blur,
            "size": (self.height, self.width),
            "samples": self.samples,
            "bounces": self.bounces,
        }
        return RenderPool(ENGINE, options, 1, self.timeout, executor)
