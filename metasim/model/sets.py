"""SetNetwork: image to a set of objects, each with its presence, kind and attributes, and to the scenery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from metasim.model.counting import number_law
from metasim.model.posterior import AutoregressivePosterior
from metasim.model.trunk import convolution, coordinates

CHANNELS = 64
WIDTH = 160
STRIDE = 4
REACH = 1.5  # how far, in queries, an object may lie from the one that answers for it
TOP = 16  # queries that an image's objects are read from
DROPOUT = 0.25
LEVELS = 6  # mean and spread of three colours
GRID = 8  # cells a side in which the whole image is seen
RARE = -4.0  # first logit of presence: few queries see an object
LEAST_CHANCE = 1e-4  # of a number, told from the queries


@dataclass(frozen=True)
class Makeup:
    """What numbers of objects consist of, where these are of several symbols.

    Attributes:
        symbol_of: (K,) symbol of each kind.
        tallies: (T, S) objects of each symbol in each combination of numbers.
    """

    symbol_of: Tensor
    tallies: Tensor


@dataclass(frozen=True)
class Sight:
    """What the network sees in a batch of images.

    Attributes:
        presence: (B, Q) logits: whether a query sees an object.
        places: (B, Q, 2) where, x and y on [0, 1].
        near: (B, C, H, W) features around the queries.
        tallies: (B, T) logits of how many objects of each symbol there are.
        whole: (B, WIDTH) features of the whole image; no width where no scenery is read.
    """

    presence: Tensor
    places: Tensor
    near: Tensor
    tallies: Tensor
    whole: Tensor


class SetNetwork(nn.Module):
    """A one-stage set predictor: every place of a feature map is a query that may answer for one object.

    Presence and place are told at every query; kind and attributes only where they are asked for, from
    the features around the query. How many objects there are is told from the whole image besides: of an
    object split between two queries each is unsure, but not the image. Where objects are of several
    symbols there are too many combinations to be told from the whole image alone, and the chances of the
    surest queries, by symbol, are counted besides.

    Args:
        kinds: How many kinds of objects there are.
        periodic: Which of the attributes wrap.
        tallies: How many combinations of numbers of objects there are.
        scenery: Which of the attributes of the scenery wrap; they are read off the whole image.
        makeup: What the combinations consist of; ``None`` where all objects are of one symbol.
    """

    sharpness: Tensor

    def __init__(
        self,
        kinds: int,
        periodic: list[bool],
        tallies: int,
        scenery: Sequence[bool] = (),
        makeup: Makeup | None = None,
    ) -> None:
        super().__init__()
        self.kinds, self.makeup = kinds, makeup
        if makeup is not None:
            self.trust = nn.Parameter(torch.zeros(()))  # in what is counted
        self.register_buffer("sharpness", torch.ones(2))  # of numbers and of kinds, calibrated
        self.convolutions = nn.Sequential(
            convolution(3, 24, 5, stride=2),
            convolution(24, 48, 3, stride=2),
            convolution(48, CHANNELS, 3),
            convolution(CHANNELS, CHANNELS, 3),
            convolution(CHANNELS, CHANNELS, 3, dilation=2),
        )
        self.answer = nn.Sequential(convolution(CHANNELS, 32, 3), nn.Conv2d(32, 3, 1))
        self.count = nn.Sequential(
            nn.Linear(TOP + 1 + 2 * CHANNELS, 96), nn.SiLU(), nn.Dropout(DROPOUT), nn.Linear(96, tallies)
        )
        self.look = nn.Sequential(nn.Linear(9 * CHANNELS, WIDTH), nn.LayerNorm(WIDTH), nn.SiLU())
        self.kind = nn.Linear(WIDTH, kinds)
        self.dropout = nn.Dropout(DROPOUT)
        self.posterior = AutoregressivePosterior(
            [WIDTH + 2] * len(periodic), periodic, kinds, _linear_first(periodic)
        )
        self.around = WholeImage() if scenery else None
        self.scenery = AutoregressivePosterior(
            [WIDTH] * len(scenery), list(scenery), 0, _linear_first(scenery)
        )
        last = self.answer[1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.copy_(torch.tensor([RARE, 0.0, 0.0]))

    def forward(self, images: Tensor) -> Sight:
        """Looks at (B, H, W, 3) images, uint8 or float on [0, 255]."""
        images = images.movedim(-1, 1).float() / 64 - 2
        features = self.convolutions(images)
        logits, x, y = self.answer(features).float().flatten(2).unbind(1)
        size = (features.shape[2], features.shape[3])
        spacing = torch.tensor([1 / size[1], 1 / size[0]], device=x.device)
        shift = REACH * torch.tanh(torch.stack([x, y], dim=-1)) * spacing
        places = coordinates(size, x.device).flatten(1).T + shift
        features = features.float()
        chances = logits.sigmoid()
        best = nn.functional.pad(chances, (0, TOP)).topk(TOP, dim=1).values
        crowd = torch.cat(
            [best, chances.sum(1, keepdim=True), features.amax((2, 3)), features.mean((2, 3))], 1
        )
        tallies = self.count(crowd)
        if self.around is None:
            whole = features.new_zeros(len(images), 0)
        else:
            whole = self.dropout(self.around(features, images))
        sight = Sight(logits, places, features, tallies, whole)
        if self.makeup is None:
            return sight
        return replace(sight, tallies=tallies + self.trust * self._counted(sight, self.makeup))

    @torch.no_grad()
    def _counted(self, sight: Sight, makeup: Makeup) -> Tensor:
        """(B, T) log probability of each combination of numbers, were all queries independent."""
        surest, queries = sight.presence.topk(min(TOP, sight.presence.shape[1]), dim=1)
        image = torch.arange(len(queries), device=queries.device).repeat_interleave(queries.shape[1])
        kinds = self.kind(self._look(sight, image, queries.flatten())).float().softmax(1)
        symbol_of, tallies = (table.to(kinds.device) for table in (makeup.symbol_of, makeup.tallies))
        shares = kinds @ nn.functional.one_hot(symbol_of, tallies.shape[1]).float()
        chances = surest.sigmoid()[..., None] * shares.unflatten(0, queries.shape)
        logs = number_law(chances.mT).clamp(min=LEAST_CHANCE).log()
        numbers = tallies.clamp(max=queries.shape[1])
        return sum(
            (logs[:, s, column] for s, column in enumerate(numbers.T)), torch.zeros_like(sight.tallies)
        )

    def read(self, sight: Sight, images: Tensor, queries: Tensor) -> tuple[Tensor, Tensor]:
        """What some queries see.

        Args:
            sight: What is seen in the images.
            images: (n,) in which image each query is asked.
            queries: (n,) the query.

        Returns:
            (n, kinds) logits, and (n, WIDTH + 2) what attributes are read from.
        """
        seen = self.dropout(self._look(sight, images, queries))
        place = 4 * (sight.places[images, queries] - 0.5)
        return self.kind(seen).float(), torch.cat([seen.float(), place.detach()], dim=1)

    def _look(self, sight: Sight, images: Tensor, queries: Tensor) -> Tensor:
        """(n, WIDTH) what is seen around some queries."""
        width = sight.near.shape[3]
        padded = nn.functional.pad(sight.near, (1, 1, 1, 1))
        y, x = queries // width, queries % width
        around = [padded[images, :, y + dy, x + dx] for dy in range(3) for dx in range(3)]
        return self.look(torch.cat(around, dim=1))

    @staticmethod
    def spacing(sight: Sight) -> float:
        """Distance of neighbouring queries along the longer side."""
        return 1 / max(sight.near.shape[2:])

    def one_hot(self, kinds: Tensor) -> Tensor:
        """(n, kinds) one-hot kinds."""
        return nn.functional.one_hot(kinds, self.kinds).float()


class WholeImage(nn.Module):
    """Features of the whole image, where in it they are kept coarsely, and how bright it is.

    The features are normalised image by image: light would be told by what is left at the edges, if at all.

    Shapes:
        (B, CHANNELS, h, w) features of (B, 3, H, W) images to (B, WIDTH).
    """

    def __init__(self) -> None:
        super().__init__()
        self.grid = nn.Sequential(nn.Conv2d(CHANNELS, 16, 1), nn.AdaptiveAvgPool2d(GRID), nn.Flatten())
        self.mix = nn.Sequential(
            nn.Linear(16 * GRID * GRID + 2 * CHANNELS + LEVELS, WIDTH), nn.LayerNorm(WIDTH), nn.SiLU()
        )

    def forward(self, features: Tensor, images: Tensor) -> Tensor:
        """The cells, mean and maximum of each channel, and mean and spread of each colour."""
        levels = [images.mean((2, 3)), images.std((2, 3))]
        parts = [self.grid(features), features.mean((2, 3)), features.amax((2, 3)), *levels]
        return self.mix(torch.cat(parts, 1))


def _linear_first(periodic: Sequence[bool]) -> list[int]:
    """In which order attributes are drawn: easy before hard."""
    return sorted(range(len(periodic)), key=lambda j: periodic[j])
