"""Features of images that no experiment has trained: for kernel distances beside the inverse network's."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from metasim.base.streams import torch_stream

CHANNELS = (24, 48)
GRID = 4
PIXELS = 16


class RandomConvolutions:
    """Two layers of fixed random filters, pooled on a coarse grid, a block of features a layer.

    Position and angle of an object move these features; deep pooled ones would hide them.

    Args:
        seed: Seed of the filters.
    """

    def __init__(self, seed: int) -> None:
        generator = torch_stream(seed, "features/filters")
        widths = (3, *CHANNELS)
        self._filters = [
            torch.randn(out, into, 5, 5, generator=generator) / (into * 25) ** 0.5
            for into, out in pairwise(widths)
        ]

    def __call__(self, images: npt.NDArray[np.uint8]) -> list[Tensor]:
        """One (n, width) block for each layer of (n, H, W, 3) images."""
        parts = [
            self._blocks(torch.from_numpy(p)) for p in np.array_split(images, max(1, len(images) // 250))
        ]
        return [torch.cat(block) for block in zip(*parts, strict=True)]

    def _blocks(self, images: Tensor) -> list[Tensor]:
        x = images.movedim(-1, 1).float() / 128 - 1
        blocks = []
        for filters in self._filters:
            x = torch.relu(nn.functional.conv2d(x, filters, stride=2, padding=2))
            blocks.append(nn.functional.adaptive_avg_pool2d(x, GRID).flatten(1))
        return blocks


class BlurredPixels:
    """The image itself on a coarse grid: the plainest features there are, in one block."""

    def __call__(self, images: npt.NDArray[np.uint8]) -> list[Tensor]:
        """One (n, 768) block of (n, H, W, 3) images, on [0, 1]."""
        pixels = torch.from_numpy(images).movedim(-1, 1).float() / 255
        return [nn.functional.adaptive_avg_pool2d(pixels, PIXELS).flatten(1)]
