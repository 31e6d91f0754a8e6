"""One asset at a time: its size, its numbers, its light and the cameras around it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import trimesh
from PIL import Image

from metasim.base.streams import stream
from metasim.dataset.objects.gate import Gate, Measures
from metasim.dataset.objects.lighting import PRESETS, Lighting
from metasim.dataset.objects.viewpoint import Ranges, Viewpoint
from metasim.rendering.attempt import SceneFailure
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode

pytestmark = pytest.mark.blender

SIZE = 48
LABELS = frozenset({Pass.DEPTH, Pass.NORMAL, Pass.INSTANCE, Pass.POSITION})
OF_THE_TOOL = {"lamp_count": 1, "object_count": 3}
"""Published counts have the camera, lamp and aim of the tool that counted; ours are of the file alone."""

EXAMPLE = "METASIM_EXAMPLE_ABC"
"""Names the path of example.abc, of the public test files of Objaverse-XL, where that is at hand."""

GOLDEN = {
    "edge_count": 2492,
    "lamp_count": 1,
    "mesh_count": 3,
    "object_count": 8,
    "poly_count": 984,
    "vert_count": 2032,
    "material_count": 0,
    "scene_size": {"bbox_max": [4.999998569488525, 6.0, 1.0], "bbox_min": [-4.999995231628418, -6.0, -1.0]},
}

CROWD = """
import bpy, sys
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
def put(name, data):
    thing = bpy.data.objects.new(name, data)
    scene.collection.objects.link(thing)
    return thing
