"""Labels derived from the instance ids of a frame: semantic ids, foreground, 2D boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.base.errors import MetasimError
from metasim.scene.graph import SceneGraph

Image = npt.NDArray[Any]
Ids = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Box:
    """The bounding box of an instance's visible pixels.

    Attributes:
        instance: Instance id.
        class_id: Class id.
        x: Left edge, pixels.
        y: Upper edge, pixels.
        width: Extent along x, at least 1.
        height: Extent along y, at least 1.
    """

    instance: int
    class_id: int
    x: int
    y: int
    width: int
    height: int

    @property
    def row(self) -> list[int]:
        """``[x, y, width, height, class_id]``."""
        return [self.x, self.y, self.width, self.height, self.class_id]


def class_ids(graph: SceneGraph, class_names: tuple[str, ...]) -> Ids:
    """Class ids (N + 1,) by instance id; entry 0 is the background's 0.

    Raises:
        MetasimError: If a node's class has no id.
    """
    known = {name: i for i, name in enumerate(class_names, start=1)}
    for node in graph.nodes:
        if node.cls not in known:
            raise MetasimError(f"node {node.name}: class {node.cls} is not one of the schema's classes")
    return np.array([0, *(known[node.cls] for node in graph.nodes)], dtype=np.int32)


def semantic(instance: Image, table: Ids) -> Ids:
    """Class ids (H, W) of instance ids (H, W), by table (N + 1,).

    Raises:
        MetasimError: If an instance id is not a node of the graph.
    """
    if instance.size and not 0 <= instance.min() <= instance.max() < len(table):
        raise MetasimError(
            f"renderer: instance ids {instance.min()}..{instance.max()}, the scene has 0..{len(table) - 1}"
        )
    return table[instance.astype(np.int64)]


def foreground(instance: Image) -> npt.NDArray[np.bool_]:
    """Where (H, W) an object is visible."""
    return instance > 0


def boxes(instance: Image, table: Ids) -> tuple[Box, ...]:
    """Boxes of all visible instances of ids (H, W), by instance id; edges are pixel borders.

    Args:
        instance: Instance ids (H, W).
        table: Class ids (N + 1,) by instance id.
    """
    found = []
    for instance_id in np.unique(instance[instance > 0]).tolist():
        at = instance == instance_id
        rows, columns = np.flatnonzero(at.any(axis=1)), np.flatnonzero(at.any(axis=0))
        x, y = int(columns[0]), int(rows[0])
        width, height = int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y
        found.append(Box(instance_id, int(table[instance_id]), x, y, width, height))
    return tuple(found)
