"""AttributeNetwork: the graph network that rewrites a scene's mutable attributes."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch_geometric.utils import scatter

from metasim.model.margins import Margins
from metasim.scene.encoding import SceneData
from metasim.scene.schema import SceneSchema

ENCODING = 3  # numbers per attribute: linear value, cosine, sine


class SceneConv(nn.Module):
    r"""Gated message passing on a scene tree, with weights of their own for each direction.

    .. math:: h_i \leftarrow h_i + g_i \odot \phi\Big(W_0 h_i + W_\downarrow h_{p(i)}
              + \tfrac{1}{|c(i)|}\sum_{j \in c(i)} W_\uparrow h_j\Big), \qquad g_i = \sigma(V h_i)

    where :math:`p(i)` is the parent and :math:`c(i)` are the children of node i.

    Shapes:
        (N, hidden) nodes and (2, E) parent-to-child edges to (N, hidden).
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden)
        self.own = nn.Linear(hidden, hidden)
        self.from_parent = nn.Linear(hidden, hidden, bias=False)
        self.from_children = nn.Linear(hidden, hidden, bias=False)
        self.gate = nn.Linear(hidden, hidden)

    def forward(self, nodes: Tensor, edge_index: Tensor) -> Tensor:
        """One round of messages down and up the tree."""
        h = self.norm(nodes)
        parents, children = edge_index[0], edge_index[1]
        down = _mean_message(self.from_parent(h), parents, children)
        up = _mean_message(self.from_children(h), children, parents)
        update = nn.functional.silu(self.own(h) + down + up)
        return nodes + torch.sigmoid(self.gate(h)) * update


def _mean_message(messages: Tensor, senders: Tensor, receivers: Tensor) -> Tensor:
    """(N, hidden) mean of what each node is sent; zero for those that nothing is sent.

    ``MessagePassing`` does the same by code that it writes into the temporary folder and leaves there.
    """
    return scatter(messages[senders], receivers, dim=0, dim_size=messages.size(0), reduce="mean")


