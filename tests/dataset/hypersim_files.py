"""Scenes in Hypersim's layout, written by us and read file by file."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
from ball_scene import CLASSES, SIZE, ball_sample

from metasim.dataset.formats.hypersim import HypersimFormat
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.modality import Modality
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.sample import Sample

HELD = HypersimFormat.modalities


def held(sample: Sample, kept: frozenset[Modality] = HELD) -> Sample:
    """The sample with no more than the format holds, with no table but that of oriented boxes."""
    images = {m: image for m, image in sample.images.items() if m in HELD & kept}
    solids = sample.solids if Modality.BBOX3D in kept else None
    return replace(sample, images=images, boxes=None, full_boxes=None, visibility=None, solids=solids)


def halved(sample: Sample) -> Sample:
    """The sample with its floating images rounded to float16, depth by way of distance."""
    images = dict(sample.images)
    for modality, image in images.items():
        if image.dtype == np.float32 and modality is not Modality.DEPTH:
            images[modality] = image.astype(np.float16).astype(np.float32)
    if sample.camera is not None and Modality.DEPTH in images:
        rays = np.linalg.norm(sample.camera.rays(*images[Modality.DEPTH].shape), axis=-1)
        distance = sample.images.get(Modality.DISTANCE, images[Modality.DEPTH] * rays)
        images[Modality.DEPTH] = (distance.astype(np.float16).astype(np.float32) / rays).astype(np.float32)
    return replace(sample, images=images)


def write(folder: Path, *samples: Sample) -> list[str]:
    part = Part("train", 0, tuple(s.provenance.index for s in samples))
    with HypersimFormat().open(folder, part) as writer:
        for item in samples:
            writer.add(item)
    plan = ExportPlan("hypersim", len(samples), tuple(sorted(HELD)), {"train": 1.0}, 0, SIZE)
    info = DatasetInfo(plan, CLASSES, {part.name: tuple(s.key for s in samples)})
    return [*writer.files, *HypersimFormat().finalise(folder, info)]


def array(path: Path) -> np.ndarray:
    """The one array of a file, by its required name."""
    with h5py.File(path) as file:
        assert list(file) == ["dataset"], path
        dataset = file["dataset"]
        assert isinstance(dataset, h5py.Dataset)
        return dataset[()]


def images_of(scene: Path, kind: str) -> dict[str, np.ndarray]:
    """The arrays of frame 0 by name."""
    paths = (scene / f"images/scene_cam_00_{kind}_hdf5").iterdir()
    names = [path.name.split(".") for path in paths]
    assert {(a, b, d) for a, b, _, d in names} == {("frame", "0000", "hdf5")}
    folder = scene / f"images/scene_cam_00_{kind}_hdf5"
    return {name: array(folder / f"frame.0000.{name}.hdf5") for _, _, name, _ in names}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_scene(out: Path) -> Path:
    """Writes two scenes with everything that the format holds; the folder of the first."""
    write(out, held(ball_sample(1002)), held(ball_sample(0)))
    return out / "ai_000_000"


def matrix(scene: Path, name: str, size: int) -> np.ndarray:
    """A matrix of the scene's row in the table of cameras."""
    rows = {row["scene_name"]: row for row in table(scene.parent / "metadata_camera_parameters.csv")}
    return np.array([[float(rows[scene.name][f"{name}_{i}{j}"]) for j in range(size)] for i in range(size)])
