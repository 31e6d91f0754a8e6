"""Inventory: a family of scenes that differ in their objects, seen as sets in tables of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from metasim.grammar.derivation import Place, node_name
from metasim.grammar.expansion import Expansion, Nodes, numbers
from metasim.grammar.grammar import SceneGrammar
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Choice, Classes, Column, SceneLayout

ABSENT = -1
MOST_TALLIES = 256

Tally = tuple[int, ...]
"""How many nodes of each symbol a scene has."""


@dataclass(frozen=True)
class Sets:
    """The objects of n scenes, at most N each, in node order.

    Attributes:
        tallies: (n,) which of the inventory's tallies a scene has.
        kinds: (n, N) symbol and class of each object, ``ABSENT`` beyond the last.
        units: (n, N, D) attributes on [0, 1], NaN where an object has none such.
    """

    tallies: Classes
    kinds: Classes
    units: Array

    def __len__(self) -> int:
        return len(self.tallies)

    def take(self, rows: npt.NDArray[np.intp]) -> Sets:
        """Some of the scenes."""
        return Sets(self.tallies[rows], self.kinds[rows], self.units[rows])

    @classmethod
    def joined(cls, parts: Sequence[Sets]) -> Sets:
        """All parts as one."""
        columns = zip(*((part.tallies, part.kinds, part.units) for part in parts), strict=True)
        return cls(*map(np.concatenate, columns))


@dataclass(frozen=True)
class Inventory:
    """What the scenes of a grammar may hold, where only the root's children vary.

    Attributes:
        grammar: The grammar.
        layout: One object of each symbol, for whatever is told of all objects of a symbol together: its
            columns are the attributes that are learnt.
        symbols: Symbols of the objects, all but the root's.
        kinds: Symbol and class of every kind of object.
        tallies: Every combination of numbers of objects that the grammar can make.
        prior: (T,) its probability in the grammar.
    """

    grammar: SceneGrammar
    layout: SceneLayout
    symbols: tuple[str, ...]
    kinds: tuple[tuple[str, str], ...]
    tallies: tuple[Tally, ...]
    prior: Array

    @classmethod
    def of(cls, grammar: SceneGrammar) -> Inventory:
        """The inventory of a grammar.

        Raises:
            InputError: If more than the root's children varies, too many numbers are possible, or nothing
                is mutable.
        """
        rules, schema = grammar.rules, grammar.schema
        symbols = tuple(name for name in rules.symbols if name != rules.start)
        for name in symbols:
            if any(production.children for production in rules.symbols[name].productions):
                where = f"grammar: symbols.{name}.children"
                raise InputError(where, "children below the root's", "none, where counts vary")
            if not any(spec.mutable for spec in schema.by_name[name].attributes):
                where = f"grammar: symbols.{name}"
                raise InputError(where, "no mutable attribute", "one at least, where counts vary")
        columns = tuple(
            Column(name, name, spec)
            for name in symbols
            for spec in schema.by_name[name].attributes
            if spec.mutable
        )
        if not columns:
            raise InputError("grammar", "no mutable attribute", "at least one attribute to learn")
        kinds = tuple((name, c) for name in symbols for c in schema.by_name[name].classes)
        choices = tuple(
            Choice(name, schema.by_name[name].classes)
            for name in symbols
            if len(schema.by_name[name].classes) > 1
        )
        law = _tallies(grammar, symbols)
        if len(law) > MOST_TALLIES:
            raise InputError(
                "grammar", f"{len(law)} combinations of counts", f"{MOST_TALLIES} at most to learn"
            )
        weights = np.array(list(law.values()))
        return cls(grammar, SceneLayout(columns, choices, symbols), symbols, kinds, tuple(law), weights)

    @cached_property
    def most(self) -> int:
        """Objects of the fullest scene."""
        return max(map(sum, self.tallies))

    @cached_property
    def sizes(self) -> Classes:
        """(T,) objects of each tally."""
        return np.array([sum(tally) for tally in self.tallies], dtype=np.int64)

    @cached_property
    def symbol_of(self) -> Classes:
        """(K,) index of the symbol of each kind."""
        return np.array([self.symbols.index(symbol) for symbol, _ in self.kinds], dtype=np.int64)

    @cached_property
    def owned(self) -> npt.NDArray[np.bool_]:
        """(symbols, D) which columns are a symbol's."""
        return np.array([[c.symbol == symbol for c in self.layout.columns] for symbol in self.symbols])

    def part(self, symbol: int) -> SceneLayout:
        """The layout of one symbol's objects alone."""
        name = self.symbols[symbol]
        columns = tuple(c for c in self.layout.columns if c.symbol == name)
        choices = tuple(c for c in self.layout.choices if c.node == name)
        return SceneLayout(columns, choices, (name,))

    def class_numbers(self, symbol: int) -> tuple[int, ...]:
        """Number of classes of one symbol's objects; empty where there is no choice."""
        return tuple(len(choice.classes) for choice in self.part(symbol).choices)

    def kinds_of(self, symbol: int) -> Classes:
        """(classes,) the kinds of one symbol."""
        return np.flatnonzero(self.symbol_of == symbol)

    @cached_property
    def expansion(self) -> Expansion:
        """The choices of the grammar."""
        return Expansion(self.grammar.rules)

    def sets(self, graphs: Sequence[SceneGraph]) -> Sets:
        """The objects of scenes."""
        kinds = np.full((len(graphs), self.most), ABSENT, dtype=np.int64)
        units = np.full((len(graphs), self.most, len(self.layout.columns)), np.nan)
        tallies = np.zeros(len(graphs), dtype=np.int64)
        for row, graph in enumerate(graphs):
            objects = graph.nodes[1:]
            for i, node in enumerate(objects):
                kinds[row, i] = self.kinds.index((node.symbol, node.cls))
                for j, column in enumerate(self.layout.columns):
                    if column.symbol == node.symbol:
                        units[row, i, j] = column.spec.to_unit(node.attributes[column.spec.name])
            symbols = [node.symbol for node in objects]
            tallies[row] = self.tallies.index(tuple(symbols.count(name) for name in self.symbols))
        return Sets(tallies, kinds, units)

    def nodes(self, tally: int, kinds: Classes, rng: np.random.Generator) -> tuple[Nodes, list[int]]:
        """Nodes with given objects, in the order of a production that makes as many of each symbol.

        Args:
            tally: Index of the numbers.
            kinds: (objects,) kinds that add up to them.
            rng: Picks the production where several make them, and who stands where.

        Returns:
            The nodes, and for each but the root the index of its object.
        """
        ways = self._orders[self.tallies[tally]]
        weights = np.array([weight for _, weight in ways])
        order = ways[rng.choice(len(ways), p=weights / weights.sum())][0]
        root = self.grammar.rules.start
        cls = next(iter(self.grammar.rules.symbols[root].classes), root)
        nodes: Nodes = [(Place(root, root, None), cls)]
        waiting = {s: list(rng.permutation(np.flatnonzero(self.symbol_of[kinds] == s))) for s in set(order)}
        taken: list[int] = []
        for symbol in order:
            taken.append(int(waiting[symbol].pop()))
            name, kind = self.kinds[kinds[taken[-1]]]
            number = sum(self.symbols[s] == name for s in order[: len(taken)])
            nodes.append((Place(node_name(name, number), name, 0), kind))
        return nodes, taken

    @cached_property
    def _orders(self) -> dict[Tally, list[tuple[list[int], float]]]:
        return _orders(self.grammar, self.symbols)

    def scene(self, tally: int, kinds: Classes, units: Array, rng: np.random.Generator) -> SceneGraph:
        """A scene with given objects; all else is drawn from the grammar.

        Args:
            tally: Index of the numbers of objects.
            kinds: (objects,) their kinds.
            units: (objects, D) attributes on [0, 1]; those that an object does not have are not read.
            rng: Draws the rest.
        """
        nodes, taken = self.nodes(tally, kinds, rng)
        graph = self.grammar.furnish([place for place, _ in nodes], [cls for _, cls in nodes], rng)
        changes: dict[str, dict[str, float]] = {}
        for node, i in zip(graph.nodes[1:], taken, strict=True):
            changes[node.name] = {
                column.spec.name: float(column.spec.from_unit(units[i, j]))
                for j, column in enumerate(self.layout.columns)
                if column.symbol == node.symbol
            }
        return graph.with_attributes(changes)


def _orders(grammar: SceneGrammar, symbols: tuple[str, ...]) -> dict[Tally, list[tuple[list[int], float]]]:
    """For each tally the orders of symbols that make it, with their probabilities."""
    productions = grammar.rules.symbols[grammar.rules.start].productions
    total = sum(production.weight for production in productions)
    ways: dict[Tally, list[tuple[list[int], float]]] = {}
    for production in productions:
        for counts, weight in numbers(production):
            order = [
                symbols.index(child.symbol)
                for child, count in zip(production.children, counts, strict=True)
                for _ in range(count)
            ]
            tally = tuple(order.count(s) for s in range(len(symbols)))
            ways.setdefault(tally, []).append((order, weight * production.weight / total))
    return ways


def _tallies(grammar: SceneGrammar, symbols: tuple[str, ...]) -> dict[Tally, float]:
    ways = _orders(grammar, symbols)
    return {tally: sum(weight for _, weight in ways[tally]) for tally in sorted(ways)}
