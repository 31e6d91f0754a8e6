"""Samples of the ball as the formats of VisionSIM, FreeSplatter, COCO and BOP hold them, for their tests."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ball_scene import CLASSES, assert_same, ball_sample

from metasim.dataset.formats import find_format
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.modality import Modality
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.sample import Sample

NAMES = ("visionsim", "visionsim-npy", "freesplatter", "freesplatter-torch", "coco", "bop")
POSE_ERROR = 1e-5  # of a pose in float32, a few metres from the origin
DEPTH_ERROR = 5.1e-5  # half a step of BOP's finest depth image
NORMAL_ERROR = 2e-7  # of a turn there and back in float32


def lean(sample: Sample, kept: frozenset[Modality]) -> Sample:
    """The sample with these modalities alone."""
    fields = {"boxes": Modality.BBOX, "full_boxes": Modality.BBOX_FULL}
    fields |= {"visibility": Modality.VISIBILITY, "solids": Modality.BBOX3D}
    tables = {field: getattr(sample, field) if m in kept else None for field, m in fields.items()}
    return replace(sample, images={m: i for m, i in sample.images.items() if m in kept}, **tables)


def seen(name: str, index: int = 0, size: tuple[int, int] = (12, 16)) -> Sample:
    """The ball with all that a format holds, by a camera that it can hold."""
    return lean(ball_sample(index, size, skew=0.0), find_format(name).modalities)


def write(name: str, out: Path, samples: Sequence[Sample]) -> list[Path]:
    """A dataset of one part; its files."""
    indices = tuple(dict.fromkeys(s.provenance.index for s in samples))
    plan = ExportPlan(name, len(indices), (), {"train": 1.0}, 0, (12, 16), max(1, len(indices)))
    with find_format(name).open(out, Part("train", 0, indices)) as writer:
        for sample in samples:
            writer.add(sample)
    keys = {"train/00000": tuple(s.key for s in samples)}
    files = (*writer.files, *find_format(name).finalise(out, DatasetInfo(plan, CLASSES, keys)))
    return [out / file for file in files]


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def assert_close(found: Sample, written: Sample) -> None:
    """Equal up to the rounding of depths and normals that formats convert."""
    errors = {Modality.DEPTH: DEPTH_ERROR, Modality.NORMAL: NORMAL_ERROR}
    images = dict(found.images)
    for modality, error in errors.items():
        if modality in images and modality in written.images:
            one, other = images[modality], written.images[modality]
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one, other, rtol=0, atol=error)
            images[modality] = other
    assert_same(replace(found, images=images), written, POSE_ERROR)
