"""Experiment: from a checked configuration to a run folder that is complete but for the report."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.base.threads import ahead
from metasim.config import ExperimentConfig
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.bank import Scenes
from metasim.matching.extractors import INVERSE, extractor
from metasim.matching.generator import Generator
from metasim.matching.inheritance import find_lender
from metasim.matching.structure.check import check_classes, check_structure, check_target_objects
from metasim.matching.structure.inventory import Inventory
from metasim.matching.structure.trainer import StructureTrainer
from metasim.matching.target import Images, Target, check_target_grammar, learning_part
from metasim.matching.task.check import check_task
from metasim.matching.task.labels import labelled_part
from metasim.matching.trainer import Trainer
from metasim.pipeline.engine import engine_notes, open_pool, target_options
from metasim.pipeline.evidence import Evidence, FreshRenders
from metasim.pipeline.target_source import TargetSource
from metasim.rendering.pool import RenderPool
from metasim.rendering.registry import check_options
from metasim.runs.folder import RunFolder
from metasim.runs.log import RunLog
from metasim.runs.progress import Progress
from metasim.runs.samples import save_graphs, save_images
from metasim.runs.session import RunSession, run_session
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import SceneLayout
from metasim.scene.serialization import to_json

# Half of the cores at most: a thread of torch or of BLAS that waits spins, and one that waits for a core
# taken by another process holds up all others. One thread too many has cost a factor of a hundred.
MOST_THREADS = 8


@dataclass(frozen=True)
class Experiment:
    """An experiment with its grammars read and its options checked; nothing is rendered yet.

    Attributes:
        config: The experiment.
        grammar: The generator's grammar.
        target_grammar: The simulated target's; ``None`` for photographs.
        layout: Columns and choices of the scenes; of one object of each symbol where nodes vary.
        inventory: What scenes may hold where they differ in their nodes.
    """

    config: ExperimentConfig
    grammar: SceneGrammar
    target_grammar: SceneGrammar | None
    layout: SceneLayout
    inventory: Inventory | None = None

    @classmethod
    def prepare(cls, config: ExperimentConfig) -> Experiment:
        """Checks all that can be checked before rendering.

        Raises:
            InputError: At the first fault.
        """
        grammar = SceneGrammar.from_source(config.grammar)
        wanted = config.target.grammar
        target = None if wanted is None else SceneGrammar.from_source(wanted, "target.grammar")
        check_options(config.renderer.kind, config.renderer.options, "renderer")
        check_options(config.renderer.kind, target_options(config), "target.renderer")
        check_classes(grammar)
        inventory = None if grammar.fixed_structure else Inventory.of(grammar)
        if inventory is None:
            layout = SceneLayout.of(grammar.schema, grammar.sample(stream(config.seed, "layout")))
        else:
            layout = inventory.layout
            check_structure(config)
        if target is not None:
            if inventory is None:
                check_target_grammar(target, grammar, layout)
            else:
                check_target_objects(target, inventory)
            learning_part(config.target.num, config.target.held_out)
        check_task(config, layout, varying=inventory is not None)
        for name in (name for name in config.verdict.features if name != INVERSE):
            extractor(name, config.seed, config.inception_weights, "verdict.features")
        extractor(config.matching.features, config.seed, config.inception_weights, "matching.features")
        if config.device == "cuda" and not torch.cuda.is_available():
            raise InputError("device", "cuda, but torch finds none", "auto or cpu")
        return cls(config, grammar, target, layout, inventory)

    def run(self, root: Path, resume: bool, progress: Progress) -> RunFolder:
        """Runs the experiment, or what is left of it, and leaves its folder complete but for the report.

        Raises:
            InputError: If the folder is not for this run, or what the engine or the target's images are
                asked for cannot be; nothing has been written by then.
        """
        place = (root, self.config.name, self.config.seed, self.config, resume)
        folder = RunFolder.find(*place)
        if folder.finished:
            progress.say(f"{folder.path} is finished")
            return folder
        threads = min(MOST_THREADS, max(1, len(os.sched_getaffinity(0)) // 2))
        torch.set_num_threads(threads)
        with ExitStack() as stack:
            stack.enter_context(threadpool_limits(threads))
            executor = self.config.executor.open()
            pool = stack.enter_context(open_pool(self.config, self.config.renderer.options, executor))
            for note in engine_notes(pool, self.layout):
                progress.say(f"renderer: {note}")
            source = TargetSource(
                self.config, self.target_grammar, self.layout, varying=self.inventory is not None
            )
            target = source.found(folder, pool.capabilities.size, progress)
            studio = pool if target else stack.enter_context(source.studio(pool, executor))
            RunFolder.create(*place)
            session = stack.enter_context(run_session(folder))
            session.watch(lambda: sum(each.counters.seconds for each in {pool, studio}))
            log = stack.enter_context(RunLog(folder, self.config.output.tensorboard))
            if target is None:
                target = source.rendered(studio, session, progress)
                if studio is not pool:
                    studio.close()  # its engines take memory
            self._keep(target, folder)
            trainer = self._trainer(root, pool, target, folder, log, progress)
            generator = trainer.fit()
            session.count_renders("learning", trainer.renders - session.renders.get("learning", 0))
            self._judge(trainer, generator, target.images[target.learning :], session, progress)
        return folder

    def _trainer(
        self,
        root: Path,
        pool: RenderPool,
        target: Target,
        folder: RunFolder,
        log: RunLog,
        progress: Progress,
    ) -> Trainer | StructureTrainer:
        """What learns a generator from the target's images."""
        scenes = Scenes(self.grammar, self.layout, pool, self.config.seed)
        matching, images = self.config.matching, target.images[: target.learning]
        weights = self.config.inception_weights
        extract = extractor(matching.features, self.config.seed, weights, "matching.features")
        given = images, matching, folder, log, progress, self.device, extract, self._evidence.untold
        if self.inventory is not None:
            return StructureTrainer(scenes, self.inventory, *given)
        return Trainer(
            scenes,
            *given,
            self._lender(root, folder, progress),
            None
            if matching.task is None
            else labelled_part(matching.task, target, self.layout, progress.say),
        )

    def _lender(self, root: Path, folder: RunFolder, progress: Progress) -> RunFolder | None:
        """The run whose bank is taken over, if that is asked for."""
        if self.config.matching.bank == "own":
            return None
        lender = find_lender(root, self.config, folder)
        progress.say(f"bank of {lender.path}" if lender else "no earlier run has a bank for this: a new one")
        return lender

    def _judge(
        self,
        trainer: Trainer | StructureTrainer,
        generator: Generator,
        held: Images,
        session: RunSession,
        progress: Progress,
    ) -> None:
        """Renders fresh scenes, compares them with the held-out target and writes the summary."""
        folder, kept = session.folder, self.config.output.keep_images
        fresh = self._fresh(trainer.scenes, generator, len(held), session, progress)
        save_images(folder.images / "most_recent", list(fresh.draws[0]), kept)
        save_graphs(folder.graphs / "most_recent", [to_json(g) for g in fresh.graphs[: len(held)]], kept)
        judgement = self._evidence.judged(trainer, generator, held, fresh)
        progress.say(judgement.verdict.words)
        judgement.populations.save(folder.population)
        judgement.summary(
            experiment=self.config.name,
            seed=self.config.seed,
            renders=trainer.renders,
            wall_seconds=session.seconds,
            render_seconds=session.render_seconds,
        ).save(folder.summary)

    def _fresh(
        self, scenes: Scenes, generator: Generator, count: int, session: RunSession, progress: Progress
    ) -> FreshRenders:
        graphs: list[SceneGraph] = []
        draws: list[Images] = []
        progress.start("verdict", self.config.verdict.draws)
        sets = ahead(lambda k: generator.scenes(count, f"verdict/{k}"), self.config.verdict.draws)
        for k, drawn in enumerate(sets):
            draws.append(scenes.images(drawn, f"verdict/{k}"))
            graphs += drawn
            session.count_renders("verdict", count)
            progress.advance()
        return FreshRenders(graphs, draws)

    @property
    def _evidence(self) -> Evidence:
        return Evidence(self.config, self.grammar, self.target_grammar, self.layout)

    @property
    def device(self) -> torch.device:
        """Where the networks live."""
        cuda = self.config.device != "cpu" and torch.cuda.is_available()
        return torch.device("cuda" if cuda else "cpu")

    def _keep(self, target: Target, folder: RunFolder) -> None:
        """Keeps the target for later sessions and for people to look at."""
        if not folder.target.exists():
            save_images(folder.images / "target", list(target.images), self.config.output.keep_images)
            target.save(folder.target)
