"""Oriented boxes as Hypersim tells them: full extents, orientations and centres, a row an instance.

Its toolkit knows several kinds. ``object_aligned_3d`` is the box as rendered; ``object_aligned_2d``, the one
it publishes, stands upright: its z axis is the world's, its outline the rectangle of least area.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from scipy.linalg import polar

from metasim.dataset.labels import Solid
from metasim.rendering.camera import Array

EXACT, UPRIGHT = "object_aligned_3d", "object_aligned_2d"
FIELDS = ("extents", "orientations", "positions")

Triple = tuple[Array, Array, Array]


def box_tables(solids: Iterable[Solid], instances: int) -> dict[str, Array]:
    """Tables by ``kind_field``, with ``instances + 1`` rows; those of ids without a box are infinite."""
    tables = {
        f"{kind}_{field}": np.full((instances + 1, *shape), np.inf)
        for kind in (EXACT, UPRIGHT)
        for field, shape in zip(FIELDS, [(3,), (3, 3), (3,)], strict=True)
    }
    for solid in solids:
        for kind, box in ((EXACT, _exact(solid)), (UPRIGHT, _upright(solid))):
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


def _upright(solid: Solid) -> Triple:
    """The same of the upright box of least area around a box; x is the axis nearest to the box's own."""
    corners = solid.corners
    x = max(_quarter_turns(_narrowest(corners[:, :2])), key=lambda axis: axis @ solid.world_from_unit[:2, 0])
    rotation = np.array([[x[0], -x[1], 0.0], [x[1], x[0], 0.0], [0.0, 0.0, 1.0]])
    local = corners @ rotation
    low, high = local.min(axis=0), local.max(axis=0)
    return high - low, rotation, rotation @ ((low + high) / 2)


def _narrowest(points: Array) -> Array:
    """The direction (2,) of a side of the rectangle of least area around points (N, 2).

    A side of it passes through two of the points (Freeman and Shapira 1975).
    """
    sides = (points[:, None] - points[None]).reshape(-1, 2)
    lengths = np.linalg.norm(sides, axis=1)
    long = lengths > 1e-9 * max(lengths.max(), 1e-300)
    axes = np.concatenate([sides[long] / lengths[long, None], [[1.0, 0.0]]])
    spans = [np.ptp(points @ np.stack(_quarter_turns(axis)[:2], axis=1), axis=0).prod() for axis in axes]
    return axes[np.argmin(spans)]


def _quarter_turns(axis: Array) -> list[Array]:
    across = np.array([-axis[1], axis[0]])
    return [axis, across, -axis, -across]
