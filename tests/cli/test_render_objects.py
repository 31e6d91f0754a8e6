"""``metasim render objects``: many assets through Blender, some of which hang, crash or are nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tarfile
import uuid
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from metasim.cli import main
from metasim.cli.render_objects import Objects
from metasim.dataset.formats import find_format
from metasim.dataset.modality import Modality
from metasim.dataset.objects.blacklist import Blacklist
from metasim.dataset.record import FileRecord
from metasim.dataset.verify import verify

GOOD = ("anvil.obj", "ball.ply", "bare.stl", "cone.glb", "crate.obj", "disc.ply", "pipe.glb", "ring.stl")
USDA = """#usda 1.0
def Mesh "m" {
    int[] faceVertexCounts = [300000000]
    int[] faceVertexIndices = [0, 1, 2]
    point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 1, 0)]
}
"""
TEXTURED = "mtllib {name}.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 1\nvt 0 0\nvt 1 0\nvt 0 1\nusemtl m\nf 1/1 2/2 3/3\n"
URL = "https://github.com/mattdeitke/objaverse-xl-test-files/blob/ead0bed6a76012452273bbe18d12e4d68a881956"


def textured(folder: Path, name: str, image: str) -> None:
    (folder / f"{name}.obj").write_text(TEXTURED.format(name=name))
    (folder / f"{name}.mtl").write_text(f"newmtl m\nmap_Kd {image}\n")


def assets(folder: Path) -> Path:
    """Eight sound assets, and one that hangs, crashes, is empty and lacks its texture each."""
    folder.mkdir()
    shapes = [
        trimesh.creation.box((1, 2, 3)),
        trimesh.creation.icosphere(subdivisions=3),
        trimesh.creation.capsule(2.0, 0.5),
        trimesh.creation.cone(1.0, 2.0),
        trimesh.creation.box((2, 2, 2)),
        trimesh.creation.cylinder(1.0, 0.2),
        trimesh.creation.annulus(0.5, 1.0, 2.0),
        trimesh.creation.torus(2.0, 0.5),
    ]
    for name, shape in zip(GOOD, shapes, strict=True):
        shape.export(folder / name)
    os.mkfifo(folder / "endless.png")  # reading it never ends
    textured(folder, "hang", "endless.png")
    textured(folder, "lost", "gone.png")
    (folder / "crash.usda").write_text(USDA)
    (folder / "empty.obj").write_text("v 0 0 0\n")
    return folder


def command(folder: Path, out: Path, *more: object) -> int:
    quick = ("--samples", 1, "--workers", 2 if folder.name == "assets" else 1)
    words = ("render", "objects", "--assets", folder, "--out", out, *quick, *more)
    return main([str(word) for word in words])


def table(out: Path, which: str) -> dict[str, dict[str, str]]:
    with (out / f"assets_{which}.csv").open() as file:
        return {row["asset"]: row for row in csv.DictReader(file)}


def metadata(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(f"{path.stem}/metadata.json"))


def times(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.rglob("*")}


@pytest.mark.blender
@pytest.mark.timeout(600)
def test_twelve_assets_of_which_one_hangs_one_crashes_one_is_empty(tmp_path: Path) -> None:
    folder, out = assets(tmp_path / "assets"), tmp_path / "out"
    asked = ("--views", 12, "--size", 128, "--timeout", 20)
    assert command(folder, out, *asked) == 0

    success, failed = table(out, "success"), table(out, "failed")
    assert set(success) == {*GOOD, "lost.obj"}
    assert {row["views"] for row in success.values()} == {"12"}
    assert set(failed) == {"hang.obj", "crash.usda", "empty.obj"}
    assert "no answer for 20 s" in failed["hang.obj"]["reason"]
    assert "SIGSEGV" in failed["crash.usda"]["reason"]
    assert "no faces" in failed["empty.obj"]["reason"]
    for row in (*success.values(), *failed.values()):
        assert row["sha256"] == FileRecord.of(folder / row["asset"]).sha256
    assert verify(out) == []

    for name, row in success.items():
        path = out / f"train/renders/{row['uid']}.zip"
        content = metadata(path)
        assert content["save_uid"] == str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        assert (content["sha256"], len(content["views"])) == (row["sha256"], 12)
        assert (content["random_color"] is None) == (name == "lost.obj")
    lost = metadata(out / f"train/renders/{success['lost.obj']['uid']}.zip")
    assert lost["missing_textures"]["files"] == ["gone.png"]

    before = times(out)
    assert command(folder, out, *asked, "--resume") == 0
    assert times(out) == before


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mug and a box with classes, affordances and an address."""
    folder = tmp_path_factory.mktemp("two")
    trimesh.creation.annulus(0.5, 1.0, 2.0).export(folder / "mug.glb")
    trimesh.creation.box((1, 2, 3)).export(folder / "box.obj")
    (folder / "manifest.yaml").write_text(
        "assets:\n"
        f"  mug.glb: {{class: mug, affordances: [contain, grasp], identifier: '{URL}/example.abc'}}\n"
        "  box.obj: {class: box, affordances: [stack], licence: CC0-1.0}\n"
    )
    return folder


