"""A red bowl, a true surface of revolution: no image tells its yaw."""

from __future__ import annotations

from renderers.blender.tyol.mesh import Mesh, loft, ring
from renderers.blender.tyol.paint import Floats, Image, layers, texture, within

SEGMENTS = 64
# radius, z and texture height: foot, outside, rim, inside.
_PROFILE = (
    (0.15, 0.00, 0.00), (0.29, 0.00, 0.03), (0.31, 0.02, 0.05), (0.31, 0.06, 0.08), (0.33, 0.08, 0.10),
    (0.43, 0.14, 0.18), (0.52, 0.24, 0.28), (0.585, 0.36, 0.38), (0.625, 0.50, 0.48), (0.635, 0.54, 0.51),
    (0.625, 0.555, 0.53), (0.605, 0.54, 0.55), (0.59, 0.48, 0.60), (0.545, 0.35, 0.70), (0.47, 0.24, 0.79),
    (0.37, 0.16, 0.87), (0.24, 0.12, 0.94), (0.10, 0.11, 1.00),
)  # fmt: skip


def bowl_mesh() -> Mesh:
    """The bowl about its axis; turning it by a segment maps it onto itself."""
    rings = [ring(SEGMENTS, radius, radius, z) for radius, z, _ in _PROFILE]
    return loft(rings, [v for *_, v in _PROFILE])


def bowl_texture() -> Image:
    """Rings only: the colour depends on the texture height alone."""
    return texture(_shade)


def _shade(u: Floats, v: Floats) -> Floats:
    return layers(
        (186, 38, 34),
        (within(v, 0.34, 0.42), (236, 222, 196)),
        (v >= 0.51, (236, 226, 204)),
        (v >= 0.88, (206, 140, 92)),
        (v < 0.09, (120, 26, 26)),
        shape=u.shape,
    )
