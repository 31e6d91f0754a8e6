"""Assets on the stage: every format gives the picture of its reference, in its own colours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import trimesh
from PIL import Image

from metasim.base.errors import InputError
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.tyol.pose import DEFAULTS

pytestmark = pytest.mark.blender

SIZE = 48
GEOMETRY = frozenset({Pass.DEPTH, Pass.INSTANCE})
EXPORTED = ("obj", "ply", "stl", "glb", "gltf", "fbx", "usdc", "usda", "usdz", "abc", "dae", "blend")
POINTS = [[0, 0, 0], [0.1, 0, 0], [0.1, 0.2, 0], [0, 0.2, 0], [0, 0, 0.3], [0.1, 0, 0.3], [0.1, 0.2, 0.25]]
FACES = [[0, 3, 2, 1], [4, 5, 6], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 6], [3, 0, 4], [3, 4, 6]]
EXPORT = """
import bpy, json, sys
points, faces, folder = json.load(sys.stdin)
bpy.ops.wm.read_factory_settings(use_empty=True)
mesh = bpy.data.meshes.new("block")
mesh.from_pydata(points, [], faces)
thing = bpy.data.objects.new("block", mesh)
bpy.context.scene.collection.objects.link(thing)
bpy.context.view_layer.objects.active = thing
thing.select_set(True)
thing.location, thing.rotation_euler = (0.3, -0.2, 0.1), (0.0, 0.0, 0.5)
wm = bpy.ops.wm
wm.obj_export(filepath=f"{folder}/obj/block.obj")
wm.ply_export(filepath=f"{folder}/ply/block.ply")
wm.stl_export(filepath=f"{folder}/stl/block.stl")
bpy.ops.export_scene.gltf(filepath=f"{folder}/glb/block.glb")
bpy.ops.export_scene.gltf(filepath=f"{folder}/gltf/block.gltf", export_format="GLTF_SEPARATE")
bpy.ops.export_scene.fbx(filepath=f"{folder}/fbx/block.fbx")
for kind in ("usdc", "usda", "usdz"):
    wm.usd_export(filepath=f"{folder}/{kind}/block.{kind}")
wm.alembic_export(filepath=f"{folder}/abc/block.abc")
wm.collada_export(filepath=f"{folder}/dae/block.dae")
wm.save_as_mainfile(filepath=f"{folder}/blend/block.blend")
"""


def in_blender(program: str, *given: object) -> None:
    """Runs a program with its own bpy, which holds one file a process."""
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(given), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def scene(*classes: str, **values: float) -> SceneGraph:
    """Objects of some classes side by side, at the default values but for some."""
    nodes = [SceneNode("image", "image", "image", None, {})]
    for symbol in ("camera", "light", "table"):
        chosen = {name: values.get(name, value) for name, value in DEFAULTS[symbol].items()}
        nodes.append(SceneNode(symbol, symbol, symbol, 0, chosen))
    for i, cls in enumerate(classes):
        places = {"loc_x": 1.0 + (i - (len(classes) - 1) / 2.0)}
        own = {**places, **{n: v for n, v in values.items() if n in DEFAULTS["object"] or n == "asset"}}
        nodes.append(SceneNode(f"object_{i}", "object", cls, 0, own))
    return SceneGraph(tuple(nodes))


def opened(folder: Path, **options: object) -> RenderPool:
    return RenderPool("blender", {"scene": "assets", "assets": folder, "size": SIZE, **options}, workers=1)


def shoot(pool: RenderPool, *graphs: SceneGraph, passes: frozenset[Pass] = GEOMETRY) -> list[Frame]:
    frames = pool.render(graphs, passes, [0] * len(graphs))
    assert all(isinstance(frame, Frame) for frame in frames), frames
    return [frame for frame in frames if isinstance(frame, Frame)]


def mean_colour(frame: Frame, node: int) -> npt.NDArray[np.float64]:
    """Mean linear reflectance of the pixels of a node."""
    return np.asarray(frame[Pass.REFLECTANCE], np.float64)[frame[Pass.INSTANCE] == node + 1].mean(axis=0)


COMPOSED = """
import bpy, json, sys
points, faces, folder = json.load(sys.stdin)
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
def block(name, colour):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points, [], faces)
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    surface = material.node_tree.nodes["Principled BSDF"]
    surface.inputs["Base Color"].default_value = (*colour, 1.0)
    surface.inputs["Specular IOR Level"].default_value = 0.0
    mesh.materials.append(material)
    return bpy.data.objects.new(name, mesh)
