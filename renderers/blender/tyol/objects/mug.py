"""A yellow mug; its blue band climbs once around the body, so yaw shows with the handle hidden too."""

from __future__ import annotations

import numpy as np

from renderers.blender.tyol.mesh import Mesh, loft, merge, ring, tube
from renderers.blender.tyol.paint import Floats, Image, layers, texture, within

_BODY = (0.0, 0.15, 1.0, 1.0)
_HANDLE = (0.0, 0.0, 1.0, 0.12)
# radius, z and texture height: up the outside, over the rim, down the inside.
_PROFILE = (
    (0.20, 0.00, 0.00), (0.37, 0.00, 0.02), (0.41, 0.02, 0.04), (0.42, 0.06, 0.06),
    (0.42, 0.50, 0.38), (0.42, 0.96, 0.70), (0.412, 0.99, 0.73), (0.395, 1.00, 0.76),
    (0.378, 0.99, 0.79), (0.37, 0.96, 0.82), (0.37, 0.50, 0.88), (0.37, 0.12, 0.94),
    (0.34, 0.08, 0.96), (0.18, 0.07, 1.00),
)  # fmt: skip


def mug_mesh() -> Mesh:
    """The body and the handle, which points along +x."""
    body = loft([ring(48, r, r, z) for r, z, _ in _PROFILE], [v for *_, v in _PROFILE], _BODY)
    turn = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 18)
    path = np.stack([0.39 + 0.34 * np.cos(turn) ** 0.7, 0 * turn, 0.52 + 0.29 * np.sin(turn)], axis=-1)
    return merge(body, tube(path, 0.085, 0.06, np.array([0.0, 1.0, 0.0]), region=_HANDLE))


def mug_texture() -> Image:
    """Yellow outside with the climbing band, cream inside."""
    return texture(_shade)


def _shade(u: Floats, v: Floats) -> Floats:
    height = (v - _BODY[1]) / (_BODY[3] - _BODY[1])
    band = 0.07 + 0.44 * u
    return layers(
        (236, 182, 40),
        (height >= 0.74, (236, 234, 214)),
        (within(height, band, band + 0.19), (38, 72, 138)),
        (v < _HANDLE[3], (205, 146, 24)),
        shape=u.shape,
    )
