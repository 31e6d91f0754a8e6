"""The bodies of nodes in the evaluated scene, and the oriented boxes about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.base.errors import MetasimError
from metasim.rendering.camera import Camera
from renderers.blender.bulk import Bulk
from renderers.blender.ids import SHAPES, Members

Floats = npt.NDArray[np.float64]
Rectangle = tuple[float, float, float, float]


@dataclass
class Bodies:
    """All bodies of each node, as the render saw them: filled by ``look``.

    Attributes:
        owners: Instance id of each Blender object that belongs to a node.
        frames: World matrix (4, 4) of each node's own object, by instance id.
        points: Points (P, 3) in that frame whose box is the node's, by instance id.
        bulks: Where the surface of each node lies, by instance id; only with ``with_bulks``.
        with_bulks: Whether that is wanted.
    """

    owners: Members
    frames: dict[int, Floats] = field(default_factory=dict)
    points: dict[int, list[Floats]] = field(default_factory=dict)
    bulks: dict[int, Bulk] = field(default_factory=dict)
    with_bulks: bool = False

    def look(self, depsgraph: Any) -> None:
        """Reads the bodies from an evaluated scene (``bpy.types.Depsgraph``).

        Raises:
            MetasimError: If a pose is not finite.
        """
        for shape, instance in self.owners.items():
            self.frames.setdefault(instance, _matrix(shape.evaluated_get(depsgraph)))
        for found in depsgraph.object_instances:
            shown = found.parent.original if found.is_instance else found.object.original
            instance = self.owners.get(shown, self.owners.get(found.object.original))
            if instance is not None and found.object.type in SHAPES and found.show_self:
                self._add(instance, found.object, np.array(found.matrix_world, dtype=np.float64))

    def _add(self, instance: int, shape: Any, matrix: Floats) -> None:
        frame = self.frames[instance]
        if np.array_equal(matrix, frame):
            points = _box(shape)
        else:
            points = _moved(np.linalg.inv(frame) @ matrix, _vertices(shape))
        self.points.setdefault(instance, []).append(points)
        if self.with_bulks:
            self.bulks.setdefault(instance, Bulk()).add(shape, matrix)

    def uprights(self) -> dict[str, list[list[float]]]:
        """Upright boxes (4, 4) of nodes that have a surface, by instance id, as JSON data."""
        found = {str(i): bulk.upright(self.frames[i][:3, 0]) for i, bulk in sorted(self.bulks.items())}
        return {instance: box.tolist() for instance, box in found.items() if box is not None}

    def boxes(self, number: int) -> Floats:
        """Matrices (N, 4, 4), world from the cube [-1/2, 1/2]^3, along the axes of each node's object."""
        matrices = np.full((number, 4, 4), np.nan)
        for instance, parts in self.points.items():
            points = np.concatenate(parts)
            low, high = points.min(axis=0), points.max(axis=0)
            local = np.diag([*(high - low), 1.0])
            local[:3, 3] = (low + high) / 2.0
            matrix = self.frames[instance] @ local
            if np.linalg.det(matrix[:3, :3]) < 0.0:
                matrix[:3, 2] *= -1.0  # a cube has no handedness, its axes should have that of the world
            matrices[instance - 1] = matrix
        return matrices


def _matrix(shape: Any) -> Floats:
    matrix = np.array(shape.matrix_world, dtype=np.float64)
    if not np.isfinite(matrix).all():
        raise MetasimError(f"{shape.name}: its pose is not finite")
    return matrix


def _box(shape: Any) -> Floats:
    return np.array(shape.bound_box, dtype=np.float64)


def _vertices(shape: Any) -> Floats:
    """The vertices of a mesh, of other bodies the corners of their box."""
    if shape.type != "MESH":
        return _box(shape)
    flat = np.empty(3 * len(shape.data.vertices), dtype=np.float32)
    shape.data.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3).astype(np.float64)


def _moved(matrix: Floats, points: Floats) -> Floats:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def rectangles(boxes: Floats, camera: Camera) -> dict[int, Rectangle]:
    """What no pixel of a node lies outside of, by instance id: left, top, right, bottom, pixels.

    Args:
        boxes: (N, 4, 4) of the nodes, NaN for those without a body.
        camera: The camera. A box that reaches behind it may show anywhere.
    """
    corners = np.array(list(product((-0.5, 0.5), repeat=3)))
    found: dict[int, Rectangle] = {}
    for instance, matrix in enumerate(boxes, start=1):
        if np.isfinite(matrix).all():
            pixels, depth = camera.project(_moved(matrix, corners))
            everywhere = (-np.inf, -np.inf, np.inf, np.inf)
            whole = (depth > 0.0).all()
            found[instance] = (*pixels.min(axis=0), *pixels.max(axis=0)) if whole else everywhere
    return found


def apart(rectangles: dict[int, Rectangle]) -> Iterator[Sequence[int]]:
    """Groups of instances, few of them, whose rectangles have a pixel between any two."""
    waiting = list(rectangles)
    while waiting:
        group: list[int] = []
        for instance in waiting:
            if all(_distinct(rectangles[instance], rectangles[other]) for other in group):
                group.append(instance)
        yield group
        waiting = [instance for instance in waiting if instance not in group]


def _distinct(one: Rectangle, other: Rectangle) -> bool:
    return (
        one[2] + 1.0 < other[0]
        or other[2] + 1.0 < one[0]
        or one[3] + 1.0 < other[1]
        or other[3] + 1.0 < one[1]
    )
