"""Attribute values of a scene whose nodes are known: their joint law, in the order of dependence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from metasim.grammar.analysis import AttributeKey, draw_order, schema_of
from metasim.grammar.derivation import Place
from metasim.grammar.distribution import Distribution
from metasim.grammar.syntax import Grammar
from metasim.scene.attribute import AttributeSpec
from metasim.scene.graph import SceneGraph
from metasim.scene.schema import SceneSchema

Values = Mapping[str, Mapping[str, float]]  # by node name, then attribute


@dataclass(frozen=True)
class ValueLaws:
    """All laws of a grammar, with those that depend on nothing but the class made once."""

    grammar: Grammar

    def sample(self, places: Sequence[Place], classes: Sequence[str], rng: np.random.Generator) -> Values:
        """Draws every value of the nodes; attributes stand in the order of declaration.

        Args:
            places: N nodes.
            classes: Class of each.
            rng: Source of all randomness.
        """
        drawn = {place.name: self._blank[place.symbol].copy() for place in places}
        nodes: dict[str, list[tuple[str, str]]] = {}
        for place, cls in zip(places, classes, strict=True):
            nodes.setdefault(place.symbol, []).append((place.name, cls))
        for (symbol, attribute), spec in self._specs.items():
            for node, cls in nodes.get(symbol, ()):
                law = self._distribution((symbol, attribute), node, cls, drawn)
                drawn[node][attribute] = spec.confine_one(law.draw(rng))
        return drawn

    def log_prob(self, graph: SceneGraph) -> float:
        """Sum of the log-probabilities of all values, given the nodes and classes."""
        values = {node.name: node.attributes for node in graph.nodes}
        total = 0.0
        for node in graph.nodes:
            for name, value in node.attributes.items():
                spec = self._schema.spec(node.symbol, name)
                law = self._distribution((node.symbol, name), node.name, node.cls, values)
                total += float(law.log_prob(spec.confine(value) if spec.periodic else value))
        return total

    @cached_property
    def _schema(self) -> SceneSchema:
        return schema_of(self.grammar)

    @cached_property
    def _specs(self) -> dict[AttributeKey, AttributeSpec]:
        """Specs of all attributes, each after those that its law follows."""
        return {key: self._schema.spec(*key) for key in draw_order(self.grammar)}

    @cached_property
    def _blank(self) -> dict[str, dict[str, float]]:
        """Attributes of the nodes of each symbol before they have values, in the order of declaration."""
        symbols = self.grammar.symbols.items()
        return {name: dict.fromkeys(symbol.attributes, math.nan) for name, symbol in symbols}

    def _distribution(self, key: AttributeKey, node: str, cls: str, values: Values) -> Distribution:
        symbol, attribute = key
        if (constant := self._constant.get((symbol, attribute, cls))) is not None:
            return constant
        law = self.grammar.symbols[symbol].attributes[attribute].law
        given = {reference: _look_up(reference, node, values) for reference in law.references()}
        return law.distribution(self._schema.spec(symbol, attribute), cls, given)

    @cached_property
    def _constant(self) -> dict[tuple[str, str, str], Distribution]:
        return {
            (symbol.name, spec.name, cls): law.distribution(spec, cls, {})
            for symbol in self._schema.symbols
            for spec in symbol.attributes
            for cls in symbol.classes
            if not (law := self.grammar.symbols[symbol.name].attributes[spec.name].law).references()
        }


def _look_up(reference: str, node: str, values: Values) -> float:
    other, dot, attribute = reference.rpartition(".")
    return values[other if dot else node][attribute]
