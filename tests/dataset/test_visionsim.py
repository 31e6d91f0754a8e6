"""What VisionSIM's readers and Blender's files say of our visionsim datasets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import OpenEXR
import pytest
from ball_scene import CENTRE, GRAPH
from exchange import seen, write
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.errors import InputError, MetasimError
from metasim.dataset.exr import exr, from_exr
from metasim.dataset.formats import find_format
from metasim.dataset.modality import Modality

SCHEMAS = Path(__file__).parent / "data"
FORMS = {"visionsim": "transforms_img", "visionsim-npy": "transforms_npy"}


def schema(form: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"{form}.schema.json").read_text())


def transforms(out: Path) -> tuple[Path, dict[str, Any]]:
    (path,) = out.glob("train/renders/00000000/001-00000-00001/transforms.json")
    return path.parent, json.loads(path.read_text())


def channels(path: Path) -> dict[str, np.ndarray]:
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: np.array(channel.pixels) for name, channel in file.channels().items()}


@pytest.mark.parametrize("name", FORMS)
def test_transforms_fulfil_the_schema_of_their_form_alone(name: str, tmp_path: Path) -> None:
    write(name, tmp_path, [seen(name)])
    _, content = transforms(tmp_path)
    jsonschema.validate(content, schema(FORMS[name]))
    (other,) = set(FORMS.values()) - {FORMS[name]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema(other))


def test_the_cameras_of_the_schema_agree_with_blenders_words(tmp_path: Path) -> None:
    sample = seen("visionsim")
    assert sample.camera is not None
    write("visionsim", tmp_path, [sample])
    _, content = transforms(tmp_path)
    width, height = content["w"], content["h"]
    # the lens, sensor and shift of Blender's manual: shift is in widths of the sensor, up is positive
    assert content["lens"] / content["sensor_width"] * width == pytest.approx(content["fl_x"], rel=1e-12)
    assert content["lens"] / content["sensor_height"] * height == pytest.approx(content["fl_y"], rel=1e-12)
    assert width / 2 - content["shift_x"] * width == pytest.approx(content["cx"], abs=1e-9)
    assert height / 2 + content["shift_y"] * width == pytest.approx(content["cy"], abs=1e-9)
    assert 2 * content["fl_x"] * np.tan(content["angle_x"] / 2) == pytest.approx(width, rel=1e-12)
    assert 2 * content["fl_y"] * np.tan(content["angle_y"] / 2) == pytest.approx(height, rel=1e-12)
    # the centre of the ball, by the schema's own numbers, is where our camera sees it
    pose = np.array(content["frames"][0]["transform_matrix"])
    x, y, z = (CENTRE - pose[:3, 3]) @ pose[:3, :3]
    pixel = (content["cx"] + content["fl_x"] * x / -z, content["cy"] + content["fl_y"] * y / z)
    np.testing.assert_allclose(sample.camera.project(CENTRE)[0], pixel, atol=1e-9)


def test_files_are_as_blender_writes_them(tmp_path: Path) -> None:
    sample = seen("visionsim")
    write("visionsim", tmp_path, [sample])
    folder, content = transforms(tmp_path)
    (frame,) = content["frames"]
    depth = channels(folder / frame["depth_file_path"])
    ids = channels(folder / frame["segmentation_file_path"])
    normal = channels(folder / frame["normal_file_path"])
    flow = channels(folder / frame["flow_file_path"])
    assert (set(depth), set(ids), set(normal), set(flow)) == ({"V"}, {"V"}, set("RGB"), set("RGBA"))
    assert {array.dtype for file in (depth, ids, normal, flow) for array in file.values()} == {np.dtype("f4")}
    surface = np.isfinite(sample.images[Modality.DEPTH])
    assert (depth["V"][~surface] == 1e10).all()
    np.testing.assert_array_equal(ids["V"], sample.images[Modality.INSTANCE])
    # towards the camera is +Z: most of what is seen faces it
    assert np.median(normal["B"][surface]) > 0.3
    lengths = np.linalg.norm(np.stack([normal[c] for c in "RGB"], axis=-1), axis=-1)
    np.testing.assert_allclose(lengths, surface, atol=1e-6)
    # Blender's vector pass: to the previous frame, then minus that to the next, y up
    backward, forward = sample.images[Modality.FLOW_BACKWARD], sample.images[Modality.FLOW_FORWARD]
    for channel, expected in zip(
        "RGBA", (backward[..., 0], -backward[..., 1], -forward[..., 0], forward[..., 1]), strict=True
    ):
        np.testing.assert_array_equal(flow[channel], expected)


def test_arrays_are_slices_of_the_images(tmp_path: Path) -> None:
    samples = [replace(seen("visionsim-npy"), sequence="a/001-00000-00002", frame=i) for i in range(2)]
    write("visionsim-npy", tmp_path, samples)
    frames = np.load(tmp_path / "train/renders/a/001-00000-00002/frames.npy", mmap_mode="r")
    assert (frames.shape, frames.dtype) == ((2, 12, 16, 3), np.uint8)
    for frame, sample in zip(frames, samples, strict=True):
        np.testing.assert_array_equal(frame, sample.images[Modality.RGB])


def test_masks_are_a_data_set_of_packed_bits(tmp_path: Path) -> None:
    sample = seen("visionsim-npy")
    write("visionsim-npy", tmp_path, [sample])
    folder, content = transforms(tmp_path)
    masks = json.loads((folder / "masks/transforms.json").read_text())
    jsonschema.validate(masks, schema("transforms_npy"))
    assert (masks["bitpack"], masks["bitpack_dim"], masks["c"]) == (True, 2, 1)
    assert masks["frames"] == content["frames"]
    packed = np.load(folder / "masks" / masks["file_path"], mmap_mode="r")
    assert (packed.shape, packed.dtype) == ((1, 12, 2, 1), np.uint8)
    found = np.unpackbits(packed, axis=masks["bitpack_dim"])[0, :, : masks["w"], 0]
    np.testing.assert_array_equal(found, sample.images[Modality.MASK])


@pytest.mark.parametrize("name", FORMS)
def test_a_sequence_has_one_lens(name: str, tmp_path: Path) -> None:
    samples = [replace(seen(name, index), sequence="a") for index in range(2)]
    with pytest.raises(MetasimError, match="lens"):
        write(name, tmp_path, samples)


def test_scenes_keep_their_graphs(tmp_path: Path) -> None:
    write("visionsim", tmp_path, [seen("visionsim")])
    folder, _ = transforms(tmp_path)
    (record,) = json.loads((folder / "metasim.json").read_text())
    assert [node["name"] for node in record["graph.txt"]["nodes"]] == [node.name for node in GRAPH.nodes]


@given(st.sampled_from([(), (3,), (4,)]), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_exr_gives_every_float_back(
    tmp_path_factory: pytest.TempPathFactory, channels: tuple[int, ...], height: int, width: int, seed: int
) -> None:
    bits = np.random.default_rng(seed).integers(0, 2**32, (height, width, *channels), dtype=np.uint32)
    image = bits.view(np.float32)
    path = tmp_path_factory.mktemp("exr") / "image.exr"
    path.write_bytes(exr(image))
    np.testing.assert_array_equal(from_exr(path).view(np.uint32), bits)


def test_a_head_of_an_array_that_is_no_python_is_damage(tmp_path: Path) -> None:
    write("visionsim-npy", tmp_path, [seen("visionsim-npy")])
    folder, _ = transforms(tmp_path)
    data = (folder / "frames.npy").read_bytes()
    (folder / "frames.npy").write_bytes(data.replace(b"(1,", b"(((", 1))
    with pytest.raises(InputError, match="missing or damaged"):
        list(find_format("visionsim-npy").read(tmp_path))


def test_an_exr_that_cannot_be_unpacked_is_damage(tmp_path: Path) -> None:
    write("visionsim", tmp_path, [seen("visionsim")])
    folder, content = transforms(tmp_path)
    path = folder / content["frames"][0]["segmentation_file_path"]
    data = bytearray(path.read_bytes())
    data[-8:] = b"\xff" * 8
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"segmentation_000000.exr.*whole EXR"):
        list(find_format("visionsim").read(tmp_path))
