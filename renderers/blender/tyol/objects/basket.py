"""A woven oval basket with an arched handle; a cloth band of three colours tells all sides apart."""

from __future__ import annotations

import numpy as np

from renderers.blender.tyol.mesh import Mesh, loft, merge, ring, tube
from renderers.blender.tyol.paint import Floats, Image, around, layers, texture, within

_BODY = (0.0, 0.15, 1.0, 1.0)
_HANDLE = (0.0, 0.0, 1.0, 0.12)
# half length, z and texture height: up the outside, over the rim, down the inside.
_PROFILE = (
    (0.30, 0.00, 0.00), (0.50, 0.00, 0.02), (0.53, 0.02, 0.04), (0.58, 0.20, 0.28), (0.63, 0.42, 0.54),
    (0.65, 0.48, 0.60), (0.67, 0.51, 0.64), (0.67, 0.55, 0.68), (0.64, 0.57, 0.72), (0.60, 0.55, 0.75),
    (0.58, 0.42, 0.82), (0.53, 0.20, 0.92), (0.48, 0.07, 0.97), (0.25, 0.05, 1.00),
)  # fmt: skip
_WIDTH = 0.74


def basket_mesh() -> Mesh:
    """The body, long along x, and the handle over its middle."""
    rings = [ring(48, r, r * _WIDTH, z, exponent=2.6) for r, z, _ in _PROFILE]
    body = loft(rings, [v for *_, v in _PROFILE], _BODY)
    turn = np.linspace(0.0, np.pi, 25)
    path = np.stack([0 * turn, 0.475 * np.cos(turn), 0.42 + 0.62 * np.sin(turn) ** 0.8], axis=-1)
    return merge(body, tube(path, 0.075, 0.045, np.array([1.0, 0.0, 0.0]), region=_HANDLE))


def basket_texture() -> Image:
    """Light and dark straw with the band below the rim."""
    return texture(_shade)


def _shade(u: Floats, v: Floats) -> Floats:
    height = (v - _BODY[1]) / (_BODY[3] - _BODY[1])
    weave = (np.floor(u * 20) + np.floor(height * 14)) % 2 == 0
    band = within(height, 0.30, 0.56)
    return layers(
        (178, 126, 70),
        (weave, (140, 92, 46)),
        (band & around(u, 0.04, 0.20), (196, 52, 60)),
        (band & around(u, 0.42, 0.18), (238, 232, 220)),
        (band & around(u, 0.76, 0.09), (52, 92, 150)),
        (within(height, 0.62, 0.74), (106, 66, 32)),
        (height >= 0.76, (206, 168, 116)),
        (v < _HANDLE[3], (118, 74, 36)),
        shape=u.shape,
    )
