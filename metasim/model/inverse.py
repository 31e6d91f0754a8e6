"""InverseNetwork: image to a posterior over each attribute and class of its scene."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from metasim.model.halves import Seen
from metasim.model.posterior import AutoregressivePosterior
from metasim.model.trunk import CLOSE_WIDTH, GLOBAL_WIDTH, LEVELS, CloseLook, Trunk, levels
from metasim.scene.layout import SceneLayout

BINS = 64
DROPOUT = 0.25  # on what the heads read: banks are small, and the heads overfit before the trunk has learnt


@dataclass(frozen=True)
class View:
    """How the objects appear in the bank, which decides what the network looks at closely.

    Attributes:
        objects: Names of the nodes that are seen as objects, in node order.
        extent: Width and height of a crop that holds one, as a share of the image's.
        pixels: Side of the crop in pixels of the network's input.
    """

    objects: tuple[str, ...]
    extent: tuple[float, float]
    pixels: int


@dataclass(frozen=True)
class Reading:
    """What the network makes of a batch of images.

    Attributes:
        columns: D tensors (B, width): the features each attribute is read from.
        class_logits: C tensors (B, classes), one for each choice.
        bins: (B, D, BINS) logits of the auxiliary histograms.
        centres: (B, V, 2) where the objects are, on [0, 1].
        maps: (B, V, h, w) scores of the places where each may be.
    """

    columns: list[Tensor]
    class_logits: list[Tensor]
    bins: Tensor
    centres: Tensor
    maps: Tensor

    @property
    def summary(self) -> Tensor:
        """(B, F) what the image says in one vector: the features of all attributes, each once."""
        return torch.cat([*{id(c): c for c in self.columns}.values()], dim=1)


class InverseNetwork(nn.Module):
    """Reads the attributes of a scene from its image. Built from the layout; knows no experiment.

    Each attribute is read from the whole image and from a close look at its node. Nodes without an
    appearance of their own, such as cameras and lights, are read from a look at all objects, and from how
    bright the image is.

    Args:
        layout: Columns and choices of the scenes.
        view: Which nodes are objects, and how large they appear.
    """

    def __init__(self, layout: SceneLayout, view: View) -> None:
        super().__init__()
        self.layout, self.view = layout, view
        objects = len(view.objects)
        self.trunk = Trunk(objects)
        self.close = CloseLook(view.extent, view.pixels) if objects else None
        self.class_heads = nn.ModuleList(
            nn.Linear(self._width(choice.node), len(choice.classes)) for choice in layout.choices
        )
        widths = [self._width(column.node) for column in layout.columns]
        self.bin_heads = nn.ModuleList(nn.Linear(width, BINS) for width in widths)
        self.dropout = nn.Dropout(DROPOUT)
        periodic = [column.spec.periodic for column in layout.columns]
        self.posterior = AutoregressivePosterior(
            widths,
            periodic,
            sum(layout.class_numbers),
            _drawing_order(layout, view),
            gated=True,
        )

    def forward(self, images: Tensor, centres: Tensor | None = None) -> Reading:
        """Reads images.

        Args:
            images: (B, H, W, 3) uint8, or float on [0, 255].
            centres: (B, V, 2) where to look closely; by default, and where they are NaN, where the trunk
                sees the objects.
        """
        return self.read(self.see(images, centres))

    def see(self, images: Tensor, centres: Tensor | None = None) -> Seen:
        """What is seen in images; arguments are those of :meth:`forward`."""
        pixels = images.movedim(-1, 1).float() / 64 - 2
        whole, found, maps = self.trunk(pixels)
        own = found.detach()
        look = own if centres is None else torch.where(centres.isnan(), own, centres)
        close = self.close(pixels, look) if self.close else whole.new_empty(len(whole), 0, CLOSE_WIDTH)
        return Seen(whole, close, look, found, maps, levels(pixels))

    def read(self, seen: Seen) -> Reading:
        """What is made of it."""
        by_node = {node: self.dropout(features) for node, features in self._by_node(seen).items()}
        # After the dropout, since a few numbers without which there is no light are not to be guessed at.
        by_node[""] = torch.cat([by_node[""], seen.levels], dim=1)
        columns = [by_node.get(column.node, by_node[""]) for column in self.layout.columns]
        logits = [
            head(by_node.get(choice.node, by_node[""])).float()
            for head, choice in zip(self.class_heads, self.layout.choices, strict=True)
        ]
        bins = torch.stack([head(x).float() for head, x in zip(self.bin_heads, columns, strict=True)], dim=1)
        return Reading(columns, logits, bins, seen.centres, seen.maps)

    def _width(self, node: str) -> int:
        """Of the features that a node is read from."""
        close = CLOSE_WIDTH + 2 if self.close else 0
        return GLOBAL_WIDTH + close + (0 if node in self.view.objects else LEVELS)

    def _by_node(self, seen: Seen) -> dict[str, Tensor]:
        """(B, .) features by object, and under ``""`` those of all other nodes."""
        whole = seen.whole.float()
        if self.close is None:
            return {"": whole}
        near = torch.cat([seen.close.float(), 4 * (seen.looked - 0.5)], dim=2)
        features = {name: torch.cat([whole, near[:, v]], dim=1) for v, name in enumerate(self.view.objects)}
        features[""] = torch.cat([whole, near.mean(1)], dim=1)
        return features

    def seeing(self) -> list[nn.Parameter]:
        """Weights that work on images and on maps of them; all others work on features."""
        trunk = self.trunk
        layers = [trunk.convolutions, trunk.maps, trunk.grid, *([self.close] if self.close else [])]
        return [weight for layer in layers for weight in layer.parameters()]

    def one_hot(self, classes: Tensor) -> Tensor:
        """(n, sum of classes) one-hot of (n, C) class indices."""
        parts = [
            nn.functional.one_hot(classes[:, c], len(choice.classes)).float()
            for c, choice in enumerate(self.layout.choices)
        ]
        return torch.cat(parts, dim=1) if parts else torch.zeros(len(classes), 0, device=classes.device)

    def sample(self, reading: Reading, draws: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Joint posterior draws: classes first, then the attributes given them.

        Returns:
            (B, draws, D) attributes on [0, 1] and (B, draws, C) class indices.
        """
        batch = len(reading.bins)
        picked = [
            torch.multinomial(logits.softmax(-1).cpu(), draws, True, generator=generator)
            for logits in reading.class_logits
        ]
        drawn = torch.stack(picked, dim=-1) if picked else torch.zeros(batch, draws, 0, dtype=torch.long)
        classes = drawn.to(reading.bins.device)
        units = self.posterior.sample(reading.columns, self.one_hot(classes.flatten(0, 1)), generator)
        return units.unflatten(0, (batch, draws)), classes


def _drawing_order(layout: SceneLayout, view: View) -> list[int]:
    """Camera and light before objects, angles last in each node: easy before hard."""
    nodes = list(layout.node_names)
    return sorted(
        range(len(layout.columns)),
        key=lambda j: (
            layout.columns[j].node in view.objects,
            nodes.index(layout.columns[j].node),
            layout.columns[j].spec.periodic,
        ),
    )
