"""The folder ``_detail`` of a Hypersim scene: cameras, nodes, objects and boxes.

A node of the scene graph is a node, an object and, if its class is known, a semantic instance: the object id
is its index, the node id and the instance id are that plus one.

``metadata_cameras.csv``, ``metadata_scene.csv`` (metres an asset unit), ``metadata_nodes.csv`` and
``metadata_node_strings.csv`` (class and symbol of each node); ``cam_00/camera_keyframe_*.hdf5``: positions,
world-from-camera orientations, frame indices and points looked at; ``mesh/``: semantic and instance id of
each object, -1 for none, colours, and ``boxes``; and, of ours, ``mesh_objects_class.hdf5``, class ids.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.dataset.colouring import hues
from metasim.dataset.formats.hypersim.boxes import box_tables
from metasim.dataset.formats.hypersim.nyu40 import nyu40_colours, nyu40_id
from metasim.dataset.formats.hypersim.paths import CAMERA
from metasim.dataset.labels import Ids, Image, Solid
from metasim.rendering.camera import Array
from metasim.rendering.trajectory import Trajectory
from metasim.scene.graph import SceneGraph

BOXES = "mesh/metadata_semantic_instance_bounding_box"
CLASSES = "mesh/mesh_objects_class.hdf5"


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with unix line ends; floats survive to the last bit."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def scene_tables(graph: SceneGraph, frame_rate: float) -> dict[str, str]:
    """Tables of text in ``_detail``, by path; frames a second of the camera's."""
    names = [node.name for node in graph.nodes]
    nodes = [(i + 1, name, i, name) for i, name in enumerate(names)]
    strings = [
        (i, path, string)
        for i, node in enumerate(graph.nodes, start=1)
        for path, string in (
            ("<root>", node.name),
            ("<root>.class", node.cls),
            ("<root>.symbol", node.symbol),
        )
    ]
    parameters = ["parameter_name", "parameter_value"]
    return {
        "metadata_cameras.csv": csv_text(["camera_name"], [[CAMERA]]),
        "metadata_scene.csv": csv_text(parameters, [["meters_per_asset_unit", 1.0]]),
        "metadata_nodes.csv": csv_text(["node_id", "node_name", "object_id", "object_name"], nodes),
        "metadata_node_strings.csv": csv_text(["node_id", "path", "string"], strings),
        "mesh/metadata_objects.csv": csv_text(["object_name"], [[name] for name in names]),
        f"{CAMERA}/metadata_camera.csv": csv_text(parameters, [["frame_time_seconds", 1.0 / frame_rate]]),
    }


def keyframes(frames: Sequence[int], poses: Sequence[Array]) -> dict[str, Image]:
    """Arrays of the camera's keyframes in ``_detail``, by path.

    Args:
        frames: Numbers of the frames.
        poses: World-from-camera (4, 4) of each.
    """
    way = Trajectory(np.array(frames, dtype=np.int64), np.stack(poses).astype(np.float64))
    return {f"{CAMERA}/camera_keyframe_{name}.hdf5": array for name, array in way.arrays.items()}


def objects(
    graph: SceneGraph,
    classes: Mapping[int, int],
    solids: Sequence[Solid] | None,
    uprights: Mapping[str, Any] | None = None,
) -> dict[str, Image]:
    """Arrays of the objects in ``_detail``, by path.

    Args:
        graph: The scene.
        classes: Class ids by instance id, as far as they are known.
        solids: Boxes of the instances, ``None`` if not asked for.
        uprights: See ``boxes.box_tables``.
    """
    ids, nyu40 = range(1, len(graph.nodes) + 1), semantic_ids(graph)
    boxes = {} if solids is None else box_tables(solids, len(ids), uprights)
    return {
        "mesh/mesh_objects_si.hdf5": _column(nyu40[i] if i in classes else -1 for i in ids),
        "mesh/mesh_objects_sii.hdf5": _column(i if i in classes else -1 for i in ids),
        CLASSES: _column(classes.get(i, -1) for i in ids),
        "mesh/metadata_semantic_colors.hdf5": nyu40_colours(),
        "mesh/metadata_semantic_instance_colors.hdf5": colours(len(ids)),
        **{f"{BOXES}_{name}.hdf5": table for name, table in boxes.items()},
    }


def semantic_ids(graph: SceneGraph) -> Ids:
    """Ids of NYU40 (N + 1,) by instance id; entry 0 is the background's 0."""
    return np.array([0, *(nyu40_id(node.cls) for node in graph.nodes)], dtype=np.int32)


def _column(values: Iterable[int]) -> npt.NDArray[np.int64]:
    return np.array([[value] for value in values], dtype=np.int64)


def colours(highest: int) -> npt.NDArray[np.int64]:
    """Colours (N + 1, 3), 0 to 255, of ids up to the highest; that of 0, which is no object, is -1."""
    table = hues(np.arange(highest + 1)[None])[0].astype(np.int64)
    table[0] = -1
    return table
