"""BOP: scene folders of colour, 16-bit depth and masks, with the poses of all objects, as bop_toolkit reads.

``split/000000/`` holds ``rgb/000000.png``, ``depth/000000.png`` (times ``depth_scale``: millimetres along the
optical axis; 0 on the background), ``mask/000000_000001.png`` (image, object: the whole silhouette) and
``mask_visib/`` (the visible part), ``scene_camera.json``, ``scene_gt.json`` and ``scene_gt_info.json``.
Lengths are millimetres, camera axes OpenCV's (x right, y down, z forward), and pixel centres lie at integers,
so that the principal point in ``cam_K`` is half a pixel less than ours.

Scenes that are seen once are the images of one BOP scene a part, numbered like the part. A sequence is a
BOP scene of its own, with the number of its scene under the seed, and its frames' numbers for its images.

``obj_id`` is the class, named in ``dataset_info.md``; its model is a box, centred, on the object's own axes,
see ``bop_models``. Since objects of a class differ in size, ``scene_gt_info.json`` has the ``size`` of each,
beside its ``instance_id``; both go beyond BOP. What has no oriented box has no pose, hence is background.
``scene_metasim.json`` has the scene graphs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from metasim.base.files import write_text
from metasim.dataset import labels
from metasim.dataset.encode import from_png, png, png16
from metasim.dataset.formats.axes import camera_of_opencv, opencv_from_world
from metasim.dataset.formats.bop_models import Extents, extents_path, write_models
from metasim.dataset.formats.poses import Pose, join_pose, split_pose
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.formats.record import carried, from_record, need_camera, sorted_json, to_record
from metasim.dataset.formats.staging import StagedFiles, staged_files
from metasim.dataset.labels import Image
from metasim.dataset.modality import Modality, require
from metasim.dataset.plan import Part
from metasim.dataset.sample import Sample
from metasim.rendering.camera import Array, Camera

Json = dict[str, Any]

CAMERA, POSES, DETAILS, RECORDS = "scene_camera", "scene_gt", "scene_gt_info", "scene_metasim"
INFO = "dataset_info.md"
FINEST = 0.1
"""Millimetres a step of a depth image, for all scenes up to 6.5 m deep."""

_HALF_PIXEL = np.array([[0.0, 0.0, 0.5], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0]])
_NO_BOX = [-1, -1, -1, -1]


class BopWriter:
    """An open part.

    Args:
        staged: Takes its files.
        part: The part.
    """

    def __init__(self, staged: StagedFiles, part: Part) -> None:
        self._staged, self._part = staged, part
        self._tables: dict[str, dict[str, Json]] = {}
        self._extents = Extents()

    @property
    def files(self) -> tuple[str, ...]:
        """Paths, within the dataset, of the files of the part."""
        return self._staged.files

    def add(self, sample: Sample) -> None:
        """Writes the images of a sample, and takes its tables."""
        require(BopFormat.required, carried(sample), BopFormat.name)
        camera = need_camera(sample, BopFormat.name)
        first = sample.provenance.index - sample.frame  # of its sequence, whose frames follow each other
        number = first if sample.sequence else self._part.number
        folder = f"{sample.split}/{number:06d}"
        tables = self._tables.setdefault(folder, {t: {} for t in (CAMERA, POSES, DETAILS, RECORDS)})
        image = sample.frame if sample.sequence else len(tables[CAMERA])
        scale = _depth_scale(sample)
        for name, data in _pictures(sample, image, scale).items():
            self._staged.write(f"{folder}/{name}.png", data)
        poses = [split_pose(solid, camera) for solid in sample.solids or ()]
        for pose in poses:
            self._extents.add(pose.class_id, pose.size * 1000.0, pose.size * 1000.0)
        tables[CAMERA][str(image)] = _camera_entry(camera, scale)
        tables[POSES][str(image)] = [_pose_entry(pose) for pose in poses]
        tables[DETAILS][str(image)] = [_detail_entry(sample, pose) for pose in poses]
        tables[RECORDS][str(image)] = to_record(sample)

    def close(self) -> None:
        """Writes the tables."""
        for folder, tables in self._tables.items():
            for name, table in tables.items():
                self._staged.write(f"{folder}/{name}.json", sorted_json(table))
        self._staged.write(extents_path(self._part), sorted_json(self._extents.to_json()))


class BopFormat:
    """A folder a scene."""

    name = "bop"
    required = frozenset({Modality.RGB, Modality.INSTANCE, Modality.AMODAL, Modality.BBOX3D})
    modalities = required | {
        Modality.DEPTH,
        Modality.SEMANTIC,
        Modality.MASK,
        Modality.BBOX,
        Modality.BBOX_FULL,
        Modality.VISIBILITY,
    }

    @contextmanager
    def open(self, out: Path, part: Part) -> Iterator[BopWriter]:
        """Opens the folders of a part."""
        with staged_files(out) as staged:
            writer = BopWriter(staged, part)
            yield writer
            writer.close()

    def summaries(self, part: Part) -> tuple[str, ...]:
        """The extents of its objects."""
        return (extents_path(part),)

    def finalise(self, out: Path, info: DatasetInfo) -> tuple[str, ...]:
        """Writes which class each ``obj_id`` is, and its model."""
        rows = (f"| {number} | {name} |" for number, name in enumerate(info.class_names, start=1))
        lines = ["# Objects", "", "| obj_id | class |", "| --- | --- |", *rows]
        write_text(out / INFO, "\n".join(lines) + "\n")
        return (INFO, *write_models(out, info.plan.parts()))

    def read(self, out: Path) -> Iterator[Sample]:
        """All samples, scene by scene.

        Raises:
            InputError: If a file is damaged or missing.
        """
        for path in sorted(out.glob(f"*/*/{RECORDS}.json")):
            tables = {name: _read_table(path.with_name(f"{name}.json")) for name in (CAMERA, POSES, DETAILS)}
            for image, record in sorted(_read_table(path).items(), key=lambda entry: entry[0].zfill(6)):
                with refusing_damage(path, "the tables of a scene"):
                    entry = {name: table[image] for name, table in tables.items()}
                    sample = _sample(path.parent, int(image), entry, record)
                yield sample


def _depth_scale(sample: Sample) -> float:
    """Millimetres a step: the finest, doubled until 16 bits hold the farthest depth."""
    depth = sample.images.get(Modality.DEPTH, np.zeros(1))
    farthest = depth[np.isfinite(depth)].max(initial=0.0) * 1000.0
    steps = farthest / FINEST / np.iinfo(np.uint16).max
    return FINEST * 2.0 ** max(0, int(np.ceil(np.log2(steps)))) if steps > 1 else FINEST


def _pictures(sample: Sample, number: int, scale: float) -> dict[str, bytes]:
    """The images of a sample by their path in the scene's folder, without the suffix."""
    pictures = {f"rgb/{number:06d}": png(sample.images[Modality.RGB])}
    if Modality.DEPTH in sample.images:
        depth = sample.images[Modality.DEPTH].astype(np.float64) * 1000.0 / scale
        steps = np.where(np.isfinite(depth), np.maximum(np.rint(depth), 1), 0)  # 0 means no depth
        pictures[f"depth/{number:06d}"] = png16(steps.astype(np.uint16))
    for at, solid in enumerate(sample.solids or ()):
        whole, visible = _silhouettes(sample, solid.instance)
        pictures[f"mask/{number:06d}_{at:06d}"] = png(whole)
        pictures[f"mask_visib/{number:06d}_{at:06d}"] = png(visible)
    return pictures