@pytest.mark.blender
def test_a_zip_has_the_relations_of_the_protocol(two: Path, tmp_path: Path) -> None:
    assert command(two, tmp_path / "out", "--views", 5, "--size", 64, "--northern-hemisphere") == 0
    uid = "0fde27a0-99f0-5029-8e20-be9b8ecabb59"  # as published for this address
    content = metadata(tmp_path / f"out/train/renders/{uid}.zip")
    settings = content["render_settings"]
    assert settings == {
        "camera_radius_range": [1.5, 2.8],
        "depth_pass": "Z",
        "elevation_range_degrees": [0.0, 45.0],
        "engine": "CYCLES",
        "fov_degrees_range": [35.0, 70.0],
        "modalities": ["depth", "mask", "normal", "rgb"],
        "num_views": 5,
        "resolution": [64, 64],
    }
    for view in content["views"]:
        pose, place = np.array(view["camera_to_world"]), view["pose"]
        assert place["radius"] + 1e-5 >= 1.5
        assert place["radius"] <= 2.8 + 1e-5
        assert -1e-4 <= place["elevation_degrees"] <= 45.0
        assert 35.0 - 1e-4 <= view["fov_degrees"] <= 70.0 + 1e-4
        np.testing.assert_allclose(pose[:3, 2] * place["radius"], pose[:3, 3], atol=1e-5)
        focal = 32.0 / np.tan(np.deg2rad(view["fov_degrees"]) / 2.0)
        np.testing.assert_allclose(view["intrinsics"], [[focal, 0, 32], [0, focal, 32], [0, 0, 1]], rtol=1e-6)


