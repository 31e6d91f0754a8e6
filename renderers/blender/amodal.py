"""Masks of whole nodes: each seen with nothing else before the camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from renderers.blender.cycles import Cycles, Shot
from renderers.blender.ids import SHAPES, IdTable, Members
from renderers.blender.native import load_bpy
from renderers.blender.settings import changed
from renderers.blender.solids import Rectangle, apart

OBJECTS = frozenset({"IndexOB"})


def whole_masks(
    cycles: Cycles,
    owners: Members,
    table: IdTable,
    rectangles: dict[int, Rectangle],
    visible: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Pixels (N, H, W) of each node, hidden ones too.

    Nodes whose rectangles lie apart cannot hide each other and are seen in one picture.

    Args:
        cycles: The render session.
        owners: Instance id of each Blender object that belongs to a node.
        table: What object indices stand for.
        rectangles: Where a node may be seen, by instance id.
        visible: (N, H, W) pixels of each node in the scene as it stands.
    """
    masks = visible.copy()
    height, width = visible.shape[1:]
    shown = {
        i: (left, top, right, bottom)
        for i, (left, top, right, bottom) in rectangles.items()
        if right > 0.0 and bottom > 0.0 and left < width and top < height
    }
    for group in apart(shown):
        instance = table.instance(_alone(cycles, owners, group))
        for i in group:
            masks[i - 1] |= instance == i
    return masks


def _alone(cycles: Cycles, owners: Members, group: Sequence[int]) -> npt.NDArray[np.float32]:
    """Object indices (H, W) with all else out of the camera's sight."""
    hidden = [
        (shape, "visible_camera", False)
        for shape in load_bpy().data.objects
        if shape.type in SHAPES and owners.get(shape) not in group
    ]
    with changed(hidden):
        layers, _ = cycles.shoot(Shot(OBJECTS, centres=True))
    return layers["IndexOB"]
