"""Derivations: which nodes a scene has, drawn top down, and how probable that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from scipy.special import logsumexp

from metasim.grammar.analysis import shares
from metasim.grammar.choice import pick
from metasim.grammar.syntax import Child, Grammar, Production
from metasim.scene.graph import SceneGraph, SceneNode


@dataclass(frozen=True)
class Place:
    """A node before it has a class and values.

    Attributes:
        name: Its name.
        symbol: Its symbol.
        parent: Its parent's index.
        classes: Weights by class, in place of its symbol's; empty for those.
    """

    name: str
    symbol: str
    parent: int | None
    classes: tuple[tuple[str, float], ...] = ()


def sample_places(grammar: Grammar, rng: np.random.Generator) -> list[Place]:
    """Draws the nodes of a scene, depth first, so that parents precede their children."""
    places: list[Place] = []
    seen: Counter[str] = Counter()
    waiting: list[tuple[Child, int | None]] = [(Child(symbol=grammar.start), None)]
    while waiting:
        child, parent = waiting.pop()
        symbol = child.symbol
        seen[symbol] += 1
        own = tuple(child.classes.items())
        places.append(Place(node_name(symbol, seen[symbol]), symbol, parent, own))
        children = _sample_children(grammar.symbols[symbol].productions, rng)
        waiting.extend((below, len(places) - 1) for below in reversed(children))
    return places


def node_name(symbol: str, number: int) -> str:
    """Name of the first, second, ... node of a symbol: ``object``, ``object_2``, ..."""
    return symbol if number == 1 else f"{symbol}_{number}"


def _sample_children(productions: Sequence[Production], rng: np.random.Generator) -> list[Child]:
    """Its production's children, each as often as its number says."""
    production = productions[pick([production.weight for production in productions], rng)]
    children: list[Child] = []
    for child in production.children:
        count = list(child.count)[pick(list(child.count.values()), rng)]
        children.extend([child] * count)
    return children


def log_prob_places(grammar: Grammar, graph: SceneGraph) -> float:
    """Log-probability of a graph's nodes and their classes, summed over all derivations that make them."""
    children = children_of(graph)
    if not _is_canonical(grammar, graph, children):
        return -np.inf
    root = graph.nodes[0]
    with np.errstate(divide="ignore"):
        total = float(np.log(_class_law(grammar, Child(symbol=root.symbol)).get(root.cls, 0.0)))
    for node, below in zip(graph.nodes, children, strict=True):
        total += _log_prob_children(grammar, node.symbol, [graph.nodes[i] for i in below])
    return total


def _class_law(grammar: Grammar, child: Child) -> dict[str, float]:
    """Probabilities of the classes of a production's child."""
    weights = child.classes or grammar.symbols[child.symbol].classes or {child.symbol: 1.0}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


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


def _log_prob_children(grammar: Grammar, symbol: str, nodes: Sequence[SceneNode]) -> float:
    productions = grammar.symbols[symbol].productions
    weights = np.array([production.weight for production in productions])
    logs = [_log_prob_production(grammar, production, nodes) for production in productions]
    return float(np.asarray(logsumexp(np.log(weights / weights.sum()) + logs)))


def _log_prob_production(grammar: Grammar, production: Production, nodes: Sequence[SceneNode]) -> float:
    """Sums over the ways to cut the sequence into the runs of the production's children."""
    reached = {0: 1.0}  # how many nodes are made so far: probability
    for child in production.children:
        law = _class_law(grammar, child)
        following: dict[int, float] = {}
        for start, probability in reached.items():
            chances = _run_chances(nodes[start:], child.symbol, law)
            for count, share in shares(child.count).items():
                if count < len(chances):
                    more = probability * share * chances[count]
                    following[start + count] = following.get(start + count, 0.0) + more
        reached = following
    with np.errstate(divide="ignore"):
        return float(np.log(reached.get(len(nodes), 0.0)))


def _run_chances(nodes: Sequence[SceneNode], symbol: str, law: Mapping[str, float]) -> list[float]:
    """Chance of the classes of the first 0, 1, ... nodes, as long as they are of a symbol."""
    chances = [1.0]
    for node in takewhile(lambda node: node.symbol == symbol, nodes):
        chances.append(chances[-1] * law.get(node.cls, 0.0))
    return chances
