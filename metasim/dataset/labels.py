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
    """A bounding box in the image of an instance's pixels, all of them or the visible ones.

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


@dataclass(frozen=True, eq=False)
class Solid:
    """The oriented box of an instance in the world.

    Attributes:
        instance: Instance id.
        class_id: Class id.
        world_from_unit: (4, 4) float64, world from the cube [-1/2, 1/2]^3.
    """

    instance: int
    class_id: int
    world_from_unit: npt.NDArray[np.float64]

    @property
    def size(self) -> npt.NDArray[np.float64]:
        """Extents (3,) along the box's own axes, metres."""
        return np.linalg.norm(self.world_from_unit[:3, :3], axis=0)

    @property
    def centre(self) -> npt.NDArray[np.float64]:
        """Centre (3,) in the world, metres."""
        return self.world_from_unit[:3, 3]

    @property
    def corners(self) -> npt.NDArray[np.float64]:
        """Corners (8, 3) in the world, metres; the last axis of the box changes fastest."""
        unit = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        return unit @ self.world_from_unit[:3, :3].T + self.centre


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
    ids = np.unique(instance[instance > 0]).tolist()
    return tuple(_box(instance == i, i, int(table[i])) for i in ids)


def full_boxes(amodal: Image, table: Ids) -> tuple[Box, ...]:
    """Boxes of whole instances, by instance id, of their masks (N, H, W); none for one out of the image."""
    return tuple(_box(mask, i, int(table[i])) for i, mask in enumerate(amodal, start=1) if mask.any())


def visibility(instance: Image, amodal: Image) -> dict[int, float]:
    """Visible share of each instance's pixels within the image, by instance id.

    Args:
        instance: Instance ids (H, W).
        amodal: Masks (N, H, W) of whole instances; one without pixels has no share.
    """
    return {
        i: float((mask & (instance == i)).sum() / mask.sum())
        for i, mask in enumerate(amodal, start=1)
        if mask.any()
    }


def solids(box3d: npt.NDArray[np.float64], table: Ids) -> tuple[Solid, ...]:
    """Oriented boxes, by instance id, of the nodes that have a shape: matrices (N, 4, 4), NaN for others."""
    return tuple(
        Solid(i, int(table[i]), matrix)
        for i, matrix in enumerate(box3d, start=1)
        if np.isfinite(matrix).all()
    )


def _box(mask: npt.NDArray[np.bool_], instance: int, class_id: int) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    x, y = int(columns[0]), int(rows[0])
    return Box(instance, class_id, x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)
