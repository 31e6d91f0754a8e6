"""What loaders of Objaverse-XL's renders and of torch chunks find in our freesplatter datasets."""

from __future__ import annotations

import io
import json
import math
import uuid
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ball_scene import CENTRE
from exchange import seen, write
from PIL import Image

from metasim.base.errors import InputError
from metasim.dataset.formats.freesplatter import read_zip
from metasim.dataset.formats.freesplatter_torch import FreeSplatterChunksFormat
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample

TOP = (
    "animation_count armature_count edge_count file_identifier file_size lamp_count linked_files "
    "material_count mesh_count metadata missing_textures normalization object_count poly_count random_color "
    "render_settings save_uid scene_size sha256 shape_key_count vert_count views"
)
BELOW = {
    "missing_textures": "count file_path_to_color files",
    "normalization": "scale translation",
    "render_settings": "camera_radius_range depth_pass elevation_range_degrees engine fov_degrees_range "
    "modalities num_views resolution",
    "scene_size": "bbox_max bbox_min",
}
VIEW = "camera_to_world depth focal_length_px fov_degrees image intrinsics mask normal pose"


def views(name: str, num: int = 3) -> list[Sample]:
    """An object from several sides."""
    turned = [seen(name, index) for index in range(num)]
    return [replace(s, sequence="cup", frame=i) for i, s in enumerate(turned)]


def opened(out: Path) -> tuple[zipfile.ZipFile, str, dict[str, Any]]:
    (path,) = out.glob("train/renders/*.zip")
    archive = zipfile.ZipFile(path)
    return archive, path.stem, json.loads(archive.read(f"{path.stem}/metadata.json"))


def test_metadata_has_the_keys_of_the_document(tmp_path: Path) -> None:
    write("freesplatter", tmp_path, views("freesplatter"))
    _, uid, content = opened(tmp_path)
    assert sorted(content) == TOP.split()
    for entry, keys in BELOW.items():
        assert sorted(content[entry]) == keys.split()
    for view in content["views"]:
        assert sorted(view) == VIEW.split()
        assert sorted(view["pose"]) == ["azimuth_degrees", "elevation_degrees", "radius"]
    assert uid == content["save_uid"] == str(uuid.uuid5(uuid.NAMESPACE_DNS, content["file_identifier"]))
    assert len(content["sha256"]) == 64
    assert content["render_settings"]["num_views"] == 3


def test_names_are_unlike_for_unlike_scenes(tmp_path: Path) -> None:
    files = write("freesplatter", tmp_path, [seen("freesplatter", index) for index in range(4)])
    assert len({file.stem for file in files}) == 4


def test_views_are_files_of_the_documents_types(tmp_path: Path) -> None:
    samples = views("freesplatter")
    write("freesplatter", tmp_path, samples)
    archive, uid, content = opened(tmp_path)
    names = {f"{i:03d}{end}" for i in range(3) for end in (".png", "_depth.npy", "_normal.npy", "_mask.npy")}
    assert set(archive.namelist()) == {f"{uid}/{name}" for name in names | {"metadata.json"}}
    for view, sample in zip(content["views"], samples, strict=True):
        with Image.open(io.BytesIO(archive.read(f"{uid}/{view['image']}"))) as image:
            np.testing.assert_array_equal(np.asarray(image), sample.images[Modality.RGB])
        depth, normal, mask = (
            np.load(io.BytesIO(archive.read(f"{uid}/{view[entry]}"))) for entry in ("depth", "normal", "mask")
        )
        assert (depth.dtype, normal.dtype, mask.dtype) == (np.float32, np.float32, np.uint8)
        np.testing.assert_array_equal(mask, sample.images[Modality.MASK])
        assert ((depth > 0) == (mask == 1)).all()
        np.testing.assert_allclose(np.linalg.norm(normal, axis=-1), mask, atol=1e-6)


