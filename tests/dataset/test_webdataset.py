"""Laws of the WebDataset format: what is written is read back, by us and by the libraries it is meant for."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import webdataset
from ball_scene import ball_sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from metasim.dataset.formats.webdataset import WebDatasetFormat
from metasim.dataset.labels import Box, Solid
from metasim.dataset.modality import DERIVED, TABLES, Modality
from metasim.dataset.plan import Part
from metasim.dataset.sample import Origin, Provenance, Sample
from metasim.rendering.camera import Camera
from metasim.scene.graph import SceneGraph, SceneNode
from metasim.scene.serialization import from_json

PART = Part("train", 0, (0, 1, 2))
ORIGIN = Origin("tyol/0", "a" * 64, "b" * 64)
CHANNELS = {m: 3 for m in Modality} | {Modality.UV: 2, Modality.FLOW_FORWARD: 2, Modality.FLOW_BACKWARD: 2}
SCALAR = (Modality.DEPTH, Modality.DISTANCE)
FIELDS = ("split", "graph", "boxes", "full_boxes", "visibility", "provenance", "sequence", "frame")
IDS = (Modality.INSTANCE, Modality.PART, Modality.SEMANTIC)


def image(modality: Modality, most: int, rng: np.random.Generator) -> np.ndarray:
    if modality in IDS:
        ids = rng.integers(0, most, (6, 9), dtype=np.int32, endpoint=True)
        ids[0, 0] = most
        return ids
    if modality is Modality.MASK:
        return rng.random((6, 9)) > 0.5
    if modality in (Modality.AFFORDANCE, Modality.AMODAL):
        return rng.random((6, 9, 56)) > 0.9
    if modality is Modality.RGB:
        return rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)
    values = rng.standard_normal((6, 9) if modality in SCALAR else (6, 9, CHANNELS[modality])).astype(
        np.float32
    )
    values[0, 0] = np.inf if modality in SCALAR else np.nan
    return values


def sample(index: int, most: int = 300) -> Sample:
    rng = np.random.default_rng(index)
    root = SceneNode("room", "room", "room", None, {"light": 0.1 + index})
    cups = [
        SceneNode(f"cup_{i}", "object", "cup", 0, {f"yaw_{i}": 1 / 3}, frozenset({f"yaw_{i}"}))
        for i in range(1 + index)
    ]
    boxes = tuple(Box(i, 2, i, 2, 3, 4) for i in range(2, 2 + index))
    return Sample(
        key=f"{index:08d}",
        split="train",
        graph=SceneGraph((root, *cups)),
        camera=Camera(np.diag([50.0, 60.0, 1.0]), np.eye(4) + index),
        images={m: image(m, most, rng) for m in Modality if m not in TABLES},
        boxes=boxes,
        provenance=Provenance(ORIGIN, 7, index, 99),
        full_boxes=(Box(2, 2, 0, 0, 9, 6), *boxes),
        visibility={2: 1.0} | {box.instance: 1 / 3 for box in boxes},
        solids=(Solid(2, 2, rng.standard_normal((4, 4))),),
        sequence="walk",
        frame=index,
    )


def write(folder: Path, *samples: Sample) -> Path:
    with WebDatasetFormat().open(folder, PART) as writer:
        for item in samples:
            writer.add(item)
    return folder / writer.files[0]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([0, 1, 255, 256, 65535]))
def test_a_sample_survives(tmp_path: Path, most: int) -> None:
    written = [sample(index, most) for index in range(3)]
    write(tmp_path, *written)
    found = list(WebDatasetFormat().read(tmp_path))
    assert [item.key for item in found] == [item.key for item in written]
    for a, b in zip(written, found, strict=True):
        for field in FIELDS:
            assert getattr(a, field) == getattr(b, field)
        for one, other in zip(a.solids or (), b.solids or (), strict=True):
            assert (one.instance, one.class_id) == (other.instance, other.class_id)
            np.testing.assert_array_equal(one.world_from_unit, other.world_from_unit)
        assert a.camera is not None
        assert b.camera is not None
        np.testing.assert_array_equal(a.camera.intrinsics, b.camera.intrinsics)
        np.testing.assert_array_equal(a.camera.world_from_camera, b.camera.world_from_camera)
        assert a.images.keys() == b.images.keys()
        for modality, values in a.images.items():
            assert values.dtype == b.images[modality].dtype
            np.testing.assert_array_equal(values, b.images[modality], err_msg=modality)


def test_members_have_the_names_of_mops(tmp_path: Path) -> None:
    ids = {f"{name}.png" for name in ("semantic", "instance", "part", "is_partnet")}
    arrays = {f"{name}.npz" for name in ("affordance", "depth", "normal")}
    with tarfile.open(write(tmp_path, ball_sample(3))) as tar:
        names = {tuple(name.split(".", 1)) for name in tar.getnames()}
    assert {key for key, _ in names} == {"00000003"}
    assert {member for _, member in names} >= {"png", "bbox.json", "json"} | ids | arrays


def test_the_webdataset_library_reads_it(tmp_path: Path) -> None:
    written = sample(1)
    shard = write(tmp_path, written)
    row = next(iter(webdataset.WebDataset(str(shard), shardshuffle=False).decode()))  # pyright: ignore
    np.testing.assert_array_equal(
        np.asarray(row["depth.npz"]["data"])[..., 0], written.images[Modality.DEPTH]
    )
    np.testing.assert_array_equal(row["normal.npz"]["data"], written.images[Modality.NORMAL])
    assert row["bbox.json"] == [[2, 2, 3, 4, 2]]
    assert row["json"]["provenance"]["checkpoint_sha256"] == ORIGIN.checkpoint_sha256
    raw = next(iter(webdataset.WebDataset(str(shard), shardshuffle=False)))  # pyright: ignore
    with Image.open(io.BytesIO(raw["instance.png"])) as mask:
        assert mask.mode == "I;16"
        np.testing.assert_array_equal(np.asarray(mask), written.images[Modality.INSTANCE])
    pixels = next(iter(webdataset.WebDataset(str(shard), shardshuffle=False).decode("rgb8")))  # pyright: ignore
    np.testing.assert_array_equal(pixels["png"], written.images[Modality.RGB])


def test_hugging_face_datasets_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    written = [sample(index) for index in range(8)]  # the first without boxes, each with another graph
    write(tmp_path / "data", *written)
    found = datasets.load_dataset(
        "webdataset", data_dir=str(tmp_path / "data"), cache_dir=str(tmp_path / "cache")
    )
    assert {name: len(rows) for name, rows in found.items()} == {"train": 8}
    for row, item in zip(found["train"], written, strict=True):
        assert row["__key__"] == item.key
        np.testing.assert_array_equal(np.asarray(row["instance.png"]), item.images[Modality.INSTANCE])
        depth = np.asarray(row["depth.npz"]["data"], np.float32)[..., 0]
        np.testing.assert_array_equal(depth, item.images[Modality.DEPTH])
        assert len(row["bbox.json"]) == len(item.boxes or ())
        assert from_json(json.loads(row["graph.txt"])) == item.graph


def test_equal_samples_give_equal_bytes_without_date_or_owner(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, sample(0), sample(1)) for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as tar:
        for member in tar:
            assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")


def test_a_failing_part_leaves_nothing(tmp_path: Path) -> None:
    def write_half() -> None:
        with WebDatasetFormat().open(tmp_path, PART) as writer:
            writer.add(sample(0))
            raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        write_half()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_only_what_a_sample_carries_is_written(tmp_path: Path) -> None:
    full = sample(0)
    for modality in set(Modality) - DERIVED.keys():
        lean = Sample(
            full.key, "train", full.graph, None, {modality: full.images[modality]}, None, full.provenance
        )
        with tarfile.open(write(tmp_path / modality, lean)) as tar:
            assert len(tar.getnames()) == 3
            card = json.load(tar.extractfile("00000000.json") or io.BytesIO())
        assert list(card["conventions"]) == [modality]
