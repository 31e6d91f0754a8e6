"""What the inverse network sees: a trunk over the whole image and a close look at each object."""

from __future__ import annotations

import torch
from torch import Tensor, nn

GLOBAL_WIDTH = 192
CLOSE_WIDTH = 128
TRUNK_SIDE = 64  # longer sides are averaged down before the trunk; the close look keeps full resolution
LEVELS = 12  # what is read off an image's brightness
KEYPOINTS = 24
GRID = 8
PEAK = 2  # cells to each side of a map's highest that still belong to its peak


def convolution(channels: int, out: int, kernel: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolution that keeps the size but for its stride, normalisation, rectifier."""
    # GroupNorm, never BatchNorm: the target's statistics differ from the bank's.
    padding = dilation * (kernel // 2)
    weights = nn.Conv2d(channels, out, kernel, stride, padding, dilation)
    return nn.Sequential(weights, nn.GroupNorm(4, out), nn.ReLU())


def coordinates(size: tuple[int, int], device: torch.device) -> Tensor:
    """(2, H, W) x and y of the pixel centres on [0, 1]."""
    height, width = size
    y = (torch.arange(height, device=device) + 0.5) / height
    x = (torch.arange(width, device=device) + 0.5) / width
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)])


def soft_argmax(maps: Tensor) -> Tensor:
    """(B, K, H, W) scores to (B, K, 2) expected x and y on [0, 1]."""
    weights = maps.float().flatten(2).softmax(-1)
    return weights @ coordinates((maps.shape[2], maps.shape[3]), maps.device).flatten(1).T


def peak_argmax(maps: Tensor) -> Tensor:
    """(B, K, H, W) scores to (B, K, 2) expected x and y on [0, 1], but of the highest peak alone."""
    height, width = maps.shape[2:]
    top = maps.flatten(2).argmax(-1)[..., None, None]
    rows = torch.arange(height, device=maps.device)[:, None]
    columns = torch.arange(width, device=maps.device)
    near = ((rows - top // width).abs() <= PEAK) & ((columns - top % width).abs() <= PEAK)
    return soft_argmax(maps.masked_fill(~near, -torch.inf))


def levels(images: Tensor) -> Tensor:
    """(B, LEVELS) how bright (B, 3, H, W) images are: mean, spread and highlights of each colour.

    Layers normalise their features image by image, so that light is told there by what is left at the edges.
    Highlights are the brightest pixel and the brightest spot of 3 by 3, since noise raises the former alone.
    """
    spots = nn.functional.avg_pool2d(images, 3, 1)
    parts = images.mean((2, 3)), images.std((2, 3)), images.amax((2, 3)), spots.amax((2, 3))
    return 2 * torch.cat(parts, dim=1)


class Trunk(nn.Module):
    """Convolutions with coordinates, spatial-softmax keypoints and a coarse grid.

    An object has a map of where it may be. One alone is at the map's mean; of several each can be taken
    for another, and between two rivals is nobody, so they are at their maps' peaks.

    Args:
        objects: How many objects to look for.

    Shapes:
        (B, 3, H, W) images to (B, GLOBAL_WIDTH) features, (B, objects, 2) centres on [0, 1] and
        (B, objects, h, w) scores of the maps.
    """

    def __init__(self, objects: int) -> None:
        super().__init__()
        self.objects = objects
        self.convolutions = nn.Sequential(
            convolution(5, 24, 5, stride=2),
            convolution(24, 48, 3, stride=2),
            convolution(48, 48, 3),
            convolution(48, 48, 3, dilation=2),
        )
        self.maps = nn.Conv2d(48, KEYPOINTS + objects, 1)
        self.grid = nn.Sequential(nn.Conv2d(48, 32, 1), nn.AdaptiveAvgPool2d(GRID), nn.Flatten())
        width = 2 * (KEYPOINTS + objects) + 2 * 48 + 32 * GRID * GRID
        self.mix = nn.Sequential(nn.Linear(width, GLOBAL_WIDTH), nn.LayerNorm(GLOBAL_WIDTH), nn.ReLU())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features of the whole image, where the objects are, and where else they may be."""
        if max(images.shape[2:]) > TRUNK_SIDE:
            scale = TRUNK_SIDE / max(images.shape[2:])
            images = nn.functional.interpolate(images, scale_factor=scale, mode="area")
        place = coordinates((images.shape[2], images.shape[3]), images.device).to(images.dtype)
        x = self.convolutions(torch.cat([images, place.expand(len(images), -1, -1, -1)], dim=1))
        maps = self.maps(x)
        points = soft_argmax(maps)
        parts = [4 * (points.flatten(1) - 0.5), x.amax((2, 3)), x.mean((2, 3)), self.grid(x)]
        features = self.mix(torch.cat([part.to(x.dtype) for part in parts], dim=1))
        own = maps[:, KEYPOINTS:]
        return features, peak_argmax(own) if self.objects > 1 else points[:, KEYPOINTS:], own


class CloseLook(nn.Module):
    """Crops at full resolution around the objects' centres, read by one small network.

    Args:
        extent: Width and height of the crop as a share of the image's.
        pixels: Side of the crop after sampling.

    Shapes:
        (B, 3, H, W) images and (B, V, 2) centres to (B, V, CLOSE_WIDTH).
    """

    def __init__(self, extent: tuple[float, float], pixels: int) -> None:
        super().__init__()
        self.extent, self.pixels = extent, pixels
        side = (pixels + 3) // 4  # two strides of 2, each rounding up
        self.net = nn.Sequential(
            convolution(3, 32, 5, stride=2),
            convolution(32, 48, 3),
            convolution(48, 64, 3, stride=2),
            nn.Flatten(),
            nn.Linear(64 * side * side, CLOSE_WIDTH),
            nn.LayerNorm(CLOSE_WIDTH),
            nn.ReLU(),
        )

    def crops(self, images: Tensor, centres: Tensor) -> Tensor:
        """(B * V, 3, pixels, pixels) views around the centres; beyond the image is mid-grey."""
        batch, objects = centres.shape[:2]
        axis = (torch.arange(self.pixels, device=images.device) + 0.5) / self.pixels - 0.5
        offset = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)
        size = torch.tensor(self.extent, device=images.device)
        grid = 2 * (centres.detach()[:, :, None, None] + offset * size) - 1
        rows = grid.reshape(batch, objects * self.pixels, self.pixels, 2).float()
        seen = nn.functional.grid_sample(images.float(), rows, align_corners=False)
        seen = seen.unflatten(2, (objects, self.pixels)).movedim(2, 1)
        return seen.flatten(0, 1)

    def forward(self, images: Tensor, centres: Tensor) -> Tensor:
        """Features of each object seen from near."""
        return self.net(self.crops(images, centres)).unflatten(0, centres.shape[:2])