bpy.ops.mesh.primitive_cube_add(size=2.0, location=(3.0, 0.0, 0.0))
bpy.ops.mesh.primitive_grid_add(x_subdivisions=2, y_subdivisions=3, size=2.0)
grid = bpy.context.object
grid.shape_key_add(name="rest")
grid.shape_key_add(name="bent")
grid.keyframe_insert("location", frame=1)
grid.data.materials.append(bpy.data.materials.new("paint"))
put("lamp", bpy.data.lights.new("lamp", "POINT"))
put("camera", bpy.data.cameras.new("camera"))
put("bones", bpy.data.armatures.new("bones"))
put("nothing", None)
bpy.ops.wm.save_as_mainfile(filepath=f"{sys.argv[1]}/crowd.blend")
bpy.ops.wm.alembic_export(filepath=f"{sys.argv[1]}/crowd_in_abc.abc")
"""
OBJ = "mtllib {name}.mtl\nv 0 0 0\nv 4 0 0\nv 0 2 0\nvt 0 0\nvt 1 0\nvt 0 1\nusemtl m\nf 1/1 2/2 3/3\n"


def view(cls: str, seen: Viewpoint, lighting: Lighting | None = None) -> SceneGraph:
    camera = {name: getattr(seen, name) for name in ("azimuth", "elevation", "radius", "fov")}
    return SceneGraph(
        (
            SceneNode("scene", "scene", "scene", None, {}),
            SceneNode("object", "object", cls, 0, {"asset": 0}),
            SceneNode("camera", "camera", "camera", 0, camera),
            *((lighting or Lighting()).nodes(0)),
        )
    )


def viewpoints(num: int, **ranges: Any) -> list[Viewpoint]:
    rng = stream(0, "test")
    return [Ranges(**ranges).draw(rng) for _ in range(num)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objects")
    block = trimesh.creation.box((1.0, 2.0, 4.0)).apply_translation((5.0, -3.0, 0.5))
    block.export(folder / "block.stl")
    trimesh.creation.icosphere(subdivisions=4, radius=0.01).export(folder / "pearl.ply")
    (folder / "lost.obj").write_text(OBJ.format(name="lost"))
    (folder / "lost.mtl").write_text("newmtl m\nKd 0 1 0\nmap_Kd gone.png\n")
    (folder / "found.obj").write_text(OBJ.format(name="found"))
    (folder / "found.mtl").write_text("newmtl m\nmap_Kd blue.png\n")
    Image.new("RGB", (4, 4), (0, 0, 255)).save(folder / "blue.png")
    (folder / "empty.obj").write_text("v 0 0 0\n")
    done = subprocess.run(
        [sys.executable, "-c", CROWD, str(folder)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pool(folder: Path) -> Iterator[RenderPool]:
    options = {"scene": "objects", "assets": folder, "size": SIZE, "samples": 4}
    with RenderPool("blender", options, workers=1) as made:
        yield made


def shoot(pool: RenderPool, *graphs: SceneGraph, passes: frozenset[Pass] = LABELS) -> list[Frame]:
    frames = pool.submit(graphs, passes, 0).result()
    assert all(isinstance(frame, Frame) for frame in frames), frames
    return [frame for frame in frames if isinstance(frame, Frame)]


def facts(pool: RenderPool, cls: str) -> Mapping[str, Any]:
    (frame,) = shoot(pool, view(cls, Viewpoint(0, 0, 3, 50)))
    return frame.facts


def floats(frame: Frame, name: Pass) -> npt.NDArray[np.float64]:
    return np.asarray(frame[name], dtype=np.float64)


def test_cameras_stand_where_the_graph_says_and_look_at_the_origin(pool: RenderPool) -> None:
    seen = viewpoints(6)
    for place, frame in zip(seen, shoot(pool, *(view("block", v) for v in seen)), strict=True):
        assert frame.camera is not None
        pose, lens = frame.camera.world_from_camera, frame.camera.intrinsics
        focal = SIZE / (2.0 * np.tan(np.deg2rad(place.fov) / 2.0))
        middle = SIZE / 2.0
        np.testing.assert_allclose(lens, [[focal, 0, middle], [0, focal, middle], [0, 0, 1]], rtol=1e-5)
        azimuth, elevation = np.deg2rad(place.azimuth), np.deg2rad(place.elevation)
        direction = [
            np.cos(azimuth) * np.cos(elevation),
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ]
        np.testing.assert_allclose(pose[:3, 3], place.radius * np.array(direction), atol=1e-5)
        np.testing.assert_allclose(pose[:3, 2], direction, atol=1e-6)
        np.testing.assert_allclose(pose[:3, :3].T @ pose[:3, :3], np.eye(3), atol=1e-6)
        assert pose[2, 1] > 0.0


@pytest.mark.parametrize("cls", ["block", "pearl", "lost", "crowd"])
def test_the_longest_edge_becomes_two_metres_around_the_origin(pool: RenderPool, cls: str) -> None:
    told = facts(pool, cls)
    scale, shift = told["normalization"]["scale"], np.array(told["normalization"]["translation"])
    size = told["asset"]["scene_size"]
    low, high = (scale * np.array(size[end]) + shift for end in ("bbox_min", "bbox_max"))
    assert (high - low).max() == pytest.approx(2.0, abs=1e-6)
    np.testing.assert_allclose(low, -high, atol=1e-6)
    places = [Viewpoint(a, e, 2.8, 70) for a, e in ((30, 30), (150, 30), (270, 30), (0, -89), (0, 89))]
    points = np.concatenate(
        [floats(f, Pass.POSITION).reshape(-1, 3) for f in shoot(pool, *(view(cls, p) for p in places))]
    )
    reached = np.nanmax(np.abs(points), axis=0)
    assert (reached <= high + 1e-5).all()
    assert (reached >= 0.8 * high).all()


def test_all_labels_of_a_view_are_of_one_picture(pool: RenderPool) -> None:
    """Depth is planar, so that it unprojects to the positions, and all labels agree on each single pixel."""
    for frame in shoot(pool, *(view("pearl", v) for v in viewpoints(4, safe_radius=True))):
        assert frame.camera is not None
        seen = frame[Pass.INSTANCE] == 2
        assert seen.any()
        assert not seen.all()
        depth, normal = floats(frame, Pass.DEPTH), floats(frame, Pass.NORMAL)
        np.testing.assert_array_equal(np.isfinite(depth), seen)
        np.testing.assert_array_equal(np.isfinite(normal).all(axis=-1), seen)
        points = frame.camera.unproject(depth)[seen]
        np.testing.assert_allclose(points, floats(frame, Pass.POSITION)[seen], atol=1e-4)
        np.testing.assert_allclose(np.linalg.norm(points, axis=-1), 1.0, atol=0.01)
        assert (np.sum(points * normal[seen], axis=-1) > 0.98).all()


def test_counts_are_those_of_the_file_alone(pool: RenderPool) -> None:
    told = facts(pool, "crowd")["asset"]
    assert told | {"missing_textures": 0, "scene_size": 0} == {
        "animation_count": 1,
        "armature_count": 1,
        "edge_count": 12 + 17,
        "lamp_count": 1,
        "linked_files": [],
        "material_count": 1,
        "mesh_count": 2,
        "missing_textures": 0,
        "object_count": 6,
        "poly_count": 6 + 6,
        "random_color": None,
        "scene_size": 0,
        "shape_key_count": 1,
        "vert_count": 8 + 12,
    }
    assert facts(pool, "pearl")["asset"]["animation_count"] == 0


def test_an_alembic_file_has_the_numbers_of_the_blend_file_it_comes_from(pool: RenderPool) -> None:
    told, source = facts(pool, "crowd_in_abc")["asset"], facts(pool, "crowd")["asset"]
    for name in ("edge_count", "mesh_count", "poly_count", "vert_count"):
        assert told[name] == source[name]
    for end in ("bbox_min", "bbox_max"):
        np.testing.assert_allclose(told["scene_size"][end], source["scene_size"][end], atol=1e-6)


@pytest.mark.skipif(EXAMPLE not in os.environ, reason=f"the public file, whose path {EXAMPLE} says")
def test_the_public_example_has_its_published_numbers(tmp_path: Path) -> None:
    (tmp_path / "example.abc").write_bytes(Path(os.environ[EXAMPLE]).read_bytes())
    with RenderPool("blender", {"scene": "objects", "assets": tmp_path, "size": 8}, workers=1) as pool:
        told = facts(pool, "example")["asset"]
    counts = {name: count for name, count in GOLDEN.items() if name != "scene_size"}
    assert {name: told[name] + OF_THE_TOOL.get(name, 0) for name in counts} == counts
    for end, corner in GOLDEN["scene_size"].items():
        np.testing.assert_allclose(told["scene_size"][end], corner, atol=1e-5)


def test_a_mesh_without_colours_gets_one_of_its_name(pool: RenderPool) -> None:
    for cls in ("block", "pearl"):
        (frame,) = shoot(
            pool, view(cls, Viewpoint(20, 20, 3, 50)), passes=frozenset({Pass.REFLECTANCE, Pass.INSTANCE})
        )
        told = frame.facts["asset"]["random_color"]
        seen = floats(frame, Pass.REFLECTANCE)[SIZE // 2, SIZE // 2]
        np.testing.assert_allclose(seen, told[:3], atol=1e-3)
    assert facts(pool, "block")["asset"]["random_color"] != facts(pool, "pearl")["asset"]["random_color"]


def test_a_missing_texture_is_replaced_and_listed(pool: RenderPool) -> None:
    passes = frozenset({Pass.REFLECTANCE, Pass.INSTANCE})
    place = Viewpoint(270, 2, 2.0, 50)
    lost, found = (shoot(pool, view(cls, place), passes=passes)[0] for cls in ("lost", "found"))
    missing = lost.facts["asset"]["missing_textures"]
    assert (missing["count"], missing["files"]) == (1, ["gone.png"])
    assert lost.facts["asset"]["linked_files"] == ["gone.png"]
    assert found.facts["asset"]["missing_textures"]["count"] == 0
    inside = (SIZE // 2 + 3, SIZE // 2 - 3)
    np.testing.assert_allclose(
        floats(lost, Pass.REFLECTANCE)[inside], missing["file_path_to_color"]["gone.png"][:3], atol=2e-2
    )
    assert floats(found, Pass.REFLECTANCE)[inside].argmax() == 2
    json.dumps(lost.facts, allow_nan=False)


def test_an_asset_that_cannot_be_read_fails_and_leaves_nothing(pool: RenderPool) -> None:
    before = shoot(pool, view("block", Viewpoint(0, 0, 3, 50)))[0].facts
    results = pool.submit([view("empty", v) for v in viewpoints(3)], LABELS, 0).result()
    assert {r.reason for r in results if isinstance(r, SceneFailure)} == {
        "MetasimError: empty.obj: no faces; expected a .obj file with a mesh"
    }
    assert pool.counters.restarts == 0
    assert shoot(pool, view("block", Viewpoint(0, 0, 3, 50)))[0].facts == before


def test_a_safe_radius_shows_the_whole_asset(pool: RenderPool) -> None:
    passes = Gate().passes
    safe = shoot(pool, *(view("block", v) for v in viewpoints(8, safe_radius=True)), passes=passes)
    near = shoot(pool, *(view("block", v) for v in viewpoints(8, radius=(1.5, 1.6))), passes=passes)
    assert all(Measures.of(frame).in_frame == 1.0 for frame in safe)
    assert any(Measures.of(frame).in_frame < 1.0 for frame in near)


def lit(pool: RenderPool, lighting: Lighting) -> npt.NDArray[np.float64]:
    """Light (N, 3) that a ball sends to cameras all around it."""
    graphs = [view("pearl", Viewpoint(azimuth, 0, 3.4, 50), lighting) for azimuth in (0, 90, 180, 270)]
    frames = shoot(pool, *graphs, passes=frozenset({Pass.HDR, Pass.INSTANCE}))
    return np.concatenate([floats(frame, Pass.HDR)[frame[Pass.INSTANCE] == 2] for frame in frames])


def test_presets_differ_in_brightness_or_contrast(pool: RenderPool) -> None:
    looks = {}
    for name in PRESETS:
        light = lit(pool, Lighting(name)).mean(axis=-1)
        looks[name] = np.array([light.mean(), light.std() / light.mean()])
    names = list(looks)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            ratio = looks[first] / looks[second]
            assert np.abs(np.log(ratio)).max() > 0.15, (first, second, looks)
    contrast = {name: look[1] for name, look in looks.items()}
    assert max(contrast, key=contrast.__getitem__) == "dramatic"
    assert min(contrast, key=contrast.__getitem__) == "white"


@pytest.mark.parametrize("preset", ["white", "natural"])
def test_light_is_linear_in_its_intensity(pool: RenderPool, preset: str) -> None:
    single, triple = lit(pool, Lighting(preset)), lit(pool, Lighting(preset, intensity=3.0))
    np.testing.assert_allclose(triple, 3.0 * single, rtol=0.02)  # Cycles drops the faintest light at random
    assert np.median(np.abs(triple / single - 3.0)) < 1e-4


def test_warm_light_is_redder(pool: RenderPool) -> None:
    warm, cold = (lit(pool, Lighting("studio", kelvin)).mean(axis=0) for kelvin in (2700.0, 9000.0))
    assert warm[0] / warm[2] > 5.0 * cold[0] / cold[2]
