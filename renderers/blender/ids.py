"""The ids of what Cycles draws: which node, class and part each object and material stands for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError, MetasimError
from metasim.scene.graph import SceneGraph
from renderers.blender.native import load_bpy

Ids = npt.NDArray[np.int32]
Members = Mapping[Any, int]

SURFACES = frozenset({"MESH", "CURVE", "SURFACE", "META", "FONT", "CURVES", "POINTCLOUD"})
"""Types of Blender objects that have a surface."""

SHAPES = SURFACES | {"VOLUME"}
"""Types of Blender objects that have a body to be seen."""

LARGEST_INDEX = 32767  # Blender cuts greater ones off


@dataclass(frozen=True, eq=False)
class IdTable:
    """From the indices that Cycles draws to ids.

    Attributes:
        instances: (M + 1,) instance id by object index; index 0 is all that stands for no node.
        parts: (M + 1, K + 1) part id by object index and material index.
    """

    instances: Ids
    parts: Ids

    def instance(self, objects: npt.NDArray[np.float32]) -> Ids:
        """Instance ids (H, W) of a layer of object indices.

        Raises:
            MetasimError: If there is an index that no object has.
        """
        return self.instances[self._known(objects)]

    def part(self, objects: npt.NDArray[np.float32], materials: npt.NDArray[np.float32]) -> Ids:
        """Part ids (H, W) of a layer of object indices and one of material indices."""
        indices = materials.astype(np.int64)
        known = np.where(indices < self.parts.shape[1], indices, 0)
        return self.parts[self._known(objects), known]

    def _known(self, objects: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        indices = objects.astype(np.int64)
        if (indices != objects).any() or indices.min() < 0 or indices.max() >= len(self.instances):
            raise MetasimError("Cycles: an object index that no object has")
        return indices


def members(graph: SceneGraph, objects: Mapping[str, Any]) -> Members:
    """The instance id of each Blender object that belongs to a node.

    A node's object brings along its children that are no node's own, and, if it shows a collection, the
    objects in there that are none either. The order is that of the parts: the object itself, then by name.

    Args:
        graph: The scene.
        objects: The ``bpy.types.Object`` of each visible node.

    Raises:
        InputError: If two nodes share an object, or an object of a node is shown elsewhere too.
    """
    own = {shape: name for name, shape in objects.items()}
    if len(own) < len(objects):
        raise InputError("scene graph", "two nodes with one object", "an object for each node")
    children: dict[Any, list[Any]] = {}
    for shape in load_bpy().data.objects:  # sorted by name
        if shape.parent is not None and shape not in own:
            children.setdefault(shape.parent, []).append(shape)
    found: dict[Any, int] = {}
    for name, root in objects.items():
        for shape in _tree(root, children, own.keys()):
            if shape in found:
                raise InputError(f"node {name}", f"{shape.name} of another node", "an object for each node")
            found[shape] = graph.index(name) + 1
    return found


def _tree(root: Any, children: Mapping[Any, list[Any]], own: Collection[Any]) -> Iterator[Any]:
    yield root
    if root.instance_type == "COLLECTION" and root.instance_collection is not None:
        inside = [shape for shape in root.instance_collection.all_objects if shape not in own]
        if inside:
            _demand_one_user(root.instance_collection)
        yield from sorted(inside, key=lambda shape: shape.name)
    for child in children.get(root, []):
        yield from _tree(child, children, own)


def _demand_one_user(collection: Any) -> None:
    """Cycles draws the index of the object in the collection, whoever shows it."""
    users = [s.name for s in load_bpy().data.objects if s.instance_collection == collection]
    if len(users) > 1:
        got = f"shown by {', '.join(users)}"
        raise InputError(f"collection {collection.name}", got, "one user of what has an id; make it real")


def number(owners: Members, parts: Sequence[str] | None) -> IdTable:
    """Gives all objects of the file, and all materials if parts are wanted, the indices to draw.

    Args:
        owners: Instance id of each object of a node; all others become background.
        parts: Names of the part ids 1, 2 and so on, ``None`` if part ids are not wanted. A material of such
            a name has its id; all others of a node's objects are counted on from the last one.

    Raises:
        InputError: If Blender cannot count that many.
    """
    data = load_bpy().data
    if max(len(owners), len(data.materials)) > LARGEST_INDEX:
        raise InputError("scene graph", f"{len(owners)} objects", f"at most {LARGEST_INDEX}")
    indices = {shape: index for index, shape in enumerate(owners, start=1)}
    _index(data.objects, indices)
    instances = np.array([0, *owners.values()], dtype=np.int32)
    if parts is None:
        return IdTable(instances, np.zeros((len(instances), 1), dtype=np.int32))
    materials = {material: index for index, material in enumerate(data.materials, start=1)}
    _index(data.materials, materials)
    return IdTable(instances, _parts(owners, materials, parts))


def _index(things: Any, indices: Mapping[Any, int]) -> None:
    for thing in things:
        index = indices.get(thing, 0)
        # Even an equal value marks the thing as changed, which costs the next render time.
        if thing.pass_index != index:
            thing.pass_index = index


def given_name(thing: Any) -> str:
    """The name of a datablock without the number that Blender adds to the names of further ones."""
    return re.sub(r"\.[0-9]{3,}$", "", thing.name)


def _parts(owners: Members, materials: Mapping[Any, int], names: Sequence[str]) -> Ids:
    """Part ids (M + 1, K + 1); a material that an object has no slot for counts as its first."""
    known = {name: number for number, name in enumerate(names, start=1)}
    table = np.zeros((len(owners) + 1, len(materials) + 1), dtype=np.int32)
    counts: dict[int, int] = {}
    for row, (shape, instance) in enumerate(owners.items(), start=1):
        if shape.type in SHAPES:
            first = counts.get(instance, len(names)) + 1
            used = dict.fromkeys(slot.material for slot in shape.material_slots if slot.material is not None)
            table[row] = first
            for part, material in enumerate(used, start=first):
                table[row, materials[material]] = known.get(given_name(material), part)
            counts[instance] = first + max(len(used), 1) - 1
    return table
