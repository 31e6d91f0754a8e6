"""Posterior: an autoregressive mixture density over the attributes of a scene, given image features."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

MIN_SCALE = 2e-3  # of the range: below the resolution of any render, and keeps the density finite
WIDEST_TURN = 0.4  # of a turn: wider is uniform, and the density counts one turn to either side
ENCODING = 3
GATE = 0.5  # spread of the gates to begin with


def encode(units: Tensor, periodic: bool) -> Tensor:
    """(n,) attribute on [0, 1] to (n, 3) smooth inputs of a network."""
    if periodic:
        turn = 2 * math.pi * units
        return torch.stack([turn.cos(), turn.sin(), (2 * turn).sin()], dim=-1)
    centred = 4 * (units - 0.5)
    return torch.stack([centred, centred**2, centred**3 / 4], dim=-1)


class MixtureHead(nn.Module):
    """Density of one attribute on [0, 1]: a mixture of normals, wrapped if the attribute is periodic.

    A share of the mass, learnt and calibrated, is spread evenly, so that an image that misleads the
    network costs a few nats and not its whole posterior.

    Args:
        inputs: Width of the conditioning vector.
        periodic: Whether 0 and 1 are the same value.
        hidden: Width of the hidden layer.
        components: Number of normals.
        gates: Which of the inputs are one-hot classes, each of which scales and shifts the hidden layer in
            its own way. Among hundreds of other inputs they are hardly heard: what is a nine, or a six
            turned by half, would then lie the same way whichever of the two it is taken for.

    References:
        Gates: Perez, Strub, de Vries, Dumoulin and Courville, "FiLM: Visual Reasoning with a General
        Conditioning Layer", AAAI 2018.
    """

    home: Tensor
    widen: Tensor
    floor: Tensor

    def __init__(
        self, inputs: int, periodic: bool, hidden: int = 128, components: int = 8, gates: range = range(0)
    ) -> None:
        super().__init__()
        self.periodic, self.gates = periodic, gates
        self.net = nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, 3 * components + 1))
        self.register_buffer("home", (torch.arange(components) + 0.5) / components)
        self.register_buffer("widen", torch.ones(()))
        self.register_buffer("floor", torch.tensor(1e-3))
        with torch.no_grad():
            last = self.net[2]
            assert isinstance(last, nn.Linear)
            last.weight.mul_(0.1)
        if gates:
            self.gate = nn.Linear(len(gates), 2 * hidden, bias=False)
            nn.init.normal_(self.gate.weight, std=GATE)

    def parameters_of(self, given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(n, K + 1) log weights, the last of the even share, and (n, K) means and standard deviations."""
        return self._law(self.net[0](given), given[:, self.gates.start : self.gates.stop])

    def _law_beside(self, given: Tensor, beside: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same of (m, .) vectors, to each of which draws are added in turn: (n, .) what they see besides.

        What the first layer makes of a vector is the same for all of its draws, and most of the work.
        """
        first = self.net[0]
        assert isinstance(first, nn.Linear)
        width = given.shape[1]
        alone = linear(given, first.weight[:, :width], first.bias)
        own = linear(beside, first.weight[:, width:]).unflatten(0, (len(given), -1))
        hidden = (alone[:, None] + own).flatten(0, 1)
        return self._law(hidden, beside[:, self.gates.start - width : self.gates.stop - width])

    def _law(self, hidden: Tensor, classes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self.gates:
            factor, offset = self.gate(classes).chunk(2, dim=-1)
            hidden = hidden * (1 + factor) + offset
        out, count = self.net[1:](hidden).float(), len(self.home)
        learnt = out[:, : count + 1].log_softmax(-1)
        even = torch.cat([torch.full_like(self.home, -math.inf), self.floor.log()[None]])
        log_weight = torch.logaddexp(learnt + torch.log1p(-self.floor), even)
        shift, log_scale = out[:, count + 1 :].chunk(2, dim=-1)
        scale = self.widen * (MIN_SCALE + 0.15 * torch.exp(log_scale.clamp(-6, 3)))
        if self.periodic:
            scale = scale.clamp(max=WIDEST_TURN)
        return log_weight, self.home + 0.25 * shift, scale

    def log_prob(self, value: Tensor, given: Tensor) -> Tensor:
        """(n,) log densities of (n,) values on [0, 1]."""
        log_weight, mean, scale = self.parameters_of(given)
        distance = value[:, None] - mean
        if self.periodic:
            distance = distance - distance.round().detach()
            turns = distance[..., None] + torch.tensor([-1.0, 0.0, 1.0], device=value.device)
            exponent = torch.logsumexp(-0.5 * (turns / scale[..., None]) ** 2, dim=-1)
        else:
            exponent = -0.5 * (distance / scale) ** 2
        normals = exponent - scale.log() - 0.5 * math.log(2 * math.pi)
        return torch.logsumexp(log_weight + nn.functional.pad(normals, (0, 1)), dim=-1)

    def sample(self, given: Tensor, beside: Tensor, generator: torch.Generator) -> Tensor:
        """(n,) draws on [0, 1], as many in turn for each of (m, .) vectors, that see (n, .) besides."""
        # Drawn where the generator is, which is the processor whatever the network is on.
        log_weight, mean, scale = (part.cpu() for part in self._law_beside(given, beside))
        k = torch.multinomial(log_weight.exp(), 1, generator=generator)
        even = k == len(self.home)
        k = k.clamp(max=len(self.home) - 1)
        noise = torch.randn(len(k), 1, generator=generator)
        value = mean.gather(1, k) + scale.gather(1, k) * noise
        value = torch.where(even, torch.rand(value.shape, generator=generator), value)
        return (value - value.floor() if self.periodic else value.clamp(0, 1))[:, 0].to(given.device)


class AutoregressivePosterior(nn.Module):
    r"""Joint density :math:`q(\theta \mid x, c) = \prod_j q(\theta_j \mid \theta_{<j}, x, c)`.

    A continuous mixture in each step: bins would lose the correlation and the spread that the matching
    is after (a histogram's own width is deconvolved away with the posterior's).

    Args:
        feature_widths: Width of the features that each of the D attributes is read from.
        periodic: Which attributes wrap.
        class_width: Width of the one-hot classes that every step sees.
        order: Permutation of the attributes: which is drawn first.
        gated: Whether the classes gate what is seen, or are inputs as others are.
    """

    def __init__(
        self,
        feature_widths: list[int],
        periodic: list[bool],
        class_width: int,
        order: list[int],
        gated: bool = False,
    ) -> None:
        super().__init__()
        self.order = order
        self.periodic = periodic
        heads = []
        for j, width in enumerate(feature_widths):
            inputs = width + class_width + ENCODING * order.index(j)
            gates = range(width, width + class_width) if gated else range(0)
            heads.append(MixtureHead(inputs, periodic[j], gates=gates))
        self.heads = nn.ModuleList(heads)

    def head(self, j: int) -> MixtureHead:
        """The density of attribute j."""
        head = self.heads[j]
        assert isinstance(head, MixtureHead)
        return head

    def log_probs(self, units: Tensor, features: list[Tensor], classes: Tensor) -> Tensor:
        """(n, D) log density of each attribute given those before it.

        Args:
            units: (n, D) attributes on [0, 1].
            features: D tensors (n, width).
            classes: (n, class_width) one-hot classes.
        """
        columns: list[Tensor] = [units.new_empty(0)] * units.shape[1]
        before: list[Tensor] = []
        for j in self.order:
            given = torch.cat([features[j], classes, *before], dim=1)
            columns[j] = self.head(j).log_prob(units[:, j], given)
            before.append(encode(units[:, j], self.periodic[j]))
        return torch.stack(columns, dim=1)

    def sample(self, features: list[Tensor], classes: Tensor, generator: torch.Generator) -> Tensor:
        """(n, D) draws on [0, 1].

        Args:
            features: D tensors (m, width).
            classes: (n, class_width) one-hot classes; as many draws in turn for each row of the features.
            generator: Where the randomness comes from.
        """
        columns: list[Tensor] = [classes.new_empty(0)] * len(self.order)
        before: list[Tensor] = []
        for j in self.order:
            beside = torch.cat([classes, *before], dim=1)
            columns[j] = self.head(j).sample(features[j], beside, generator)
            before.append(encode(columns[j], self.periodic[j]))
        return torch.stack(columns, dim=1)
