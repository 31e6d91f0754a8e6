"""Whether a grammar is sound: names known, all symbols of use, scenes finite, laws in order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from metasim.base.errors import InputError
from metasim.base.validation import closest
from metasim.grammar.syntax import MOST_NODES, Child, Grammar, Production, Symbol
from metasim.scene.schema import SceneSchema, SymbolSpec

AttributeKey = tuple[str, str]  # symbol, attribute


def schema_of(grammar: Grammar) -> SceneSchema:
    """The vocabulary of a grammar."""
    return SceneSchema(
        tuple(
            SymbolSpec(
                name,
                tuple(symbol.classes) or (name,),
                tuple(attribute.spec(key) for key, attribute in symbol.attributes.items()),
            )
            for name, symbol in grammar.symbols.items()
        )
    )


def check(grammar: Grammar, where: str) -> None:
    """Refuses a grammar that cannot be sampled, or of which a part has no effect.

    Args:
        grammar: The grammar.
        where: Name of its file, for messages.

    Raises:
        InputError: At the first fault, with the path of its key.
    """
    _check_names(grammar, where)
    _check_reachable(grammar, where)
    _check_finite(grammar, where)
    _check_laws(grammar, where)
    draw_order(grammar, where)


def shares(weights: Mapping[int, float]) -> dict[int, float]:
    """Weights as probabilities."""
    total = sum(weights.values())
    return {key: weight / total for key, weight in weights.items()}


def draw_order(grammar: Grammar, where: str = "grammar") -> tuple[AttributeKey, ...]:
    """All attributes, each after those that its law follows.

    Raises:
        InputError: If a law follows what does not exist, may be absent, or follows back.
    """
    sure = _sure_symbols(grammar)
    before: dict[AttributeKey, list[AttributeKey]] = {}
    for symbol, name, path in _attributes(grammar, where):
        law = grammar.symbols[symbol].attributes[name].law
        before[symbol, name] = [
            _resolve(grammar, symbol, reference, sure, f"{path}.law")
            for reference in sorted(law.references())
        ]
    try:
        return tuple(TopologicalSorter(before).static_order())
    except CycleError as error:
        circle = " <- ".join(".".join(key) for key in error.args[1])
        raise InputError(f"{where}: symbols", f"laws in a circle, {circle}", "laws that end") from None


def is_deterministic(grammar: Grammar) -> bool:
    """Whether every scene has the same nodes."""
    return all(
        len({tuple(_only_run(child) for child in p.children) for p in symbol.productions}) == 1
        and all(len(child.count) == 1 for p in symbol.productions for child in p.children)
        for symbol in grammar.symbols.values()
    )


def _only_run(child: Child) -> tuple[str, int]:
    return child.symbol, min(child.count)


def _attributes(grammar: Grammar, where: str) -> list[tuple[str, str, str]]:
    """Symbol, attribute and path of every attribute."""
    return [
        (symbol, name, f"{where}: symbols.{symbol}.attributes.{name}")
        for symbol, form in grammar.symbols.items()
        for name in form.attributes
    ]


def _check_names(grammar: Grammar, where: str) -> None:
    symbols = grammar.symbols
    if grammar.start not in symbols:
        raise InputError(f"{where}: start", repr(grammar.start), closest(grammar.start, symbols))
    for name, symbol in symbols.items():
        if re.search(r"_\d+$", name):
            raise InputError(f"{where}: symbols.{name}", "a name that ends in _number", "a name without")
        for path, child in _children(symbol):
            if child.symbol not in symbols:
                path = f"{where}: symbols.{name}.{path}"
                raise InputError(path, f"unknown symbol {child.symbol!r}", closest(child.symbol, symbols))
            known = symbols[child.symbol].classes or {child.symbol: 1.0}
            for cls in child.classes:
                if cls not in known:
                    path = f"{where}: symbols.{name}.{path}.classes"
                    raise InputError(path, f"unknown class {cls!r} of {child.symbol}", closest(cls, known))


def _children(symbol: Symbol) -> list[tuple[str, Child]]:
    """Children of all productions, with the path they have in a file."""
    many = len(symbol.productions) > 1
    return [
        (f"productions.{p}.children.{c}" if many else f"children.{c}", child)
        for p, production in enumerate(symbol.productions)
        for c, child in enumerate(production.children)
    ]


def _check_reachable(grammar: Grammar, where: str) -> None:
    reached, frontier = {grammar.start}, [grammar.start]
    while frontier:
        for _, child in _children(grammar.symbols[frontier.pop()]):
            if child.symbol not in reached and max(child.count) > 0:
                reached.add(child.symbol)
                frontier.append(child.symbol)
    for name in grammar.symbols:
        if name not in reached:
            expected = f"a symbol that can be reached from {grammar.start!r}"
            raise InputError(f"{where}: symbols.{name}", "never made", expected)


def mean_offspring(grammar: Grammar) -> npt.NDArray[np.float64]:
    """(S, S) expected number of children of each symbol (column) that a symbol (row) makes."""
    index = {name: i for i, name in enumerate(grammar.symbols)}
    offspring = np.zeros((len(index), len(index)))
    for name, symbol in grammar.symbols.items():
        total = sum(production.weight for production in symbol.productions)
        for production in symbol.productions:
            for child in production.children:
                mean = sum(count * share for count, share in shares(child.count).items())
                offspring[index[name], index[child.symbol]] += production.weight / total * mean
    return offspring


def _check_finite(grammar: Grammar, where: str) -> None:
    """A branching process has a finite expected size if its mean matrix has a spectral radius below 1.

    The radius is that of the largest strongly connected part; taken part by part it is exact for
    grammars without recursion, where rounding would spoil that of the whole. The expected size itself
    is bounded too.

    References:
        Harris, "The Theory of Branching Processes", 1963, chapter II.
    """
    offspring = mean_offspring(grammar)
    _, part = connected_components(offspring > 0, connection="strong")
    names = np.array(list(grammar.symbols))
    for label in np.unique(part):
        members = np.flatnonzero(part == label)
        radius = np.abs(np.linalg.eigvals(offspring[np.ix_(members, members)])).max()
        if radius >= 1.0 - 1e-9:
            path = f"{where}: symbols.{names[members[0]]}"
            got = f"a recursion over {', '.join(names[members])} that makes {radius:.3g} times itself"
            raise InputError(path, got, "less than once on average, so that scenes end")
    start = np.eye(len(names))[list(names).index(grammar.start)]
    nodes = np.linalg.solve(np.eye(len(names)) - offspring.T, start).sum()
    if nodes > MOST_NODES:
        got = f"scenes of {nodes:.3g} nodes on average"
        raise InputError(f"{where}: symbols", got, f"at most {MOST_NODES}")


def _check_laws(grammar: Grammar, where: str) -> None:
    schema = schema_of(grammar)
    for symbol, name, path in _attributes(grammar, where):
        law = grammar.symbols[symbol].attributes[name].law
        law.check(schema.spec(symbol, name), schema.by_name[symbol].classes, f"{path}.law.{law.kind}")


def _sure_symbols(grammar: Grammar) -> frozenset[str]:
    """Symbols of which every scene has a node."""
    sure, frontier = {grammar.start}, [grammar.start]
    while frontier:
        symbol = grammar.symbols[frontier.pop()]
        always = frozenset.intersection(*(_always(production) for production in symbol.productions))
        frontier.extend(always - sure)
        sure |= always
    return frozenset(sure)


def _always(production: Production) -> frozenset[str]:
    return frozenset(child.symbol for child in production.children if min(child.count) > 0)


def _resolve(grammar: Grammar, symbol: str, reference: str, sure: frozenset[str], path: str) -> AttributeKey:
    other, dot, attribute = reference.rpartition(".")
    other = other if dot else symbol
    if other not in grammar.symbols:
        raise InputError(path, f"follows unknown symbol {other!r}", closest(other, grammar.symbols))
    if attribute not in grammar.symbols[other].attributes:
        known = grammar.symbols[other].attributes
        raise InputError(path, f"follows unknown attribute {reference!r}", closest(attribute, known))
    if dot and other not in sure:
        raise InputError(path, f"follows {reference!r}", "an attribute of a symbol that every scene has")
    return other, attribute
