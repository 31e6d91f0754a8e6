"""What a manifest says of classes, parts and affordances reaches labels, MOPS-Data's layouts and back."""

from __future__ import annotations

import io
import json
import runpy
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import webdataset
from PIL import Image

from metasim.cli import main
from metasim.dataset.formats import find_format
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample

pytestmark = pytest.mark.blender

SCRIPT = Path(__file__).parents[2] / "scripts/own_objects.py"
NAMES = ("contain", "grasp", "roll")
CAN = {"mug/body": ["contain"], "mug/handle": ["grasp"], "can": ["grasp", "roll"]}
BODY, HANDLE, UNNAMED = 1, 2, 3
RADIUS = 0.5  # of a mug's body, metres of its file
LABELS = ("rgb", "instance", "semantic", "part", "mask", "affordance", "depth", "normal", "position", "bbox")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Views of a mug and a can of the repository's own, in MOPS-Data's older layout."""
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [SCRIPT.name, str(folder)])
        runpy.run_path(str(SCRIPT), run_name="__main__")
    (folder / "two.txt").write_text("mug_high\ncan_high\n")
    out = folder / "out"
    asked = ("--format", "hdf5", "--modalities", ",".join(LABELS), "--views", "6", "--size", "48")
    quick = ("--samples", "1", "--workers", "1", "--safe-radius")
    words = ("render", "objects", "--assets", str(folder / "two.txt"), "--out", str(out))
    assert main([*words, *asked, *quick]) == 0
    return out


@pytest.fixture(scope="module")
def converted(rendered: Path) -> Path:
    out = rendered.parent / "shards"
    assert main(["export", "--from", str(rendered), "--format", "webdataset", "--out", str(out)]) == 0
    return out


def seen(out: Path, cls: str) -> list[Sample]:
    return [s for s in find_format("hdf5").read(out) if s.facts["name"].startswith(cls)]


def away(sample: Sample) -> np.ndarray:
    """Metres (H, W) of the file from the asset's upright axis."""
    fit = sample.facts["normalization"]
    place = (sample.images[Modality.POSITION] - fit["translation"]) / fit["scale"]
    return np.hypot(place[..., 0], place[..., 1])


def picture(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_part_ids_are_those_of_the_names_in_the_manifest(rendered: Path) -> None:
    handles = 0
    for sample in seen(rendered, "mug"):
        part, far = sample.images[Modality.PART], away(sample)
        assert set(np.unique(part)) <= {0, BODY, HANDLE}
        assert (part[far > RADIUS + 0.01] == HANDLE).all()
        assert (part[(far > 0.48) & (far < RADIUS - 0.001)] == BODY).all()  # the rim
        handles += (part == HANDLE).sum()
    assert handles > 50
    for sample in seen(rendered, "can"):
        np.testing.assert_array_equal(sample.images[Modality.PART] == UNNAMED, sample.images[Modality.MASK])


def test_a_pixel_has_the_affordances_of_its_class_and_part(rendered: Path) -> None:
    rows = {("mug", BODY): CAN["mug/body"], ("mug", HANDLE): CAN["mug/handle"], ("can", UNNAMED): CAN["can"]}
    for (cls, part), can in rows.items():
        for sample in seen(rendered, cls):
            own = sample.images[Modality.PART] == part
            assert (sample.images[Modality.AFFORDANCE][own] == [name in can for name in NAMES]).all()
            assert not sample.images[Modality.AFFORDANCE][~sample.images[Modality.MASK]].any()


def test_the_description_names_classes_parts_and_affordances(rendered: Path, converted: Path) -> None:
    for out in (rendered, converted):
        info = json.loads((out / "dataset_info.json").read_text())
        assert info["part_names"] == ["body", "handle"]
        assert info["affordance_names"] == list(NAMES)
        assert info["affordances"] == CAN
        assert info["class_names"][:2] == ["can", "mug"]
        assert "| names of parts | body, handle |" in (out / "card.md").read_text()


def test_the_older_layout_becomes_shards_with_equal_arrays(rendered: Path, converted: Path) -> None:
    """Each read by the library it is meant for, and by nothing of ours."""
    (old,), shards = sorted(rendered.glob("train/*.hdf5")), sorted(map(str, converted.glob("train/*.tar")))
    rows = list(webdataset.WebDataset(shards, shardshuffle=False).decode())  # pyright: ignore
    with h5py.File(old) as file:
        infos = [json.loads(info) for info in file["metadata/image_info"].asstr()[:]]  # pyright: ignore
        assert [info["image_id"] for info in infos] == [row["__key__"] for row in rows]
        for number, row in enumerate(rows):
            name = f"image_{number:06d}"
            arrays = {"images": picture(row["png"])}
            for mask in ("semantic", "instance"):
                arrays[f"masks/{mask}"] = picture(row[f"{mask}.png"])
            arrays["masks/parts"] = picture(row["part.png"])
            arrays["masks/is_partnet"] = picture(row["is_partnet.png"]) // 255
            for mask in ("depth", "normal", "affordance", "position"):
                arrays[f"masks/{mask}"] = row[f"{mask}.npz"]["data"]
            for path, array in arrays.items():
                np.testing.assert_array_equal(file[f"{path}/{name}"], array, err_msg=path)  # pyright: ignore
            assert infos[number]["members"]["bbox.json"] == row["bbox.json"]


def test_a_part_without_its_material_is_refused(rendered: Path, tmp_path: Path) -> None:
    (tmp_path / "mug.glb").write_bytes((rendered.parent / "mug_low.glb").read_bytes())
    (tmp_path / "manifest.yaml").write_text("assets: {mug.glb: {class: mug, parts: {lid: [open]}}}")
    words = ("render", "objects", "--assets", str(tmp_path), "--out", str(tmp_path / "out"))
    assert main([*words, "--workers", "1", "--views", "2", "--size", "8"]) == 1
    failed = (tmp_path / "out/assets_failed.csv").read_text()
    assert "mug.glb: no material for its part lid; expected parts among body, handle" in failed
