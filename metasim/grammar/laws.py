"""Attribute laws as a grammar file writes them: ``law: {normal: {mean: 180, std: 10}}``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)
from scipy import stats
from typing_extensions import override

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

    kind: ClassVar[str]  # its key in a file
    body: ClassVar[str | None] = None  # the field that stands alone below that key, if one does

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

    @model_validator(mode="before")
    @classmethod
    def _from_file(cls, data: Any) -> Any:
        if not (isinstance(data, Mapping) and set(data) == {cls.kind}):
            return data
        return {cls.body: data[cls.kind]} if cls.body else data[cls.kind]

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = handler(self)
        return {self.kind: fields[self.body] if self.body else fields}


class Fixed(Law):
    """Always one value: ``fixed: 0.8``, or just ``0.8``."""

    body = "value"
    kind = "fixed"
    value: float

    @override
    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return _atoms(spec, {self.value: 1.0})

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
        return _atoms(spec, self.weights)

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
        return _normal(spec, self.mean, self.std)

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
        ends = ((spec.low - self.mean) / self.std, (spec.high - self.mean) / self.std)
        return Continuous(stats.truncnorm, (*ends, self.mean, self.std))

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


class Part(Section):
    """A law of a mixture and its weight."""

    weight: Weight = 1.0
    law: AnyLaw


class MixtureLaw(Law):
    """One of several laws, by weight: ``mixture: [{weight: 3, law: ...}, {law: ...}]``."""

    body = "parts"
    kind = "mixture"
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]

    @override
    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        weights = np.array([part.weight for part in self.parts])
        parts = [part.law.distribution(spec, cls, given) for part in self.parts]
        return Mixture(parts, weights / weights.sum())

    @override
    def references(self) -> frozenset[str]:
        return frozenset[str]().union(*(part.law.references() for part in self.parts))

    @override
    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        for index, part in enumerate(self.parts):
            part.law.check(spec, classes, f"{where}.{index}.law.{part.law.kind}")


class Follow(Law):
    """``scale`` times another attribute plus ``offset``, with normal noise: how correlations are written.

    Attributes:
        attribute: ``name`` for one of the same node, ``symbol.name`` for one of the first node of a symbol.
    """

    kind = "follow"
    attribute: str
    scale: float = 1.0
    offset: float = 0.0
    std: Std = 0.0

    @override
    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return _normal(spec, self.scale * given[self.attribute] + self.offset, self.std)

    @override
    def references(self) -> frozenset[str]:
        return frozenset({self.attribute})

    @override
    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        """Nothing to check here: any mean is cut or wound into the range."""


class ByClass(Law):
    """A law for each class of the node: ``by_class: {shoe: {...}, mug: {...}}``."""

    body = "laws"
    kind = "by_class"
    laws: dict[str, AnyLaw]

    @override
    def distribution(self, spec: AttributeSpec, cls: str, given: Mapping[str, float]) -> Distribution:
        return self.laws[cls].distribution(spec, cls, given)

    @override
    def references(self) -> frozenset[str]:
        return frozenset[str]().union(*(law.references() for law in self.laws.values()))

    @override
    def check(self, spec: AttributeSpec, classes: tuple[str, ...], where: str) -> None:
        if set(self.laws) != set(classes):
            raise InputError(where, f"laws for {', '.join(self.laws)}", f"one each for {', '.join(classes)}")
        for cls, law in self.laws.items():
            law.check(spec, classes, f"{where}.{cls}.{law.kind}")


def _single(data: Any) -> Any:
    """A bare number as a fixed law; anything but one law is refused."""
    if isinstance(data, int | float | str) and not isinstance(data, bool):
        return {Fixed.kind: data}
    if not (isinstance(data, Law) or (isinstance(data, Mapping) and len(data) == 1)):
        raise ValueError("a number or one law, such as {normal: {mean: 0, std: 1}}")
    return data


def _kind(data: Any) -> str:
    return data.kind if isinstance(data, Law) else str(next(iter(data)))


AnyLaw = Annotated[
    Annotated[Fixed, Tag(Fixed.kind)]
    | Annotated[Uniform, Tag(Uniform.kind)]
    | Annotated[Normal, Tag(Normal.kind)]
    | Annotated[TruncatedNormal, Tag(TruncatedNormal.kind)]
    | Annotated[FoldedNormal, Tag(FoldedNormal.kind)]
    | Annotated[VonMisesLaw, Tag(VonMisesLaw.kind)]
    | Annotated[Categorical, Tag(Categorical.kind)]
    | Annotated[MixtureLaw, Tag(MixtureLaw.kind)]
    | Annotated[Follow, Tag(Follow.kind)]
    | Annotated[ByClass, Tag(ByClass.kind)],
    Discriminator(_kind),
    BeforeValidator(_single),
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
