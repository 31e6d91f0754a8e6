"""Segmentation: networks that learn which pixels show what from one set of views, tested on another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from metasim.base.precision import reduced_precision
from metasim.base.streams import seeded_layers, stream
from metasim.matching.bank import Scenes
from metasim.model.segmentation_network import SegmentationNetwork
from metasim.rendering.protocol import Pass
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array
from metasim.stats.overlap import intersection_over_union

BATCH = 32
RATE = 4e-3
WEIGHT_DECAY = 1e-2
AT_ONCE = 250


@dataclass(frozen=True)
class Views:
    """Images and what their pixels show.

    Attributes:
        images: (n, H, W, 3) uint8.
        labels: (n, H, W) index of the class, 0 for the background.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    @classmethod
    def of(cls, scenes: Scenes, graphs: list[SceneGraph], stage: str, classes: Sequence[str]) -> Views:
        """Renders scenes; those that fail are left out.

        Args:
            scenes: How they are rendered.
            graphs: The scenes.
            stage: What they are for.
            classes: Names of the classes after the background; what is of none of them is background.
        """
        frames = scenes.frames(graphs, {Pass.RGB, Pass.INSTANCE}, stage, 0)
        images, labels = [], []
        for graph, frame in zip(graphs, frames, strict=True):
            if frame is not None:
                known = [classes.index(n.cls) + 1 if n.cls in classes else 0 for n in graph.nodes]
                images.append(np.asarray(frame[Pass.RGB], dtype=np.uint8))
                labels.append(np.array([0, *known])[np.asarray(frame[Pass.INSTANCE], dtype=np.int64)])
        return cls(np.stack(images), np.stack(labels))


def learn(
    views: Views,
    classes: int,
    steps: int,
    seed: int,
    device: torch.device,
    watch: Callable[[int], None],
) -> SegmentationNetwork:
    """A network that has learnt from views, by one cycle of the learning rate.

    Args:
        views: What it learns from.
        classes: Number of classes, the background among them.
        steps: Optimiser steps.
        seed: Root seed of weights and batches.
        device: Where it lives.
        watch: Told of each step.
    """
    with seeded_layers(seed, "bench/segmentation/weights"):
        network = SegmentationNetwork(classes).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.15)
    network.train()
    for step in range(steps):
        rows = stream(seed, "bench/segmentation", step).integers(len(views.images), size=BATCH)
        images, labels = (torch.from_numpy(part[rows]).to(device) for part in (views.images, views.labels))
        loss = cross_entropy(_logits(network, images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        watch(1)
    return network


@torch.no_grad()
def overlaps(network: SegmentationNetwork, views: Views, classes: int, device: torch.device) -> Array:
    """(classes,) intersection over union of what a network says of views with the truth."""
    network.eval()
    parts = np.array_split(views.images, max(1, len(views.images) // AT_ONCE))
    found = [_logits(network, torch.from_numpy(part).to(device)).argmax(1).cpu().numpy() for part in parts]
    return intersection_over_union(views.labels, np.concatenate(found), classes)


def _logits(network: SegmentationNetwork, images: Tensor) -> Tensor:
    with reduced_precision(images.device):
        return network(images).float()
