"""Derivations: which nodes a scene has, drawn top down, and how probable that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from metasim.grammar.analysis import shares
from metasim.grammar.choice import pick
from metasim.grammar.syntax import Grammar, Production
from metasim.scene.graph import SceneGraph


@dataclass(frozen=True)
class Place:
    """A node before it has values: its name, symbol and parent's index."""

    name: str
    symbol: str
    parent: int | None


def sample_places(grammar: Grammar, rng: np.random.Generator) -> list[Place]:
    """Draws the nodes of a scene, depth first, so that parents precede their children."""
    places: list[Place] = []
    seen: Counter[str] = Counter()
    waiting: list[tuple[str, int | None]] = [(grammar.start, None)]
    while waiting:
        symbol, parent = waiting.pop()
        seen[symbol] += 1
        places.append(Place(node_name(symbol, seen[symbol]), symbol, parent))
        children = _sample_children(grammar.symbols[symbol].productions, rng)
        waiting.extend((child, len(places) - 1) for child in reversed(children))
    return places


def node_name(symbol: str, number: int) -> str:
    """Name of the first, second, ... node of a symbol: ``object``, ``object_2``, ..."""
    return symbol if number == 1 else f"{symbol}_{number}"


def _sample_children(productions: Sequence[Production], rng: np.random.Generator) -> list[str]:
    production = productions[pick([production.weight for production in productions], rng)]
    children: list[str] = []
    for child in production.children:
        count = list(child.count)[pick(list(child.count.values()), rng)]
        children.extend([child.symbol] * count)
    return children


def log_prob_places(grammar: Grammar, graph: SceneGraph) -> float:
    """Log-probability of a graph's nodes, summed over all derivations that make them."""
    children = children_of(graph)
    if not _is_canonical(grammar, graph, children):
        return -np.inf
    total = 0.0
    for node, below in zip(graph.nodes, children, strict=True):
        symbols = [graph.nodes[i].symbol for i in below]
        total += _log_prob_children(grammar.symbols[node.symbol].productions, symbols)
    return total


def children_of(graph: SceneGraph) -> list[list[int]]:
    """Indices of the children of each node, in order."""
    children: list[list[int]] = [[] for _ in graph.nodes]
    for index, node in enumerate(graph.nodes):
        if node.parent is not None:
            children[node.parent].append(index)
    return children


def _is_canonical(grammar: Grammar, graph: SceneGraph, children: list[list[int]]) -> bool:
    """Whether the nodes are in the order, and have the names, that the grammar gives them."""
    if graph.nodes[0].symbol != grammar.start or any(n.symbol not in grammar.symbols for n in graph.nodes):
        return False
    order, waiting = [], [0]
    while waiting:
        order.append(waiting.pop())
        waiting.extend(reversed(children[order[-1]]))
    seen: Counter[str] = Counter()
    for node in graph.nodes:
        seen[node.symbol] += 1
        if node.name != node_name(node.symbol, seen[node.symbol]):
            return False
    return order == list(range(len(graph.nodes)))


def _log_prob_children(productions: Sequence[Production], symbols: Sequence[str]) -> float:
    weights = np.array([production.weight for production in productions])
    logs = [_log_prob_production(production, symbols) for production in productions]
    return float(np.asarray(logsumexp(np.log(weights / weights.sum()) + logs)))


def _log_prob_production(production: Production, symbols: Sequence[str]) -> float:
    """Sums over the ways to cut the sequence into the runs of the production's children."""
    reached = {0: 1.0}  # how many symbols are made so far: probability
    for child in production.children:
        following: dict[int, float] = {}
        for start, probability in reached.items():
            run = _run_length(symbols, start, child.symbol)
            for count, share in shares(child.count).items():
                if count <= run:
                    following[start + count] = following.get(start + count, 0.0) + probability * share
        reached = following
    with np.errstate(divide="ignore"):
        return float(np.log(reached.get(len(symbols), 0.0)))


def _run_length(symbols: Sequence[str], start: int, symbol: str) -> int:
    run = start
    while run < len(symbols) and symbols[run] == symbol:
        run += 1
    return run - start