def _silhouettes(sample: Sample, instance: int) -> tuple[Image, Image]:
    return sample.images[Modality.AMODAL][instance - 1], sample.images[Modality.INSTANCE] == instance


def _camera_entry(camera: Camera, scale: float) -> Json:
    pose = opencv_from_world(camera)
    return {
        "cam_K": (camera.intrinsics - _HALF_PIXEL).ravel().tolist(),
        "cam_R_w2c": pose[:3, :3].ravel().tolist(),
        "cam_t_w2c": (pose[:3, 3] * 1000.0).tolist(),
        "depth_scale": scale,
    }


def _camera_of(entry: Json) -> Camera:
    k = np.array(entry["cam_K"], dtype=np.float64).reshape(3, 3) + _HALF_PIXEL
    return camera_of_opencv(k, _rigid(entry["cam_R_w2c"], entry["cam_t_w2c"]))


def _rigid(rotation: list[float], millimetres: list[float]) -> Array:
    pose = np.eye(4)
    pose[:3, :3] = np.array(rotation).reshape(3, 3)
    pose[:3, 3] = np.array(millimetres) / 1000.0
    return pose


def _pose_entry(pose: Pose) -> Json:
    return {
        "cam_R_m2c": pose.opencv_from_model[:3, :3].ravel().tolist(),
        "cam_t_m2c": (pose.opencv_from_model[:3, 3] * 1000.0).tolist(),
        "obj_id": pose.class_id,
    }


