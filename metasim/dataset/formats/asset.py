"""What Objaverse-XL's metadata says of an asset, which is a mesh file or a scene of ours."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from metasim.dataset.formats.record import sorted_json
from metasim.dataset.sample import Sample
from metasim.scene.serialization import to_json

_OF_FILES = (
    "animation_count",
    "armature_count",
    "edge_count",
    "lamp_count",
    "material_count",
    "mesh_count",
    "poly_count",
    "random_color",
    "shape_key_count",
    "vert_count",
)
"""What a scene graph does not know; only the file of an asset does."""

UNSCALED = {"scale": 1.0, "translation": [0.0, 0.0, 0.0]}
"""The normalization of what is shown as large as it is."""


def describe_asset(sample: Sample, identifier: str) -> dict[str, Any]:
    """The entries about the asset; without a file of its own, that is the scene graph in JSON.

    Args:
        sample: A view of it.
        identifier: The name of one without a file.
    """
    if "asset" in sample.facts:
        return dict(sample.facts["asset"])
    file = sorted_json(to_json(sample.graph))
    return {
        **dict.fromkeys(_OF_FILES),
        "file_identifier": identifier,
        "file_size": len(file),
        "linked_files": [],
        "missing_textures": {"count": 0, "files": [], "file_path_to_color": {}},
        "object_count": len(sample.graph.nodes),
        "scene_size": _scene_size(sample),
        "sha256": hashlib.sha256(file).hexdigest(),
    }


def _scene_size(sample: Sample) -> dict[str, Any]:
    """Corners of the box, along the world's axes, around all objects; unknown without their boxes."""
    if not sample.solids:
        return {"bbox_min": None, "bbox_max": None}
    corners = np.concatenate([solid.corners for solid in sample.solids])
    return {"bbox_min": corners.min(axis=0).tolist(), "bbox_max": corners.max(axis=0).tolist()}
