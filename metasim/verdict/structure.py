"""Structure: scenes that differ in their nodes, judged by how many objects there are and what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.runs.population import Column, Populations
from metasim.runs.summary import AttributeResult, Correlation, Dependence, Frequency, Variation, Verdict
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Drawn, SceneLayout
from metasim.stats.histograms import total_variation
from metasim.stats.information import mutual_information
from metasim.verdict.attributes import attribute_results, class_shares, correlations
from metasim.verdict.evidence import compare
from metasim.verdict.finding import conclude
from metasim.verdict.identifiability import Identifiability
from metasim.verdict.judge import FeatureSets, Judgement

Shares = dict[str, dict[str, Frequency]]


@dataclass(frozen=True)
class Census:
    """The objects of n scenes, all of a symbol together.

    Attributes:
        numbers: (n, symbols) objects of each symbol in each scene.
        objects: For each symbol its objects' attributes and classes.
    """

    numbers: npt.NDArray[np.int64]
    objects: tuple[Drawn, ...]

    @classmethod
    def of(cls, layout: SceneLayout, graphs: Sequence[SceneGraph]) -> Census:
        """Counts the objects of scenes; the layout has one node for each symbol."""
        numbers = [[len(graph.of_symbol(s)) for s in layout.node_names] for graph in graphs]
        return cls(
            np.array(numbers, dtype=np.int64),
            tuple(_objects(part, graphs) for part in by_symbol(layout)),
        )

    def values(self, layout: SceneLayout) -> Array:
        """(objects, D) attributes in their units, NaN where an object has none such."""
        tables = []
        for symbol, part, drawn in zip(layout.node_names, by_symbol(layout), self.objects, strict=True):
            table = np.full((len(drawn.units), len(layout.columns)), np.nan)
            table[:, [c.symbol == symbol for c in layout.columns]] = part.values(drawn.units)
            tables.append(table)
        return np.concatenate(tables)


@dataclass(frozen=True)
class StructureMaterial:
    """What a run is judged on.

    Attributes:
        layout: One node for each symbol.
        prior: Draws of the grammar.
        generated: Draws of the generator.
        truth: Two independent draws of the true target, where it is known; for reporting alone.
        features: Kinds of features by name, the main one first.
        known: Identifiability by column name.
    """

    layout: SceneLayout
    prior: Census
    generated: Census
    truth: tuple[Census, Census] | None
    features: dict[str, FeatureSets]
    known: dict[str, Identifiability]


def judge_structure(material: StructureMaterial, rng: np.random.Generator, permutations: int) -> Judgement:
    """Judges a run on held-out images and, where it is known, against the truth."""
    m = material
    truth = m.truth[0] if m.truth else None
    attributes, correlated, classes = _objects_judged(m)
    columns = tuple(
        Column(c.name, c.spec.unit, c.spec.low, c.spec.high, c.spec.periodic) for c in m.layout.columns
    )
    populations = Populations(
        columns,
        m.prior.values(m.layout),
        m.generated.values(m.layout),
        None,
        None if truth is None else truth.values(m.layout),
    )
    counts = count_shares(m.layout, m.generated, truth)
    return Judgement(
        _weigh(m, rng, permutations),
        attributes,
        correlated,
        classes,
        populations,
        counts,
        variations(m),
        dependences(m),
    )


def by_symbol(layout: SceneLayout) -> list[SceneLayout]:
    """The part of a layout that each of its nodes has."""
    return [
        SceneLayout(
            tuple(c for c in layout.columns if c.node == name),
            tuple(c for c in layout.choices if c.node == name),
            (name,),
        )
        for name in layout.node_names
    ]


def count_shares(layout: SceneLayout, generated: Census, truth: Census | None) -> Shares:
    """Share of each number of objects, by symbol."""
    shares: Shares = {}
    for s, symbol in enumerate(layout.node_names):
        ours = generated.numbers[:, s]
        theirs = None if truth is None else truth.numbers[:, s]
        everything = ours if theirs is None else np.concatenate([ours, theirs])
        shares[symbol] = {
            str(n): Frequency(
                target=None if theirs is None else float((theirs == n).mean()),
                generated=float((ours == n).mean()),
            )
            for n in np.unique(everything)
        }
    return shares


def variations(material: StructureMaterial) -> dict[str, Variation]:
    """Total variation of numbers and classes, of prior and generated to the target; empty if unknown."""
    m = material
    if m.truth is None:
        return {}
    found = {}
    for s, part in enumerate(by_symbol(m.layout)):
        symbol = m.layout.node_names[s]
        prior, ours, theirs, again = (c.numbers[:, s] for c in (m.prior, m.generated, *m.truth))
        found[f"{symbol}/count"] = _variation(prior, ours, theirs, again)
        if part.choices:
            labels = [c.objects[s].classes[:, 0] for c in (m.prior, m.generated, *m.truth)]
            found[f"{symbol}/class"] = _variation(*labels)
    return found


def dependences(material: StructureMaterial) -> dict[str, Dependence]:
    """How much the number of objects and their classes tell of each other; empty if the truth is unknown."""
    m = material
    if m.truth is None:
        return {}
    found = {}
    for s, part in enumerate(by_symbol(m.layout)):
        if part.choices:
            told = [
                mutual_information(_number_and_class(census, s, len(part.choices[0].classes)))
                for census in (m.prior, m.generated, *m.truth)
            ]
            found[m.layout.node_names[s]] = Dependence(
                prior=told[0], generated=told[1], target=told[2], again=told[3]
            )
    return found


def _number_and_class(census: Census, symbol: int, classes: int) -> Array:
    """(numbers, classes) scenes by the number of objects and the class of one of them picked at random."""
    numbers = census.numbers[:, symbol]
    joint = np.zeros((int(numbers.max(initial=0)) + 1, classes))
    of_scene = np.repeat(numbers, numbers)
    np.add.at(joint, (of_scene, census.objects[symbol].classes[:, 0]), 1 / of_scene)
    return joint


def _variation(
    prior: npt.NDArray[np.int64],
    ours: npt.NDArray[np.int64],
    theirs: npt.NDArray[np.int64],
    again: npt.NDArray[np.int64],
) -> Variation:
    size = int(max(part.max(initial=0) for part in (prior, ours, theirs, again))) + 1
    a, b, c, d = (np.bincount(part, minlength=size) for part in (prior, ours, theirs, again))
    return Variation(
        prior=total_variation(a, c), generated=total_variation(b, c), floor=total_variation(d, c)
    )


def _objects(part: SceneLayout, graphs: Sequence[SceneGraph]) -> Drawn:
    symbol = part.node_names[0]
    nodes = [node for graph in graphs for node in graph.of_symbol(symbol)]
    units = np.stack(
        [c.spec.to_unit([node.attributes[c.spec.name] for node in nodes]) for c in part.columns], axis=1
    )
    rows = [[choice.classes.index(node.cls) for choice in part.choices] for node in nodes]
    return Drawn(units, np.array(rows, dtype=np.int64).reshape(len(nodes), len(part.choices)))


def _objects_judged(
    m: StructureMaterial,
) -> tuple[dict[str, AttributeResult], list[Correlation], Shares]:
    """Attributes, correlations and classes, over all objects of each symbol."""
    attributes: dict[str, AttributeResult] = {}
    correlated: list[Correlation] = []
    classes: Shares = {}
    for s, part in enumerate(by_symbol(m.layout)):
        prior, ours = m.prior.objects[s], m.generated.objects[s]
        truth = None if m.truth is None else (m.truth[0].objects[s], m.truth[1].objects[s])
        if not all(len(drawn.units) for drawn in (prior, ours, *(truth or ()))):
            continue  # the numbers say that there are none, and of none there is nothing else to say
        attributes |= attribute_results(part, m.known, prior, ours, truth)
        correlated += correlations(part, m.known, ours, truth[0] if truth else None)
        classes |= class_shares(part, ours, truth[0] if truth else None)
    return attributes, correlated, classes


def _weigh(m: StructureMaterial, rng: np.random.Generator, permutations: int) -> Verdict:
    compared = {n: compare(f.target, f.draws, rng, permutations) for n, f in m.features.items()}
    main = next(iter(compared))
    others = {name: found for name, found in compared.items() if name != main}
    finding, words = conclude(m.layout, compared[main], others, {}, None, None)
    return Verdict(**compared[main].model_dump(), finding=finding, words=words, features=compared)