@pytest.mark.blender
def test_every_cell_of_the_grid_is_seen_once_and_labelled(two: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = ("--grid", 3, 2, "--lighting", "studio,dramatic", "--kelvin", 3000, 6600, "--elevation", 10, 50)
    labels = ("--format", "webdataset", "--split", "train=0.5,test=0.5", "--size", 32, "--views", 24)
    assert command(two, out, *asked, *labels) == 0
    samples = list(find_format("webdataset").read(out))
    assert {s.split for s in samples} == {"train", "test"}
    for name in ("mug", "box"):
        own = [s for s in samples if s.facts["name"].startswith(name)]
        assert len(own) == 24
        assert len({s.split for s in own}) == 1
        cells = {(*_nearest(s), *_light(s)) for s in own}
        assert len(cells) == 24
        for sample in own:
            check_masks(sample, name)
    info = json.loads((out / "dataset_info.json").read_text())
    assert info["total_images"] == 48
    with tarfile.open(next((out / "train").glob("*.tar"))) as shard:
        ends = {name.partition(".")[2] for name in shard.getnames()}
    assert {"png", "semantic.png", "instance.png", "part.png", "is_partnet.png", "bbox.json"} <= ends
    assert {"depth.npz", "normal.npz", "affordance.npz", "json"} <= ends


def _nearest(sample: Any) -> tuple[int, int]:
    camera = sample.graph.by_name["camera"].attributes
    return round(camera["azimuth"] / 120.0) % 3, int(camera["elevation"] > 30.0)


def _light(sample: Any) -> tuple[str, float]:
    node = sample.graph.by_name["environment"]
    return node.cls, node.attributes["kelvin"]


def check_masks(sample: Any, name: str) -> None:
    """Each finer id lies in one coarser; all labels speak of the same pixels."""
    instance, part = sample.images[Modality.INSTANCE], sample.images[Modality.PART]
    seen = instance > 0
    assert set(np.unique(instance)) <= {0, 2}
    np.testing.assert_array_equal(part > 0, seen)
    np.testing.assert_array_equal(sample.images[Modality.MASK], seen)
    np.testing.assert_array_equal(sample.images[Modality.SEMANTIC] == {"box": 1, "mug": 2}[name], seen)
    affordance = sample.images[Modality.AFFORDANCE]
    can = {"mug": [True, True, False], "box": [False, False, True]}[name]
    assert (affordance == (seen[..., None] & np.array(can))).all()
    (box,) = sample.boxes
    rows, columns = np.nonzero(seen)
    assert (box.x, box.y) == (columns.min(), rows.min())
    assert (box.width, box.height) == (np.ptp(columns) + 1, np.ptp(rows) + 1)


@pytest.mark.blender
def test_chunks_hold_as_many_assets_as_asked(two: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = ("--format", "freesplatter-torch", "--shard-assets", 2, "--views", 3, "--size", 32)
    assert command(two, out, *asked) == 0
    (chunk,) = sorted((out / "train").glob("*.torch"))
    index = json.loads((out / "train/index.json").read_text())
    scenes = torch.load(chunk, weights_only=True)
    assert {scene["key"] for scene in scenes} == set(index)
    assert len(scenes) == 2
    assert set(index.values()) == {chunk.name}
    for scene in scenes:
        middle = scene["normalization"]
        assert middle["scale"] == pytest.approx(1.0 if scene["key"].startswith("0fde") else 2.0 / 3.0)
        for row, picture in zip(scene["cameras"].double().numpy(), scene["images"], strict=True):
            x, y, z = row[6:].reshape(3, 4) @ [0.0, 0.0, 0.0, 1.0]
            np.testing.assert_allclose([x / z, y / z], 0.0, atol=1e-6)  # the origin lies on the axis
            assert z + 1e-5 >= 1.5
            assert Image.open(io.BytesIO(picture.numpy().tobytes())).size == (32, 32)


@pytest.mark.blender
@pytest.mark.timeout(300)
def test_formats_of_one_lens_hold_all_views(two: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert command(two, out, "--format", "visionsim", "--views", 3) == 0
    lenses: dict[str, set[float]] = {}
    for sample in find_format("visionsim").read(out):
        assert sample.camera is not None
        lenses.setdefault(sample.sequence, set()).add(float(sample.camera.intrinsics[0, 0]))
    assert [len(focal) for focal in lenses.values()] == [1, 1]
    assert len(set.union(*lenses.values())) == 2
    assert set(table(out, "failed")) == set()


@pytest.mark.blender
@pytest.mark.timeout(300)
def test_bad_assets_before_the_good_ones_stop_none_seen_once(two: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "many", tmp_path / "out"
    shutil.copytree(two, folder)
    (folder / "manifest.yaml").unlink()
    for number in range(10):
        (folder / f"a{number}.glb").write_bytes(b"junk %d" % number)
    asked = ("--views", 1, "--size", 32, "--blacklist", tmp_path / "bad.yaml")
    assert command(folder, out, *asked) == 0
    assert set(table(out, "success")) == {"box.obj", "mug.glb"}
    assert len(Blacklist.load(tmp_path / "bad.yaml").reasons) == len(table(out, "failed")) == 10
    assert verify(out) == []


@pytest.mark.blender
def test_debug_renders_little_of_a_list_of_uids(two: Path, tmp_path: Path) -> None:
    (two / "uids.txt").write_text("mug\n\n")
    assert command(two / "uids.txt", tmp_path / "out", "--debug") == 0
    assert set(table(tmp_path / "out", "success")) == {"mug.glb"}
    samples = list(find_format("freesplatter").read(tmp_path / "out"))
    assert [s.images[Modality.RGB].shape for s in samples] == [(64, 64, 3)] * 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--views", 0), "--views: 0; expected 1 or more"),
        (("--timeout", 0), "--timeout: 0; expected more than 0"),
        (("--timeout", "nan"), "--timeout: nan; expected more than 0"),
        (("--timeout", 1e30), "--timeout: 1e+30; expected more than 0, at most 1e+06"),
        (("--jitter", "nan", 1), "--jitter: nan,1; expected 0 to 360 each"),
        (("--lighting", "disco"), "--lighting: 'disco'; expected some of white, studio, natural, dramatic"),
        (("--radius", 3, 1), "--radius: 3,1; expected LOW,HIGH within 0.05 and 90"),
        (("--grid", 0, 3), "--grid: 0x3; expected AZIMUTHSxELEVATIONS, 1 or more each"),
        (("--min-in-frame", 2), "--min-in-frame: 2; expected from 0 to 1"),
        (("--format", "zip"), "--format: 'zip'; expected one of webdataset"),
    ],
)
def test_wrong_options_are_one_line(
    two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[Any, ...], message: str
) -> None:
    assert command(two, tmp_path / "out", *options) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "assets: {path}: No such file or directory; expected a folder, or a text file"),
        ("", "assets: {path}: nothing; expected names of assets, a line each"),
        ("mugg\n", "{path}: no mugg in its folder; expected 'mug"),
    ],
)
def test_a_wrong_list_is_one_line(
    two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, message: str
) -> None:
    path = two / "wrong.txt"
    path.unlink(missing_ok=True)
    if text is not None:
        path.write_text(text)
    assert command(path, tmp_path / "out") == 2
    assert message.format(path=path) in capsys.readouterr().err


def test_options_have_the_defaults_of_the_protocol() -> None:
    options = Objects(Path("assets"), "out")
    assert (options.views, options.size, options.radius) == (32, 256, (1.5, 2.8))
    assert (options.elevation, options.fov, options.lighting) == ((-45.0, 45.0), (35.0, 70.0), "white")
