"""PLY files as Blender meshes, with vertex colours or a texture as BOP models have one.

Blender's own importer takes the coordinates ``texture_u``, ``texture_v`` for two plain numbers and does
not know the comment ``TextureFile`` that names the image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from metasim.base.errors import InputError
from renderers.blender.assets.materials import COLOURS, UVS, matte_coloured, matte_textured
from renderers.blender.assets.soundness import read_raw
from renderers.blender.native import load_bpy


def add_ply(path: Path) -> Any:
    """The triangles of a PLY file as a new ``bpy.types.Mesh``, with a material if it has colours.

    Raises:
        InputError: If the file is not readable or not one mesh.
    """
    parts = read_raw(path)
    if len(parts) != 1:
        raise InputError(str(path), f"{len(parts)} meshes", "one mesh of triangles")
    part = parts[0]
    mesh = load_bpy().data.meshes.new(path.stem)
    mesh.from_pydata(part.vertices.tolist(), [], part.faces.tolist())
    coordinates = getattr(part.visual, "uv", None)
    if part.visual.kind == "vertex":
        colours = np.asarray(part.visual.vertex_colors, dtype=np.float32) / 255.0
        layer = mesh.color_attributes.new(name=COLOURS, type="BYTE_COLOR", domain="POINT")
        layer.data.foreach_set("color_srgb", colours.ravel())
        mesh.materials.append(matte_coloured(path.stem))
    elif coordinates is not None:
        corners = np.asarray(coordinates, dtype=np.float32)[part.faces].ravel()
        mesh.uv_layers.new(name=UVS).data.foreach_set("uv", corners)
        picture = getattr(part.visual.material, "image", None)
        if picture is not None:
            mesh.materials.append(matte_textured(path.stem, np.asarray(picture.convert("RGB"))))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(part.faces), dtype=bool))
    return mesh
