"""Appearance: small random changes of training images, so that a target's look does not mislead."""

from __future__ import annotations

import torch
from torch import Tensor


def vary_appearance(images: Tensor, generator: torch.Generator) -> Tensor:
    """Adds gain, offset and noise of random strength to each image.

    Args:
        images: (B, H, W, 3) uint8.
        generator: Where the randomness comes from.

    Returns:
        (B, H, W, 3) float on about [0, 255].
    """
    batch = (len(images), 1, 1, 1)
    gain = 1 + 0.05 * torch.randn(batch, generator=generator)
    offset = 6.0 * torch.randn(batch, generator=generator)
    strength = 12.0 * torch.rand(batch, generator=generator)
    noise = strength * torch.randn(images.shape, generator=generator)
    return images.float() * gain + offset + noise
