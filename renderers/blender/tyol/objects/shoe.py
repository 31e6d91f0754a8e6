"""A green slip-on shoe with a white sole; its sides differ, as do toe and heel."""

from __future__ import annotations

import numpy as np

from renderers.blender.tyol.mesh import Mesh, loft
from renderers.blender.tyol.paint import Floats, Image, around, layers, texture, within

_CORNERS = 48
# z, heel x, toe x, width factor and texture height: sole, upper, collar, inside down to the insole.
_OUTLINES = (
    (0.00, -0.93, 0.90, 0.90, 0.00), (0.01, -0.97, 0.96, 0.97, 0.03), (0.10, -1.00, 1.00, 1.03, 0.10),
    (0.16, -1.00, 1.00, 1.03, 0.16), (0.18, -0.98, 0.97, 0.97, 0.19), (0.27, -0.975, 0.95, 0.96, 0.27),
    (0.35, -0.97, 0.89, 0.94, 0.35), (0.41, -0.965, 0.79, 0.92, 0.41), (0.46, -0.96, 0.66, 0.90, 0.47),
    (0.51, -0.955, 0.52, 0.88, 0.53), (0.57, -0.95, 0.37, 0.85, 0.59), (0.63, -0.945, 0.24, 0.82, 0.65),
    (0.70, -0.94, 0.13, 0.79, 0.71), (0.755, -0.935, 0.08, 0.77, 0.76), (0.775, -0.91, 0.05, 0.72, 0.79),
    (0.755, -0.88, 0.02, 0.67, 0.82), (0.60, -0.88, 0.08, 0.69, 0.88), (0.40, -0.89, 0.25, 0.72, 0.94),
    (0.26, -0.88, 0.40, 0.72, 0.98), (0.24, -0.60, 0.20, 0.40, 1.00),
)  # fmt: skip


def shoe_mesh() -> Mesh:
    """The shoe, its toe along +x; a stack of foot-shaped outlines."""
    rings = [_outline(z, heel, toe, factor) for z, heel, toe, factor, _ in _OUTLINES]
    return loft(rings, [v for *_, v in _OUTLINES])


def _outline(z: float, heel: float, toe: float, factor: float) -> Floats:
    angle = 2.0 * np.pi * np.arange(_CORNERS) / _CORNERS
    cos, sin = np.cos(angle), np.sin(angle)
    x = 0.5 * (heel + toe) + 0.5 * (toe - heel) * np.sign(cos) * np.abs(cos) ** 0.85
    y = factor * _half_width(x) * np.sign(sin) * np.abs(sin) ** 0.75
    return np.stack([x, y + 0.07 * x**2, np.full(_CORNERS, z)], axis=-1)


def _half_width(x: Floats) -> Floats:
    """Half the width of a foot: heel, narrower arch, ball, toes."""
    return np.interp(x, [-1.0, -0.6, -0.1, 0.45, 0.8, 1.0], [0.30, 0.32, 0.30, 0.39, 0.35, 0.27])


def shoe_texture() -> Image:
    """Along u: from the toe over the left side, the heel and the right side."""
    return texture(_shade)


def _shade(u: Floats, v: Floats) -> Floats:
    upper = within(v, 0.20, 0.78)
    slant = u + 0.25 * v
    return layers(
        (62, 138, 66),
        (v < 0.175, (238, 236, 228)),
        (within(v, 0.075, 0.115), (62, 138, 66)),
        (upper & (within(slant, 0.30, 0.34) | within(slant, 0.38, 0.42)), (236, 236, 228)),
        (upper & around(u - 0.25 * v, 0.64, 0.05), (232, 140, 44)),
        (upper & around(u, 0.5, 0.05), (30, 66, 40)),
        (within(v, 0.19, 0.36) & around(u, 0.0, 0.14), (196, 208, 150)),
        (within(v, 0.47, 0.70) & around(u, 0.0, 0.11) & (np.floor(v * 17) % 2 == 0), (236, 236, 232)),
        (within(v, 0.76, 0.84), (26, 58, 36)),
        (v >= 0.84, (92, 84, 70)),
        shape=u.shape,
    )
