"""Folders of assets: classes, manifests, BOP models; broken meshes are refused before any picture."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import pdist

from metasim.base.errors import InputError
from metasim.rendering.pool import RenderPool
from metasim.rendering.registry import check_options
from renderers.blender.assets.catalogue import Catalogue
from renderers.blender.assets.fit import Fit, diameter
from renderers.blender.assets.ply import Ply
from renderers.blender.assets.rehearsal import rehearse
from renderers.blender.assets.soundness import check_file

BOX = trimesh.creation.box((1.0, 2.0, 3.0))


def put(path: Path, mesh: trimesh.Trimesh = BOX) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mesh.export(path)
    return path


def manifest(folder: Path, text: str) -> None:
    (folder / "manifest.yaml").write_text(text)


def test_the_class_is_the_first_folder_or_the_file(tmp_path: Path) -> None:
    for name in ("cup/red/model.obj", "cup/blue.STL", "shoe.ply", "cup/red/notes.txt"):
        put(tmp_path / name) if not name.endswith("txt") else (tmp_path / name).write_text("red")
    found = Catalogue.of(tmp_path)
    assert {cls: [a.name for a in assets] for cls, assets in found.by_class.items()} == {
        "cup": ["cup/blue.STL", "cup/red/model.obj"],
        "shoe": ["shoe.ply"],
    }
    assert not found.true_size


def test_a_manifest_says_what_counts_and_as_what(tmp_path: Path) -> None:
    for name in ("a.obj", "b.stl", "c.ply"):
        put(tmp_path / name)
    said = "{class: mug, up: y, metres_per_unit: 0.01, affordances: [contain], parts: {handle: [grasp]}}"
    manifest(tmp_path, f"licence: CC0-1.0\nassets:\n  a.obj: mug\n  b.stl: {said}\n")
    first, second = Catalogue.of(tmp_path).by_class["mug"]
    assert (first.name, first.metres_per_unit, first.up, first.licence) == ("a.obj", 1.0, None, "CC0-1.0")
    assert (second.name, second.metres_per_unit, second.up) == ("b.stl", 0.01, "y")
    grasp = {"mug": frozenset({"contain"}), "mug/handle": frozenset({"grasp"})}
    assert Catalogue.of(tmp_path).affordances == grasp


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("assets: {z.obj: mug}", "assets.z.obj: no such file"),
        ("assets: {a.obj: {clas: mug}}", "assets.a.obj.clas: unknown key; expected 'class'"),
        ("assets: {a.obj: {class: mug, metres_per_unit: 0}}", "metres_per_unit: 0; expected"),
        ("assets: {a.glb: {class: mug, up: y}}", "assets.a.glb.up: y; expected nothing"),
        ("assets: []", "assets: "),
    ],
)
def test_a_wrong_manifest_is_refused(tmp_path: Path, text: str, message: str) -> None:
    put(tmp_path / "a.obj")
    put(tmp_path / "a.glb")
    manifest(tmp_path, text)
    with pytest.raises(InputError, match=message):
        Catalogue.of(tmp_path)


def bop(folder: Path, *ids: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "models_info.json").write_text(json.dumps({str(i): {"diameter": 3.7} for i in ids}))
    return folder


def test_bop_models_are_known_from_the_dataset_or_their_folder(tmp_path: Path) -> None:
    models = bop(tmp_path / "models", 2, 11)
    for name in ("obj_000002.ply", "obj_000011.ply", "scan.ply"):
        put(models / name)
    for folder in (tmp_path, models):
        found = Catalogue.of(folder)
        assert list(found.by_class) == ["obj_000002", "obj_000011"]
        assert {a.metres_per_unit for a in found.assets} == {0.001}
        assert found.true_size
    (models / "obj_000011.ply").unlink()
    with pytest.raises(InputError, match=r"models_info.json: 11: no obj_000011.ply"):
        Catalogue.of(tmp_path)


def test_a_folder_without_meshes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no mesh file"):
        Catalogue.of(tmp_path)


def test_without_the_folder_one_line_says_how_to_get_one(tmp_path: Path) -> None:
    options = {"scene": "assets", "assets": tmp_path / "tyol"}
    with pytest.raises(
        InputError, match=r"^renderer\.assets: .*https://bop\.felk\.cvut\.cz/datasets"
    ) as caught:
        check_options("blender", options)
    assert "\n" not in str(caught.value)


clouds = arrays(np.float64, st.tuples(st.integers(4, 40), st.just(3)), elements=st.floats(-9, 9, width=16))


@given(clouds.filter(lambda points: np.ptp(points, axis=0).max() > 0.1), st.sampled_from(["box", "diameter"]))
def test_fitted_points_have_the_size_and_the_origin_in_the_middle(points: np.ndarray, rule: str) -> None:
    fitted = Fit.of(points, "box" if rule == "box" else "diameter", 0.3)(points)
    low, high = fitted.min(axis=0), fitted.max(axis=0)
    length = (high - low).max() if rule == "box" else pdist(fitted).max()
    assert length == pytest.approx(0.3)
    assert np.allclose(low, -high, atol=1e-12)
    assert diameter(points) == pytest.approx(pdist(points).max())


def test_the_diameter_of_a_large_round_body_is_right_to_a_percent() -> None:
    """An ellipsoid of 10,242 points, all on its hull; its longest axis lies askew."""
    turned = np.linalg.qr(np.arange(9.0).reshape(3, 3) + 4.0 * np.eye(3))[0]
    points = trimesh.creation.icosphere(subdivisions=5).vertices * [1.0, 0.8, 1.3] @ turned
    assert diameter(points) == pytest.approx(2.6, rel=0.01)


def poke(path: Path, old: bytes, new: bytes) -> Path:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    return path


def bad_faces(folder: Path, suffix: str) -> Path:
    path = put(folder / f"box{suffix}")
    first = BOX.faces[0].tolist()
    if suffix == ".obj":
        lines = path.read_text().splitlines()
        return_at = next(i for i, line in enumerate(lines) if line.startswith("f "))
        lines[return_at] = "f 1 2 99"
        path.write_text("\n".join(lines))
    elif suffix == ".ply":
        poke(path, struct.pack("<B3i", 3, *first), struct.pack("<B3i", 3, *first[:2], 9999))
    else:
        content = path.read_bytes()
        kind = "<3H" if struct.pack("<3H", *first) in content else "<3I"
        poke(path, struct.pack(kind, *first), struct.pack(kind, *first[:2], 60000))
    return path


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".glb"])
def test_bad_face_indices_are_refused(tmp_path: Path, suffix: str) -> None:
    check_file(put(tmp_path / "sound" / f"box{suffix}"))
    with pytest.raises(
        InputError, match=rf"^{tmp_path}/box{suffix}: [^\n]*(vertex \d+ of|out of bounds)[^\n]*$"
    ):
        check_file(bad_faces(tmp_path, suffix))


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".stl", ".glb"])
def test_vertices_that_are_not_finite_are_refused(tmp_path: Path, suffix: str) -> None:
    points = BOX.vertices.copy()
    points[3, 1] = np.nan
    path = put(tmp_path / f"box{suffix}", trimesh.Trimesh(points, BOX.faces, process=False))
    with pytest.raises(InputError, match=rf"box{suffix}: vertex \d+ is not finite"):
        check_file(path)


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".stl", ".glb", ".dae"])
def test_what_is_no_mesh_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"box{suffix}"
    path.write_bytes(b"\x00\x01 nothing of the kind")
    with pytest.raises(InputError, match=rf"^{path}: [^\n]*$"):
        check_file(path)


CORNERS = """ply
format ascii 1.0
element vertex 3
property float x
property float y
property float z
element face 1
property list uchar int vertex_indices
property list uchar float texcoord
end_header
0 0 0
1 0 0
0 1 0
3 2 0 1 6 0 1 .25 0 1 .5
"""


def test_texture_coordinates_of_corners_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_text(CORNERS)
    ply = Ply.read(tmp_path / "a.ply")
    assert (ply.corners.tolist(), ply.lengths.tolist()) == ([2, 0, 1], [3])
    assert ply.uvs is not None
    assert ply.uvs.tolist() == [[0.0, 1.0], [0.25, 0.0], [1.0, 0.5]]


USD = """#usda 1.0
(metersPerUnit = 1
 upAxis = "Z")
