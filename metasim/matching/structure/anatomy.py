"""Anatomy: which nodes of a scene are always there, its scenery, and which are objects that vary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from metasim.base.errors import InputError
from metasim.grammar.expansion import numbers
from metasim.grammar.syntax import Grammar, Production

Tally = tuple[int, ...]
"""How many nodes of each symbol a scene has."""

Order = tuple[str, ...]
"""Symbols of the children of a node, one after the other."""


@dataclass(frozen=True)
class Anatomy:
    """The symbols of a grammar by what they are for.

    Attributes:
        scenery: Symbols of which every scene has exactly one node, always the same, in order of declaration.
        host: That of them whose children the objects are.
        objects: All other symbols, in order of declaration; also one that is always there once, beside
            those that vary, but of a class that is drawn.
    """

    scenery: tuple[str, ...]
    host: str
    objects: tuple[str, ...]

    @classmethod
    def of(cls, rules: Grammar, where: str = "grammar") -> Anatomy:
        """Tells scenery and objects apart; messages call the grammar ``where``.

        Raises:
            InputError: If objects have children or several parents, or scenery a choice.
        """
        once = _once(rules)
        leaves = {name for name, symbol in rules.symbols.items() if not _below(symbol.productions)}
        scenery = tuple(
            name
            for name, symbol in rules.symbols.items()
            if name in once and (len(symbol.classes) < 2 or name not in leaves)
        )
        objects = tuple(name for name in rules.symbols if name not in scenery)
        for name in objects:
            if name not in leaves:
                place = f"{where}: symbols.{name}.children"
                raise InputError(place, "children of an object", "none, where counts vary")
        host = _host(rules, objects, where)
        for name in scenery:
            if len(rules.symbols[name].classes) > 1:
                place = f"{where}: symbols.{name}.classes"
                raise InputError(place, "a choice in a node with children", "one class, where counts vary")
            if name != host and len(rules.symbols[name].productions) > 1:
                expected = f"one, since the objects are children of {host}"
                raise InputError(f"{where}: symbols.{name}.productions", "several", expected)
        return cls(scenery, host, objects)

    def orders(self, rules: Grammar) -> dict[Tally, list[tuple[Order, float]]]:
        """For each combination of numbers of objects the host's children that have it, and how probable."""
        productions = rules.symbols[self.host].productions
        total = sum(production.weight for production in productions)
        ways: dict[Tally, list[tuple[Order, float]]] = {}
        for production in productions:
            for order, weight in orders_of(production):
                tally = tuple(order.count(name) for name in self.objects)
                ways.setdefault(tally, []).append((order, weight * production.weight / total))
        return ways


def orders_of(production: Production) -> Iterator[tuple[Order, float]]:
    """Every order of children that a production makes, and its probability."""
    for counts, weight in numbers(production):
        children = zip(production.children, counts, strict=True)
        yield tuple(child.symbol for child, count in children for _ in range(count)), weight


def _host(rules: Grammar, objects: tuple[str, ...], where: str) -> str:
    parents = [
        name for name, symbol in rules.symbols.items() if not _below(symbol.productions).isdisjoint(objects)
    ]
    if len(parents) > 1:
        expected = f"objects below {parents[0]} alone, where counts vary"
        raise InputError(f"{where}: symbols.{parents[1]}.children", "objects here too", expected)
    return parents[0] if parents else rules.start


def _once(rules: Grammar) -> set[str]:
    """Symbols of which every scene has exactly one node, below a parent that is one of them too."""
    makers = Counter(child for symbol in rules.symbols.values() for child in _below(symbol.productions))
    once = {rules.start} - makers.keys()
    frontier = list(once)
    while frontier:
        productions = rules.symbols[frontier.pop()].productions
        for child in _below(productions):
            if makers[child] == 1 and all(_makes_one(production, child) for production in productions):
                once.add(child)
                frontier.append(child)
    return once


def _below(productions: tuple[Production, ...]) -> set[str]:
    return {child.symbol for production in productions for child in production.children}


def _makes_one(production: Production, symbol: str) -> bool:
    counts = [child.count for child in production.children if child.symbol == symbol]
    return all(len(count) == 1 for count in counts) and sum(next(iter(count)) for count in counts) == 1
