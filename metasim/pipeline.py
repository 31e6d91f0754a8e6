"""The whole path of an experiment: target, matching, verdict, summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.config import ExperimentConfig
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.bank import Renders, Scenes
from metasim.matching.extractors import INVERSE, Extractor, extractor
from metasim.matching.generator import Generator
from metasim.matching.inheritance import find_lender
from metasim.matching.inversion import held_out_rows
from metasim.matching.population import Population, Unknown
from metasim.matching.structure.check import check_structure, check_target_objects
from metasim.matching.structure.inventory import Inventory
from metasim.matching.structure.trainer import StructureTrainer
from metasim.matching.target import (
    Images,
    Target,
    check_target_grammar,
    learning_part,
    read_target,
    simulate_target,
    simulate_varying_target,
)
from metasim.matching.trainer import Trainer
from metasim.rendering.executor import Executor
from metasim.rendering.pool import RenderPool
from metasim.rendering.registry import check_options
from metasim.runs.folder import RunFolder
from metasim.runs.log import RunLog
from metasim.runs.progress import Progress
from metasim.runs.samples import save_graphs, save_images
from metasim.runs.session import RunSession, run_session
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, SceneLayout
from metasim.scene.serialization import to_json
from metasim.verdict.attributes import Drawn
from metasim.verdict.evidence import Features
from metasim.verdict.identifiability import Identifiability, all_identifiable, identify
from metasim.verdict.judge import FeatureSets, Judgement, Material, Readouts, judge
from metasim.verdict.rereading import Reread
from metasim.verdict.structure import Census, StructureMaterial, judge_structure

Told = TypeVar("Told")

# Half of the cores at most: a thread of torch or of BLAS that waits spins, and one that waits for a core
# taken by another process holds up all others. One thread too many has cost a factor of a hundred.
MOST_THREADS = 8
LOOKED_AT = 1500  # renders of the bank, at most, that target images are compared with by their looks
REPORTED = 5000  # scenes drawn of prior, generator and truth to report their laws


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
        check_options(config.renderer.kind, _target_options(config), "target.renderer")
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
            pool = stack.enter_context(_pool(self.config, self.config.renderer.options, executor))
            for note in pool.capabilities.notes:
                progress.say(f"renderer: {note}")
            found = self._found_target(folder, pool, progress)
            studio = None if found else stack.enter_context(self._studio(pool, executor))
            RunFolder.create(*place)
            session = stack.enter_context(run_session(folder))
            session.watch(lambda: pool.counters.seconds)
            log = stack.enter_context(RunLog(folder, self.config.output.tensorboard))
            target = found or self._simulated_target(studio, session, progress)
            self._keep(target, folder)
            scenes = Scenes(self.grammar, self.layout, pool, self.config.seed)
            images, matching = target.images[: target.learning], self.config.matching
            if self.inventory is not None:
                trainer = StructureTrainer(
                    scenes, self.inventory, images, matching, folder, log, progress, self.device
                )
            else:
                trainer = Trainer(
                    scenes,
                    images,
                    matching,
                    folder,
                    log,
                    progress,
                    self.device,
                    self._extractor(matching.features, "matching.features"),
                    self._untold,
                    self._lender(root, folder, progress),
                )
            generator = trainer.fit()
            session.count_renders("learning", trainer.renders - session.renders.get("learning", 0))
            self._judge(trainer, generator, target, session, progress)
        return folder

    def _judge(
        self,
        trainer: Trainer | StructureTrainer,
        generator: Generator,
        target: Target,
        session: RunSession,
        progress: Progress,
    ) -> None:
        """Renders fresh scenes, compares them with the held-out target and writes the summary."""
        held, folder = target.images[target.learning :], session.folder
        progress.start("verdict", self.config.verdict.draws)
        graphs: list[SceneGraph] = []
        draws = []
        for k in range(self.config.verdict.draws):
            graphs += generator.scenes(len(held), f"verdict/{k}")
            draws.append(trainer.scenes.images(graphs[-len(held) :], f"verdict/{k}"))
            session.count_renders("verdict", len(held))
            progress.advance()
        save_images(folder.images / "most_recent", list(draws[0]), self.config.output.keep_images)
        shown = [to_json(g) for g in graphs[: len(held)]]
        save_graphs(folder.graphs / "most_recent", shown, self.config.output.keep_images)
        if isinstance(trainer, StructureTrainer):
            judgement = self._structure_judged(trainer, generator, held, draws)
        else:
            judgement = self._judged(trainer, generator, held, draws, graphs)
        progress.say(judgement.verdict.words)
        judgement.populations.save(folder.population)
        judgement.summary(
            experiment=self.config.name,
            seed=self.config.seed,
            renders=trainer.renders,
            wall_seconds=session.seconds,
            render_seconds=session.render_seconds,
        ).save(folder.summary)

    def _judged(
        self,
        trainer: Trainer,
        generator: Generator,
        held: Images,
        draws: list[Images],
        graphs: list[SceneGraph],
    ) -> Judgement:
        readouts = self._readouts(trainer, held, draws, graphs)
        return judge(
            Material(
                layout=self.layout,
                prior=self._drawn(trainer.prior_graphs),
                generated=self._drawn(generator.scenes(REPORTED, "report")),
                truth=self._truth(self._drawn),
                inferred=trainer.inferred(REPORTED),
                errors=trainer.errors,
                known=self._identifiability(trainer, readouts),
                features=self._features(held, draws, _moments(readouts, len(draws))),
                readouts=readouts,
            ),
            stream(self.config.seed, "verdict"),
            self.config.verdict.permutations,
        )

    def _structure_judged(
        self, trainer: StructureTrainer, generator: Generator, held: Images, draws: list[Images]
    ) -> Judgement:
        """The same where scenes differ in their nodes."""
        moments = [trainer.reader.read(images, "verdict").moments for images in [held, *draws]]
        prior = [self.grammar.sample(stream(self.config.seed, "report/prior", i)) for i in range(REPORTED)]
        material = StructureMaterial(
            self.layout,
            Census.of(self.layout, prior),
            Census.of(self.layout, generator.scenes(REPORTED, "report")),
            self._truth(lambda graphs: Census.of(self.layout, graphs)),
            self._features(held, draws, moments),
        )
        return judge_structure(
            material, stream(self.config.seed, "verdict"), self.config.verdict.permutations
        )

    def _lender(self, root: Path, folder: RunFolder, progress: Progress) -> RunFolder | None:
        """The run whose bank is taken over, if that is asked for."""
        if self.config.matching.bank == "own":
            return None
        lender = find_lender(root, self.config, folder)
        progress.say(f"bank of {lender.path}" if lender else "no earlier run has a bank for this: a new one")
        return lender

    def _readouts(
        self, trainer: Trainer, held: Images, draws: list[Images], graphs: list[SceneGraph]
    ) -> Readouts | None:
        """What the inverse network makes of target, fresh renders and those of the bank kept from it."""
        if trainer.inversion is None:
            return None
        bank = trainer.bank.renders.take(held_out_rows(len(trainer.bank)))
        seen = trainer.bank.renders.images[:: -(-len(trainer.bank) // LOOKED_AT)]
        sets = [held, np.concatenate(draws), bank.images, seen]
        target, fresh, again, others = trainer.inversion.readouts(sets)
        scenes = self._drawn(graphs), Drawn(bank.units, bank.classes)
        return Readouts(target, fresh, scenes[0], again, scenes[1], others.look)

    def _features(
        self, held: Images, draws: list[Images], inverse: Sequence[Features] | None
    ) -> dict[str, FeatureSets]:
        """The kinds of features asked for; where no inverse network gives its own, at least convolutions."""
        names = self.config.verdict.features
        if inverse is None:
            names = [name for name in names if name != INVERSE] or ["convolutions"]
        found = {}
        for name in names:
            if name != INVERSE:
                look = self._extractor(name, "verdict.features")
                target, *others = (torch.cat(look(images), 1).numpy() for images in [held, *draws])
                found[name] = FeatureSets(target, others)
            elif inverse is not None:
                found[name] = FeatureSets(inverse[0], list(inverse[1:]))
        return found

    def _extractor(self, name: str, where: str) -> Extractor:
        return extractor(name, self.config.seed, self.config.inception_weights, where)

    def _identifiability(self, trainer: Trainer, readouts: Readouts | None) -> dict[str, Identifiability]:
        population = trainer.population
        if population is None or readouts is None:
            return all_identifiable(self.layout)
        draws = population.posteriors
        return identify(
            self.layout,
            draws.units,
            draws.classes,
            draws.flat_weights(),
            population.weights,
            readouts.reread_bank,
            readouts.reread_fresh,
        )

    def _untold(self, population: Population, renders: Renders, read: Array) -> tuple[Unknown, ...]:
        """Which attributes of which classes the target's images do not tell."""
        draws = population.posteriors
        known = identify(
            self.layout,
            draws.units,
            draws.classes,
            draws.flat_weights(),
            population.weights,
            Reread(renders.units, renders.classes, read),
        )
        found = []
        for j, column in enumerate(self.layout.columns):
            info = known[column.name]
            places = [(c, k.classes) for c, k in enumerate(self.layout.choices) if k.node == column.node]
            for c, classes in places:
                found += [Unknown(j, c, classes.index(name)) for name in info.classes_not_identifiable]
            if not places and not info.identifiable:
                found.append(Unknown(j))
        return tuple(found)

    def _drawn(self, graphs: Sequence[SceneGraph]) -> Drawn:
        return Drawn(self.layout.units(graphs), self.layout.classes(graphs))

    def _truth(self, told: Callable[[list[SceneGraph]], Told]) -> tuple[Told, Told] | None:
        """Two independent draws of the true target, as many as are reported of the generator."""
        if self.target_grammar is None:
            return None
        first, second = (
            [self.target_grammar.sample(stream(self.config.seed, f"truth/{k}", i)) for i in range(REPORTED)]
            for k in range(2)
        )
        return told(first), told(second)

    @property
    def device(self) -> torch.device:
        """Where the networks live."""
        cuda = self.config.device != "cpu" and torch.cuda.is_available()
        return torch.device("cuda" if cuda else "cpu")

    def _found_target(self, folder: RunFolder, pool: RenderPool, progress: Progress) -> Target | None:
        """The target that need not be rendered: photographs, or what an earlier session has kept."""
        if folder.target.exists():
            return Target.load(folder.target)
        if self.target_grammar is not None:
            return None
        return read_target(
            self.layout, self.config.target, pool.capabilities.size, self.config.seed, progress.say
        )

    def _studio(self, pool: RenderPool, executor: Executor) -> RenderPool:
        """The pool that renders the target."""
        studio = _pool(self.config, _target_options(self.config), executor)
        size, like = studio.capabilities.size, pool.capabilities.size
        if size != like:
            studio.close()
            raise InputError("target.renderer", f"images of {_pixels(size)}", f"{_pixels(like)} as elsewhere")
        return studio

    def _simulated_target(self, studio: RenderPool | None, session: RunSession, progress: Progress) -> Target:
        assert studio is not None
        assert self.target_grammar is not None
        config = self.config
        progress.start("target", config.target.num)
        how = config.target, studio, config.seed, progress.advance
        if self.inventory is None:
            target = simulate_target(self.target_grammar, self.layout, *how)
        else:
            target = simulate_varying_target(self.target_grammar, *how)
        studio.close()
        session.count_renders("target", len(target.images))
        return target

    def _keep(self, target: Target, folder: RunFolder) -> None:
        """Keeps the target for later sessions and for people to look at."""
        if not folder.target.exists():
            save_images(folder.images / "target", list(target.images), self.config.output.keep_images)
            target.save(folder.target)


def _target_options(config: ExperimentConfig) -> dict[str, object]:
    return {**config.renderer.options, **config.target.renderer}


def _pool(config: ExperimentConfig, options: dict[str, object], executor: Executor) -> RenderPool:
    engine = config.renderer
    workers = None if executor.remote else engine.workers
    return RenderPool(engine.kind, options, workers, engine.timeout_s, executor)


def _moments(readouts: Readouts | None, draws: int) -> list[Features] | None:
    """What the inverse network reads of the target and of each set of fresh renders."""
    if readouts is None:
        return None
    return [readouts.target.moments, *np.split(readouts.fresh.moments, draws)]


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]} pixels"
