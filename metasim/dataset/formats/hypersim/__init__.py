"""Hypersim: a folder a scene, with an HDF5 file an image, in the layout of Roberts et al. (ICCV 2021).

A sample is a scene ``ai_VVV_NNN`` (its index, in thousands and the rest) with one camera ``cam_00`` of one
keyframe, ``frame.0000``; the frames of a sequence are the keyframes of the one scene that its first frame
names. In a scene stand

* ``images/scene_cam_00_final_hdf5/frame.IIII.NAME.hdf5``: ``color`` (hdr), ``diffuse_illumination``,
  ``diffuse_reflectance``, ``residual``; ``scene_cam_00_final_preview/frame.IIII.tonemap.jpg`` of the first;
* ``images/scene_cam_00_geometry_hdf5/``: ``depth_meters``, which is the distance to the camera's centre and
  serves for depth and distance alike; ``position``; ``normal_bump_cam`` and ``normal_bump_world`` (normal),
  ``normal_cam`` and ``normal_world`` (normal_geometric); ``tex_coord`` (uv, and 0 as third channel);
  ``render_entity_id`` and ``semantic_instance`` (instance); ``semantic``;
* ``_detail``: cameras, nodes, objects and boxes, see ``scene``.

Each HDF5 file holds one array, ``dataset``: float16 with NaN where there is no surface, or int16 with -1
where there is no object. Only ``tex_coord`` is not masked: without a geometric image beside it a reader
cannot tell its background from 0. An asset unit is a metre. Semantic ids are those of NYU40, see ``nyu40``;
``class_label_descs.csv`` says which of them each class of the generator is.

Beside the scenes stand the tables that loaders want there: ``metadata_images.csv``,
``metadata_images_split_scene_v1.csv`` and ``metadata_camera_parameters.csv``; and, of ours,
``_parts/split/00000.jsonl`` with the scene graph and origin of each frame. Scenes must have a camera, and
have no place for 8-bit colour, flow, parts, amodal masks, affordances and 2D boxes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metasim.base.files import write_json, write_text
from metasim.dataset.formats.hypersim.images import HELD
from metasim.dataset.formats.hypersim.paths import index_path, indices
from metasim.dataset.formats.hypersim.reading import read_frame
from metasim.dataset.formats.hypersim.tables import dataset_tables, label_tables, read_lenses, read_rows
from metasim.dataset.formats.hypersim.writing import PartWriter
from metasim.dataset.formats.info import INFO, describe
from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.formats.reading import refusing_damage
from metasim.dataset.formats.staging import staged_files
from metasim.dataset.modality import Modality
from metasim.dataset.plan import Part
from metasim.dataset.sample import Sample


class HypersimFormat:
    """Scenes side by side, with the tables of all of them."""

    name = "hypersim"
    modalities = HELD | {Modality.BBOX3D}
    required: frozenset[Modality] = frozenset()

    @contextmanager
    def open(self, out: Path, part: Part) -> Iterator[PartWriter]:
        """Opens the scenes of a part."""
        with staged_files(out) as staged:
            writer = PartWriter(staged, part.name)
            yield writer
            writer.close()

    def summaries(self, part: Part) -> tuple[str, ...]:
        """Its index."""
        return (index_path(part.name),)

    def finalise(self, out: Path, info: DatasetInfo) -> tuple[str, ...]:
        """Writes the tables of all scenes, from the indices of the parts."""
        write_json(out / INFO, describe(info))
        tables = dataset_tables(row for path in indices(out) for row in read_rows(path))
        tables |= label_tables(info.class_names)
        for name, text in tables.items():
            write_text(out / name, text)
        return INFO, *tables

    def read(self, out: Path) -> Iterator[Sample]:
        """All samples, part by part.

        Raises:
            InputError: If a file is damaged or missing.
        """
        lenses = read_lenses(out)
        for path in indices(out):
            for row in read_rows(path):
                with refusing_damage(path, "an index of scenes that are there"):
                    sample = read_frame(out, row, lenses[row["scene_name"]])
                yield sample
