"""Painting sprites onto canvases, differentiable in their pose."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import grid_sample


@dataclass(frozen=True)
class Pose:
    """Where B sprites lie; every field is a (B,) tensor.

    Attributes:
        x: Centre, pixels from the left edge of the canvas.
        y: Centre, pixels from the upper edge.
        yaw: Turn in degrees, counter-clockwise as the image is seen.
        scale: Canvas pixels a sprite pixel.
    """

    x: torch.Tensor
    y: torch.Tensor
    yaw: torch.Tensor
    scale: torch.Tensor


def paint(sprites: torch.Tensor, pose: Pose, size: tuple[int, int]) -> torch.Tensor:
    """Draws each sprite on a canvas of its own by bilinear sampling, empty around it.

    Pixel centres lie at half-integers, so a sprite with an even number of pixels, unturned at a whole
    position, is copied as it is. Each canvas is computed by itself: the company in a batch changes nothing.

    Args:
        sprites: (B, h, w) ink, floating.
        pose: Poses of the B sprites, of the same type.
        size: Height and width of the canvas.

    Returns:
        (B, H, W) ink.
    """
    height, width = size
    columns = torch.arange(width, dtype=sprites.dtype) + 0.5
    rows = torch.arange(height, dtype=sprites.dtype) + 0.5
    dx = columns - pose.x[:, None]
    dy = rows - pose.y[:, None]
    turn = torch.deg2rad(pose.yaw)
    cos, sin = (torch.cos(turn) / pose.scale)[:, None], (torch.sin(turn) / pose.scale)[:, None]
    u = (cos * dx)[:, None, :] - (sin * dy)[:, :, None]
    v = (sin * dx)[:, None, :] + (cos * dy)[:, :, None]
    half_height, half_width = sprites.shape[-2] / 2, sprites.shape[-1] / 2
    grid = torch.stack([u / half_width, v / half_height], dim=-1)
    return grid_sample(sprites[:, None], grid, padding_mode="zeros", align_corners=False)[:, 0]
