"""Attribute errors: what was generated against what was in the target, where that is known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from metasim.runs.summary import AttributeResult, Correlation, Frequency, Moments
from metasim.scene.attribute import AttributeSpec
from metasim.scene.layout import Array, Column, Drawn, Labels, SceneLayout
from metasim.stats.moments import MomentErrors, correlation, mean_std
from metasim.stats.wasserstein import circular_wasserstein, wasserstein
from metasim.verdict.identifiability import Identifiability


def distance(spec: AttributeSpec, a: Array, b: Array) -> float:
    """Wasserstein-1 of values on [0, 1] over the range; circular ones over half the period."""
    return circular_wasserstein(a, b, 1.0) if spec.periodic else wasserstein(a, b, 1.0)


def attribute_results(
    layout: SceneLayout,
    known: dict[str, Identifiability],
    prior: Drawn,
    generated: Drawn,
    truth: tuple[Drawn, Drawn] | None,
    errors: MomentErrors | None = None,
) -> dict[str, AttributeResult]:
    """Results by column name, over the classes in which the attribute is identifiable.

    Args:
        layout: Columns and choices.
        known: Identifiability by column name.
        prior: Draws of the grammar.
        generated: Draws of the generator.
        truth: Two independent draws of the true target; their distance is the floor.
        errors: Standard errors of the moments on [0, 1], where they were inferred.
    """
    results = {}
    for j, column in enumerate(layout.columns):
        info = known[column.name]

        def pick(scenes: Drawn, j: int = j, column: Column = column, info: Identifiability = info) -> Array:
            rows = told_rows(layout, column, info, scenes)
            return scenes.units[rows, j]

        a, b = pick(prior), pick(generated)
        target, other = (pick(truth[0]), pick(truth[1])) if truth else (None, None)
        spec = column.spec
        results[column.name] = AttributeResult(
            unit=spec.unit,
            range=(spec.low, spec.high),
            periodic=spec.periodic,
            identifiable=info.identifiable,
            spread_identifiable=info.spread_identifiable,
            classes_not_identifiable=list(info.classes_not_identifiable),
            prior=_moments(spec, a),
            generated=_moments(spec, b),
            mean_error=None if errors is None else float(errors.mean[j] * spec.span),
            std_error=None if errors is None else float(errors.std[j] * spec.span),
            target=None if target is None else _moments(spec, target),
            w1_prior=None if target is None else distance(spec, a, target),
            w1=None if target is None else distance(spec, b, target),
            w1_floor=None if target is None or other is None else distance(spec, target, other),
        )
    return results


def told_rows(
    layout: SceneLayout, column: Column, info: Identifiability, scenes: Labels
) -> npt.NDArray[np.bool_]:
    """(n,) which scenes show the attribute in a class whose images determine it; all if none does."""
    rows = np.ones(len(scenes.units), dtype=bool)
    for c, choice in enumerate(layout.choices):
        if choice.node == column.node and info.identifiable:
            hidden = [choice.classes.index(name) for name in info.classes_not_identifiable]
            rows &= ~np.isin(scenes.classes[:, c], hidden)
    return rows if rows.any() else np.ones_like(rows)


def _moments(spec: AttributeSpec, units: Array) -> Moments:
    values = mean_std(units, 1.0 if spec.periodic else None)
    return Moments(mean=float(spec.from_unit(values.mean)), std=float(values.std * spec.span))


def correlations(
    layout: SceneLayout,
    known: dict[str, Identifiability],
    generated: Drawn,
    truth: Drawn | None,
    errors: MomentErrors | None = None,
) -> list[Correlation]:
    """Correlation of every two columns, over the classes in which both attributes are identifiable.

    Pairs with a constant attribute are left out. Arguments are those of ``attribute_results``.
    """
    found = []
    for i, j in combinations(range(len(layout.columns)), 2):
        ours = _correlation(layout, known, generated, i, j)
        theirs = None if truth is None else _correlation(layout, known, truth, i, j)
        if np.isfinite(ours):
            target = None if theirs is None or not np.isfinite(theirs) else theirs
            names = layout.names
            error = None if errors is None else float(errors.correlation[i, j])
            found.append(Correlation(a=names[i], b=names[j], target=target, generated=ours, error=error))
    return found


def _correlation(
    layout: SceneLayout, known: dict[str, Identifiability], scenes: Drawn, i: int, j: int
) -> float:
    columns = [layout.columns[k] for k in (i, j)]
    told = [told_rows(layout, column, known[column.name], scenes) for column in columns]
    rows = told[0] & told[1] if (told[0] & told[1]).any() else np.ones_like(told[0])
    wraps = [1.0 if column.spec.periodic else None for column in columns]
    return float(correlation(scenes.units[rows, i], scenes.units[rows, j], *wraps))


def class_shares(
    layout: SceneLayout, generated: Drawn, truth: Drawn | None
) -> dict[str, dict[str, Frequency]]:
    """Share of each class of every choice."""
    shares = {}
    for c, choice in enumerate(layout.choices):
        ours = np.bincount(generated.classes[:, c], minlength=len(choice.classes)) / len(generated.classes)
        theirs = None
        if truth is not None:
            theirs = np.bincount(truth.classes[:, c], minlength=len(choice.classes)) / len(truth.classes)
        shares[choice.node] = {
            name: Frequency(target=None if theirs is None else float(theirs[k]), generated=float(ours[k]))
            for k, name in enumerate(choice.classes)
        }
    return shares