row = block("row", (0.0, 0.0, 0.5))
scene.collection.objects.link(row)
array = row.modifiers.new("array", "ARRAY")
array.count, array.use_relative_offset, array.use_constant_offset = 2, False, True
array.constant_offset_displace = (0.0, 0.0, 0.35)
apart = bpy.data.collections.new("apart")
apart.objects.link(block("mirrored", (0.5, 0.0, 0.0)))
instance = bpy.data.objects.new("instance", None)
instance.instance_type, instance.instance_collection = "COLLECTION", apart
instance.location, instance.scale = (-0.2, 0.1, 0.0), (-1.0, 1.0, 1.5)
scene.collection.objects.link(instance)
hidden = block("hidden", (0.0, 0.5, 0.0))
hidden.location, hidden.hide_render = (0.0, 2.0, 0.0), True
scene.collection.objects.link(hidden)
scene.collection.objects.link(bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "POINT")))
bpy.ops.wm.save_as_mainfile(filepath=f"{folder}/composed/scene.blend")
bpy.data.objects.remove(hidden)
bpy.ops.wm.obj_export(filepath=f"{folder}/reference/scene.obj", export_materials=False)
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    for kind in EXPORTED:
        (folder / kind).mkdir()
    in_blender(EXPORT, POINTS, FACES, str(folder))
    return folder


@pytest.fixture(scope="module")
def formats(exported: Path) -> Iterator[RenderPool]:
    with opened(exported, samples=1) as pool:
        yield pool


def test_every_format_gives_the_picture_of_the_obj_file(formats: RenderPool) -> None:
    """Depth to 1e-4 m; on the silhouette a pixel's centre may fall to either side."""
    pose = {"yaw": 35.0, "pitch": 12.0, "camera_pitch": 50.0}
    reference, *others = shoot(formats, *(scene(kind, **pose) for kind in EXPORTED))
    silhouette = reference[Pass.INSTANCE] == 5
    assert 60 < silhouette.sum() < SIZE * SIZE / 2
    for kind, frame in zip(EXPORTED[1:], others, strict=True):
        same = (frame[Pass.INSTANCE] == 5) == silhouette
        assert (~same).sum() <= 2, kind
        gap = np.asarray(frame[Pass.DEPTH], np.float64) - np.asarray(reference[Pass.DEPTH], np.float64)
        assert np.abs(gap[same]).max() < 1e-4, kind


def test_modifiers_instances_and_materials_of_a_blend_file_count(tmp_path: Path) -> None:
    """As Blender itself writes them out; hidden objects and lamps do not count."""
    for name in ("composed", "reference"):
        (tmp_path / name).mkdir()
    in_blender(COMPOSED, POINTS, FACES, str(tmp_path))
    with opened(tmp_path, samples=4) as pool:
        graphs = [scene(name, yaw=20.0, camera_pitch=70.0) for name in ("composed", "reference")]
        ours, reference = shoot(pool, *graphs, passes=COLOURS)
    mine, theirs = (frame[Pass.INSTANCE] == 5 for frame in (ours, reference))
    both = mine & theirs
    assert (mine | theirs).sum() - both.sum() <= 2
    gap = np.asarray(ours[Pass.DEPTH], np.float64)[both] - np.asarray(reference[Pass.DEPTH], np.float64)[both]
    assert np.abs(gap).max() < 1e-4
    colours = np.asarray(ours[Pass.REFLECTANCE], np.float64)[ours[Pass.INSTANCE] == 5]
    for channel in (0, 2):
        assert (colours[:, channel] > 0.45).mean() > 0.1
    assert colours[:, 1].max() < 0.3


def test_assets_are_made_one_size(exported: Path) -> None:
    """The longest edge of the block's box is its height; its highest point is a tip between pixels."""
    for rule, height in (("metres", 0.3), ("box", 0.2)):
        with opened(exported, samples=1, only=["stl"], fit=rule, length=0.2) as pool:
            top = np.asarray(shoot(pool, scene("stl", camera_pitch=0.0))[0][Pass.DEPTH], np.float64).min()
            assert top == pytest.approx(2.3 - height, abs=2e-3)


def colourful(folder: Path) -> None:
    """A red cube by vertex colours, a green one by a texture, a BOP way, and a plain one."""
    (folder / "cube").mkdir(parents=True)
    box = trimesh.creation.box((0.1, 0.1, 0.1))
    red = trimesh.Trimesh(box.vertices, box.faces, vertex_colors=[255, 0, 0, 255], process=False)
    red.export(folder / "cube" / "a_red.ply")
    Image.new("RGB", (8, 8), (0, 255, 0)).save(folder / "cube" / "green.png")
    (folder / "cube" / "b_green.ply").write_text(textured_ply(box, "green.png"))
    box.export(folder / "cube" / "c_plain.stl")
    red.export(folder / "cube" / "d_red.glb")
    (folder / "cube" / "e.mtl").write_text("newmtl green\nmap_Kd green.png\nKs 0 0 0\n")
    faces = [f"f {a + 1}/1 {b + 1}/1 {c + 1}/1" for a, b, c in box.faces]
    lines = ["mtllib e.mtl", *(f"v {x} {y} {z}" for x, y, z in box.vertices), "vt 0.5 0.5", "usemtl green"]
    (folder / "cube" / "e_green.obj").write_text("\n".join([*lines, *faces]) + "\n")


