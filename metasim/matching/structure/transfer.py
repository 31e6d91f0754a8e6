"""Transfer of attributes where nodes vary: each symbol's objects together are given the inferred law.

Scenery, of which each scene has one, is given a joint law of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from metasim.base.streams import stream, torch_stream
from metasim.matching.averages import Averages
from metasim.matching.population import Population
from metasim.matching.structure.inventory import Inventory
from metasim.matching.transfer import RATE, AttributeSpace
from metasim.model.attribute_gcn import AttributeNetwork
from metasim.scene.encoding import GraphEncoder, SceneData
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Labels, SceneLayout
from metasim.scene.schema import SceneSchema

SCENES = 64  # a batch
POINTS = 20000  # drawn of the law of a symbol's objects
LARGEST = 384  # objects compared at a time
CHECKS = 10


@dataclass(frozen=True)
class Wanted:
    """What the objects of a symbol, or the scenery of all scenes, should become.

    Attributes:
        symbols: (D,) index in the schema of the symbol that has each attribute; several only in scenery,
            of which every scene has one node each.
        attributes: (D,) their indices in the schema.
        points: (n, D) draws of their law on [0, 1].
        classes: (n, D) class of the node that has each, as an index in the schema.
        space: Where they are compared.
    """

    symbols: Tensor
    attributes: Tensor
    points: Tensor
    classes: Tensor
    space: AttributeSpace

    @classmethod
    def objects(cls, inventory: Inventory, symbol: int, law: Population | Labels, seed: int) -> Wanted:
        """What a population, or known objects, ask for of the objects of a symbol."""
        schema, layout, name = inventory.grammar.schema, inventory.part(symbol), inventory.symbols[symbol]
        if isinstance(law, Population):
            units, classes = law.sample(stream(seed, f"transfer/population/{symbol}"), POINTS)
        else:
            units, classes = law.units, law.classes
        known = schema.by_name[name].classes
        kinds = classes[:, 0] if classes.shape[1] else np.zeros(len(units), dtype=np.int64)
        ids = torch.tensor([schema.class_names.index(c) for c in known])
        labels = ids[torch.from_numpy(kinds)][:, None].expand(-1, len(layout.columns))
        return cls._of(schema, layout, units, labels, torch_stream(seed, f"transfer/directions/{symbol}"))

    @classmethod
    def scenery(cls, inventory: Inventory, population: Population, seed: int) -> Wanted:
        """What a population asks for of the scenery."""
        schema, layout = inventory.grammar.schema, inventory.scenery
        units, _ = population.sample(stream(seed, "transfer/population/scenery"), POINTS)
        only = [schema.by_name[column.symbol].classes[0] for column in layout.columns]
        labels = torch.tensor([schema.class_names.index(name) for name in only]).expand(len(units), -1)
        return cls._of(schema, layout, units, labels, torch_stream(seed, "transfer/directions/scenery"))

    @classmethod
    def _of(
        cls,
        schema: SceneSchema,
        layout: SceneLayout,
        units: Array,
        classes: Tensor,
        directions: torch.Generator,
    ) -> Wanted:
        names, points = [symbol.name for symbol in schema.symbols], torch.from_numpy(units).float()
        return cls(
            torch.tensor([names.index(column.symbol) for column in layout.columns]),
            torch.tensor([schema.attribute_names.index(column.spec.name) for column in layout.columns]),
            points,
            classes,
            AttributeSpace(points, layout.periodic, directions),
        )

    def of(self, table: Tensor, symbol: Tensor) -> Tensor:
        """(m, D) its attributes in a table (nodes, A) of nodes with these symbols (nodes,)."""
        cells = zip(self.symbols.tolist(), self.attributes.tolist(), strict=True)
        return torch.stack([table[symbol == s, a] for s, a in cells], dim=1)

    def owners(self, cls: Tensor, symbol: Tensor) -> Tensor:
        """(m, D) class of the node that has each attribute, among nodes of these classes and symbols."""
        return torch.stack([cls[symbol == s] for s in self.symbols.tolist()], dim=1)

    def like(self, classes: Tensor, generator: torch.Generator) -> Tensor:
        """(m, D) draws for nodes of given classes (m,); of the whole law for a class it lacks."""
        rows = torch.randint(len(self.points), classes.shape, generator=generator)
        for c in classes.unique().tolist():
            own = torch.nonzero(self.classes[:, 0] == c).flatten()
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
    """Trains the network so that nodes of scenes get attributes of the wanted laws; no renders.

    Args:
        network: The attribute network.
        graphs: Scenes with the nodes that the policy makes and the values of the grammar.
        wanted: The laws, of each symbol and of the scenery.
        inventory: What scenes may hold.
        steps: Optimiser steps.
        seed: Root seed.
        record: Told the step and the losses now and then.
    """
    encoder = GraphEncoder(inventory.grammar.schema)
    batches = [encoder.batch(graphs[i : i + SCENES]) for i in range(0, len(graphs), SCENES)]
    for law in wanted:
        network.centre[law.symbols, law.attributes] = law.points.mean(0)
        network.scale[law.symbols, law.attributes] = law.points.std(0, correction=0).clamp(min=0.005)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
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
    ours = law.of(out, data.symbol)[:LARGEST]
    if len(ours) < 2:
        return out.sum() * 0.0
    classes = law.owners(data.cls, data.symbol)[:LARGEST, 0]
    theirs = law.like(classes, generator)
    marks = torch.nn.functional.one_hot(classes).float()
    return law.space.distance(law.space.embed(ours), law.space.embed(theirs), marks, marks)


@torch.no_grad()
def _fit_margins(
    network: AttributeNetwork, batches: list[SceneData], wanted: list[Wanted], generator: torch.Generator
) -> None:
    """Removes what error of single attributes is left."""
    network.eval()
    out = torch.cat(
        [network.before_margins(data, network.draw_noise(len(data.values), generator)) for data in batches]
    )
    symbols, classes = (torch.cat([data[name] for data in batches]) for name in ("symbol", "cls"))
    for law in wanted:
        ours, owners = law.of(out, symbols), law.owners(classes, symbols)
        for j, (symbol, attribute) in enumerate(
            zip(law.symbols.tolist(), law.attributes.tolist(), strict=True)
        ):
            pairs = (ours[:, j], owners[:, j]), (law.points[:, j], law.classes[:, j])
            network.margins.fit(symbol, attribute, *pairs)
