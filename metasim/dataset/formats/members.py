"""The files of a sample, by extension: what a shard or a folder holds of it.

``.png`` colour; ``.instance.png``, ``.semantic.png``, ``.part.png`` (8 bit, 16 when an id exceeds 255),
``.is_partnet.png`` the mask, by MOPS-Data's name; ``.depth.npz``, ``.normal.npz`` and so on, each with the
key ``data`` (H, W, C) float32, ``.affordance.npz`` (H, W, A) and ``.amodal.npz`` (N, H, W) uint8;
``.bbox.json`` and ``.bbox_full.json`` rows ``[x, y, width, height, class_id]``; ``.visibility.json`` shares;
``.bbox3d.json`` an object a box; ``.json`` what the sample is, with the instances of these rows;
``.graph.txt`` its scene graph and, where there is more to tell, ``.facts.txt``, both in JSON, as text since
their shape differs from sample to sample, which typed tables cannot hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from metasim.dataset.encode import compact_json, from_npz, from_png, npz, png
from metasim.dataset.labels import Box, Image, Solid
from metasim.dataset.modality import CONVENTIONS, Modality
from metasim.dataset.sample import Origin, Provenance, Sample
from metasim.rendering.camera import Camera
from metasim.scene.serialization import from_json, to_json

IDS = frozenset({Modality.INSTANCE, Modality.SEMANTIC, Modality.PART})
PNG = IDS | {Modality.RGB, Modality.MASK}
_NAMES = {Modality.RGB: "png", Modality.MASK: "is_partnet.png"}
FLAT = frozenset({Modality.DEPTH, Modality.DISTANCE})
FLAGS = frozenset({Modality.AFFORDANCE, Modality.AMODAL})
LISTED = (Modality.BBOX, Modality.BBOX_FULL, Modality.VISIBILITY)


def members(sample: Sample) -> dict[str, bytes]:
    """The files of a sample, by extension."""
    return {_extension(m): _encode(m, image) for m, image in sample.images.items()} | descriptions(sample)


def descriptions(sample: Sample) -> dict[str, bytes]:
    """Those that are text: its tables, its scene graph and what it is."""
    pictures = (image for m, image in sample.images.items() if m is not Modality.AMODAL)
    height, width = next((image.shape[:2] for image in pictures), (0, 0))
    files = {f"{m}.json": compact_json(rows) for m, rows in _tables(sample).items()}
    files["graph.txt"] = compact_json(to_json(sample.graph))
    files["json"] = compact_json(_card(sample, (height, width)))
    if sample.facts:
        files["facts.txt"] = compact_json(sample.facts)
    return files


def _extension(modality: Modality) -> str:
    if modality in _NAMES:
        return _NAMES[modality]
    return f"{modality}.png" if modality in PNG else f"{modality}.npz"


def _encode(modality: Modality, image: Image) -> bytes:
    if modality in PNG:
        return png(image)
    if modality in FLAGS:
        return npz(image.astype(np.uint8))
    return npz(image.reshape(*image.shape[:2], -1).astype(np.float32, copy=False))


def _decode(modality: Modality, data: bytes) -> Image:
    if modality in IDS:
        return from_png(data).astype(np.int32)
    if modality is Modality.MASK:
        return from_png(data) > 0
    if modality is Modality.RGB:
        return from_png(data)
    if modality in FLAGS:
        return from_npz(data) > 0
    return from_npz(data)[..., 0] if modality in FLAT else from_npz(data)


def _tables(sample: Sample) -> dict[Modality, list[Any]]:
    """Rows of the tables that the sample has; their instances stand apart, see ``_instances``."""
    boxes = {Modality.BBOX: sample.boxes, Modality.BBOX_FULL: sample.full_boxes}
    tables: dict[Modality, list[Any]] = {
        m: [box.row for box in rows] for m, rows in boxes.items() if rows is not None
    }
    if sample.visibility is not None:
        tables[Modality.VISIBILITY] = list(sample.visibility.values())
    if sample.solids is not None:
        tables[Modality.BBOX3D] = [
            {"instance": s.instance, "class_id": s.class_id, "world_from_unit": s.world_from_unit.tolist()}
            for s in sample.solids
        ]
    return tables


def _instances(sample: Sample) -> dict[Modality, list[int]]:
    """The instance ids of the rows of tables whose rows do not name them."""
    boxes = {Modality.BBOX: sample.boxes, Modality.BBOX_FULL: sample.full_boxes}
    ids = {m: [box.instance for box in rows] for m, rows in boxes.items() if rows is not None}
    return ids if sample.visibility is None else {**ids, Modality.VISIBILITY: list(sample.visibility)}


def _card(sample: Sample, size: tuple[int, int]) -> dict[str, Any]:
    origin, camera = sample.provenance.origin, sample.camera
    biggest = max(sample.boxes or (), key=lambda box: box.width * box.height, default=None)
    subject = sample.graph.nodes[biggest.instance - 1].cls if biggest else ""
    return {
        "image_id": sample.key,
        "asset_id": sample.facts.get("name", subject),
        "class": subject,
        "instances": _instances(sample),
        "sequence": sample.sequence,
        "frame": sample.frame,
        "render_params": {
            "split": sample.split,
            "variation": sample.provenance.index,
            "image_size": list(size),
            "seed": sample.provenance.render_seed,
        },
        "camera": {
            "intrinsics": camera.intrinsics.tolist(),
            "world_from_camera": camera.world_from_camera.tolist(),
        }
        if camera
        else None,
        "provenance": {
            "run": origin.run,
            "config_sha256": origin.config_sha256,
            "checkpoint_sha256": origin.checkpoint_sha256,
            "seed": sample.provenance.root_seed,
            "index": sample.provenance.index,
        },
        "conventions": {m: CONVENTIONS[m] for m in (*sample.images, *_tables(sample))},
    }


def from_members(key: str, files: Mapping[str, bytes]) -> Sample:
    """The sample of a key whose files, by extension, ``members`` made."""
    card = json.loads(files["json"])
    rendered, made, camera = card["render_params"], card["provenance"], card["camera"]
    origin = Origin(made["run"], made["config_sha256"], made["checkpoint_sha256"])
    graph = from_json(json.loads(files["graph.txt"]))
    tables = {
        m: list(zip(card["instances"][m], json.loads(files[f"{m}.json"]), strict=True))
        for m in LISTED
        if f"{m}.json" in files
    }
    return Sample(
        key=key,
        split=rendered["split"],
        graph=graph,
        camera=Camera(**{name: np.array(matrix) for name, matrix in camera.items()}) if camera else None,
        images={m: _decode(m, files[_extension(m)]) for m in Modality if _extension(m) in files},
        boxes=_boxes(tables.get(Modality.BBOX)),
        provenance=Provenance(origin, made["seed"], made["index"], rendered["seed"]),
        full_boxes=_boxes(tables.get(Modality.BBOX_FULL)),
        visibility=None if (shares := tables.get(Modality.VISIBILITY)) is None else dict(shares),
        solids=_solids(files.get("bbox3d.json")),
        sequence=card["sequence"],
        frame=card["frame"],
        facts=json.loads(files.get("facts.txt", b"{}")),
    )


def _boxes(rows: Sequence[tuple[int, list[int]]] | None) -> tuple[Box, ...] | None:
    return None if rows is None else tuple(Box(i, row[4], *row[:4]) for i, row in rows)


def _solids(data: bytes | None) -> tuple[Solid, ...] | None:
    if data is None:
        return None
    rows = json.loads(data)
    return tuple(Solid(r["instance"], r["class_id"], np.array(r["world_from_unit"])) for r in rows)