def textured_ply(mesh: trimesh.Trimesh, image: str, scale: float = 1.0) -> str:
    """A PLY file as BOP's are: texture coordinates at the vertices, the image in a comment."""
    header = ["ply", "format ascii 1.0", f"comment TextureFile {image}"]
    header += [f"element vertex {len(mesh.vertices)}"]
    header += [f"property float {name}" for name in ("x", "y", "z", "texture_u", "texture_v")]
    header += [f"element face {len(mesh.faces)}", "property list uchar int vertex_indices", "end_header"]
    low, high = mesh.bounds
    rows = [[*(scale * p), *((p - low) / (high - low))[[0, 2]]] for p in mesh.vertices]
    lines = [*(" ".join(map(str, row)) for row in rows), *(f"3 {a} {b} {c}" for a, b, c in mesh.faces)]
    return "\n".join([*header, *lines]) + "\n"


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RenderPool]:
    folder = tmp_path_factory.mktemp("cubes")
    colourful(folder)
    with opened(folder, samples=4) as pool:
        yield pool


COLOURS = GEOMETRY | {Pass.REFLECTANCE}


def test_vertex_colours_and_textures_show(cubes: RenderPool) -> None:
    red, green, plain = shoot(cubes, *(scene("cube", asset=i) for i in range(3)), passes=COLOURS)
    assert mean_colour(red, 4) == pytest.approx([1.0, 0.0, 0.0], abs=0.02)
    assert mean_colour(green, 4) == pytest.approx([0.0, 1.0, 0.0], abs=0.02)
    assert np.ptp(mean_colour(plain, 4)) > 0.05
    of_gltf, of_obj = shoot(cubes, *(scene("cube", asset=i) for i in (3, 4)), passes=COLOURS)
    assert mean_colour(of_gltf, 4) == pytest.approx([1.0, 0.0, 0.0], abs=0.1)  # its material shines
    assert np.argmax(mean_colour(of_obj, 4)) == 1
    assert mean_colour(of_obj, 4)[1] > 0.7


def test_the_colour_of_an_object_tints_it(cubes: RenderPool) -> None:
    plain, warm = shoot(cubes, scene("cube", asset=0), scene("cube", asset=0, warmth=-1.0), passes=COLOURS)
    assert mean_colour(warm, 4)[0] == pytest.approx(0.85 * mean_colour(plain, 4)[0], abs=0.02)


def test_objects_of_a_class_are_its_assets_in_turn(cubes: RenderPool) -> None:
    """Of ten in a row the two in the middle are in sight: the last of the five assets and again the first."""
    frame = shoot(cubes, scene(*["cube"] * 10, camera_pitch=30.0), passes=COLOURS)[0]
    assert [int(np.argmax(mean_colour(frame, node))) for node in (8, 9)] == [1, 0]


def test_several_objects_of_one_asset_share_its_mesh_but_not_its_place(cubes: RenderPool) -> None:
    alone, pair = shoot(cubes, scene("cube", asset=1), scene("cube", "cube", asset=1))
    assert {5, 6} <= set(np.unique(pair[Pass.INSTANCE]))
    assert 6 not in np.unique(alone[Pass.INSTANCE])


def test_a_scene_leaves_nothing_behind(cubes: RenderPool) -> None:
    one, many = scene("cube", asset=2, yaw=20.0), scene("cube", "cube", "cube", warmth=1.0)
    alone = shoot(cubes, one, passes=COLOURS)[0]
    after = shoot(cubes, many, one, passes=COLOURS)[1]
    assert all(np.array_equal(alone[name], after[name]) for name in COLOURS)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (scene("cub"), "object_0: class cub; expected 'cube'"),
        (scene("cube", asset=5.5), "asset: 5.5; expected"),
    ],
)
def test_scenes_beyond_the_assets_are_refused(cubes: RenderPool, graph: SceneGraph, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cubes.render([graph], GEOMETRY, [0])


def test_a_bop_model_keeps_its_metres(tmp_path: Path) -> None:
    models = tmp_path / "dataset" / "models"
    models.mkdir(parents=True)
    (models / "models_info.json").write_text(json.dumps({"3": {"diameter": 200.0}}))
    Image.new("RGB", (8, 8), (0, 0, 255)).save(models / "obj_000003.png")
    box = trimesh.creation.box((0.12, 0.12, 0.25))
    (models / "obj_000003.ply").write_text(textured_ply(box, "obj_000003.png", scale=1000.0))
    with opened(tmp_path / "dataset", samples=4) as pool:
        frame = shoot(pool, scene("obj_000003", camera_pitch=0.0), passes=COLOURS)[0]
    assert np.asarray(frame[Pass.DEPTH]).min() == pytest.approx(2.3 - 0.25, abs=1e-4)
    assert mean_colour(frame, 4) == pytest.approx([0.0, 0.0, 1.0], abs=0.02)


def test_a_missing_image_is_named(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "cup.obj").write_text("mtllib cup.mtl\n" + (exported / "obj" / "block.obj").read_text())
    (tmp_path / "cup.mtl").write_text("newmtl Material\nmap_Kd gone.png\n")
    text = (tmp_path / "cup.obj").read_text().replace("\nf ", "\nusemtl Material\nf ", 1)
    (tmp_path / "cup.obj").write_text(text.replace("mtllib block.mtl\n", ""))
    with pytest.raises(InputError, match=r"cup.obj: no image .*gone.png"), opened(tmp_path) as pool:
        shoot(pool, scene("cup"))
