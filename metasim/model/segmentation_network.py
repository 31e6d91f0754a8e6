"""SegmentationNetwork: a class for each pixel, by a small U-Net."""

from __future__ import annotations

import torch
from torch import Tensor, nn

WIDTHS = (16, 32, 64)


class SegmentationNetwork(nn.Module):
    """Convolutions down two halvings and up again, each level with what was seen on the way down.

    Args:
        classes: Classes of the pixels.

    Shapes:
        (B, H, W, 3) images on [0, 255] to (B, classes, H, W) logits; H and W are multiples of 4.

    References:
        Ronneberger, Fischer and Brox, "U-Net: convolutional networks for biomedical image segmentation",
        MICCAI 2015.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        first, *deeper = WIDTHS
        self.first = _block(3, first)
        self.down = nn.ModuleList(_block(a, b) for a, b in zip(WIDTHS, deeper, strict=False))
        self.up = nn.ModuleList(_block(a + b, a) for a, b in zip(WIDTHS, deeper, strict=False))
        self.last = nn.Conv2d(first, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """What the network says of each pixel."""
        x = self.first(images.movedim(-1, 1).float() / 64 - 2)
        seen = []
        for block in self.down:
            seen.append(x)
            x = block(nn.functional.max_pool2d(x, 2))
        for block, before in zip(reversed(self.up), reversed(seen), strict=True):
            larger = nn.functional.interpolate(x, scale_factor=2.0)
            x = block(torch.cat([larger, before], 1))
        return self.last(x)


def _block(channels: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs in (channels, width):
        layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers)