def test_the_numbers_of_a_view_agree(tmp_path: Path) -> None:
    write("freesplatter", tmp_path, views("freesplatter"))
    _, _, content = opened(tmp_path)
    for view in content["views"]:
        focal, pose = view["intrinsics"][0][0], view["pose"]
        assert view["focal_length_px"] == focal
        width = 2 * focal * math.tan(math.radians(view["fov_degrees"]) / 2)
        assert width == pytest.approx(content["render_settings"]["resolution"][0])
        azimuth, elevation = math.radians(pose["azimuth_degrees"]), math.radians(pose["elevation_degrees"])
        direction = [
            math.cos(azimuth) * math.cos(elevation),
            math.sin(azimuth) * math.cos(elevation),
            math.sin(elevation),
        ]
        place = np.array(view["camera_to_world"])[:3, 3]
        np.testing.assert_allclose(pose["radius"] * np.array(direction), place, atol=1e-9)


def test_members_are_without_date_and_owner(tmp_path: Path) -> None:
    write("freesplatter", tmp_path, views("freesplatter"))
    archive, _, _ = opened(tmp_path)
    assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert archive.testzip() is None


@pytest.mark.parametrize("member", ["../evil.png", "/etc/evil.png", "another/000.png"])
def test_members_that_lead_out_are_refused(tmp_path: Path, member: str) -> None:
    (path,) = write("freesplatter", tmp_path, [seen("freesplatter")])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, b"")
    with pytest.raises(InputError, match=r"leads out|not in its folder"):
        list(read_zip(path))


def test_chunks_hold_what_the_document_lists(tmp_path: Path) -> None:
    samples = [*views("freesplatter-torch"), seen("freesplatter-torch", 9)]
    write("freesplatter-torch", tmp_path, samples)
    scenes = torch.load(tmp_path / "train/000000.torch", weights_only=True)
    assert json.loads((tmp_path / "train/index.json").read_text()) == {
        "cup": "000000.torch",
        "00000009": "000000.torch",
    }
    assert [scene["key"] for scene in scenes] == ["cup", "00000009"]
    for scene, some in zip(scenes, (samples[:3], samples[3:]), strict=True):
        assert sorted(scene) == ["cameras", "depths", "images", "key", "masks", "normalization"]
        assert scene["cameras"].shape == (len(some), 18)
        assert scene["cameras"].dtype == scene["depths"].dtype == torch.float32
        assert scene["depths"].shape == scene["masks"].shape == (len(some), 12, 16)
        assert ((scene["depths"] == -1) == (scene["masks"] == 0)).all()
        for data, sample in zip(scene["images"], some, strict=True):
            assert data.dtype == torch.uint8
            with Image.open(io.BytesIO(data.numpy().tobytes())) as image:
                np.testing.assert_array_equal(np.asarray(image), sample.images[Modality.RGB])


def test_both_forms_project_a_point_to_the_same_pixel(tmp_path: Path) -> None:
    write("freesplatter", tmp_path / "zip", [seen("freesplatter")])
    write("freesplatter-torch", tmp_path / "torch", [seen("freesplatter-torch")])
    _, _, content = opened(tmp_path / "zip")
    (view,) = content["views"]
    opencv = np.array(view["camera_to_world"]) @ np.diag([1.0, -1.0, -1.0, 1.0])
    seen_point = np.linalg.inv(opencv) @ [*CENTRE, 1.0]
    pixel = (np.array(view["intrinsics"]) @ seen_point[:3])[:2] / seen_point[2]
    (scene,) = torch.load(tmp_path / "torch/train/000000.torch", weights_only=True)
    row = scene["cameras"][0].double().numpy()
    x, y, z = row[6:].reshape(3, 4) @ [*CENTRE, 1.0]
    shares = [row[0] * x / z + row[2], row[1] * y / z + row[3]]
    np.testing.assert_allclose(np.multiply(shares, [16, 12]), pixel, atol=1e-4)


def test_a_chunk_of_other_objects_is_refused(tmp_path: Path) -> None:
    write("freesplatter-torch", tmp_path, [seen("freesplatter-torch")])
    torch.save([Path("x")], tmp_path / "train/000000.torch")
    with pytest.raises(InputError, match="not an archive of tensors"):
        list(FreeSplatterChunksFormat().read(tmp_path))
