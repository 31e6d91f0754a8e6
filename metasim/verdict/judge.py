"""Judge: everything a run is judged by, from arrays to the summary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metasim.runs.population import Column, Populations
from metasim.runs.summary import AttributeResult, Correlation, Frequency, Summary, Verdict
from metasim.scene.layout import Array, SceneLayout
from metasim.verdict.attributes import Drawn, attribute_results, class_shares, correlations
from metasim.verdict.evidence import Features, weigh
from metasim.verdict.identifiability import Identifiability


@dataclass(frozen=True)
class Material:
    """What a run is judged on.

    Attributes:
        layout: Columns and choices of the scenes.
        prior: Draws of the grammar.
        generated: Draws of the generator.
        truth: Two independent draws of the true target, where it is known; for reporting alone.
        inferred: (k, D) draws of the inferred population on [0, 1], if one was inferred.
        known: Identifiability by column name.
        target_features: (n, F) of held-out target images.
        draw_features: The same of each set of fresh renders.
    """

    layout: SceneLayout
    prior: Drawn
    generated: Drawn
    truth: tuple[Drawn, Drawn] | None
    inferred: Array | None
    known: dict[str, Identifiability]
    target_features: Features
    draw_features: list[Features]


@dataclass(frozen=True)
class Judgement:
    """The outcome; ``summary`` adds what only the run knows."""

    verdict: Verdict
    attributes: dict[str, AttributeResult]
    correlations: list[Correlation]
    classes: dict[str, dict[str, Frequency]]
    populations: Populations

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
        )


def judge(material: Material, rng: np.random.Generator, permutations: int) -> Judgement:
    """Judges a run on held-out images and, where it is known, against the truth."""
    m = material
    truth = m.truth[0] if m.truth else None
    return Judgement(
        weigh(m.target_features, m.draw_features, rng, permutations),
        attribute_results(m.layout, m.known, m.prior, m.generated, m.truth),
        correlations(m.layout, m.generated, truth),
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
        ),
    )
