"""Evidence: what a finished training is judged on, gathered from its networks and its target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch

from metasim.base.streams import stream
from metasim.config import ExperimentConfig
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.extractors import INVERSE, extractor
from metasim.matching.generator import Generator
from metasim.matching.inversion import held_out_by_round, held_out_rows
from metasim.matching.population import Population, Unknown
from metasim.matching.structure.trainer import StructureTrainer
from metasim.matching.target import Images
from metasim.matching.trainer import Trainer
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Drawn, Labels, SceneLayout
from metasim.verdict.evidence import Features
from metasim.verdict.identifiability import Beliefs, Identifiability, all_identifiable, identify
from metasim.verdict.judge import FeatureSets, Judgement, Material, Readouts, judge
from metasim.verdict.rereading import Reread
from metasim.verdict.structure import Census, StructureMaterial, judge_structure

LOOKED_AT = 1500  # renders of the bank, at most, that target images are compared with by their looks
REPORTED = 5000  # scenes drawn of prior, generator and truth to report their laws

Told = TypeVar("Told")


@dataclass(frozen=True)
class FreshRenders:
    """Independent draws of a generator, as many images each as the target has held out.

    Attributes:
        graphs: The scenes of all draws.
        draws: Their images, draw by draw.
    """

    graphs: list[SceneGraph]
    draws: list[Images]


@dataclass(frozen=True)
class Evidence:
    """Gathers what an experiment is judged on.

    Attributes:
        config: The experiment.
        grammar: The generator's grammar.
        target_grammar: The simulated target's, for reporting alone; ``None`` for photographs.
        layout: Columns and choices of the scenes.
    """

    config: ExperimentConfig
    grammar: SceneGrammar
    target_grammar: SceneGrammar | None
    layout: SceneLayout

    def judged(
        self,
        trainer: Trainer | StructureTrainer,
        generator: Generator,
        held: Images,
        fresh: FreshRenders,
    ) -> Judgement:
        """The judgement of a generator, from held-out target images and fresh renders."""
        rng, permutations = stream(self.config.seed, "verdict"), self.config.verdict.permutations
        if isinstance(trainer, StructureTrainer):
            varying = self._varying(trainer, generator, held, fresh)
            return judge_structure(varying, rng, permutations)
        return judge(self._fixed(trainer, generator, held, fresh), rng, permutations)

    @staticmethod
    def untold(
        layout: SceneLayout, population: Population, rounds: Sequence[tuple[Labels, Array]]
    ) -> tuple[Unknown, ...]:
        """Which attributes of which classes the target's images do not tell.

        Args:
            layout: Columns and choices.
            population: What was inferred of the images.
            rounds: Scenes whose renders the inverse network has not learnt from, and (n, F, D) what it reads
                of them and of their multiples, for each round of the bank.
        """
        reread = [Reread(renders.units, renders.classes, read) for renders, read in rounds]
        known = _identified(layout, population, reread)
        found = []
        for j, column in enumerate(layout.columns):
            for name in known[column.name].untold:
                found += [
                    Unknown(j, c, choice.classes.index(name))
                    for c, choice in enumerate(layout.choices)
                    if choice.node == column.node
                ] or [Unknown(j)]
        return tuple(found)

    def _fixed(self, trainer: Trainer, generator: Generator, held: Images, fresh: FreshRenders) -> Material:
        """Where all scenes have the same nodes."""
        look = None
        if inversion := trainer.inversion:
            look = inversion.look
            draws = [inversion.seen(images, f"verdict/draw/{k}") for k, images in enumerate(fresh.draws)]
            fresh = replace(fresh, draws=draws)
        readouts = self._readouts(trainer, held, fresh)
        return Material(
            layout=self.layout,
            prior=self._drawn(trainer.prior_graphs),
            generated=self._drawn(generator.scenes(REPORTED, "report")),
            truth=self._truth(self._drawn),
            inferred=trainer.inferred(REPORTED),
            errors=trainer.errors,
            known=self._identifiability(trainer, readouts),
            features=self._features(held, fresh.draws, _moments(readouts, len(fresh.draws))),
            readouts=readouts,
            look=look and str(look),
        )

    def _varying(
        self, trainer: StructureTrainer, generator: Generator, held: Images, fresh: FreshRenders
    ) -> StructureMaterial:
        """Where scenes differ in their nodes."""
        moments = [trainer.reader.read(images, "verdict").moments for images in [held, *fresh.draws]]
        prior = [self.grammar.sample(stream(self.config.seed, "report/prior", i)) for i in range(REPORTED)]
        return StructureMaterial(
            self.layout,
            Census.of(self.layout, prior),
            Census.of(self.layout, generator.scenes(REPORTED, "report")),
            self._truth(lambda graphs: Census.of(self.layout, graphs)),
            self._features(held, fresh.draws, moments),
            _identified_by_parts(trainer, self.layout),
        )

    def _readouts(self, trainer: Trainer, held: Images, fresh: FreshRenders) -> Readouts | None:
        """What the inverse network makes of target, fresh renders and those of the bank kept from it."""
        if trainer.inversion is None:
            return None
        inversion = trainer.inversion
        bank = trainer.bank.renders.take(held_out_rows(len(trainer.bank)))
        held_out = held_out_by_round([len(r.renders) for r in trainer.bank.rounds])
        rounds = np.repeat(np.arange(len(held_out)), [len(rows) for rows in held_out])
        seen = trainer.bank.renders.images[:: -(-len(trainer.bank) // LOOKED_AT)]
        sets = [inversion.seen(images, f"verdict/{i}") for i, images in enumerate((bank.images, seen))]
        sets = [held, np.concatenate(fresh.draws), *sets]
        target, read, again, others = inversion.readouts(sets)
        scenes = self._drawn(fresh.graphs), Drawn(bank.units, bank.classes)
        return Readouts(target, read, scenes[0], again, scenes[1], rounds, others.look)

    def _features(
        self, held: Images, draws: list[Images], inverse: Sequence[Features] | None
    ) -> dict[str, FeatureSets]:
        """The kinds of features asked for; where no inverse network gives its own, at least convolutions."""
        config = self.config
        names = config.verdict.features
        if inverse is None:
            names = [name for name in names if name != INVERSE] or ["convolutions"]
        found = {}
        for name in names:
            if name != INVERSE:
                look = extractor(name, config.seed, config.inception_weights, "verdict.features")
                target, *others = (torch.cat(look(images), 1).numpy() for images in [held, *draws])
                found[name] = FeatureSets(target, others)
            elif inverse is not None:
                found[name] = FeatureSets(inverse[0], list(inverse[1:]))
        return found

    def _identifiability(self, trainer: Trainer, readouts: Readouts | None) -> dict[str, Identifiability]:
        if trainer.population is None or readouts is None:
            return all_identifiable(self.layout)
        return _identified(self.layout, trainer.population, readouts.reread_rounds, readouts.reread_fresh)

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


def _identified(
    layout: SceneLayout, population: Population, bank: Sequence[Reread], fresh: Reread | None = None
) -> dict[str, Identifiability]:
    draws = population.posteriors
    beliefs = Beliefs(
        draws.units, draws.classes, draws.flat_weights(), population.weights, population.turned_gain
    )
    kept = {
        (law.column, "" if law.choice is None else layout.choices[law.choice].classes[law.kind])
        for law in population.unknown
    }
    return identify(layout, beliefs, bank, fresh, kept)


def _identified_by_parts(trainer: StructureTrainer, layout: SceneLayout) -> dict[str, Identifiability]:
    """Of objects and scenery; of a part that is hardly seen nothing is."""
    known = {column.name: Identifiability((), False, False) for column in layout.columns}
    for part in trainer.studied:
        *bank, fresh = (
            Reread(told.units, told.classes, told.multiples(part.layout.periodic))
            for told in (*part.kept_out, part.rehearsed)
        )
        known |= _identified(part.layout, part.inferred.population, bank, fresh)
    return known


def _moments(readouts: Readouts | None, draws: int) -> list[Features] | None:
    """What the inverse network reads of the target and of each set of fresh renders."""
    if readouts is None:
        return None
    return [readouts.target.moments, *np.split(readouts.fresh.moments, draws)]
