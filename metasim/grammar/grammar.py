"""SceneGrammar: a probabilistic grammar whose samples are scene graphs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from metasim.base.errors import InputError
from metasim.base.files import read_json, read_yaml
from metasim.base.validation import closest, validated
from metasim.grammar import analysis
from metasim.grammar.choice import pick
from metasim.grammar.derivation import Place, log_prob_places, sample_places
from metasim.grammar.legacy import from_legacy, is_legacy
from metasim.grammar.syntax import Grammar
from metasim.grammar.values import ValueLaws
from metasim.scene.graph import SceneGraph, SceneNode
from metasim.scene.schema import SceneSchema


@dataclass(frozen=True)
class SceneGrammar:
    """A probabilistic grammar of scenes, immutable; made by ``from_file`` or ``from_mapping``.

    A scene is drawn in two steps: its nodes and their classes from the root down, then all values,
    each after those that its law follows.

    Attributes:
        rules: The grammar as its file spells it, known to be sound.
    """

    rules: Grammar

    @classmethod
    def from_file(cls, path: Path) -> SceneGrammar:
        """Reads a YAML grammar, or a ``.json`` one (also in the original Meta-Sim format).

        Raises:
            InputError: If the file is missing or wrong: file, path of the key, what was expected.
        """
        path = Path(path)
        data = read_json(path) if path.suffix == ".json" else read_yaml(path)
        return cls.from_mapping(data, str(path))

    @classmethod
    def from_source(cls, source: Path | Mapping[str, Any], where: str = "grammar") -> SceneGrammar:
        """Reads a grammar that is either in a file or in memory, see ``from_file`` and ``from_mapping``."""
        return cls.from_file(source) if isinstance(source, Path) else cls.from_mapping(source, where)

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], where: str = "grammar") -> SceneGrammar:
        """Reads a grammar that is already in memory, in our form or in the original one.

        Args:
            data: The grammar.
            where: What messages call it.

        Raises:
            InputError: If it is wrong.
        """
        rules = validated(Grammar, from_legacy(data, where) if is_legacy(data) else data, where)
        analysis.check(rules, where)
        return cls(rules)

    def to_mapping(self) -> dict[str, Any]:
        """The grammar in the form of a file; ``from_mapping`` gives an equal one back."""
        return self.rules.model_dump(mode="json")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the grammar, whatever the short forms and comments of its file."""
        return hashlib.sha256(json.dumps(self.to_mapping()).encode()).hexdigest()

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def schema(self) -> SceneSchema:
        """All symbols, classes and attributes."""
        return analysis.schema_of(self.rules)

    @cached_property
    def fixed_structure(self) -> bool:
        """Whether all scenes have the same nodes, up to their classes."""
        return analysis.is_deterministic(self.rules)

    def class_weights(self, symbol: str) -> dict[str, float]:
        """Probabilities of the classes of a symbol, in the order of the schema."""
        classes = self.rules.symbols[symbol].classes or {symbol: 1.0}
        total = sum(classes.values())
        return {name: weight / total for name, weight in classes.items()}

    def drawn_classes(self, symbol: str) -> tuple[str, ...]:
        """The classes that some node of a symbol may have."""
        makers = [
            child.classes
            for other in self.rules.symbols.values()
            for production in other.productions
            for child in production.children
            if child.symbol == symbol
        ]
        laws = [own or self.class_weights(symbol) for own in makers or [{}]]
        return tuple(name for name in self.class_weights(symbol) if any(law.get(name, 0) > 0 for law in laws))

    def with_class_weights(self, weights: Mapping[str, Mapping[str, float]]) -> SceneGrammar:
        """The same grammar with other class weights.

        Args:
            weights: By symbol, then class; classes left out are never drawn, but stay in the schema.

        Raises:
            InputError: If a symbol or class is unknown, or no weight is above 0.
        """
        data = self.to_mapping()
        for symbol, changed in weights.items():
            if symbol not in data["symbols"]:
                raise InputError(
                    "class weights", f"unknown symbol {symbol!r}", closest(symbol, data["symbols"])
                )
            known = self.class_weights(symbol)
            for name in changed:
                if name not in known:
                    raise InputError(
                        f"class weights: {symbol}", f"unknown class {name!r}", closest(name, known)
                    )
            data["symbols"][symbol]["classes"] = {name: changed.get(name, 0.0) for name in known}
        return SceneGrammar.from_mapping(data, "class weights")

    def sample(self, rng: np.random.Generator, classes: Mapping[str, str] | None = None) -> SceneGraph:
        """Draws a scene; equal streams give equal scenes.

        Args:
            rng: The stream.
            classes: Classes that some nodes have whatever is drawn, by name; values follow them.
        """
        places, chosen = sample_places(self.rules, rng), classes or {}
        drawn = [self._sample_class(place, rng) for place in places]
        return self.furnish(places, [chosen.get(p.name, c) for p, c in zip(places, drawn, strict=True)], rng)

    def furnish(
        self, places: Sequence[Place], classes: Sequence[str], rng: np.random.Generator
    ) -> SceneGraph:
        """The scene of given nodes and classes, with values drawn for them."""
        values = self._laws.sample(places, classes, rng)
        return SceneGraph(
            tuple(
                SceneNode(p.name, p.symbol, cls, p.parent, values[p.name], self._mutable[p.symbol])
                for p, cls in zip(places, classes, strict=True)
            )
        )

    def log_prob(self, graph: SceneGraph) -> float:
        """Log-probability of a scene, ``-inf`` for one that the grammar cannot draw.

        The order of the nodes tells who made whom; where several productions, or counts, make the same
        children, all are summed. Values contribute log densities per unit, or log masses at atoms: the
        cut ends of a range, fixed and categorical values (see ``metasim.grammar.distribution``).
        """
        structure = log_prob_places(self.rules, graph)
        if structure == -np.inf or not all(self._fits(node) for node in graph.nodes):
            return -np.inf
        return structure + self._laws.log_prob(graph)

    def _sample_class(self, place: Place, rng: np.random.Generator) -> str:
        classes, weights = zip(*place.classes, strict=True) if place.classes else self._classes[place.symbol]
        return classes[pick(weights, rng)]

    def _fits(self, node: SceneNode) -> bool:
        """Whether a node has a known class and exactly the attributes and freedom of its symbol."""
        symbol = self.schema.by_name[node.symbol]
        same_attributes = set(node.attributes) == {spec.name for spec in symbol.attributes}
        return node.cls in symbol.classes and same_attributes and node.mutable == self._mutable[node.symbol]

    @cached_property
    def _classes(self) -> dict[str, tuple[tuple[str, ...], tuple[float, ...]]]:
        """Classes of each symbol, and their probabilities."""
        weights = {name: self.class_weights(name) for name in self.rules.symbols}
        return {name: (tuple(of), tuple(of.values())) for name, of in weights.items()}

    @cached_property
    def _laws(self) -> ValueLaws:
        return ValueLaws(self.rules)

    @cached_property
    def _mutable(self) -> dict[str, frozenset[str]]:
        return {s.name: frozenset(a.name for a in s.attributes if a.mutable) for s in self.schema.symbols}
