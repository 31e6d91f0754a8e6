"""Writes the room of ``room_scene`` to a .blend file, in a process of its own: ``make_room.py FILE``."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import numpy as np
from room_scene import (
    ASPECT,
    CAMERA_PITCH,
    CAMERA_X,
    CAMERA_YAW,
    CRATE,
    CRATE_X,
    CRATE_YAW,
    LENS,
    SENSOR,
    SHIFT_X,
    SHIFT_Y,
)

SIDES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
bpy: Any = importlib.import_module("bpy")
data = bpy.data


def add(name: str, content: Any, location: Any = (0, 0, 0), parent: Any = None) -> Any:
    made = data.objects.new(name, content)
    made.location, made.parent = location, parent
    bpy.context.scene.collection.objects.link(made)
    return made


def block(name: str, size: Any, *materials: Any) -> Any:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * np.array(size) / 2
    mesh = data.meshes.new(name)
    mesh.from_pydata(corners.tolist(), [], SIDES)
    for one in materials:
        mesh.materials.append(one)
    mesh.polygons[5].material_index = len(materials) - 1
    mesh.polygons.foreach_set("use_smooth", [True] * 6)
    return mesh


def unwrap(mesh: Any, size: tuple[float, float]) -> Any:
    """Texture coordinates from 0 to 1 along x and y."""
    layer = mesh.uv_layers.new()
    for loop in mesh.loops:
        x, y, _ = mesh.vertices[loop.vertex_index].co
        layer.data[loop.index].uv = (x / size[0] + 0.5, y / size[1] + 0.5)
    return mesh


def ball(name: str, radius: float, material: Any) -> Any:
    ring = np.linspace(0, np.pi, 9)[1:-1]
    turns = np.arange(16) * np.pi / 8
    body = [(np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)) for a in ring for b in turns]
    faces = [
        (r * 16 + c, (r + 1) * 16 + c, (r + 1) * 16 + (c + 1) % 16, r * 16 + (c + 1) % 16)
        for r in range(6)
        for c in range(16)
    ]
    faces += [(112, c, (c + 1) % 16) for c in range(16)] + [
        (113, 96 + (c + 1) % 16, 96 + c) for c in range(16)
    ]
    mesh = data.meshes.new(name)
    mesh.from_pydata((np.array([*body, (0, 0, 1), (0, 0, -1)]) * radius).tolist(), [], faces)
    mesh.materials.append(material)
    return mesh


def material(name: str, kind: str, **inputs: Any) -> Any:
    made = data.materials.new(name)
    made.use_nodes = True
    tree = made.node_tree
    tree.nodes.clear()
    shader, output = tree.nodes.new(f"ShaderNode{kind}"), tree.nodes.new("ShaderNodeOutputMaterial")
    for label, value in inputs.items():
        shader.inputs[label.replace("_", " ")].default_value = value
    volume = kind.startswith("Volume")
    tree.links.new(shader.outputs[0], output.inputs["Volume" if volume else "Surface"])
    return made


def bump(made: Any) -> Any:
    tree = made.node_tree
    noise, bent = tree.nodes.new("ShaderNodeTexNoise"), tree.nodes.new("ShaderNodeBump")
    shader = next(node for node in tree.nodes if node.type.startswith("BSDF"))
    noise.inputs["Scale"].default_value = 4.0
    tree.links.new(noise.outputs[0], bent.inputs["Height"])
    tree.links.new(bent.outputs[0], shader.inputs["Normal"])
    return made


def key(owner: Any, path: str, values: dict[int, float], index: int = -1) -> None:
    for frame, value in values.items():
        if index < 0:
            setattr(owner, path, value)
        else:
            getattr(owner, path)[index] = value
        owner.keyframe_insert(path, index=index, frame=frame)


def radians(values: dict[int, float]) -> dict[int, float]:
    return {frame: float(np.deg2rad(value)) for frame, value in values.items()}


def fill() -> None:
    floor = bump(material("floor", "BsdfPrincipled", Base_Color=(0.5, 0.3, 0.2, 1), Roughness=0.3))
    wood = material("wood", "BsdfPrincipled", Base_Color=(0.6, 0.4, 0.1, 1))
    lid = material("lid", "BsdfDiffuse", Color=(0.2, 0.5, 0.3, 1))
    glow = material("glow", "Emission", Color=(1, 0.8, 0.5, 1), Strength=2.0)
    glass = material("glass", "BsdfGlass", Roughness=0.1, IOR=1.3)
    mist = material("mist", "VolumeScatter", Density=0.8)
    add("floor", unwrap(block("floor", (5, 4, 0.2), floor), (5, 4)), (0, 0.4, -0.1))
    crate = add("crate", block("crate", CRATE, wood, lid), (0, 0, CRATE[2] / 2))
    foot = add("lamp", block("lamp", (0.2, 0.2, 0.6)), (1.0, 0.2, 0.3))
    bulb = add("bulb", block("bulb", (0.3, 0.2, 0.2), glow), (0.1, 0, 0.45), foot)
    bulb.rotation_euler.y = 0.5
    add("ball", ball("ball", 0.3, glass), (0.55, -0.7, 0.3))
    add("screen", block("screen", (0.5, 0.02, 0.5), wood), (-0.9, -1.2, 0.25))
    add("cloud", block("cloud", (0.6, 0.4, 0.4), mist), (-1.2, 0.9, 0.9))
    sun = data.lights.new("sun", "SUN")
    sun.angle = 0.1
    add("sun", sun).rotation_euler = (0.6, 0.3, 0)
    key(crate, "location", CRATE_X, 0)
    key(crate, "rotation_euler", radians(CRATE_YAW), 2)


def look() -> None:
    lens = data.cameras.new("camera")
    camera = add("camera", lens, (0, -4.0, 1.9))
    lens.sensor_width, lens.shift_y = SENSOR, SHIFT_Y
    lens.dof.use_dof, lens.dof.focus_distance, lens.dof.aperture_fstop = True, 4.0, 1.0
    key(lens, "lens", LENS)
    key(lens, "shift_x", SHIFT_X)
    key(camera, "location", CAMERA_X, 0)
    key(camera, "rotation_euler", radians(CAMERA_PITCH), 0)
    key(camera, "rotation_euler", radians(CAMERA_YAW), 2)
    scene = bpy.context.scene
    scene.camera, scene.render.pixel_aspect_x = camera, ASPECT
    scene.world = data.worlds.new("sky")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.2, 0.3, 0.5, 1)


bpy.ops.wm.read_factory_settings(use_empty=True)
fill()
look()
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
os._exit(0)