class AttributeNetwork(nn.Module):
    """Prior scene graph and noise in, target-like attributes out: an encoder-decoder of ``SceneConv``.

    Attributes travel on [0, 1] of their range. Periodic ones enter as cosine and sine and leave as the
    angle of a 2-vector, so they have no edge. Others leave as ``centre + scale * output`` cut at the
    range's ends with the gradient passed straight through, so that no output saturates. Every output
    mixes the decoder's value with the input value by a learnt gate, and passes the ``Margins`` of its
    symbol and class last.

    Args:
        schema: Symbols, classes and attributes of the scenes.
        hidden: Width of a node's state.
        latent: Width of a node's code between encoder and decoder.
        noise: Independent normal inputs per node; they carry the spread of the output.
        layers: Message-passing rounds in the encoder and again in the decoder.
    """

    low: Tensor
    span: Tensor
    high: Tensor
    periodic: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(
        self, schema: SceneSchema, hidden: int = 64, latent: int = 32, noise: int = 4, layers: int = 2
    ) -> None:
        super().__init__()
        self.noise_width = noise
        symbols, names = len(schema.symbols), schema.attribute_names
        low, high, periodic = _ranges(schema)
        span = high - low
        self.register_buffer("low", low)
        self.register_buffer("span", span)
        self.register_buffer("high", high, persistent=False)
        self.register_buffer("periodic", periodic)
        self.register_buffer("centre", torch.full((symbols, len(names)), 0.5))
        self.register_buffer("scale", torch.full((symbols, len(names)), 0.25))
        self.margins = Margins(symbols, len(schema.class_names), periodic)
        self.symbol = nn.Embedding(symbols, hidden)
        self.cls = nn.Embedding(len(schema.class_names), hidden)
        self.read = nn.Linear(ENCODING * len(names), hidden)
        self.encoder = nn.ModuleList(SceneConv(hidden) for _ in range(layers))
        self.code = nn.Linear(hidden, latent)
        self.open = nn.Linear(latent + noise, hidden)
        self.decoder = nn.ModuleList(SceneConv(hidden) for _ in range(layers))
        self.write = nn.Sequential(
            nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 4 * len(names))
        )

    def draw_noise(self, nodes: int, generator: torch.Generator) -> Tensor:
        """(nodes, noise) standard normal inputs."""
        return torch.randn(nodes, self.noise_width, generator=generator)

    def decoder_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters behind the code of a scene."""
        for part in (self.open, self.decoder, self.write):
            yield from part.parameters()

    def fit_output(self, symbol: Tensor, units: Tensor, present: Tensor) -> None:
        """Sets centre and scale of the linear outputs to those of a population.

        Args:
            symbol: (N,) symbol of each node.
            units: (N, A) attributes on [0, 1].
            present: (N, A) where an attribute belongs to the population.
        """
        for s in symbol.unique().tolist():
            rows = symbol == s
            for a in torch.nonzero(present[rows].any(0)).flatten().tolist():
                column = units[rows & present[:, a], a]
                self.centre[s, a] = column.mean()
                self.scale[s, a] = column.std(correction=0).clamp(min=0.01)

    def to_units(self, data: SceneData) -> Tensor:
        """(N, A) float32 attributes on [0, 1]; absent ones are 0."""
        units = (data.values - self.low[data.symbol]) / self.span[data.symbol]
        units = torch.where(self.periodic[data.symbol], units - units.floor(), units)
        return (units * data.present).float()

    def forward(self, data: SceneData, noise: Tensor) -> Tensor:
        """(N, A) attributes on [0, 1], immutable ones as they were.

        Args:
            data: A batch of encoded scene graphs.
            noise: (N, noise) standard normal numbers.
        """
        units = self.before_margins(data, noise)
        node, attribute = cells = data.mutable.nonzero(as_tuple=True)
        symbol = data.symbol[node]
        moved = self.margins(units[cells], symbol, data.cls[node], attribute)
        return units.index_put(cells, torch.where(self.periodic[symbol, attribute], moved, _cut(moved)))

    def before_margins(self, data: SceneData, noise: Tensor) -> Tensor:
        """(N, A) attributes before the ``Margins``, some beyond [0, 1]; arguments as of ``forward``.

        Margins are fitted to these: what is cut to the end of a range no map tells apart again.
        """
        units, symbol = self.to_units(data), data.symbol
        periodic, centre, scale = self.periodic[symbol], self.centre[symbol], self.scale[symbol]
        turn = 2 * math.pi * units
        linear = (units - centre) / scale
        encoded = torch.stack(
            [
                torch.where(periodic, 0.0, linear),
                torch.where(periodic, turn.cos(), 0.0),
                torch.where(periodic, turn.sin(), 0.0),
            ],
            dim=-1,
        )
        encoded = encoded * data.present[..., None]
        h = self.symbol(symbol) + self.cls(data.cls) + self.read(encoded.flatten(1))
        for layer in self.encoder:
            h = layer(h, data.edge_index)
        h = self.open(torch.cat([self.code(h), noise], dim=1))
        for layer in self.decoder:
            h = layer(h, data.edge_index)
        cells = data.mutable.nonzero(as_tuple=True)
        value, x, y, gate = self.write(h).unflatten(1, (-1, 4))[cells].unbind(-1)
        linear, cosine, sine = encoded[cells].unbind(-1)
        keep, wraps = torch.sigmoid(gate), periodic[cells]
        moved = centre[cells] + scale[cells] * (value + keep * linear)
        angle = torch.atan2(y + keep * sine, x + keep * cosine) / (2 * math.pi)
        return units.index_put(cells, torch.where(wraps, angle - angle.floor().detach(), moved))

    def rewrite(self, data: SceneData, noise: Tensor) -> Tensor:
        """(N, A) float64 values in each attribute's unit; immutable ones are bit-equal to the input's."""
        return self.to_values(data, self(data, noise))

    def to_values(self, data: SceneData, units: Tensor) -> Tensor:
        """(N, A) float64 values of attributes (N, A) on [0, 1], in each attribute's unit.

        What lies beyond is wrapped or cut; immutable ones are bit-equal to the input's.
        """
        units = units.double()
        periodic = self.periodic[data.symbol]
        units = torch.where(periodic, units - units.floor(), units.clamp(0, 1))
        # low + span can lie a rounding above the end of the range, which the grammar cannot draw.
        values = self.low[data.symbol] + units * self.span[data.symbol]
        values = torch.minimum(values, self.high[data.symbol])
        return torch.where(data.mutable, values, data.values)


def _cut(units: Tensor) -> Tensor:
    """Cuts at [0, 1] in the forward pass; the gradient passes straight through."""
    return units + (units.clamp(0, 1) - units).detach()


def _ranges(schema: SceneSchema) -> tuple[Tensor, Tensor, Tensor]:
    """(symbols, A) low, high and periodic of every attribute; absent ones lie on [0, 1]."""
    shape = (len(schema.symbols), len(schema.attribute_names))
    low, high = torch.zeros(shape, dtype=torch.float64), torch.ones(shape, dtype=torch.float64)
    periodic = torch.zeros(shape, dtype=torch.bool)
    for s, symbol in enumerate(schema.symbols):
        for spec in symbol.attributes:
            a = schema.attribute_names.index(spec.name)
            low[s, a], high[s, a], periodic[s, a] = spec.low, spec.high, spec.periodic
    return low, high, periodic
