"""Transfer of attributes where nodes vary: each symbol's objects together are given the inferred law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Batch

from metasim.base.streams import stream, torch_stream
from metasim.matching.averages import Averages
from metasim.matching.population import Population
from metasim.matching.structure.inventory import Inventory
from metasim.matching.transfer import AttributeSpace
from metasim.model.attribute_gcn import AttributeNetwork
from metasim.scene.encoding import GraphEncoder, SceneData
from metasim.scene.graph import SceneGraph

SCENES = 64  # a batch
POINTS = 20000  # drawn of the law of a symbol's objects
LARGEST = 384  # objects compared at a time
CHECKS = 10


@dataclass(frozen=True)
class Wanted:
    """What the objects of a symbol should become.

    Attributes:
        symbol: Its index in the schema.
        attributes: (D,) indices of its attributes in the schema.
        points: (n, D) draws of their law on [0, 1].
        classes: (n,) class of each, as an index in the schema.
        space: Where they are compared.
    """

    symbol: int
    attributes: Tensor
    points: Tensor
    classes: Tensor
    space: AttributeSpace

    @classmethod
    def of(cls, inventory: Inventory, symbol: int, population: Population, seed: int) -> Wanted:
        """What a population asks for."""
        schema, layout, name = inventory.grammar.schema, inventory.part(symbol), inventory.symbols[symbol]
        rng = stream(seed, f"transfer/population/{symbol}")
        units, classes = population.sample(rng, POINTS)
        points = torch.from_numpy(units).float()
        known = schema.by_name[name].classes
        kinds = classes[:, 0] if classes.shape[1] else np.zeros(len(units), dtype=np.int64)
        ids = torch.tensor([schema.class_names.index(c) for c in known])
        return cls(
            [s.name for s in schema.symbols].index(name),
            torch.tensor([schema.attribute_names.index(c.spec.name) for c in layout.columns]),
            points,
            ids[torch.from_numpy(kinds)],
            AttributeSpace(points, layout.periodic, torch_stream(seed, f"transfer/directions/{symbol}")),
        )

    def like(self, classes: Tensor, generator: torch.Generator) -> Tensor:
        """(n, D) draws for objects of given classes (n,); of the whole law for a class it lacks."""
        rows = torch.randint(len(self.points), classes.shape, generator=generator)
        for c in classes.unique().tolist():
            own = torch.nonzero(self.classes == c).flatten()
            if len(own):
                mine = classes == c
                rows[mine] = own[torch.randint(len(own), (int(mine.sum()),), generator=generator)]
        return self.points[rows]


def transfer_objects(
    network: AttributeNetwork,
    graphs: list[SceneGraph],
    wanted: list[Wanted],
    inventory: Inventory,
    steps: int,
    seed: int,
    record: Callable[[int, dict[str, float]], None],
) -> None:
    """Trains the network so that the objects of scenes get attributes of the wanted laws; no renders.

    Args:
        network: The attribute network.
        graphs: Scenes with the nodes that the policy makes and the values of the grammar.
        wanted: The laws, by symbol.
        inventory: What scenes may hold.
        steps: Optimiser steps.
        seed: Root seed.
        record: Told the step and the losses now and then.
    """
    encoder = GraphEncoder(inventory.grammar.schema)
    encoded = [encoder.encode(graph) for graph in graphs]
    batches = [_batch(encoded[i : i + SCENES]) for i in range(0, len(encoded), SCENES)]
    for law in wanted:
        network.centre[law.symbol, law.attributes] = law.points.mean(0)
        network.scale[law.symbol, law.attributes] = law.points.std(0, correction=0).clamp(min=0.005)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps, pct_start=0.1)
    network.train()
    losses = Averages()
    for step in range(steps):
        generator = torch_stream(seed, "transfer", step)
        data = batches[int(torch.randint(len(batches), (), generator=generator))]
        out = network(data, network.draw_noise(len(data.values), generator))
        loss = torch.stack([_distance(law, out, data, generator) for law in wanted]).sum()
        losses.add({"loss": loss})
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if (step + 1) % max(steps // CHECKS, 1) == 0:
            record(step, losses.take())
    _fit_margins(network, batches, wanted, torch_stream(seed, "transfer/moments"))


def _distance(law: Wanted, out: Tensor, data: SceneData, generator: torch.Generator) -> Tensor:
    rows = torch.nonzero(data.symbol == law.symbol).flatten()[:LARGEST]
    if len(rows) < 2:
        return out.sum() * 0.0
    ours, classes = out[rows][:, law.attributes], data.cls[rows]
    theirs = law.like(classes, generator)
    marks = torch.nn.functional.one_hot(classes).float()
    return law.space.distance(law.space.embed(ours), law.space.embed(theirs), marks, marks)


@torch.no_grad()
def _fit_margins(
    network: AttributeNetwork, batches: list[SceneData], wanted: list[Wanted], generator: torch.Generator
) -> None:
    """Removes what error of single attributes is left."""
    network.eval()
    units = [network(data, network.draw_noise(len(data.values), generator)) for data in batches]
    out = torch.cat(units)
    symbols, classes = (torch.cat([data[name] for data in batches]) for name in ("symbol", "cls"))
    for law in wanted:
        rows = symbols == law.symbol
        for j, attribute in enumerate(law.attributes.tolist()):
            ours, goal = (out[rows, attribute], classes[rows]), (law.points[:, j], law.classes)
            network.margins.fit(law.symbol, attribute, ours, goal)


def _batch(encoded: list[SceneData]) -> SceneData:
    data = Batch.from_data_list([*encoded])
    assert isinstance(data, SceneData)
    return data
