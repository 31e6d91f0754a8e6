"""A blue lunch box: latch and label on the front, one striped and one plain short side, a plain back."""

from __future__ import annotations

import numpy as np

from renderers.blender.tyol.mesh import Mesh, loft, merge, ring, tube
from renderers.blender.tyol.paint import Floats, Image, around, layers, texture, within

_BODY = (0.0, 0.25, 1.0, 1.0)
_LATCH = (0.0, 0.0, 1.0, 0.10)
_HANDLE = (0.0, 0.13, 1.0, 0.22)
# inset, z and texture height: the box, the lid that laps over it, the lid's top.
_PROFILE = (
    (0.10, 0.00, 0.00), (0.035, 0.005, 0.02), (0.02, 0.03, 0.05), (0.01, 0.44, 0.55), (0.00, 0.45, 0.57),
    (0.00, 0.58, 0.74), (0.01, 0.61, 0.79), (0.04, 0.63, 0.83), (0.12, 0.64, 0.88), (0.25, 0.645, 1.00),
)  # fmt: skip
_HALF_X, _HALF_Y, _SQUARE = 0.62, 0.40, 7.0


def lunch_box_mesh() -> Mesh:
    """The box, long along x, its front towards -y, with latch and handle."""
    rings = [ring(64, _HALF_X - d, _HALF_Y - d, z, _SQUARE) for d, z, _ in _PROFILE]
    body = loft(rings, [v for *_, v in _PROFILE], _BODY)
    shift = np.array([0.0, -_HALF_Y, 0.0])
    block = [(0.10, 0.03, 0.33), (0.12, 0.045, 0.34), (0.12, 0.045, 0.54), (0.10, 0.03, 0.55)]
    plates = [ring(16, x, y, z, 8.0) + shift for x, y, z in block]
    latch = loft(plates, np.linspace(0, 1, len(plates)).tolist(), _LATCH, smooth=False)
    turn = np.linspace(0.0, np.pi, 15)
    path = np.stack([0.26 * np.cos(turn), 0 * turn, 0.62 + 0.16 * np.sin(turn) ** 0.5], axis=-1)
    return merge(body, latch, tube(path, 0.06, 0.035, np.array([0.0, 1.0, 0.0]), region=_HANDLE))


def lunch_box_texture() -> Image:
    """Quarters of u are the right, back, left and front side."""
    return texture(_shade)


def _shade(u: Floats, v: Floats) -> Floats:
    height = (v - _BODY[1]) / (_BODY[3] - _BODY[1])
    low = within(height, 0.0, 0.55)
    return layers(
        (52, 116, 176),
        (low & around(u, 0.0, 0.115) & (np.floor(height * 10) % 2 == 0), (236, 236, 226)),
        (low & around(u, 0.5, 0.115), (24, 54, 96)),
        (within(height, 0.14, 0.42) & around(u, 0.70, 0.055), (236, 206, 92)),
        (within(height, 0.20, 0.36) & around(u, 0.70, 0.03), (206, 70, 48)),
        (height >= 0.56, (120, 186, 216)),
        (within(height, 0.84, 0.89), (52, 116, 176)),
        (v < 0.24, (70, 76, 88)),
        (v < 0.115, (236, 236, 232)),
        shape=u.shape,
    )
