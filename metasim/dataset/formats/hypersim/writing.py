"""Writing scenes of Hypersim, a part at a time."""

from __future__ import annotations

import io

import h5py
import numpy as np
from PIL import Image as Pillow

from metasim.base.errors import InputError
from metasim.dataset.colouring import tonemap
from metasim.dataset.formats.classes import instance_classes
from metasim.dataset.formats.hypersim.images import HELD, geometry, light
from metasim.dataset.formats.hypersim.paths import (
    DATASET,
    LIBVER,
    image_path,
    index_path,
    preview_path,
    scene_name,
)
from metasim.dataset.formats.hypersim.scene import keyframes, objects, scene_tables, semantic_ids
from metasim.dataset.formats.record import need_camera, sorted_json, to_record
from metasim.dataset.formats.sequences import SequenceWriter
from metasim.dataset.formats.staging import StagedFiles
from metasim.dataset.labels import Image
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample
from metasim.rendering.camera import Camera
from metasim.rendering.protocol import UPRIGHT_BOXES


class SceneWriter:
    """An open scene: its images are written as they come, its tables at the end.

    Args:
        staged: Takes the files.
        first: The first frame.
        rows: Takes a row a frame for the index of the part.
    """

    def __init__(self, staged: StagedFiles, first: Sample, rows: list[bytes]) -> None:
        self._staged, self._first, self._rows = staged, first, rows
        self._name = scene_name(first.provenance.index)
        self._frames: dict[int, Camera] = {}
        self._classes: dict[int, int] = {}

    def add(self, sample: Sample) -> None:
        """Writes a frame.

        Raises:
            InputError: If it has no camera or no image, or the scene is not the same as before.
        """
        camera = need_camera(sample, "hypersim")
        self._require_still(sample, camera)
        self._frames[sample.frame] = camera
        self._classes |= instance_classes(sample)
        measured = geometry(sample.images, camera, semantic_ids(sample.graph))
        for kind, images in (("final", light(sample.images)), ("geometry", measured)):
            for name, image in images.items():
                path = image_path(self._name, kind, sample.frame, name)
                self._staged.write(path, hdf5_bytes(image, packed=True))
        if Modality.HDR in sample.images:
            self._staged.write(preview_path(self._name, sample.frame), _preview(sample))
        row = {"scene_name": self._name, "frame_id": sample.frame, **to_record(sample)}
        self._rows.append(sorted_json(row) + b"\n")

    def close(self) -> None:
        """Writes what describes the scene."""
        graph = self._first.graph
        poses = [camera.world_from_camera for camera in self._frames.values()]
        uprights = self._first.facts.get(UPRIGHT_BOXES)
        arrays = keyframes([*self._frames], poses)
        arrays |= objects(graph, self._classes, self._first.solids, uprights)
        files = {path: hdf5_bytes(array) for path, array in arrays.items()}
        tables = scene_tables(graph, float(self._first.facts.get("frame_rate", 1.0)))
        files |= {path: text.encode() for path, text in tables.items()}
        for path, data in sorted(files.items()):
            self._staged.write(f"{self._name}/_detail/{path}", data)

    def _require_still(self, sample: Sample, camera: Camera) -> None:
        """A Hypersim scene has one lens, and objects that neither change nor move."""
        where, first = f"--format hypersim: sample {sample.key}", self._first
        if not sample.images:
            raise InputError(where, "no image", f"some of {', '.join(sorted(HELD))}")
        if Modality.SEMANTIC in sample.images and Modality.INSTANCE not in sample.images:
            raise InputError(where, "semantic alone", "instance beside it")
        if sample.frame in self._frames:
            raise InputError(where, f"frame {sample.frame} twice", "frames of a sequence with unlike numbers")
        lens = next(iter(self._frames.values()), camera).intrinsics
        if _things(sample) != _things(first) or not np.array_equal(camera.intrinsics, lens):
            raise InputError(where, "objects or a lens that change", "only a camera that moves")


class PartWriter:
    """An open part.

    Args:
        staged: Takes the files.
        name: Name of the part.
    """

    def __init__(self, staged: StagedFiles, name: str) -> None:
        self._staged, self._name = staged, name
        self._rows: list[bytes] = []
        self._scenes = SequenceWriter(staged, lambda staged, first: SceneWriter(staged, first, self._rows))

    @property
    def files(self) -> tuple[str, ...]:
        """Paths, within the dataset, of the files of the part."""
        return self._staged.files

    def add(self, sample: Sample) -> None:
        """Writes a sample to its scene."""
        self._scenes.add(sample)

    def close(self) -> None:
        """Closes the last scene, and writes the index of the part."""
        self._scenes.close()
        self._staged.write(index_path(self._name), b"".join(self._rows))


def hdf5_bytes(array: Image, packed: bool = False) -> bytes:
    """An HDF5 file of one array; equal arrays give equal bytes.

    Args:
        array: The array.
        packed: Whether to compress it, as Hypersim does images.
    """
    packing = {"chunks": array.shape, "compression": "gzip", "compression_opts": 9} if packed else {}
    with io.BytesIO() as buffer:
        with h5py.File(buffer, "w", libver=LIBVER) as file:
            file.create_dataset(DATASET, data=array, track_times=False, **packing)
        return buffer.getvalue()


def _preview(sample: Sample) -> bytes:
    """The picture as Hypersim's tone mapping shows it, exposed for the objects if they are known; lossy."""
    instance = sample.images.get(Modality.INSTANCE)
    colours = tonemap(sample.images[Modality.HDR], None if instance is None else instance > 0)
    with io.BytesIO() as buffer:
        Pillow.fromarray(colours).save(buffer, "JPEG", quality=90)
        return buffer.getvalue()


def _things(sample: Sample) -> tuple[object, ...]:
    """What must be the same in all frames of a scene."""
    boxes = None if sample.solids is None else [s.world_from_unit.tolist() for s in sample.solids]
    return [(node.name, node.cls) for node in sample.graph.nodes], boxes
