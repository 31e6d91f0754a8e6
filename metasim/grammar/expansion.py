"""Expansion: every choice that makes the nodes of a scene, asked one by one, and read back from its nodes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from metasim.base.errors import MetasimError
from metasim.grammar.analysis import shares
from metasim.grammar.derivation import Place, node_name
from metasim.grammar.syntax import Child, Grammar, Production

Nodes = list[tuple[Place, str]]
"""Nodes of a scene, parents before children, and the class of each."""


@dataclass(frozen=True)
class Slot:
    """A place in a grammar where something is chosen.

    Attributes:
        symbol: The symbol that is expanded.
        place: ``class``; ``production``; or which child's number: its production and its place in it.
        options: What can be chosen: classes, productions, counts.
    """

    symbol: str
    place: str | tuple[int, int]
    options: tuple[str, ...]


Step = tuple[int, int]
"""A choice: which slot of the grammar, and which of its options."""


@dataclass(frozen=True)
class Expansion:
    """The choices of a grammar: its slots, and how they make the nodes of a scene.

    Attributes:
        grammar: The grammar.
    """

    grammar: Grammar

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """All places with more than one option, in the order of declaration."""
        found = []
        for name, symbol in self.grammar.symbols.items():
            if len(symbol.classes) > 1:
                found.append(Slot(name, "class", tuple(symbol.classes)))
            if len(symbol.productions) > 1:
                numbers = tuple(str(p) for p in range(len(symbol.productions)))
                found.append(Slot(name, "production", numbers))
            for p, production in enumerate(symbol.productions):
                for c, child in enumerate(production.children):
                    if len(child.count) > 1:
                        found.append(Slot(name, (p, c), tuple(map(str, child.count))))
        return tuple(found)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of options of each slot."""
        return tuple(len(slot.options) for slot in self.slots)

    def unfold(self) -> Generator[int, int, Nodes]:
        """Expands the start symbol, depth first.

        Yields:
            Index of the slot that is to be filled; the index of one of its options must be sent.

        Returns:
            The nodes.
        """
        nodes: Nodes = []
        seen: Counter[str] = Counter()
        waiting: list[tuple[str, int | None]] = [(self.grammar.start, None)]
        while waiting:
            symbol, parent = waiting.pop()
            seen[symbol] += 1
            classes = list(self.grammar.symbols[symbol].classes) or [symbol]
            cls = classes[(yield from self._ask(symbol, "class"))]
            nodes.append((Place(node_name(symbol, seen[symbol]), symbol, parent), cls))
            here = len(nodes) - 1
            children = yield from self._children(symbol)
            waiting.extend((child, here) for child in reversed(children))
        return nodes

    def _children(self, symbol: str) -> Generator[int, int, list[str]]:
        p = yield from self._ask(symbol, "production")
        children: list[str] = []
        for c, child in enumerate(self.grammar.symbols[symbol].productions[p].children):
            number = list(child.count)[(yield from self._ask(symbol, (p, c)))]
            children.extend([child.symbol] * number)
        return children

    def _ask(self, symbol: str, place: str | tuple[int, int]) -> Generator[int, int, int]:
        slot = self._index.get((symbol, place))
        return 0 if slot is None else (yield slot)

    @cached_property
    def _index(self) -> dict[tuple[str, str | tuple[int, int]], int]:
        return {(slot.symbol, slot.place): i for i, slot in enumerate(self.slots)}

    def steps(self, nodes: Sequence[tuple[Place, str]]) -> list[Step]:
        """The choices that make given nodes, the likeliest where several do.

        Raises:
            MetasimError: If the grammar cannot make them.
        """
        children: list[list[str]] = [[] for _ in nodes]
        for place, _ in nodes:
            if place.parent is not None:
                children[place.parent].append(place.symbol)
        steps: list[Step] = []
        for (place, cls), below in zip(nodes, children, strict=True):
            symbol = self.grammar.symbols[place.symbol]
            steps += self._step(place.symbol, "class", (list(symbol.classes) or [cls]).index(cls))
            p, options = self._likeliest(place.symbol, below)
            steps += self._step(place.symbol, "production", p)
            for c, option in enumerate(options):
                steps += self._step(place.symbol, (p, c), option)
        return steps

    def _step(self, symbol: str, place: str | tuple[int, int], option: int) -> list[Step]:
        slot = self._index.get((symbol, place))
        return [] if slot is None else [(slot, option)]

    def _likeliest(self, symbol: str, below: Sequence[str]) -> tuple[int, tuple[int, ...]]:
        ways = [
            (math.log(production.weight) + log, p, options)
            for p, production in enumerate(self.grammar.symbols[symbol].productions)
            for log, options in _cuts(production.children, below)
        ]
        if not ways:
            raise MetasimError(f"the grammar lets {symbol} make no {', '.join(below) or 'nothing'}")
        _, p, options = max(ways)
        return p, options


def _cuts(children: Sequence[Child], below: Sequence[str]) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Ways to cut symbols into the runs of a production's children: log-probability, options of counts."""
    if not children:
        if not below:
            yield 0.0, ()
        return
    first, *others = children
    for option, (count, share) in enumerate(shares(first.count).items()):
        if count <= len(below) and all(symbol == first.symbol for symbol in below[:count]):
            for log, options in _cuts(others, below[count:]):
                yield math.log(share) + log, (option, *options)


def numbers(production: Production) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every combination of the counts of a production's children, and its probability."""
    combinations: list[tuple[tuple[int, ...], float]] = [((), 1.0)]
    for child in production.children:
        combinations = [
            ((*before, count), weight * share)
            for before, weight in combinations
            for count, share in shares(child.count).items()
        ]
    return iter(combinations)
