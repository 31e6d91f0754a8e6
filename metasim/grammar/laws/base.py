"""Law: how an attribute is drawn, in the form that a grammar file gives it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_serializer, model_validator

from metasim.base.validation import Section
from metasim.grammar.distribution import Distribution
from metasim.scene.attribute import AttributeSpec

Weight = Annotated[float, Field(gt=0)]


def _as_name(name: Any) -> Any:
    return str(name) if type(name) is int else name


ClassName = Annotated[str, BeforeValidator(_as_name)]
"""Name of a class; whole numbers are names too."""


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

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        if self.body:
            return {self.kind: fields[self.body]}
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        return {self.kind: {name: value for name, value in fields.items() if value != defaults[name]}}
