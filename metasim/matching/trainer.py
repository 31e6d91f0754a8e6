"""Trainer: the stages of matching, in order, each logged and resumable."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from metasim.base.streams import seeded_layers, stream
from metasim.config import MatchingConfig
from metasim.matching.bank import Bank, Renders, Scenes
from metasim.matching.classes import class_rows, tuned_grammar
from metasim.matching.extractors import Extractor
from metasim.matching.generator import Generator
from metasim.matching.inheritance import inherit
from metasim.matching.inversion import Inversion, held_out_by_round, view_of
from metasim.matching.look import find_look
from metasim.matching.plan import plan_for
from metasim.matching.population import Population, Posteriors, Untold, fit_population, sharpen
from metasim.matching.proposal import Proposal, focused_proposal, wide_proposal
from metasim.matching.recorder import Record, recorder
from metasim.matching.refinement import BASELINES, OURS, Estimator, ImageMMD, refine
from metasim.matching.rehearsal import Rehearsal
from metasim.matching.resume import Checkpoint
from metasim.matching.safeguard import guarded
from metasim.matching.showcase import DRAWN, Showcase
from metasim.matching.target import Images
from metasim.matching.task.labels import Labelled
from metasim.matching.task.material import Material
from metasim.matching.task.stage import TaskStage
from metasim.matching.transfer import PRIOR_SCENES, PriorBatches, new_network, reconstruct, transfer
from metasim.matching.uncertainty import moment_errors
from metasim.runs.checkpoint import load_checkpoint
from metasim.runs.folder import RunFolder
from metasim.runs.log import RunLog
from metasim.runs.progress import Progress
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Classes, Drawn
from metasim.stats.moments import MomentErrors

RATES = (2.5e-3, 1.5e-3)  # first round, later ones
POLISH = 5e-4  # its rate
MANY = 480  # draws of each image, of which those that lie near the population sharpen it
CLUSTERS = 6  # per set of draws that a proposal is built on
VIEWS = 5  # moments of a refinement that are shown


@dataclass
class Trainer:
    """Learns a generator from images.

    Attributes:
        scenes: How scenes are drawn and rendered.
        images: (M, H, W, 3) target images to learn from.
        config: Matching section of the experiment.
        folder: The run.
        log: Its log.
        progress: What the spectator sees.
        device: Where the inverse network lives.
        extract: Features of the image MMD.
        untold: Finds what the images do not tell, by renders that the inverse network has not learnt from.
        lender: A finished run whose bank and inverse network are taken over.
        labelled: Images with their truth, for the task if there is one.
    """

    scenes: Scenes
    images: Images
    config: MatchingConfig
    folder: RunFolder
    log: RunLog
    progress: Progress
    device: torch.device
    extract: Extractor
    untold: Untold
    lender: RunFolder | None = None
    labelled: Labelled | None = None

    def __post_init__(self) -> None:
        self.seed = self.scenes.seed
        self.layout = self.scenes.layout
        self.plan = plan_for(self.layout, self.config.renders, self.config.effort)
        self.bank = Bank(self.folder.bank, self.scenes)
        self.renders = 0
        self.inversion: Inversion | None = None
        self.posteriors: Posteriors | None = None
        self.population: Population | None = None
        self.tuned: Population | None = None
        self.errors: MomentErrors | None = None
        graphs = [self.scenes.grammar.sample(stream(self.seed, "prior", i)) for i in range(PRIOR_SCENES)]
        self.prior_graphs = graphs
        self.showcase = Showcase(self.scenes, self.images, self.folder, self.log)
        self.prior = PriorBatches.of(graphs, self.scenes.grammar, self.layout)
        self.network = new_network(self.scenes.grammar, self.seed)
        self.checkpoint = Checkpoint.load(self.folder.checkpoints / "last.pt")
        if self.lender is not None and not self.checkpoint.done:
            inherit(self.lender, self.folder, self.checkpoint)
        if self.checkpoint.network:
            self.checkpoint.restore(self.network, self.checkpoint.network)
        if self.checkpoint.inherited:
            self.plan = self.plan.again(self.config.effort)

    def fit(self) -> Generator:
        """Runs all stages; returns the tuned generator, which is saved as ``best.pt``."""
        self.reconstruct()
        if self.config.preset == "inversion":
            inherited = self.checkpoint.inherited
            if inherited:
                self.read_inherited(inherited)
            for number in range(inherited, inherited + len(self.plan.rounds)):
                self.render(number)
                self.invert(number)
            self.polish()
            self.rehearse()
            self.transfer()
            if self.config.refine != "off":
                self.refine(self.config.refine)
            if self.labelled is not None:
                self.tune(self.labelled)
        else:
            self.refine("differences")
        generator = self.generator()
        generator.save(self.folder.checkpoints / "best.pt")
        return generator

    # Each stage is a function of the seed and of what earlier stages left on disk; it is done when the
    # checkpoint says so.

    def reconstruct(self) -> None:
        """The attribute network learns the identity on prior scenes, unless it is an earlier run's."""
        if "reconstruct" in self.checkpoint.done:
            return
        steps = self.plan.reconstruct
        if steps:
            record = self._recorder("reconstruct", steps)
            reconstruct(self.network, self.prior, steps, self.seed, record)
        self._show(0, "prior", self.layout.units(self.prior_graphs), self.layout.classes(self.prior_graphs))
        self.checkpoint.keep("reconstruct", network=self.network.state_dict())

    def read_inherited(self, rounds: int) -> None:
        """The inverse network of an earlier run reads the target, as one of the run's own would."""
        for _ in range(rounds):
            self.bank.load()
        self.invert(rounds - 1)

    def render(self, number: int) -> None:
        """The bank grows by a round: first from the wide prior, then where the target's posteriors lie."""
        count = self.plan.rounds[number - self.checkpoint.inherited]
        self.progress.start(f"render {number + 1}", count)
        self.bank.grow(self._proposal if number else self._wide, count, self.progress.advance)
        self.renders += count

    def invert(self, number: int) -> None:
        """The inverse network learns the bank, and reads the target if the next round is to follow it."""
        stage = f"invert/{number}"
        if self.inversion is None:
            view = view_of(self.layout, self.bank.rounds[0].renders)
            self.inversion = Inversion(self.layout, view, self.device, self.seed)
        self._look(self.inversion)
        done = self.checkpoint.done
        if f"invert/{number + 1}" in done or "polish" in done:
            return  # a later stage has replaced what this one found
        if stage not in done:
            steps = self.plan.steps[number - self.checkpoint.inherited]
            record = self._recorder(stage, steps)
            with seeded_layers(self.seed, f"{stage}/dropout"):
                factors = self.inversion.fit(self.bank, steps, RATES[number > 0], record)
            widest = max(factors, key=lambda name: factors[name])
            self.progress.say(f"posteriors widened most: {widest} x {factors[widest]:.2f}")
        else:
            self.checkpoint.restore(self.inversion.network, self.checkpoint.inverse)
        if number + 1 < self.checkpoint.inherited + len(self.plan.rounds):
            self._read(stage, shown=stage not in done)
        if stage not in done:
            self.checkpoint.keep(stage, inverse=self.inversion.network.state_dict())

    def _look(self, inversion: Inversion) -> None:
        """Finds how the target looks otherwise than renders do, the better the nearer these are to it."""
        inversion.look = find_look(self.images, self.bank.rounds[-1].renders.images)
        if inversion.look:
            self.progress.say(f"the target looks otherwise, and renders are made to: {inversion.look}")

    def polish(self) -> None:
        """The inverse network learns the bank in its own light, and reads the target for good."""
        assert self.inversion is not None
        done = "polish" in self.checkpoint.done
        if done:
            self.checkpoint.restore(self.inversion.network, self.checkpoint.inverse)
        else:
            steps = self.plan.polish
            record = self._recorder("polish", steps)
            with seeded_layers(self.seed, "polish/dropout"):
                if not self.inversion.polish(self.bank, steps, POLISH, record):
                    self.progress.say("polish: left out, for held-out renders were read no better")
        self._read("polish", shown=not done)
        if not done:
            self.checkpoint.keep("polish", inverse=self.inversion.network.state_dict())
        assert self.population is not None
        if misread := int((~self.population.read).sum()):
            self.progress.say(f"{misread} of {len(self.images)} target images unlike the others: set aside")

    def _read(self, stage: str, shown: bool) -> None:
        """Reads the target and fits the population, which is shown unless an earlier session has done so."""
        assert self.inversion is not None
        self.posteriors = self.inversion.posteriors(self.images, self.bank, stage)
        self.population = self._fit(self.posteriors)
        if shown:
            units, classes = self.population.sample(stream(self.seed, f"{stage}/shown"), DRAWN)
            self._show(len(self.bank.rounds), stage, units, classes)

    def rehearse(self) -> None:
        """The population is rendered and inferred again; what that gets wrong is taken out of it."""
        assert self.inversion is not None
        assert self.population is not None
        kept = self.folder.bank / "rehearsal.npz"
        self.population = self._sharpened(self.population, self.images, "sharpen")
        if not kept.exists():
            self.progress.start("rehearse", self.plan.rehearsal)
            units, classes = self.population.sample(stream(self.seed, "rehearse"), self.plan.rehearsal)
            graphs = self.scenes.placed(units, classes, "prior")
            self.scenes.render(graphs, "rehearse").save(kept)
            self.progress.advance(len(graphs))
        self.renders += self.plan.rehearsal
        drawn = Renders.load(kept)
        images = self.inversion.seen(drawn.images, "rehearse")
        again = self._fit(self.inversion.posteriors(images, self.bank, "rehearse"))
        again = self._sharpened(again, images, "rehearse/sharpen")
        rounds = [r.renders for r in self.bank.rounds]
        held = held_out_by_round([len(renders) for renders in rounds])
        kept_out = [renders.take(rows) for renders, rows in zip(rounds, held, strict=True)]
        read = self.inversion.readouts([self.inversion.seen(k.images, "kept out") for k in kept_out])
        known = [(renders, each.multiples) for renders, each in zip(kept_out, read, strict=True)]
        unknown = self.untold(self.layout, self.population, known)
        rehearsal = Rehearsal.of(self.population, drawn, again, unknown, self.seed)
        prior = Drawn(self.layout.units(self.prior_graphs), self.layout.classes(self.prior_graphs))
        self.population = replace(rehearsal.population, prior=prior)
        self.errors = moment_errors(self.population, rehearsal, self.layout.periodic, self.seed)
        self.log.rewind("rehearse")
        self.log.scalars("rehearse", 0, self.renders, **rehearsal.changes(self.layout.names))

    def _sharpened(self, rough: Population, images: Images, stage: str) -> Population:
        assert self.inversion is not None
        many = self.inversion.posteriors(images, self.bank, stage, MANY)
        return sharpen(rough, many, stream(self.seed, stage))

    def _fit(self, posteriors: Posteriors) -> Population:
        sizes = self.layout.class_numbers
        return fit_population(posteriors, self.layout.periodic, sizes, self.seed)

    def transfer(self) -> None:
        """The attribute network learns to turn prior scenes and noise into the population."""
        assert self.population is not None
        if "transfer" in self.checkpoint.done:
            return
        self._transfer("transfer", self.population)
        self._show_generator(len(self.bank.rounds) + 1, "transfer")
        self.checkpoint.keep("transfer", network=self.network.state_dict())

    def _transfer(self, stage: str, population: Population) -> None:
        steps = self.plan.transfer
        record = self._recorder(stage, steps)
        transfer(self.network, self.prior, population, self.layout, steps, self.seed, record)

    def refine(self, estimator: Estimator) -> None:
        """The attribute network follows the image MMD of fresh renders, guarded after an inversion."""
        if "refine" in self.checkpoint.done:
            self.renders += self.checkpoint.renders
            return
        start = self.renders

        def follow(images: Images) -> None:
            self._follow_images(images, estimator)

        if self.config.preset == "inversion":
            given = follow, [self.network], self.seed, self.progress
            guarded(self.images, self._fresh, self.extract, *given)
        else:
            follow(self.images)
        self.checkpoint.keep("refine", network=self.network.state_dict(), renders=self.renders - start)

    def _fresh(self, count: int, stage: str) -> Images:
        return self._images(self.generator().scenes(count, stage), stage)

    def _follow_images(self, images: Images, estimator: Estimator) -> None:
        graphs, prior = self.prior_graphs, self.prior
        if self.population is not None:  # whose classes the generator draws
            drawn = self.generator()
            graphs = [drawn.base(stream(self.seed, "refine/scenes", i)) for i in range(PRIOR_SCENES)]
            prior = PriorBatches.of(graphs, drawn.grammar, self.layout)

        def render(units: Array, rows: Classes, stage: str) -> Images:
            base = [graphs[row] for row in rows]
            placed = self.layout.place(base, units, self.layout.classes(base))
            return self._images(placed, stage)

        steps, frequencies = self.config.refine_steps, self.config.frequencies
        mmd = ImageMMD.against(images, self.extract, render, frequencies, self.seed)
        descent = BASELINES.get(self.config.preset, OURS)
        record, pace = self._recorder("refine", steps), max(steps // VIEWS, 1)
        shown = len(self.bank.rounds) + 1 if self.config.preset == "inversion" else 0

        def watch(step: int, values: dict[str, float]) -> None:
            record(step, values)
            if (step + 1) % pace == 0:
                self._show_generator(shown + (step + 1) // pace, f"refine, step {step + 1}")

        refine(self.network, prior, mmd, estimator, descent, steps, self.seed, watch)

    def tune(self, labelled: Labelled) -> None:
        """The law is tilted for the task network, as far as that helps it, and transferred anew."""
        config, kept = self.config.task, self.folder.bank / "task.npz"
        assert config is not None
        assert self.population is not None
        if not kept.exists():
            self.progress.start("render task", config.renders)
            self.scenes.render(self.generator().scenes(config.renders, "task"), "task").save(kept)
            self.progress.advance(config.renders)
        self.renders += config.renders
        drawn = [Renders.load(kept), Renders.load(self.folder.bank / "rehearsal.npz")]
        material = Material.of(drawn, self.bank, self.population.law)
        run = self.config.effort, self.seed, self.device
        stage = TaskStage(config, self.layout, labelled, self.population, material, *run)
        found = self.folder.checkpoints / "task.pt"
        if not found.exists():
            outcome = stage.run(self._recorder("task", config.rounds), self.progress)
            self.progress.say(outcome.words)
            self.generator().save(self.folder.checkpoints / "matched.pt")
            stage.save(found, outcome.coefficients)
        tuned = stage.tilted(load_checkpoint(found)["tilt"].numpy())
        if "task" not in self.checkpoint.done:
            if tuned is not self.population:
                self._transfer("task/transfer", tuned)
            self.checkpoint.keep("task", network=self.network.state_dict())
        self.tuned = tuned

    def _images(self, graphs: list[SceneGraph], stage: str) -> Images:
        """Renders that look as the target does."""
        self.renders += len(graphs)
        images = self.scenes.images(graphs, stage)
        return self.inversion.seen(images, stage) if self.inversion else images

    def generator(self) -> Generator:
        """The generator as it stands."""
        grammar, population = self.scenes.grammar, self.tuned or self.population
        if population is None:
            return Generator(grammar, self.network, self.seed)
        rows = class_rows(grammar, self.layout, population, self.seed)
        return Generator(
            tuned_grammar(grammar, self.layout, population), self.network, self.seed, classes=rows
        )

    def inferred(self, count: int) -> Array | None:
        """(count, D) draws of the inferred population on [0, 1]."""
        if self.population is None:
            return None
        return self.population.sample(stream(self.seed, "report/inferred"), count)[0]

    def _wide(self) -> Proposal:
        sizes = self.layout.class_numbers
        units, classes = self.layout.units(self.prior_graphs), self.layout.classes(self.prior_graphs)
        return wide_proposal(units, classes, self.layout.periodic, sizes)

    def _proposal(self) -> Proposal:
        """Flat-prior posteriors beside the population: the estimate alone would lose rival modes."""
        assert self.posteriors is not None
        assert self.population is not None
        believed = self.population
        sets = [
            (*draws.pooled(), weights.ravel())
            for draws, weights in (
                (self.posteriors, self.posteriors.flat_weights()),
                (believed.posteriors, believed.weights),
            )
        ]
        sizes = self.layout.class_numbers
        return focused_proposal(sets, self.layout.periodic, sizes, CLUSTERS, self.seed)

    def _show(self, epoch: int, stage: str, units: Array, classes: Classes) -> None:
        self.showcase.show(epoch, stage, self.renders, units, classes)

    def _show_generator(self, epoch: int, stage: str) -> None:
        graphs = self.generator().scenes(DRAWN, "shown")
        self._show(epoch, stage, self.layout.units(graphs), self.layout.classes(graphs))

    def _recorder(self, stage: str, steps: int) -> Record:
        return recorder(self.log, self.progress, stage, steps, lambda: self.renders)
