"""Inventory: a family of scenes that differ in their objects, seen as sets in tables of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from metasim.grammar.derivation import Place, node_name
from metasim.grammar.expansion import Expansion, Nodes
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.rows import Rows
from metasim.matching.structure.anatomy import Anatomy, Order, Tally, orders_of
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Choice, Classes, Column, Drawn, SceneLayout

ABSENT = -1
MOST_TALLIES = 256


@dataclass(frozen=True)
class Sets(Rows):
    """The objects of n scenes, at most N each, in node order, and what stands about them.

    Attributes:
        tallies: (n,) which of the inventory's tallies a scene has.
        kinds: (n, N) symbol and class of each object, ``ABSENT`` beyond the last.
        units: (n, N, D) attributes on [0, 1], NaN where an object has none such.
        scenery: (n, E) attributes of the scenery on [0, 1].
    """

    tallies: Classes
    kinds: Classes
    units: Array
    scenery: Array


@dataclass(frozen=True)
class Inventory:
    """What the scenes of a grammar may hold: scenery that is always there, and objects that vary.

    Attributes:
        grammar: The grammar.
        anatomy: Which of its symbols are scenery, and which objects.
        things: One object of each symbol, for whatever is told of all objects of a symbol together: its
            columns are the attributes that are learnt.
        scenery: The scenery that has attributes to learn.
        kinds: Symbol and class of every kind of object.
        tallies: Every combination of numbers of objects that the grammar can make.
        prior: (T,) its probability in the grammar.
    """

    grammar: SceneGrammar
    anatomy: Anatomy
    things: SceneLayout
    scenery: SceneLayout
    kinds: tuple[tuple[str, str], ...]
    tallies: tuple[Tally, ...]
    prior: Array

    @classmethod
    def of(cls, grammar: SceneGrammar, where: str = "grammar") -> Inventory:
        """The inventory of a grammar, which messages call ``where``.

        Raises:
            InputError: If more varies than the children of one node, too many numbers are possible, or an
                object has nothing mutable.
        """
        anatomy, schema = Anatomy.of(grammar.rules, where), grammar.schema
        symbols = anatomy.objects
        if not symbols:
            raise InputError(where, "scenes that differ in their order alone", "nodes that vary")
        for name in symbols:
            if not any(spec.mutable for spec in schema.by_name[name].attributes):
                expected = "one at least, where counts vary"
                raise InputError(f"{where}: symbols.{name}", "no mutable attribute", expected)
        kinds = tuple((name, c) for name in symbols for c in schema.by_name[name].classes)
        choices = tuple(
            Choice(name, schema.by_name[name].classes)
            for name in symbols
            if len(schema.by_name[name].classes) > 1
        )
        law = _tallies(grammar, anatomy)
        if len(law) > MOST_TALLIES:
            raise InputError(where, f"{len(law)} combinations of counts", f"{MOST_TALLIES} at most to learn")
        weights = np.array(list(law.values()))
        things = SceneLayout(_columns(grammar, symbols), choices, symbols)
        about = _columns(grammar, anatomy.scenery)
        scenery = SceneLayout(about, (), tuple(dict.fromkeys(column.node for column in about)))
        return cls(grammar, anatomy, things, scenery, kinds, tuple(law), weights)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols of the objects."""
        return self.anatomy.objects

    @cached_property
    def layout(self) -> SceneLayout:
        """All that is learnt: a node for each symbol, scenery first."""
        about, things = self.scenery, self.things
        return SceneLayout(
            about.columns + things.columns, things.choices, about.node_names + things.node_names
        )

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
        return np.array([[c.symbol == symbol for c in self.things.columns] for symbol in self.symbols])

    def part(self, symbol: int) -> SceneLayout:
        """The layout of one symbol's objects alone."""
        name = self.symbols[symbol]
        columns = tuple(c for c in self.things.columns if c.symbol == name)
        choices = tuple(c for c in self.things.choices if c.node == name)
        return SceneLayout(columns, choices, (name,))

    def kinds_of(self, symbol: int) -> Classes:
        """(classes,) the kinds of one symbol."""
        return np.flatnonzero(self.symbol_of == symbol)

    @cached_property
    def expansion(self) -> Expansion:
        """The choices of the grammar."""
        return Expansion(self.grammar.rules)

    def places(self, graph: SceneGraph) -> list[int]:
        """Which nodes of a scene are objects."""
        return [i for i, node in enumerate(graph.nodes) if node.symbol in self.symbols]

    def sets(self, graphs: Sequence[SceneGraph]) -> Sets:
        """The objects of scenes."""
        kinds = np.full((len(graphs), self.most), ABSENT, dtype=np.int64)
        units = np.full((len(graphs), self.most, len(self.things.columns)), np.nan)
        scenery = np.zeros((len(graphs), len(self.scenery.columns)))
        tallies = np.zeros(len(graphs), dtype=np.int64)
        for row, graph in enumerate(graphs):
            objects = [graph.nodes[i] for i in self.places(graph)]
            for i, node in enumerate(objects):
                kinds[row, i] = self.kinds.index((node.symbol, node.cls))
                for j, column in enumerate(self.things.columns):
                    if column.symbol == node.symbol:
                        units[row, i, j] = column.spec.to_unit(node.attributes[column.spec.name])
            for j, column in enumerate(self.scenery.columns):
                value = graph.by_name[column.node].attributes[column.spec.name]
                scenery[row, j] = column.spec.to_unit(value)
            symbols = [node.symbol for node in objects]
            tallies[row] = self.tallies.index(tuple(symbols.count(name) for name in self.symbols))
        return Sets(tallies, kinds, units, scenery)

    def objects_of(self, symbol: int, sets: Sets) -> Drawn:
        """All objects of one symbol, with its attributes and classes."""
        mine = (self.symbol_of[sets.kinds] == symbol) & (sets.kinds != ABSENT)
        classes = (sets.kinds[mine] - self.kinds_of(symbol)[0])[:, None]
        chosen = len(self.part(symbol).choices)
        return Drawn(sets.units[mine][:, self.owned[symbol]], classes[:, :chosen])

    def rows(self, sets: Sets) -> Array:
        """(objects, columns of the layout) attributes on [0, 1], NaN where an object has none such.

        The scenery stands in the row of the first object of its scene, or by itself where there is none.
        """
        width = len(self.scenery.columns)
        table = np.full((*sets.kinds.shape, len(self.layout.columns)), np.nan)
        table[:, 0, :width], table[..., width:] = sets.scenery, sets.units
        return table[np.isfinite(table).any(2)]

    def nodes(self, tally: int, kinds: Classes, rng: np.random.Generator) -> tuple[Nodes, list[int]]:
        """Nodes with given objects, in the order of a production that makes as many of each symbol.

        Args:
            tally: Index of the numbers.
            kinds: (objects,) kinds that add up to them.
            rng: Picks the production where several make them, and who stands where.

        Returns:
            The nodes, and for each that is an object its index among those given.
        """
        ways = self._orders[self.tallies[tally]]
        weights = np.array([weight for _, weight in ways])
        order = ways[rng.choice(len(ways), p=weights / weights.sum())][0]
        seats = [self.symbols.index(symbol) for symbol in order if symbol in self.symbols]
        waiting = {s: list(rng.permutation(np.flatnonzero(self.symbol_of[kinds] == s))) for s in set(seats)}
        taken = [int(waiting[seat].pop()) for seat in seats]
        return self._planted(order, (self.kinds[kinds[i]][1] for i in taken)), taken

    def _planted(self, order: Order, classes: Iterator[str]) -> Nodes:
        """The nodes of a scene whose host has these children, depth first, objects of these classes."""
        rules, seen = self.grammar.rules, Counter[str]()
        nodes: Nodes = []
        waiting: list[tuple[str, int | None]] = [(rules.start, None)]
        while waiting:
            symbol, parent = waiting.pop()
            seen[symbol] += 1
            below: Order = ()
            if symbol in self.symbols:
                cls = next(classes)
            else:
                cls = next(iter(rules.symbols[symbol].classes), symbol)
                below = order if symbol == self.anatomy.host else self._fixed[symbol]
            nodes.append((Place(node_name(symbol, seen[symbol]), symbol, parent), cls))
            waiting.extend((child, len(nodes) - 1) for child in reversed(below))
        return nodes

    @cached_property
    def _fixed(self) -> dict[str, Order]:
        """The children of the scenery but for the host."""
        productions = {name: self.grammar.rules.symbols[name].productions[0] for name in self.anatomy.scenery}
        return {name: next(orders_of(production))[0] for name, production in productions.items()}

    @cached_property
    def _orders(self) -> dict[Tally, list[tuple[Order, float]]]:
        return self.anatomy.orders(self.grammar.rules)

    def scene(
        self, tally: int, kinds: Classes, units: Array, scenery: Array, rng: np.random.Generator
    ) -> SceneGraph:
        """A scene with given objects and scenery; all else is drawn from the grammar.

        Args:
            tally: Index of the numbers of objects.
            kinds: (objects,) their kinds.
            units: (objects, D) attributes on [0, 1]; those that an object does not have are not read.
            scenery: (E,) attributes of the scenery on [0, 1].
            rng: Draws the rest.
        """
        nodes, taken = self.nodes(tally, kinds, rng)
        graph = self.grammar.furnish([place for place, _ in nodes], [cls for _, cls in nodes], rng)
        changes: dict[str, dict[str, float]] = {}
        for index, i in zip(self.places(graph), taken, strict=True):
            node = graph.nodes[index]
            changes[node.name] = {
                column.spec.name: float(column.spec.from_unit(units[i, j]))
                for j, column in enumerate(self.things.columns)
                if column.symbol == node.symbol
            }
        for column, unit in zip(self.scenery.columns, scenery, strict=True):
            changes.setdefault(column.node, {})[column.spec.name] = float(column.spec.from_unit(unit))
        return graph.with_attributes(changes)


def _columns(grammar: SceneGrammar, symbols: tuple[str, ...]) -> tuple[Column, ...]:
    """The mutable attributes of symbols."""
    return tuple(
        Column(name, name, spec)
        for name in symbols
        for spec in grammar.schema.by_name[name].attributes
        if spec.mutable
    )


def _tallies(grammar: SceneGrammar, anatomy: Anatomy) -> dict[Tally, float]:
    ways = anatomy.orders(grammar.rules)
    return {tally: sum(weight for _, weight in ways[tally]) for tally in sorted(ways)}
