"""Makes experiments/own_blend.blend: a mug on a table under a lamp, as a user of Blender might leave it."""

from __future__ import annotations

import importlib
import os
from math import radians
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "experiments" / "own_blend.blend"
PAINT = (0.7, 0.25, 0.1)
TABLE = (0.35, 0.35, 0.35)


def main() -> None:
    """Writes the file."""
    bpy: Any = importlib.import_module("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    _add_mug(bpy, _material(bpy, "Paint", PAINT))
    bpy.ops.mesh.primitive_plane_add(size=3.0)
    bpy.context.object.name = "Table"
    bpy.context.object.data.materials.append(_material(bpy, "Wood", TABLE))
    _add_lamp(bpy)
    _add_camera(bpy)
    world = bpy.data.worlds.new("Studio")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.3
    bpy.context.scene.world = world
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 512
    bpy.context.preferences.filepaths.save_version = 0  # no copy of the file before
    bpy.ops.wm.save_as_mainfile(filepath=str(FILE), compress=True)


def _material(bpy: Any, name: str, colour: tuple[float, float, float]) -> Any:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = 0.6
    return material


def _add_mug(bpy: Any, paint: Any) -> None:
    """A cylinder with a handle towards x, 10 cm high, hollowed out."""
    bpy.ops.mesh.primitive_torus_add(
        location=(0.042, 0, 0.05), rotation=(radians(90), 0, 0), major_radius=0.028, minor_radius=0.007
    )
    bpy.ops.mesh.primitive_cylinder_add(vertices=48, radius=0.035, depth=0.1, location=(0, 0, 0.056))
    hole = bpy.context.object
    bpy.ops.mesh.primitive_cylinder_add(vertices=48, radius=0.04, depth=0.1, location=(0, 0, 0.05))
    mug = bpy.context.object
    mug.name = "Mug"
    bpy.data.objects["Torus"].select_set(True)
    bpy.ops.object.join()
    bpy.ops.object.transform_apply(location=True, rotation=True, scale=True)
    cut = mug.modifiers.new("Hole", "BOOLEAN")
    cut.object, cut.operation, cut.use_self = hole, "DIFFERENCE", True
    bpy.ops.object.modifier_apply(modifier=cut.name)
    bpy.data.objects.remove(hole)
    mug.data.materials.clear()
    mug.data.materials.append(paint)


def _add_lamp(bpy: Any) -> None:
    lamp = bpy.data.lights.new("Key", "AREA")
    lamp.energy, lamp.size = 10.0, 0.3
    placed = bpy.data.objects.new("Key", lamp)
    placed.location, placed.rotation_euler = (-0.45, -0.35, 0.7), (radians(35), 0, radians(-52))
    bpy.context.collection.objects.link(placed)


def _add_camera(bpy: Any) -> None:
    data = bpy.data.cameras.new("Camera")
    data.lens = 85.0
    camera = bpy.data.objects.new("Camera", data)
    camera.location, camera.rotation_euler = (0, -0.4, 0.4), (radians(49), 0, 0)
    bpy.context.collection.objects.link(camera)
    bpy.context.scene.camera = camera


if __name__ == "__main__":
    main()
    os._exit(0)  # Blender may hang as it leaves
