"""Attribute rows: the numbers beside each histogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.report.columns import column_values, shown_unit
from metasim.report.run_data import RunData
from metasim.runs.population import Column, Populations
from metasim.runs.summary import AttributeResult, Moments
from metasim.stats.moments import mean_std


@dataclass(frozen=True)
class AttributeRow:
    """An attribute in numbers; what is unknown is ``None``.

    Attributes:
        name: ``<node>.<attribute>``.
        unit: Unit of means and spreads, empty for bare numbers.
        prior: Mean and spread before matching.
        generated: Mean and spread after matching.
        errors: Standard errors of these two, where they were inferred.
        target: Mean and spread in the target.
        w1_prior: Distance of prior and target.
        w1: Distance of generated and target.
        w1_floor: Distance of two target draws.
        note: What the images do not determine.
    """

    name: str
    unit: str
    prior: Moments | None
    generated: Moments | None
    target: Moments | None
    w1_prior: float | None = None
    w1: float | None = None
    w1_floor: float | None = None
    note: str = ""
    errors: tuple[float, float] | None = None


def attribute_rows(run: RunData) -> list[AttributeRow]:
    """Rows from the summary, or from the populations of a run that has none yet."""
    if run.summary is not None:
        return [_from_summary(name, result) for name, result in run.summary.attributes.items()]
    if run.populations is not None:
        return [_from_populations(run.populations, i) for i in range(len(run.populations.columns))]
    return []


def _from_summary(name: str, result: AttributeResult) -> AttributeRow:
    note = "" if result.identifiable else "not identifiable"
    if result.identifiable and not result.spread_identifiable:
        note = "spread not identifiable"
    return AttributeRow(
        name=name,
        unit=shown_unit(result.unit),
        prior=result.prior,
        generated=result.generated,
        target=result.target,
        w1_prior=result.w1_prior,
        w1=result.w1,
        w1_floor=result.w1_floor,
        note=note,
        errors=_errors(result),
    )


def _errors(result: AttributeResult) -> tuple[float, float] | None:
    mean, std = result.mean_error, result.std_error
    return None if mean is None or std is None else (mean, std)


def _from_populations(populations: Populations, index: int) -> AttributeRow:
    column = populations.columns[index]
    found = {name: _moments(values, column) for name, values in column_values(populations, index).items()}
    return AttributeRow(
        column.name, shown_unit(column.unit), found["prior"], found["generated"], found.get("target")
    )


def _moments(values: npt.NDArray[np.float64], column: Column) -> Moments | None:
    """Mean and spread of the finite values, circular for periodic attributes."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    mean, std = mean_std(finite - column.low, column.high - column.low if column.periodic else None)
    return Moments(mean=column.low + mean, std=std)
