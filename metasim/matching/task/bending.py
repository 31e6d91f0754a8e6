"""Bending: small turns, shifts, scales and elastic changes of images, which leave classes what they are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

TURN = 0.12  # radians
SCALE = 0.08
SHEAR = 0.08
SHIFT = 0.06  # of the image's half side
ELASTIC = 0.05  # of the half side
KNOTS = 6  # of the elastic field, to each side


def bend(images: Tensor, generator: torch.Generator) -> Tensor:
    """Bends each image in a way of its own.

    Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual
    document analysis" (2003); here the field is a coarse one, enlarged bicubically.

    Args:
        images: (B, H, W, 3) float.
        generator: Where the randomness comes from.

    Returns:
        (B, H, W, 3) float; what comes from beyond the edge repeats it.
    """
    count, height, width = images.shape[:3]

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).clamp(-2, 2)

    matrices = torch.zeros(count, 2, 3)
    matrices[:, 0, 0], matrices[:, 1, 1] = (1 + SCALE * normal(2, count)).unbind()
    turn = TURN * normal(count)
    matrices[:, 0, 1], matrices[:, 1, 0] = -turn + SHEAR * normal(count), turn
    matrices[:, :, 2] = SHIFT * normal(count, 2)
    field = ELASTIC * normal(count, 2, KNOTS, KNOTS)
    field = interpolate(field, (height, width), mode="bicubic", align_corners=True).movedim(1, -1)
    grid = affine_grid(matrices, [count, 3, height, width], align_corners=False) + field
    bent = grid_sample(
        images.movedim(-1, 1), grid.to(images.device), padding_mode="border", align_corners=False
    )
    return bent.movedim(1, -1)
