"""Attribute laws as a grammar file writes them: ``law: {normal: {mean: 180, std: 10}}``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from scipy import stats

from metasim.base.errors import InputError
from metasim.base.validation import Section
from metasim.grammar.distribution import (
    Atoms,
    Censored,
    Continuous,
    Distribution,
    Mixture,
    VonMises,
    Wrapped,
)
from metasim.scene.attribute import AttributeSpec

Weight = Annotated[float, Field(gt=0)]
Std = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


class Law(Section, ABC):
    """How an attribute is drawn. What it is drawn from may depend on the node's class and on other values."""

    body: ClassVar[str | None] = None  # the field that stands for the whole law in a file, if one does
    kind: str

    @abstractmethod
    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        """The distribution of the attribute.

        Args:
            spec: The attribute; values beyond its range are cut, or wound around it if periodic.
            cls: Class of the node.
            given: Values by the references of the law (see ``references``).
        """

    def references(self) -> frozenset[str]:
        """What must be drawn before: ``attribute`` of the same node, or ``symbol.attribute``."""
        return frozenset()

    @abstractmethod
    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        """Raises ``InputError`` if the law does not suit the attribute or the classes of its symbol."""

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = handler(self)
        fields.pop("kind", None)
        return {self.kind: fields[self.body] if self.body else fields}


class Fixed(Law):
    """Always one value: ``fixed: 0.8``, or just ``0.8``."""

    body: ClassVar[str | None] = "value"
    kind: Literal["fixed"] = "fixed"
    value: float

    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return _atoms(spec, {self.value: 1.0})

    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        _require_inside(spec, self.value, where)


class Categorical(Law):
    """Some values, by weight: ``categorical: {0: 0.2, 90: 0.8}``."""

    body: ClassVar[str | None] = "weights"
    kind: Literal["categorical"] = "categorical"
    weights: Annotated[dict[float, Weight], Field(min_length=1)]

    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return _atoms(spec, self.weights)

    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        for value in self.weights:
            _require_inside(spec, value, where)


class Uniform(Law):
    """All values between two ends alike: ``uniform: [0.5, 1.5]``. On a circle, ``[-30, 30]`` runs through 0."""

    body: ClassVar[str | None] = "between"
    kind: Literal["uniform"] = "uniform"
    between: tuple[float, float]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.between[0] >= self.between[1]:
            raise ValueError("[low, high] with low < high")
        return self

    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        low, high = self.between
        if not spec.periodic:
            return Continuous(stats.uniform, (low, high - low))
        start = float(spec.confine(low))
        return Wrapped(stats.uniform, (start, high - low), spec.low, spec.span, turns=1)

    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        low, high = self.between
        if spec.periodic and high - low > spec.span:
            raise InputError(where, f"[{low:g}, {high:g}]", f"at most one period, {spec.span:g}")
        _require_inside(spec, low, where)
        _require_inside(spec, high, where)


class Normal(Law):
    """A normal law; its tails gather at the ends of the range, or wind around a periodic one."""

    kind: Literal["normal"] = "normal"
    mean: float
    std: Std

    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return _normal(spec, self.mean, self.std)

    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        _require_inside(spec, self.mean, f"{where}.mean")


class FoldedNormal(Law):
    """The magnitude of a normal value, cut at the ends of the range."""

    kind: Literal["folded_normal"] = "folded_normal"
    mean: float
    std: Positive

    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        arguments = (abs(self.mean) / self.std, 0.0, self.std)
        return Censored(stats.foldnorm, arguments, spec.low, spec.high)

    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        if spec.periodic:
            raise InputError(where, "a periodic attribute", "one that is not periodic")
        _require_inside(spec, abs(self.mean), f"{where}.mean")


class TruncatedNormal(Law):
    """A normal law given that the value lies in the range: no mass at its ends."""

    kind: Literal["truncated_normal"] = "truncated_normal"
    mean: float
    std: Positive

    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        ends = ((spec.low - self.mean) / self.std, (spec.high - self.mean) / self.std)
        return Continuous(stats.truncnorm, (*ends, self.mean, self.std))

    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        if not spec.low <= self.mean <= spec.high:
            raise InputError(f"{where}.mean", f"{self.mean:g}", f"a value in {_range(spec)}")


class VonMisesLaw(Law):
    """The normal law of the circle, for periodic attributes; large concentrations are narrow."""

    kind: Literal["von_mises"] = "von_mises"
    mean: float
    concentration: Annotated[float, Field(ge=0)]

    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return VonMises(self.mean, self.concentration, spec.low, spec.span)

    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        if not spec.periodic:
            raise InputError(where, "an attribute that is not periodic", "periodic: true")


