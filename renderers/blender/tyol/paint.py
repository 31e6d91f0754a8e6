"""Textures as small shaders: a function of (u, v) says the colour, layer over layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Colour = tuple[int, int, int]
Shader = Callable[[Floats, Floats], Floats]


def texture(shader: Shader, width: int = 256, height: int = 128) -> Image:
    """Evaluates a shader at the texel centres.

    Args:
        shader: Colours (H, W, 3) in 0..255 sRGB of coordinates u and v, each (H, W) in [0, 1].
        width: Texels along u.
        height: Texels along v.

    Returns:
        (height, width, 3) sRGB, row 0 on top, where v is near 1.
    """
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, 1.0 - (np.arange(height) + 0.5) / height)
    return np.clip(np.rint(shader(u, v)), 0, 255).astype(np.uint8)


def layers(base: Colour, *over: tuple[Mask, Colour], shape: tuple[int, ...]) -> Floats:
    """A ground colour with coloured masks (H, W) laid over it, each over those before."""
    image = np.broadcast_to(np.array(base, dtype=np.float64), (*shape, 3)).copy()
    for mask, colour in over:
        image[mask] = colour
    return image


def within(values: Floats, low: float | Floats, high: float | Floats) -> Mask:
    """Where values lie in [low, high)."""
    return (values >= low) & (values < high)


def around(u: Floats, centre: float, half: float) -> Mask:
    """Where u, which wraps at 1, lies within ``half`` of a centre."""
    return np.abs((u - centre + 0.5) % 1.0 - 0.5) < half
