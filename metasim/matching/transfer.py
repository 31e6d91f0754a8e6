"""Transfer: the attribute network learns to turn prior scenes and noise into the inferred population."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from metasim.base.streams import seeded_layers, stream, torch_stream
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.averages import Averages
from metasim.matching.gradients import gradient_norms
from metasim.matching.population import Population
from metasim.model.attribute_gcn import AttributeNetwork
from metasim.scene.encoding import GraphEncoder, SceneData
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import SceneLayout
from metasim.stats.energy import energy_distance, projected_energy_distance

BATCH = 384
RATE = 3e-3  # the highest of a cycle
PRIOR_SCENES = 8192  # what they have by chance is carried over to those that the generator meets
RANDOM_DIRECTIONS = 12
LINE_WEIGHT = 4.0
CHECKS = 10
FITTED = (4, 4096)  # batches of scenes that the laws of single attributes are told from


@dataclass(frozen=True)
class PriorBatches:
    """Prior scenes as tensors, so that a batch of them is an index away.

    Attributes:
        data: All scenes as one batch, in order.
        scenes: How many.
        nodes: Nodes of each.
        cells: (D, 2) node and attribute of each column of the layout.
        class_ids: For each choice its node and the schema's indices of its classes.
    """

    data: SceneData
    scenes: int
    nodes: int
    cells: Tensor
    class_ids: tuple[tuple[int, Tensor], ...]

    @classmethod
    def of(cls, graphs: list[SceneGraph], grammar: SceneGrammar, layout: SceneLayout) -> PriorBatches:
        """Encodes scenes of one layout."""
        data = GraphEncoder(grammar.schema).batch(graphs)
        names, classes = grammar.schema.attribute_names, grammar.schema.class_names
        cells = [(layout.node_names.index(c.node), names.index(c.spec.name)) for c in layout.columns]
        ids = tuple(
            (layout.node_names.index(c.node), torch.tensor([classes.index(k) for k in c.classes]))
            for c in layout.choices
        )
        return cls(data, len(graphs), len(layout.node_names), torch.tensor(cells), ids)

    def take(self, rows: Tensor, classes: Tensor | None = None) -> SceneData:
        """The batch of some scenes, with their classes replaced by (n, C) others if given."""
        pick = (rows[:, None] * self.nodes + torch.arange(self.nodes)).flatten()
        edges = self.data.edge_index
        assert edges is not None
        edges = edges[:, : edges.shape[1] // self.scenes]
        shift = self.nodes * torch.arange(len(rows))
        kinds = self.data.cls[pick].clone()
        for c, (node, ids) in enumerate(self.class_ids):
            if classes is not None:
                kinds[node :: self.nodes] = ids[classes[:, c]]
        return SceneData(
            values=self.data.values[pick],
            present=self.data.present[pick],
            mutable=self.data.mutable[pick],
            symbol=self.data.symbol[pick],
            cls=kinds,
            edge_index=(edges[:, None, :] + shift[None, :, None]).flatten(1),
        )

    def columns(self, nodes: Tensor) -> Tensor:
        """(n, D) columns of the layout from (n * nodes, A) node attributes."""
        return nodes.unflatten(0, (-1, self.nodes))[:, self.cells[:, 0], self.cells[:, 1]]

    def columns_by_cell(self) -> dict[tuple[int, int], list[int]]:
        """Columns of each symbol and attribute: nodes of one symbol share what the network knows of it."""
        found: dict[tuple[int, int], list[int]] = {}
        for column, (node, attribute) in enumerate(self.cells.tolist()):
            found.setdefault((int(self.data.symbol[node]), attribute), []).append(column)
        return found

    def column_classes(self, data: SceneData) -> Tensor:
        """(n, D) class of the node of each column, in scenes of a batch."""
        return data.cls.unflatten(0, (-1, self.nodes))[:, self.cells[:, 0]]


class AttributeSpace:
    """Attributes as points in which a distance means something, and the lines to compare them on.

    Linear attributes are standardised by the population; periodic ones become two axes, along and
    across the population's mean direction. The lines are the axes, their sums and differences, the
    principal axes and random directions of the whitened space: on them a correlation weighs as much as
    a mean, while in the joint distance alone single attributes drown.

    Args:
        units: (n, D) population on [0, 1].
        periodic: (D,) which attributes wrap.
        generator: Where the random directions come from.
    """

    def __init__(self, units: Tensor, periodic: npt.NDArray[np.bool_], generator: torch.Generator) -> None:
        self.periodic = torch.from_numpy(periodic)
        turn = 2 * math.pi * units
        self.direction = torch.atan2(turn.sin().mean(0), turn.cos().mean(0))
        self.mean = units.mean(0)
        self.spread = units.std(0, correction=0).clamp(min=0.005)
        along = torch.cat([(turn - self.direction).sin(), (turn - self.direction).cos()])
        self.arc = along.unflatten(0, (2, -1)).var(1, correction=0).sum(0).sqrt().clamp(min=0.03)
        points = self.embed(units)
        self.directions = torch.cat([_pairs(points.shape[1]), self._whitened(points, generator)], dim=1)

    def embed(self, units: Tensor) -> Tensor:
        """(n, D) attributes on [0, 1] to (n, E) points."""
        turn = 2 * math.pi * units[:, self.periodic] - self.direction[self.periodic]
        linear = (units - self.mean)[:, ~self.periodic] / self.spread[~self.periodic]
        arc = self.arc[self.periodic]
        return torch.cat([linear, turn.sin() / arc, turn.cos() / arc], dim=1)

    @staticmethod
    def _whitened(points: Tensor, generator: torch.Generator) -> Tensor:
        """(E, K) principal and random directions of the whitened space."""
        values, vectors = torch.linalg.eigh(
            torch.cov(points.T) if points.shape[1] > 1 else points.var(0)[None]
        )
        kept = values > 1e-3 * values[-1]
        whiten = vectors[:, kept] / values[kept].sqrt()
        random = torch.randn(whiten.shape[1], RANDOM_DIRECTIONS, generator=generator)
        return torch.cat([whiten, whiten @ (random / random.norm(dim=0))], dim=1)

    def distance(self, x: Tensor, y: Tensor, marks_x: Tensor, marks_y: Tensor) -> Tensor:
        """Energy distance of two samples of points, jointly (with their classes) and on all lines.

        Args:
            x: (n, E) points.
            y: (m, E) points.
            marks_x: (n, K) one-hot classes of x.
            marks_y: (m, K) one-hot classes of y.
        """
        joint = energy_distance(torch.cat([x, 2 * marks_x], dim=1), torch.cat([y, 2 * marks_y], dim=1))
        return joint + LINE_WEIGHT * projected_energy_distance(x, y, self.directions).mean()


def _pairs(size: int) -> Tensor:
    """(E, K) the axes, and sums and differences of every two."""
    axes = torch.eye(size)
    i, j = torch.triu_indices(size, size, offset=1)
    return torch.cat([axes, (axes[:, i] + axes[:, j]) / 2**0.5, (axes[:, i] - axes[:, j]) / 2**0.5], dim=1)


def reconstruct(
    network: AttributeNetwork,
    prior: PriorBatches,
    steps: int,
    seed: int,
    record: Callable[[int, dict[str, float]], None],
) -> None:
    """Teaches the network the identity on prior scenes: a graph autoencoder."""
    units = network.to_units(prior.data)
    network.fit_output(prior.data.symbol, units, prior.data.mutable)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    network.train()
    losses = Averages()
    for step in range(steps):
        generator = torch_stream(seed, "reconstruct", step)
        data = prior.take(torch.randint(prior.scenes, (128,), generator=generator))
        out = network(data, network.draw_noise(len(data.values), generator))
        error = (out - network.to_units(data))[data.mutable]
        wraps = network.periodic[data.symbol][data.mutable]
        scale = network.scale[data.symbol][data.mutable]
        error = torch.where(wraps, 4 * torch.sin(math.pi * error), error / scale)
        loss = error.square().mean()
        losses.add({"loss": loss})
        optimiser.zero_grad()
        loss.backward()
        flow = gradient_norms(network) if (step + 1) % max(steps // CHECKS, 1) == 0 else None
        optimiser.step()
        schedule.step()
        if flow is not None:
            record(step, losses.take() | flow)


def transfer(
    network: AttributeNetwork,
    prior: PriorBatches,
    population: Population,
    layout: SceneLayout,
    steps: int,
    seed: int,
    record: Callable[[int, dict[str, float]], None],
) -> None:
    """Trains the network so that prior scenes and noise become the population; no renders.

    Spread, modes and correlations then live in the network. The loss is the energy distance (Szekely
    and Rizzo, 2013) in attribute space, unbiased on every batch.
    """
    units, classes = population.sample(stream(seed, "transfer/population"), 20 * len(population.weights))
    points, labels = torch.from_numpy(units).float(), torch.from_numpy(classes)
    space = AttributeSpace(points, layout.periodic, torch_stream(seed, "transfer/directions"))
    network.margins.reset()  # a network of an earlier run has those of another population
    marks = _one_hot(labels, layout)
    for (symbol, attribute), columns in prior.columns_by_cell().items():
        network.centre[symbol, attribute] = points[:, columns].mean()
        network.scale[symbol, attribute] = points[:, columns].std(correction=0).clamp(min=0.005)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    network.train()
    losses = Averages()
    for step in range(steps):
        generator = torch_stream(seed, "transfer", step)
        ours, theirs = torch.randint(len(points), (2, BATCH), generator=generator)
        scenes = torch.randint(prior.scenes, (BATCH,), generator=generator)
        data = prior.take(scenes, labels[ours])
        out = prior.columns(network(data, network.draw_noise(len(data.values), generator)))
        loss = space.distance(space.embed(out), space.embed(points[theirs]), marks[ours], marks[theirs])
        losses.add({"loss": loss})
        optimiser.zero_grad()
        loss.backward()
        flow = gradient_norms(network) if (step + 1) % max(steps // CHECKS, 1) == 0 else None
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if flow is not None:
            record(step, losses.take() | flow)
    _fit_margins(network, prior, points, labels, torch_stream(seed, "transfer/moments"))


@torch.no_grad()
def _fit_margins(
    network: AttributeNetwork, prior: PriorBatches, points: Tensor, labels: Tensor, generator: torch.Generator
) -> None:
    """Removes what error of single attributes is left; nodes of one symbol are taken together."""
    network.eval()
    drawn, classes = [], []
    for rows in torch.randint(len(points), FITTED, generator=generator):
        data = prior.take(torch.randint(prior.scenes, rows.shape, generator=generator), labels[rows])
        noise = network.draw_noise(len(data.values), generator)
        drawn.append(prior.columns(network.before_margins(data, noise)))
        classes.append(prior.column_classes(data))
    ours, our_classes = torch.cat(drawn), torch.cat(classes)
    classes_wanted = prior.column_classes(prior.take(torch.zeros(len(points), dtype=torch.long), labels))
    node, attribute = prior.cells.T
    symbol = prior.data.symbol[node]
    for s, a in {*zip(symbol.tolist(), attribute.tolist(), strict=True)}:
        columns = (symbol == s) & (attribute == a)
        pairs = ((ours, our_classes), (points, classes_wanted))
        network.margins.fit(s, a, *((x[:, columns].flatten(), k[:, columns].flatten()) for x, k in pairs))


def _one_hot(labels: Tensor, layout: SceneLayout) -> Tensor:
    parts = [
        torch.nn.functional.one_hot(labels[:, c], len(choice.classes)).float()
        for c, choice in enumerate(layout.choices)
    ]
    return torch.cat(parts, dim=1) if parts else torch.zeros(len(labels), 0)


def new_network(grammar: SceneGrammar, seed: int) -> AttributeNetwork:
    """An attribute network with weights drawn from the seed."""
    with seeded_layers(seed, "reconstruct/weights"):
        return AttributeNetwork(grammar.schema)
