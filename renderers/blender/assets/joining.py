"""Joining: whatever a file brought into the scene, as one mesh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from metasim.base.errors import InputError
from renderers.blender.assets.materials import UVS
from renderers.blender.assets.soundness import check_indices, check_vertices
from renderers.blender.native import load_bpy
from renderers.blender.tyol.datablocks import add_object

_SURFACES = ("MESH", "CURVE", "SURFACE", "META", "FONT")


def joined(things: Sequence[Any], where: str) -> Any:
    """The visible surfaces of some objects, as they stand in the world, as one ``bpy.types.Mesh``.

    Modifiers are applied and instances made real; the objects are removed.

    Args:
        things: Objects of the scene.
        where: Name of their file, for messages.

    Raises:
        InputError: If none of them has a surface, or a face names what is not there.
    """
    bpy = load_bpy()
    meshes = {thing.data for thing in things if thing.type == "MESH"}
    for mesh in meshes:
        _check(mesh, where)
        mesh.validate()  # mends what is harmless: repeated faces, faces that repeat a vertex
    parts = [add_object("part", mesh) for mesh in list(_visible_surfaces({t.name_full for t in things}))]
    for thing in things:
        bpy.data.objects.remove(thing)
    bpy.data.batch_remove([mesh for mesh in meshes if not mesh.users])
    if not parts:
        raise InputError(where, "no surface", "a mesh with faces")
    if len(parts) > 1:
        context = {"active_object": parts[0], "object": parts[0], "selected_editable_objects": parts}
        with bpy.context.temp_override(**context):
            bpy.ops.object.join()
    mesh = parts[0].data
    bpy.data.objects.remove(parts[0])
    return mesh


def _check(mesh: Any, where: str) -> None:
    """Refuses an imported mesh that names vertices that are not there, or has vertices nowhere."""
    corners = np.empty(len(mesh.loops), dtype=np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    check_indices(where, corners, len(mesh.vertices))
    points = np.empty(3 * len(mesh.vertices), dtype=np.float32)
    mesh.vertices.foreach_get("co", points)
    check_vertices(where, points.reshape(-1, 3).astype(np.float64))


def _visible_surfaces(names: set[str]) -> Iterator[Any]:
    """New meshes in world coordinates of what renders of the objects of these names."""
    bpy = load_bpy()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for shown in depsgraph.object_instances:
        owner = shown.parent if shown.is_instance else shown.object
        if shown.object.type not in _SURFACES or owner.original.name_full not in names:
            continue
        if shown.object.hide_render or owner.hide_render:
            continue
        mesh = bpy.data.meshes.new_from_object(
            shown.object, preserve_all_data_layers=True, depsgraph=depsgraph
        )
        mesh.transform(shown.matrix_world)
        if shown.matrix_world.determinant() < 0.0:
            mesh.flip_normals()
        _name_coordinates(mesh)
        yield mesh


def _name_coordinates(mesh: Any) -> None:
    """Gives the texture coordinates in use the one name by which joined meshes share them."""
    layer = next((layer for layer in mesh.uv_layers if layer.active_render), None)
    if layer is None or layer.name == UVS:
        return
    old, layer.name = layer.name, UVS
    trees = [material.node_tree for material in mesh.materials if material and material.node_tree]
    for node in (node for tree in trees for node in tree.nodes):
        if node.type == "UVMAP" and node.uv_map == old:
            node.uv_map = layer.name