class Part(Section):
    """A law of a mixture and its weight."""

    weight: Weight = 1.0
    law: AnyLaw


class MixtureLaw(Law):
    """One of several laws, by weight: ``mixture: [{weight: 3, law: ...}, {law: ...}]``."""

    body: ClassVar[str | None] = "parts"
    kind: Literal["mixture"] = "mixture"
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]

    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        weights = np.array([part.weight for part in self.parts])
        parts = [part.law.distribution(spec, cls, given) for part in self.parts]
        return Mixture(parts, weights / weights.sum())

    def references(self) -> frozenset[str]:
        return frozenset[str]().union(*(part.law.references() for part in self.parts))

    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        for index, part in enumerate(self.parts):
            part.law.check(spec, classes, f"{where}.{index}.law.{part.law.kind}")


class Follow(Law):
    """``scale`` times another attribute plus ``offset``, with normal noise: how correlations are written.

    Attributes:
        attribute: ``name`` for one of the same node, ``symbol.name`` for one of the first node of a symbol.
    """

    kind: Literal["follow"] = "follow"
    attribute: str
    scale: float = 1.0
    offset: float = 0.0
    std: Std = 0.0

    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return _normal(spec, self.scale * given[self.attribute] + self.offset, self.std)

    def references(self) -> frozenset[str]:
        return frozenset({self.attribute})

    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        """Nothing to check here: any mean is cut or wound into the range."""


class ByClass(Law):
    """A law for each class of the node: ``by_class: {shoe: {...}, mug: {...}}``."""

    body: ClassVar[str | None] = "laws"
    kind: Literal["by_class"] = "by_class"
    laws: dict[str, AnyLaw]

    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return self.laws[cls].distribution(spec, cls, given)

    def references(self) -> frozenset[str]:
        return frozenset[str]().union(*(law.references() for law in self.laws.values()))

    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        if set(self.laws) != set(classes):
            raise InputError(where, f"laws for {', '.join(self.laws)}", f"one each for {', '.join(classes)}")
        for cls, law in self.laws.items():
            law.check(spec, classes, f"{where}.{cls}.{law.kind}")


_LAWS: dict[str, type[Law]] = {
    "fixed": Fixed,
    "uniform": Uniform,
    "normal": Normal,
    "truncated_normal": TruncatedNormal,
    "folded_normal": FoldedNormal,
    "von_mises": VonMisesLaw,
    "categorical": Categorical,
    "mixture": MixtureLaw,
    "follow": Follow,
    "by_class": ByClass,
}


def _tagged(data: Any) -> Any:
    """``{normal: {...}}`` as ``{..., kind: normal}``, and a bare number as a fixed law."""
    if isinstance(data, Law):
        return data
    if isinstance(data, int | float | str) and not isinstance(data, bool):
        return {"kind": "fixed", "value": data}
    if not (isinstance(data, Mapping) and len(data) == 1):
        raise ValueError("a number or one law, such as {normal: {mean: 0, std: 1}}")
    ((kind, body),) = data.items()
    field = _LAWS[kind].body if kind in _LAWS else None
    if field:
        return {"kind": kind, field: body}
    if not isinstance(body, Mapping) or "kind" in body:
        raise ValueError(f"a mapping of {kind}'s parameters")
    return {**body, "kind": kind}


AnyLaw = Annotated[
    Fixed
    | Uniform
    | Normal
    | TruncatedNormal
    | FoldedNormal
    | VonMisesLaw
    | Categorical
    | MixtureLaw
    | Follow
    | ByClass,
    Field(discriminator="kind"),
    BeforeValidator(_tagged),
]
"""Any of the laws, read from its form in a file."""

for _model in (Part, MixtureLaw, ByClass):
    _model.model_rebuild()


def _atoms(spec: AttributeSpec, weights: Mapping[float, float]) -> Atoms:
    values, index = np.unique(spec.confine(list(weights)), return_inverse=True)
    masses = np.bincount(index, weights=list(weights.values()))
    return Atoms(values, masses / masses.sum())


def _normal(spec: AttributeSpec, mean: float, std: float) -> Distribution:
    if std == 0.0:
        return _atoms(spec, {mean: 1.0})
    if spec.periodic:
        return Wrapped.normal(mean, std, spec.low, spec.span)
    return Censored(stats.norm, (mean, std), spec.low, spec.high)


def _require_inside(spec: AttributeSpec, value: float, where: str) -> None:
    if not spec.contains(value):
        raise InputError(where, f"{value:g}", f"a value in {_range(spec)}")


def _range(spec: AttributeSpec) -> str:
    return f"the range [{spec.low:g}, {spec.high:g}]"
