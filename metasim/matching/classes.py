"""Classes that a population asks for: as frequencies by symbol, and as rows of those that go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from metasim.base.streams import stream
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.population import Population
from metasim.scene.layout import Choice, Classes, SceneLayout, classes_by_node

ROWS = 4096  # scenes whose classes stand for all


@dataclass(frozen=True)
class ClassRows:
    """Classes that the nodes of a scene have together.

    Attributes:
        choices: The nodes.
        rows: (n, C) index of the class of each in some scenes.
    """

    choices: tuple[Choice, ...]
    rows: Classes

    def draw(self, rng: np.random.Generator) -> dict[str, str]:
        """The classes of one of the scenes, by node."""
        return classes_by_node(self.choices, self.rows[rng.integers(len(self.rows))])

    def saved(self) -> dict[str, Any]:
        """Plain data and a tensor."""
        names = {choice.node: list(choice.classes) for choice in self.choices}
        return {"choices": names, "rows": torch.from_numpy(self.rows)}

    @classmethod
    def of(cls, content: dict[str, Any]) -> ClassRows:
        """What ``saved`` gave."""
        choices = tuple(Choice(node, tuple(names)) for node, names in content["choices"].items())
        return cls(choices, content["rows"].numpy())


def tuned_grammar(grammar: SceneGrammar, layout: SceneLayout, population: Population) -> SceneGrammar:
    """A grammar that draws the classes of each symbol as often as a population has them."""
    symbols = {node.name: node.symbol for node in grammar.sample(stream(0, "classes/nodes")).nodes}
    weights: dict[str, dict[str, float]] = {}
    for c, choice in enumerate(layout.choices):
        kinds = population.posteriors.classes[..., c]
        mass = np.bincount(kinds.ravel(), population.weights.ravel(), len(choice.classes))
        mine = weights.setdefault(symbols[choice.node], dict.fromkeys(choice.classes, 0.0))
        for name, share in zip(choice.classes, mass / mass.sum(), strict=True):
            mine[name] += float(share)
    return grammar.with_class_weights(weights)


def class_rows(
    grammar: SceneGrammar, layout: SceneLayout, population: Population, seed: int
) -> ClassRows | None:
    """The classes of whole scenes of a population; ``None`` where frequencies by symbol say all of them."""
    symbols = grammar.rules.symbols.values()
    by_child = any(child.classes for s in symbols for p in s.productions for child in p.children)
    if len(layout.choices) < 2 and not by_child:
        return None
    return ClassRows(layout.choices, population.sample(stream(seed, "generator/classes"), ROWS)[1])
