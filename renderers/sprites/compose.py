"""Composing an image from the values of nodes: background, digits over it, light on all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from renderers.sprites.exemplars import DIGITS
from renderers.sprites.paint import Pose, paint

Values = Mapping[tuple[int, str], torch.Tensor]

_DIGIT, _BACKGROUND, _LIGHT = "digit", "background", "light"

# Cycles across and down the canvas of each wave of the texture: few and incommensurate, so smooth and uneven.
_WAVES = ((1.0, 2.0), (2.3, -1.1), (-0.7, 3.1), (3.7, 1.9))


@dataclass(frozen=True)
class Layout:
    """What kind of thing each node of a scene is; scenes of one layout are drawn together.

    Attributes:
        roles: ``digit``, ``background``, ``light`` or ``None`` (draws nothing), by node index.
    """

    roles: tuple[str | None, ...]

    @property
    def digits(self) -> tuple[int, ...]:
        """Indices of the digits, in the order they are painted."""
        return self.of(_DIGIT)

    def of(self, role: str) -> tuple[int, ...]:
        """Indices of the nodes with a role."""
        return tuple(index for index, found in enumerate(self.roles) if found == role)


def role_of(cls: str) -> str | None:
    """What a node of a class is drawn as, whatever its symbol."""
    if cls in DIGITS:
        return _DIGIT
    return cls if cls in (_BACKGROUND, _LIGHT) else None


def attribute_defaults(size: tuple[int, int]) -> dict[str, dict[str, float]]:
    """Attributes by role, with the value of each where a node does not carry it."""
    height, width = size
    pose = {"loc_x": width / 2, "loc_y": height / 2, "yaw": 0.0, "scale": 1.0}
    return {
        _DIGIT: {**pose, "brightness": 1.0, "instance": 0.0},
        _BACKGROUND: {"level": 0.0, "texture": 0.0, "phase": 0.0},
        _LIGHT: {"intensity": 1.0},
    }


def compose(
    layout: Layout, values: Values, sprites: Sequence[torch.Tensor], canvas: torch.Tensor
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Draws B scenes of one layout.

    Args:
        layout: Their layout.
        values: (B,) values by node index and attribute name.
        sprites: (B, h, w) ink of each digit, in the order of ``layout.digits``.
        canvas: (B, H, W) empty, of the type to draw in.

    Returns:
        (B, H, W) grey in [0, 1], and the ink of each digit, (B, H, W).
    """
    size, image = (canvas.shape[-2], canvas.shape[-1]), canvas
    for node in layout.of(_BACKGROUND):
        waves = _texture(values[node, "phase"], size)
        image = values[node, "level"][:, None, None] + values[node, "texture"][:, None, None] * waves
    inks = []
    for node, sprite in zip(layout.digits, sprites, strict=True):
        pose = Pose(*(values[node, name] for name in ("loc_x", "loc_y", "yaw", "scale")))
        ink = paint(sprite, pose, size)
        image = image + ink * (values[node, "brightness"][:, None, None] - image)
        inks.append(ink)
    for node in layout.of(_LIGHT):
        image = image * values[node, "intensity"][:, None, None]
    return image.clamp(0, 1), inks


def _texture(phase: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A smooth pattern (B, H, W) of mean about 0 and standard deviation about 1.

    Args:
        phase: (B,) which pattern, in [0, 1) and periodic.
        size: Height and width.
    """
    height, width = size
    across = (torch.arange(width, dtype=phase.dtype) + 0.5) / width
    down = ((torch.arange(height, dtype=phase.dtype) + 0.5) / height)[:, None]
    waves = [
        torch.sin(2 * math.pi * (kx * across + ky * down + number * phase[:, None, None]))
        for number, (kx, ky) in enumerate(_WAVES, start=1)
    ]
    return sum(waves[1:], waves[0]) * math.sqrt(2 / len(_WAVES))
