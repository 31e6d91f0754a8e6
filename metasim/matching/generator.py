"""Generator: the tuned grammar, attribute network and policy that scenes are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.grammar.expansion import Expansion
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.classes import ClassRows
from metasim.matching.structure.derivation import derive
from metasim.model.attribute_gcn import AttributeNetwork
from metasim.model.policy import ExpansionPolicy
from metasim.runs.checkpoint import load_checkpoint, save_checkpoint
from metasim.scene.encoding import GraphEncoder
from metasim.scene.graph import SceneGraph

BLOCK = 64  # scenes computed together; fixed, so that a scene's bytes do not depend on who asks for it


@dataclass(frozen=True)
class Generator:
    """Draws scene graphs: the grammar samples one, the attribute network rewrites it.

    Attributes:
        grammar: The grammar, with the class frequencies that were learnt.
        network: The attribute network.
        seed: Root seed of the scenes.
        policy: Chooses the nodes where scenes differ in them; the grammar by default.
        classes: Classes of whole scenes with the same nodes; by default each node's by itself.
    """

    grammar: SceneGrammar
    network: AttributeNetwork
    seed: int
    policy: ExpansionPolicy | None = None
    classes: ClassRows | None = None

    def scenes(self, count: int, stage: str) -> list[SceneGraph]:
        """The first ``count`` scenes of a stage."""
        return [self.scene(index, stage) for index in range(count)]

    def scene(self, index: int, stage: str = "export") -> SceneGraph:
        """Scene ``index`` of a stage; it depends on the seed, the stage and the index alone."""
        return _block(self, stage, index // BLOCK)[index % BLOCK]

    def base(self, rng: np.random.Generator) -> SceneGraph:
        """A scene of the grammar with the classes that were learnt, which the network has yet to rewrite."""
        return self.grammar.sample(rng, self.classes.draw(rng) if self.classes else None)

    def rewrite(self, graphs: list[SceneGraph], noise: Tensor) -> list[SceneGraph]:
        """Graphs with the attributes that the network gives them.

        Args:
            graphs: Prior scene graphs.
            noise: (nodes of all graphs, noise) standard normal numbers.
        """
        encoder = GraphEncoder(self.grammar.schema)
        self.network.eval()
        with torch.no_grad():
            return encoder.rewritten(graphs, self.network.rewrite(encoder.batch(graphs), noise))

    def save(self, path: Path) -> None:
        """Writes the generator alone: all that an export needs."""
        content: dict[str, Any] = {
            "grammar": self.grammar.to_mapping(),
            "network": self.network.state_dict(),
            "seed": self.seed,
        }
        if self.policy is not None:
            content["policy"] = self.policy.state_dict()
        if self.classes is not None:
            content["classes"] = self.classes.saved()
        save_checkpoint(path, content)

    @classmethod
    def load(cls, path: Path, seed: int | None = None) -> Generator:
        """Reads a generator.

        Args:
            path: File written by ``save``.
            seed: Another root seed for the scenes.

        Raises:
            InputError: If the file is not a generator.
        """
        content = load_checkpoint(path)
        try:
            grammar = SceneGrammar.from_mapping(content["grammar"], str(path))
            network = AttributeNetwork(grammar.schema)
            network.load_state_dict(content["network"])
            policy = None
            if "policy" in content:
                policy = ExpansionPolicy(Expansion(grammar.rules).sizes)
                policy.load_state_dict(content["policy"])
            classes = ClassRows.of(content["classes"]) if "classes" in content else None
            return cls(grammar, network, content["seed"] if seed is None else seed, policy, classes)
        except (LookupError, TypeError, RuntimeError) as error:
            raise InputError(str(path), "not a generator", "a checkpoint written by train") from error

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


@lru_cache(maxsize=4)
def _block(generator: Generator, stage: str, number: int) -> list[SceneGraph]:
    indices = range(number * BLOCK, (number + 1) * BLOCK)
    streams = [stream(generator.seed, stage, index) for index in indices]
    if generator.policy is None:
        graphs = [generator.base(rng) for rng in streams]
    else:
        graphs = derive(generator.grammar, generator.policy, streams)
    width = generator.network.noise_width
    noise = [rng.standard_normal((len(g.nodes), width)) for g, rng in zip(graphs, streams, strict=True)]
    return generator.rewrite(graphs, torch.from_numpy(np.concatenate(noise)).float())
