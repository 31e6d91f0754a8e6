"""Judge: everything a run is judged by, from arrays to the summary."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from metasim.model.readout import Readout
from metasim.runs.population import Column, Populations
from metasim.runs.summary import (
    AttributeResult,
    Correlation,
    Dependence,
    Frequency,
    Summary,
    Variation,
    Verdict,
)
from metasim.scene.layout import Array, Drawn, SceneLayout
from metasim.stats.moments import MomentErrors
from metasim.verdict.alarms import Sample, false_alarms
from metasim.verdict.attributes import attribute_results, class_shares, correlations, told_rows
from metasim.verdict.evidence import Features, compare
from metasim.verdict.finding import FOREIGN, MADE_ALIKE, conclude, unlike
from metasim.verdict.identifiability import Identifiability
from metasim.verdict.rereading import Reread, readings
from metasim.verdict.shifts import Readings, shifts, spread_p_value


@dataclass(frozen=True)
class FeatureSets:
    """One kind of features.

    Attributes:
        target: (n, F) of held-out target images.
        draws: The same of each set of fresh renders.
    """

    target: Features
    draws: list[Features]


@dataclass(frozen=True)
class Readouts:
    """What the inverse network makes of images.

    Attributes:
        target: Of held-out target images.
        fresh: Of all fresh renders.
        fresh_scenes: These renders' scenes.
        bank: Of renders of the bank that it was not trained on.
        bank_scenes: Their scenes.
        bank_rounds: (n,) the round that each is of.
        bank_look: (k, W) how other renders of the bank look to the network.
    """

    target: Readout
    fresh: Readout
    fresh_scenes: Drawn
    bank: Readout
    bank_scenes: Drawn
    bank_rounds: npt.NDArray[np.intp]
    bank_look: Features

    @property
    def reread_bank(self) -> Reread:
        """The bank's renders, read again."""
        return Reread(self.bank_scenes.units, self.bank_scenes.classes, self.bank.multiples)

    @property
    def reread_rounds(self) -> list[Reread]:
        """The bank's renders, read again, round by round."""
        every = self.reread_bank
        rounds = [self.bank_rounds == number for number in np.unique(self.bank_rounds)]
        return [Reread(every.units[r], every.classes[r], every.multiples[r]) for r in rounds]

    @property
    def reread_fresh(self) -> Reread:
        """The fresh renders, read again."""
        return Reread(self.fresh_scenes.units, self.fresh_scenes.classes, self.fresh.multiples)


@dataclass(frozen=True)
class Material:
    """What a run is judged on.

    Attributes:
        layout: Columns and choices of the scenes.
        prior: Draws of the grammar.
        generated: Draws of the generator.
        truth: Two independent draws of the true target, where it is known; for reporting alone.
        inferred: (k, D) draws of the inferred population on [0, 1], if one was inferred.
        errors: Standard errors of its moments on [0, 1].
        known: Identifiability by column name.
        features: Kinds of features by name, the main one first.
        readouts: What the inverse network reads, if there is one.
        look: What all renders underwent so that they look as the target does, in words.
    """

    layout: SceneLayout
    prior: Drawn
    generated: Drawn
    truth: tuple[Drawn, Drawn] | None
    inferred: Array | None
    errors: MomentErrors | None
    known: dict[str, Identifiability]
    features: dict[str, FeatureSets]
    readouts: Readouts | None = None
    look: str | None = None


@dataclass(frozen=True)
class Judgement:
    """The outcome; ``summary`` adds what only the run knows."""

    verdict: Verdict
    attributes: dict[str, AttributeResult]
    correlations: list[Correlation]
    classes: dict[str, dict[str, Frequency]]
    populations: Populations
    counts: dict[str, dict[str, Frequency]] = field(default_factory=dict)
    variations: dict[str, Variation] = field(default_factory=dict)
    dependences: dict[str, Dependence] = field(default_factory=dict)

    def summary(
        self, experiment: str, seed: int, renders: int, wall_seconds: float, render_seconds: float
    ) -> Summary:
        """The content of ``summary.json``."""
        return Summary(
            experiment=experiment,
            seed=seed,
            renders=renders,
            wall_seconds=wall_seconds,
            render_seconds=render_seconds,
            verdict=self.verdict,
            attributes=self.attributes,
            correlations=self.correlations,
            classes=self.classes,
            counts=self.counts,
            variations=self.variations,
            dependences=self.dependences,
        )


def judge(material: Material, rng: np.random.Generator, permutations: int) -> Judgement:
    """Judges a run on held-out images and, where it is known, against the truth."""
    m = material
    truth = m.truth[0] if m.truth else None
    return Judgement(
        weigh(m, rng, permutations),
        attribute_results(m.layout, m.known, m.prior, m.generated, m.truth, m.errors),
        correlations(m.layout, m.known, m.generated, truth, m.errors),
        class_shares(m.layout, m.generated, truth),
        Populations(
            tuple(
                Column(c.name, c.spec.unit, c.spec.low, c.spec.high, c.spec.periodic)
                for c in m.layout.columns
            ),
            m.layout.values(m.prior.units),
            m.layout.values(m.generated.units),
            None if m.inferred is None else m.layout.values(m.inferred),
            None if truth is None else m.layout.values(truth.units),
            told=_told(m),
        ),
    )


def _told(material: Material) -> dict[str, npt.NDArray[np.bool_]]:
    """Which values the attributes' numbers are of, by population."""
    m = material
    drawn = {"prior": m.prior, "generated": m.generated} | ({"target": m.truth[0]} if m.truth else {})
    return {
        name: np.stack([told_rows(m.layout, c, m.known[c.name], scenes) for c in m.layout.columns], axis=1)
        for name, scenes in drawn.items()
    }


def weigh(material: Material, rng: np.random.Generator, permutations: int) -> Verdict:
    """All the evidence of held-out images, and what it comes to."""
    m, r = material, material.readouts
    compared = {n: compare(f.target, f.draws, rng, permutations) for n, f in m.features.items()}
    main = next(iter(compared))
    others = {name: found for name, found in compared.items() if name != main}
    contract = compared[main].model_dump()
    if r is None:
        finding, words = conclude(m.layout, compared[main], others, {}, None, None)
        return Verdict(**contract, finding=finding, words=words, features=compared)
    moved = shifts(m.layout, Readings(r.target.means, r.fresh.means, r.fresh_scenes.units))
    spread = spread_p_value(m.layout, r.target.means, r.fresh.means, rng, permutations)
    looks = unlike(r.target.look, r.fresh.look), unlike(r.target.look, r.bank_look)
    finding, words = conclude(m.layout, compared[main], others, moved, spread, looks)
    if m.look is not None:
        words += MADE_ALIKE.format(m.look)
    drawn = {name: np.concatenate(features.draws) for name, features in m.features.items()}
    fresh = Sample(drawn.pop(main), r.fresh.means, r.fresh_scenes.units, drawn)
    return Verdict(
        **contract,
        finding=finding,
        words=words,
        produces_target=looks[0] <= FOREIGN,
        novelty=looks[0],
        bank_novelty=looks[1],
        spread_p_value=spread,
        features=compared,
        shifts=moved,
        readings=readings(m.layout, r.reread_bank, r.reread_fresh),
        false_alarms=false_alarms(m.layout, fresh, len(r.target), rng),
    )
