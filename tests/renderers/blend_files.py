"""Makes the .blend file that tests open, and tries bindings on it.

Both run as a program, since Blender holds one file a process.

The camera looks straight down from z = 10. Above the floor at z = -1 float a glowing mug (a block of
2 x 1 x 1), a keyed ball and, in a collection that is not rendered, cars to choose by class. The file also
holds what must not run, a texture that is not there and a mesh of another file.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

GLOW = (0.5, 0.25, 0.125, 1.0)


def make_blend(folder: Path) -> Path:
    """A .blend file in a folder, beside the library that it links to; ``script.txt`` there says what ran."""
    subprocess.run([sys.executable, __file__, str(folder)], check=True, capture_output=True, timeout=120)
    return folder / "user.blend"


def refusals(blend: Path, binds: Sequence[Mapping[str, Any]], folder: Path) -> list[str]:
    """What opening a file with each of some bindings raises, one after the other in one process."""
    tried, told = folder / "binds.json", folder / "told.json"
    tried.write_text(json.dumps(binds))
    command = [sys.executable, __file__, str(blend), str(tried), str(told)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return json.loads(told.read_text())


def _try(blend: Path, binds: Sequence[Mapping[str, Any]]) -> list[str]:
    from metasim.base.errors import InputError
    from renderers.blender.blend.scene import BlendScene

    told: list[str] = []
    for bind in binds:
        try:
            BlendScene(blend, bind).build()
        except InputError as error:
            told.append(str(error))
        else:
            told.append("nothing")
    return told


def _build(folder: Path) -> None:
    bpy: Any = importlib.import_module("bpy")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.filepaths.save_version = 0
    _block(bpy, "Linked", (0.2, 0.2, 0.2))
    bpy.data.meshes["Linked"].use_fake_user = True
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "library.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(folder / "library.blend"), link=True, relative=True) as (_, wanted):
        wanted.meshes = ["Linked"]
    linked = _link(bpy, "Linked", bpy.data.meshes["Linked"])
    linked.location = (-2.5, 2.5, 0)
    _add_things(bpy)
    _add_surroundings(bpy)
    _add_scripts(bpy, folder / "script.txt")
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "user.blend"))
    _demand_scripts_would_run(bpy, folder)


def _add_things(bpy: Any) -> None:
    mug = _block(bpy, "Mug", (2.0, 1.0, 1.0))
    mug.rotation_mode = "QUATERNION"
    mug.data.materials.append(_glowing(bpy))
    mug.shape_key_add(name="Basis")
    tall = mug.shape_key_add(name="Tall")
    for point in tall.data:
        point.co.z *= 3.0
    ball = _block(bpy, "Ball", (0.5, 0.5, 0.5))
    for frame, x in ((1, -2.0), (11, 2.0)):
        ball.location = (x, -2.0, 0.0)
        ball.keyframe_insert("location", frame=frame)
    for curve in ball.animation_data.action.fcurves:
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
    ball["size"] = 1.0
    driver = ball.driver_add("scale", 2).driver
    driver.type = "AVERAGE"
    target = driver.variables.new().targets[0]
    target.id, target.data_path = ball, '["size"]'
    cars = bpy.data.collections.new("Cars")
    bpy.context.scene.collection.children.link(cars)
    cars.hide_render = True
    for name, size in (("sedan", (1.0, 0.5, 0.5)), ("van", (0.5, 1.0, 1.0))):
        car = _block(bpy, name, size)
        bpy.context.scene.collection.objects.unlink(car)
        cars.objects.link(car)


def _add_surroundings(bpy: Any) -> None:
    _block(bpy, "Floor", (7.0, 7.0, 0.2)).location.z = -1.1
    floor = bpy.data.materials.new("Wood")
    floor.use_nodes = True
    tree = floor.node_tree
    tree.nodes["Principled BSDF"].inputs["Specular IOR Level"].default_value = 0.0
    picture = tree.nodes.new("ShaderNodeTexImage")
    image = bpy.data.images.new("planks", 4, 4)
    image.source, image.filepath = "FILE", "//planks.png"
    picture.image = image
    tree.links.new(picture.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Sheen Tint"])
    bpy.data.objects["Floor"].data.materials.append(floor)
    sun = bpy.data.lights.new("Key", "SUN")
    sun.energy = 1.0
    _link(bpy, "Lamp", sun)
    camera = bpy.data.cameras.new("Lens")
    camera.lens, camera.sensor_width = 36.0, 36.0
    shown = _link(bpy, "Camera", camera)
    shown.location.z = 10.0
    bpy.context.scene.camera = shown
    world = bpy.data.worlds.new("Sky")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = GLOW
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.0
    bpy.context.scene.world = world
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 800, 400


def _add_scripts(bpy: Any, trace: Path) -> None:
    text = bpy.data.texts.new("evil.py")
    text.use_module = True
    text.from_string(f"open({str(trace)!r}, 'a').write('text ')")
    driver = bpy.data.objects["Floor"].driver_add("location", 0).driver
    driver.type, driver.expression = "SCRIPTED", f"len(str(open({str(trace)!r}, 'a').write('driver '))) - 1"


def _demand_scripts_would_run(bpy: Any, folder: Path) -> None:
    """Opened as its maker trusts it, the file does run both; else a test of it would prove nothing."""
    trace = folder / "script.txt"
    bpy.ops.wm.open_mainfile(filepath=str(folder / "user.blend"), use_scripts=True)
    bpy.context.scene.frame_set(2)
    ran = trace.read_text()
    assert "text" in ran, ran
    assert "driver" in ran, ran
    trace.unlink()


def _block(bpy: Any, name: str, size: tuple[float, float, float]) -> Any:
    corners = [(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(c * s for c, s in zip(p, size, strict=True)) for p in corners], [], sides)
    return _link(bpy, name, mesh)


def _link(bpy: Any, name: str, data: Any) -> Any:
    made = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(made)
    return made


def _glowing(bpy: Any) -> Any:
    material = bpy.data.materials.new("Paint")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    light, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    light.inputs["Color"].default_value = GLOW
    tree.links.new(light.outputs["Emission"], output.inputs["Surface"])
    return material


if __name__ == "__main__":
    if sys.argv[2:]:
        Path(sys.argv[3]).write_text(
            json.dumps(_try(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())))
        )
    else:
        _build(Path(sys.argv[1]))
    os._exit(0)  # Blender may hang as it leaves
