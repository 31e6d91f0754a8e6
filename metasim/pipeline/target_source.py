"""TargetSource: where the images come from that an experiment is to match."""

from __future__ import annotations

from dataclasses import dataclass

from metasim.base.errors import InputError
from metasim.config import ExperimentConfig
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.target import Target, read_target, simulate_target, simulate_varying_target
from metasim.pipeline.engine import open_pool, target_options
from metasim.rendering.executor import Executor
from metasim.rendering.pool import RenderPool
from metasim.runs.folder import RunFolder
from metasim.runs.progress import Progress
from metasim.runs.session import RunSession
from metasim.scene.layout import SceneLayout


@dataclass(frozen=True)
class TargetSource:
    """Photographs, renders of a grammar, or what an earlier session of the run has kept.

    Attributes:
        config: The experiment.
        grammar: The simulated target's; ``None`` for photographs.
        layout: Columns and choices of the scenes.
        varying: Whether scenes differ in their nodes.
    """

    config: ExperimentConfig
    grammar: SceneGrammar | None
    layout: SceneLayout
    varying: bool

    def found(self, folder: RunFolder, size: tuple[int, int], progress: Progress) -> Target | None:
        """The target that need not be rendered.

        Args:
            folder: The run.
            size: Height and width of the images that the engine renders.
            progress: Told what is done to photographs that are unlike them.

        Raises:
            InputError: If photographs cannot be used.
        """
        if folder.target.exists():
            return Target.load(folder.target)
        if self.grammar is not None:
            return None
        return read_target(self.layout, self.config.target, size, self.config.seed, progress.say)

    def studio(self, pool: RenderPool, executor: Executor) -> RenderPool:
        """The pool that renders the target: the generator's own where the target changes nothing of it.

        Raises:
            InputError: If its images are of another size than the generator's.
        """
        options, size = target_options(self.config), pool.capabilities.size
        if options == self.config.renderer.options:
            return pool
        studio = open_pool(self.config, options, executor)
        if studio.capabilities.size != size:
            got = studio.capabilities.size
            studio.close()
            raise InputError("target.renderer", f"images of {_pixels(got)}", f"{_pixels(size)} as elsewhere")
        return studio

    def rendered(self, studio: RenderPool, session: RunSession, progress: Progress) -> Target:
        """The simulated target."""
        assert self.grammar is not None
        config = self.config
        progress.start("target", config.target.num)
        how = config.target, studio, config.seed, progress.advance
        if self.varying:
            target = simulate_varying_target(self.grammar, *how)
        else:
            target = simulate_target(self.grammar, self.layout, *how)
        session.count_renders("target", len(target.images))
        return target


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]} pixels"
