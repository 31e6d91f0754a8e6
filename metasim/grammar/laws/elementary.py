"""Laws that stand by themselves: ``law: {normal: {mean: 180, std: 10}}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator
from scipy import stats
from typing_extensions import override

from metasim.base.errors import InputError
from metasim.grammar.distribution import (
    Atoms,
    Censored,
    Continuous,
    Distribution,
    Truncated,
    VonMises,
    Wrapped,
)
from metasim.grammar.laws.base import Law, Weight
from metasim.scene.attribute import AttributeSpec

Std = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


class Fixed(Law):
    """Always one value: ``fixed: 0.8``, or just ``0.8``."""

    body = "value"
    kind = "fixed"
    value: float

    @override
    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return atoms(spec, {self.value: 1.0})

    @override
    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        _require_inside(spec, self.value, where)


class Categorical(Law):
    """Some values, by weight: ``categorical: {0: 0.2, 90: 0.8}``."""

    body = "weights"
    kind = "categorical"
    weights: Annotated[dict[float, Weight], Field(min_length=1)]

    @override
    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return atoms(spec, self.weights)

    @override
    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        for value in self.weights:
            _require_inside(spec, value, where)


class Uniform(Law):
    """All values between two ends alike: ``uniform: [0.5, 1.5]``; on a circle also ``[-30, 30]``."""

    body = "between"
    kind = "uniform"
    between: tuple[float, float]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.between[0] >= self.between[1]:
            raise ValueError("[low, high] with low < high")
        return self

    @override
    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        low, high = self.between
        if spec.periodic and high - low == spec.span:
            return Continuous(stats.uniform, (spec.low, spec.span))
        if not spec.periodic:
            return Continuous(stats.uniform, (low, high - low))
        start = float(spec.confine(low))
        return Wrapped(stats.uniform, (start, high - low), spec.low, spec.span, turns=1)

    @override
    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        low, high = self.between
        if spec.periodic and high - low > spec.span:
            raise InputError(where, f"[{low:g}, {high:g}]", f"at most one period, {spec.span:g}")
        _require_inside(spec, low, where)
        _require_inside(spec, high, where)


class Normal(Law):
    """A normal law; its tails gather at the ends of the range, or wind around a periodic one."""

    kind = "normal"
    mean: float
    std: Std

    @override
    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return normal(spec, self.mean, self.std)

    @override
    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        _require_inside(spec, self.mean, f"{where}.mean")


class FoldedNormal(Law):
    """The magnitude of a normal value, cut at the ends of the range."""

    kind = "folded_normal"
    mean: float
    std: Positive

    @override
    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        arguments = (abs(self.mean) / self.std, 0.0, self.std)
        return Censored(stats.foldnorm, arguments, spec.low, spec.high)

    @override
    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        if spec.periodic:
            raise InputError(where, "a periodic attribute", "one that is not periodic")
        _require_inside(spec, abs(self.mean), f"{where}.mean")


class TruncatedNormal(Law):
    """A normal law given that the value lies in the range: no mass at its ends."""

    kind = "truncated_normal"
    mean: float
    std: Positive

    @override
    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return Truncated.normal(self.mean, self.std, spec.low, spec.high)

    @override
    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        if not spec.low <= self.mean <= spec.high:
            raise InputError(f"{where}.mean", f"{self.mean:g}", f"a value in {_range(spec)}")


class VonMisesLaw(Law):
    """The normal law of the circle, for periodic attributes; large concentrations are narrow."""

    kind = "von_mises"
    mean: float
    concentration: Annotated[float, Field(ge=0)]

    @override
    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return VonMises(self.mean, self.concentration, spec.low, spec.span)

    @override
    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        if not spec.periodic:
            raise InputError(where, "an attribute that is not periodic", "periodic: true")


def atoms(spec: AttributeSpec, weights: Mapping[float, float]) -> Atoms:
    """Values by weight, confined to the range; values that then coincide are one."""
    values, index = np.unique(spec.confine(list(weights)), return_inverse=True)
    masses = np.bincount(index, weights=list(weights.values()))
    return Atoms(values, masses / masses.sum())


def normal(spec: AttributeSpec, mean: float, std: float) -> Distribution:
    """The normal law on the range: wound around a periodic one, gathered at the ends of others."""
    if std == 0.0:
        return atoms(spec, {mean: 1.0})
    if spec.periodic:
        return Wrapped.normal(mean, std, spec.low, spec.span)
    return Censored(stats.norm, (mean, std), spec.low, spec.high)


def _require_inside(spec: AttributeSpec, value: float, where: str) -> None:
    if not spec.contains(value):
        raise InputError(where, f"{value:g}", f"a value in {_range(spec)}")


def _range(spec: AttributeSpec) -> str:
    return f"the range [{spec.low:g}, {spec.high:g}]"