def Mesh "m" {{
    int[] faceVertexCounts = [3]
    int[] faceVertexIndices = [0, 1, {last}]
    point3f[] points = [(0, 0, 0), (1, 0, 0), ({tip}, 1, 0)]
}}
"""


@pytest.mark.blender
@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("crash.usda", USD.format(last=-300000, tip=0), r"crash\.usda: .*; expected"),
        ("nan.usda", USD.format(last=2, tip="nan"), r"nan\.usda: vertex 2 is not finite"),
        ("line.usda", USD.format(last=1, tip=0), r"line\.usda: no (extent|faces)"),
        ("flat.obj", "v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", r"flat\.obj: no extent"),
        ("empty.obj", "v 0 0 0\n", r"empty\.obj: no"),
        ("bad.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 30\n", r"bad\.obj: .*29"),
    ],
)
def test_a_broken_mesh_ends_the_start_of_the_engine_in_one_line(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    put(tmp_path / "a_sound.obj")
    (tmp_path / name).write_text(text)
    with (
        RenderPool("blender", {"scene": "assets", "assets": tmp_path, "size": 8}, workers=1) as pool,
        pytest.raises(InputError, match=rf"^[^\n]*{message}[^\n]*$"),
    ):
        assert pool.capabilities


@pytest.mark.blender
def test_an_import_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "slow.usda").write_text(USD.format(last=2, tip=0))
    with pytest.raises(InputError, match=r"slow\.usda: not imported within 0\.01 s"):
        rehearse([tmp_path / "slow.usda"], timeout_s=0.01)
