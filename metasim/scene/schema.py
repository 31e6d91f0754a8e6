"""SceneSchema: the vocabulary of a family of scene graphs: symbols, classes, attributes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from metasim.scene.attribute import AttributeSpec


@dataclass(frozen=True)
class SymbolSpec:
    """A kind of node: the classes it may have and the attributes it carries.

    Attributes:
        name: The symbol, for example ``object``.
        classes: Its possible classes, at least one (the symbol itself where there is no choice).
        attributes: Specs of its attributes, in the order of declaration.
    """

    name: str
    classes: tuple[str, ...]
    attributes: tuple[AttributeSpec, ...] = ()

    def attribute(self, name: str) -> AttributeSpec:
        """The spec of an attribute; ``KeyError`` if the symbol has none of that name."""
        return {spec.name: spec for spec in self.attributes}[name]


@dataclass(frozen=True)
class SceneSchema:
    """All symbols that a grammar can produce.

    Attributes:
        symbols: Specs of the symbols, in the order of declaration; names are unique.
    """

    symbols: tuple[SymbolSpec, ...]

    @cached_property
    def by_name(self) -> dict[str, SymbolSpec]:
        """Symbols by name."""
        return {symbol.name: symbol for symbol in self.symbols}

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Every class once, in the order of declaration; class ids are 1 + the index here."""
        return tuple(dict.fromkeys(c for symbol in self.symbols for c in symbol.classes))

    @cached_property
    def attribute_names(self) -> tuple[str, ...]:
        """Every attribute name once, in the order of declaration."""
        return tuple(dict.fromkeys(a.name for s in self.symbols for a in s.attributes))

    def spec(self, symbol: str, attribute: str) -> AttributeSpec:
        """The spec of ``symbol.attribute``; ``KeyError`` if there is none."""
        return self.by_name[symbol].attribute(attribute)
