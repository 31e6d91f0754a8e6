"""Oriented boxes as Hypersim tells them: full extents, orientations and centres, a row an instance.

Its toolkit knows several kinds. ``object_aligned_3d`` is the box as rendered; ``object_aligned_2d``, the one
it publishes, stands upright: its z axis is the world's, its outline the rectangle of least area about the
object itself where the engine tells it, else about the former box.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from scipy.linalg import polar

from metasim.dataset.labels import Solid
from metasim.rendering.camera import Array
from metasim.rendering.upright import upright_box

EXACT, UPRIGHT = "object_aligned_3d", "object_aligned_2d"
FIELDS = ("extents", "orientations", "positions")

Triple = tuple[Array, Array, Array]


def box_tables(
    solids: Iterable[Solid], instances: int, uprights: Mapping[str, Any] | None = None
) -> dict[str, Array]:
    """Tables by ``kind_field``, with ``instances + 1`` rows; those of ids without a box are infinite.

    Args:
        solids: Boxes as rendered.
        instances: Greatest instance id.
        uprights: Upright boxes about the objects themselves, see ``rendering.protocol.UPRIGHT_BOXES``.
    """
    tables = {
        f"{kind}_{field}": np.full((instances + 1, *shape), np.inf)
        for kind in (EXACT, UPRIGHT)
        for field, shape in zip(FIELDS, [(3,), (3, 3), (3,)], strict=True)
    }
    for solid in solids:
        told = (uprights or {}).get(str(solid.instance))
        upright = upright_box(solid.corners, solid.world_from_unit[:2, 0]) if told is None else np.array(told)
        for kind, box in ((EXACT, _exact(solid)), (UPRIGHT, _level(upright))):
            for field, value in zip(FIELDS, box, strict=True):
                tables[f"{kind}_{field}"][solid.instance] = value
    return tables


def solids_of(tables: Mapping[str, Array], classes: Mapping[int, int]) -> tuple[Solid, ...]:
    """The boxes of tables, by ascending instance id.

    Args:
        tables: Those of kind ``EXACT``, by field.
        classes: Class ids by instance id.
    """
    solids = []
    for instance in np.flatnonzero(np.isfinite(tables["extents"]).all(axis=1)).tolist():
        matrix = np.eye(4)
        matrix[:3, :3] = tables["orientations"][instance] * tables["extents"][instance]
        matrix[:3, 3] = tables["positions"][instance]
        solids.append(Solid(instance, classes[instance], matrix))
    return tuple(solids)


def _exact(solid: Solid) -> Triple:
    """Extents (3,), world-from-box rotation (3, 3) and centre (3,) of a box.

    A mirrored box is told by the rotation that gives the same corners.
    """
    rotation, _ = polar(solid.world_from_unit[:3, :3])
    if np.linalg.det(rotation) < 0:
        rotation[:, np.argmin(solid.size)] *= -1
    return solid.size, rotation, solid.centre


def _level(upright: Array) -> Triple:
    """The same of an upright box, (4, 4) world from the cube, which may be flat."""
    extents = np.linalg.norm(upright[:3, :3], axis=0)
    x = upright[:2, 0] if extents[0] > 0.0 else np.array([upright[1, 1], -upright[0, 1]])
    x = x / np.linalg.norm(x) if x.any() else np.array([1.0, 0.0])
    rotation = np.array([[x[0], -x[1], 0.0], [x[1], x[0], 0.0], [0.0, 0.0, 1.0]])
    return extents, rotation, upright[:3, 3]