def _detail_entry(sample: Sample, pose: Pose) -> Json:
    whole, visible = _silhouettes(sample, pose.instance)
    depth = sample.images.get(Modality.DEPTH)
    valid = whole if depth is None else whole & np.isfinite(depth)
    all_pixels, visible_pixels = int(whole.sum()), int(visible.sum())
    return {
        "bbox_obj": _box(whole),
        "bbox_visib": _box(visible),
        "instance_id": pose.instance,
        "px_count_all": all_pixels,
        "px_count_valid": int(valid.sum()),
        "px_count_visib": visible_pixels,
        "size": (pose.size * 1000.0).tolist(),
        "visib_fract": visible_pixels / all_pixels if all_pixels else 0.0,
    }


def _box(mask: Image) -> list[int]:
    found = labels.boxes(mask.astype(np.int32), np.zeros(2, dtype=np.int32))
    return found[0].row[:4] if found else _NO_BOX


def _read_table(path: Path) -> Json:
    with refusing_damage(path, "a table of a BOP scene"):
        return dict(json.loads(path.read_bytes()))


def _sample(folder: Path, number: int, entry: Json, record: Json) -> Sample:
    camera = _camera_of(entry[CAMERA])
    poses = [_pose_of(*rows) for rows in zip(entry[POSES], entry[DETAILS], strict=True)]
    images = {Modality.RGB: _read_png(folder / f"rgb/{number:06d}.png")}
    instance = np.zeros(images[Modality.RGB].shape[:2], dtype=np.int32)
    amodal = np.zeros((len(record["graph.txt"]["nodes"]), *instance.shape), dtype=np.bool_)
    table = np.zeros(len(amodal) + 1, dtype=np.int32)
    for at, pose in enumerate(poses):
        table[pose.instance] = pose.class_id
        amodal[pose.instance - 1] = _read_png(folder / f"mask/{number:06d}_{at:06d}.png") > 0
        visible = _read_png(folder / f"mask_visib/{number:06d}_{at:06d}.png") > 0
        instance[visible] = pose.instance
    images |= {Modality.INSTANCE: instance, Modality.AMODAL: amodal}
    if Modality.DEPTH in record["carries"]:
        steps = _read_png(folder / f"depth/{number:06d}.png")
        images[Modality.DEPTH] = _metres(steps, entry[CAMERA]["depth_scale"])
    solids = tuple(join_pose(pose, camera) for pose in poses)
    derived, tables = _derive(instance, amodal, table, record["carries"])
    return from_record(record, images | derived, camera=camera, solids=solids, **tables)


def _pose_of(pose: Json, detail: Json) -> Pose:
    matrix = _rigid(pose["cam_R_m2c"], pose["cam_t_m2c"])
    return Pose(detail["instance_id"], pose["obj_id"], matrix, np.array(detail["size"]) / 1000.0)


def _metres(steps: Image, scale: float) -> Image:
    return np.where(steps > 0, steps * (scale / 1000.0), np.inf).astype(np.float32)


def _derive(
    instance: Image, amodal: Image, table: labels.Ids, carries: list[str]
) -> tuple[dict[Modality, Image], dict[str, Any]]:
    """What follows from the masks, as far as the sample carried it."""
    images = {
        Modality.SEMANTIC: labels.semantic(instance, table),
        Modality.MASK: labels.foreground(instance),
    }
    tables = {
        Modality.BBOX: ("boxes", labels.boxes(instance, table)),
        Modality.BBOX_FULL: ("full_boxes", labels.full_boxes(amodal, table)),
        Modality.VISIBILITY: ("visibility", labels.visibility(instance, amodal)),
    }
    return {m: i for m, i in images.items() if m in carries}, dict(
        entry for m, entry in tables.items() if m in carries
    )


def _read_png(path: Path) -> Image:
    with refusing_damage(path, "an image of a BOP scene"):
        return from_png(path.read_bytes())
