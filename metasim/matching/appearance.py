"""Appearance: random changes of training images, so that the bank's looks and noise are not memorised."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

PATCH = 0.3  # side of the patch that is hidden in half of the images, as a share of the image


def vary_appearance(
    images: Tensor, generator: torch.Generator, hide: bool = True, light: float = 1.0
) -> Tensor:
    """Gives each image a gain, an offset, blur and noise of random strength, and hides a patch of some.

    Small banks are memorised within a few hundred steps without this; hiding a patch makes the network
    read a pose off more than one spot.

    Args:
        images: (B, H, W, 3) uint8.
        generator: Where the randomness comes from.
        hide: Whether patches are hidden; not where objects are counted.
        light: Factor on how far gain and offset go. What they change cannot be read as light.

    Returns:
        (B, H, W, 3) float on about [0, 255].
    """
    batch = (len(images), 1, 1, 1)
    x = images.float()
    smooth = avg_pool2d(x.movedim(-1, 1), 3, 1, 1, count_include_pad=False).movedim(1, -1)
    x = torch.lerp(x, smooth, torch.rand(batch, generator=generator).square())
    gain = 1 + light * 0.05 * torch.randn(batch, generator=generator)
    offset = light * 6.0 * torch.randn(batch, generator=generator)
    strength = 25.0 * torch.rand(batch, generator=generator).square()
    grain = torch.randn((*x.shape[:3], 1), generator=generator)  # one draw a pixel: a third of the cost
    x = x * gain + offset + strength * grain
    if not hide:
        return x
    return torch.where(_patches(x.shape, generator), x.mean((1, 2), keepdim=True), x)


def _patches(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """(B, H, W, 1) true where an image's patch lies; every other image has none."""
    batch, height, width = shape[:3]
    corner = torch.rand(2, batch, 1, 1, 1, generator=generator) * (1 - PATCH)
    y = (torch.arange(height).view(1, -1, 1, 1) + 0.5) / height - corner[0]
    x = (torch.arange(width).view(1, 1, -1, 1) + 0.5) / width - corner[1]
    inside = (y > 0) & (y < PATCH) & (x > 0) & (x < PATCH)
    return inside & (torch.rand(batch, 1, 1, 1, generator=generator) < 0.5)
