"""Sample: one labelled item in memory, what every format writes and reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metasim.dataset import labels
from metasim.dataset.affordance import Affordances
from metasim.dataset.labels import Box, Image, Solid
from metasim.dataset.modality import TABLES, Modality
from metasim.rendering.camera import Camera
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph


@dataclass(frozen=True)
class Origin:
    """The generator that a dataset is drawn from.

    Attributes:
        run: Name of the run, ``<experiment>/<seed>``.
        config_sha256: Hash of the run's resolved config.
        checkpoint_sha256: Hash of the weights; empty for a generator without any.
    """

    run: str
    config_sha256: str
    checkpoint_sha256: str


@dataclass(frozen=True)
class Provenance:
    """How to make a sample again.

    Attributes:
        origin: The generator.
        root_seed: Root seed of the export.
        index: The scene's index under that seed.
        render_seed: Seed of the renderer's own noise.
    """

    origin: Origin
    root_seed: int
    index: int
    render_seed: int


@dataclass(frozen=True, eq=False)
class Sample:
    """A scene with its labels.

    Attributes:
        key: Name, unique in the dataset.
        split: ``train``, ``val`` and so on.
        graph: The scene.
        camera: The camera, ``None`` for flat engines.
        images: The image of each modality asked for that is one.
        boxes: Boxes of the visible instances; ``None`` if not asked for, as all tables below.
        provenance: How to make it again.
        full_boxes: Boxes of the instances with their hidden pixels.
        visibility: Visible share of each instance's pixels, by instance id.
        solids: Oriented boxes of the instances in the world.
        sequence: The sequence it is a frame of; empty for a scene that is seen once.
        frame: Its place in the sequence.
        facts: What else is known of it, as JSON data.
    """

    key: str
    split: str
    graph: SceneGraph
    camera: Camera | None
    images: Mapping[Modality, Image]
    boxes: tuple[Box, ...] | None
    provenance: Provenance
    full_boxes: tuple[Box, ...] | None = None
    visibility: Mapping[int, float] | None = None
    solids: tuple[Solid, ...] | None = None
    sequence: str = ""
    frame: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)


def sample_key(index: int) -> str:
    """Key of the scene with an index; sorts like the index."""
    return f"{index:08d}"


def make_sample(
    graph: SceneGraph,
    frame: Frame,
    modalities: Iterable[Modality],
    class_names: tuple[str, ...],
    split: str,
    provenance: Provenance,
    affordances: Affordances | None = None,
) -> Sample:
    """Labels a frame with the modalities asked for.

    Args:
        graph: The scene.
        frame: Its frame, with the source pass of each modality.
        modalities: What the sample shall carry.
        class_names: All classes; class ids are 1 + the index here.
        split: The split it falls in.
        provenance: How it was made.
        affordances: What can be done with which class; required for ``Modality.AFFORDANCE``.

    Raises:
        MetasimError: If the frame shows an instance or a class that the scene does not have.
    """
    asked = set(modalities)
    table = labels.class_ids(graph, class_names)
    images = {m: _image(m, frame, table) for m in Modality if m in asked - TABLES - {Modality.AFFORDANCE}}
    if affordances is not None and Modality.AFFORDANCE in asked:
        part = frame[Pass.PART] if affordances.needs_parts else None
        images[Modality.AFFORDANCE] = affordances.image(graph, frame[Pass.INSTANCE], part)
    tables = {_FIELDS[m]: _table(m, frame, table) for m in asked & TABLES}
    key = sample_key(provenance.index)
    boxes, facts = tables.pop("boxes", None), frame.facts
    return Sample(key, split, graph, frame.camera, images, boxes, provenance, facts=facts, **tables)


_FIELDS = {
    Modality.BBOX: "boxes",
    Modality.BBOX_FULL: "full_boxes",
    Modality.VISIBILITY: "visibility",
    Modality.BBOX3D: "solids",
}


def _image(modality: Modality, frame: Frame, table: labels.Ids) -> Image:
    if modality is Modality.SEMANTIC:
        return labels.semantic(frame[Pass.INSTANCE], table)
    if modality is Modality.MASK:
        return labels.foreground(frame[Pass.INSTANCE])
    return frame[Pass(modality.value)]


def _table(modality: Modality, frame: Frame, table: labels.Ids) -> Any:
    if modality is Modality.BBOX:
        return labels.boxes(frame[Pass.INSTANCE], table)
    if modality is Modality.BBOX_FULL:
        return labels.full_boxes(frame[Pass.AMODAL], table)
    if modality is Modality.VISIBILITY:
        return labels.visibility(frame[Pass.INSTANCE], frame[Pass.AMODAL])
    return labels.solids(np.asarray(frame[Pass.BOX3D], dtype=np.float64), table)
