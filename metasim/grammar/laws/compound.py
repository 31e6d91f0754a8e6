"""Laws made of other laws or values, and the union of all laws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Discriminator, Field, Tag
from typing_extensions import override

from metasim.base.errors import InputError
from metasim.base.validation import Section
from metasim.grammar.distribution import Distribution, Mixture
from metasim.grammar.laws.base import ClassName, Law, Weight
from metasim.grammar.laws.elementary import (
    Categorical,
    Fixed,
    FoldedNormal,
    Normal,
    Std,
    TruncatedNormal,
    Uniform,
    VonMisesLaw,
    normal,
)
from metasim.scene.attribute import AttributeSpec


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
        return normal(spec, self.scale * given[self.attribute] + self.offset, self.std)

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
    laws: dict[ClassName, AnyLaw]

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
