"""PLY files as Blender meshes, with vertex colours or a texture as BOP models and MeshLab have one.

Blender's own importer takes the coordinates ``texture_u``, ``texture_v`` for two plain numbers, drops those
of face corners and the comment ``TextureFile`` that names the image, and bad faces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from plyfile import PlyData, PlyParseError

from metasim.base.errors import InputError
from renderers.blender.assets.materials import COLOURS, UVS, matte_coloured, matte_textured
from renderers.blender.native import load_bpy

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FACES = ("vertex_indices", "vertex_index")
_AT_VERTICES = (("texture_u", "texture_v"), ("u", "v"), ("s", "t"))
_AT_CORNERS = "texcoord"
_IMAGE = "TextureFile"


@dataclass(frozen=True)
class Ply:
    """What a PLY file holds, of V vertices and faces of C corners in all.

    Attributes:
        vertices: (V, 3).
        corners: (C,) vertex of each corner of each face, unchecked.
        lengths: (F,) corners of each face.
        colours: (V, 3) sRGB from 0 to 1.
        uvs: (C, 2) texture coordinates, (0, 0) at the texture's lower left.
        image: The file of its texture.
    """

    vertices: Floats
    corners: Ints
    lengths: Ints
    colours: Floats | None
    uvs: Floats | None
    image: Path | None

    @classmethod
    def read(cls, path: Path) -> Ply:
        """Reads a file.

        Raises:
            InputError: If it is no PLY file with vertices and faces.
        """
        try:
            data = _parsed(path)
            vertices, faces = (_columns(data, name) for name in ("vertex", "face"))
            rings = next(faces[name] for name in _FACES if name in faces)
            points = np.column_stack([vertices[axis] for axis in "xyz"]).astype(np.float64)
        except (PlyParseError, KeyError, StopIteration, ValueError, OSError) as error:
            reason = " ".join(str(error).split()) or "no faces"
            raise InputError(str(path), f"not readable ({reason})", "a PLY file with a mesh") from error
        corners = _flat(rings).astype(np.int64)
        lengths = np.fromiter(map(len, rings), np.int64) if rings.ndim == 1 else np.full(*rings.shape)
        uvs = _coordinates(vertices, faces, corners)
        images = [c.removeprefix(_IMAGE).strip() for c in data.comments if c.startswith(_IMAGE)]
        return cls(
            points, corners, lengths, _colours(vertices), uvs, path.parent / images[0] if images else None
        )


def add_ply(path: Path) -> Any:
    """A sound PLY file as a new ``bpy.types.Mesh``, with a material if it has colours.

    Raises:
        InputError: If the file or its image is not readable.
    """
    ply = Ply.read(path)
    mesh = load_bpy().data.meshes.new(path.stem)
    mesh.vertices.add(len(ply.vertices))
    mesh.vertices.foreach_set("co", ply.vertices.astype(np.float32).ravel())
    mesh.loops.add(len(ply.corners))
    mesh.loops.foreach_set("vertex_index", ply.corners.astype(np.int32))
    mesh.polygons.add(len(ply.lengths))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(ply.lengths) - ply.lengths).astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(ply.lengths), dtype=bool))
    mesh.update(calc_edges=True)
    if ply.uvs is not None:
        mesh.uv_layers.new(name=UVS).data.foreach_set("uv", ply.uvs.astype(np.float32).ravel())
    if ply.colours is not None:
        opaque = np.column_stack([ply.colours, np.ones(len(ply.colours))]).astype(np.float32)
        layer = mesh.color_attributes.new(name=COLOURS, type="BYTE_COLOR", domain="POINT")
        layer.data.foreach_set("color_srgb", opaque.ravel())
    if ply.uvs is not None and ply.image is not None:
        mesh.materials.append(matte_textured(path.stem, _picture(path, ply.image)))
    elif ply.colours is not None:
        mesh.materials.append(matte_coloured(path.stem))
    return mesh


def _parsed(path: Path) -> PlyData:
    """Reads a file at once if all its faces are triangles, else face by face."""
    triangles = {name: 3 for name in _FACES} | {_AT_CORNERS: 6}
    try:
        return PlyData.read(path, known_list_len={"face": triangles})
    except PlyParseError:
        return PlyData.read(path)


def _columns(data: PlyData, element: str) -> Mapping[str, Any]:
    """The properties of an element, by name."""
    found = data[element]
    return {part.name: found[part.name] for part in found.properties}


def _flat(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The numbers of all rows, which may be of different lengths, one after another."""
    return np.concatenate([np.zeros(0), *rows]) if rows.dtype == object else rows.ravel()


def _coordinates(vertices: Mapping[str, Any], faces: Mapping[str, Any], corners: Ints) -> Floats | None:
    """Texture coordinates (C, 2) of the corners, if all of them have some."""
    if _AT_CORNERS in faces:
        flat = _flat(faces[_AT_CORNERS]).astype(np.float64)
        return flat.reshape(-1, 2) if len(flat) == 2 * len(corners) else None
    names = next((names for names in _AT_VERTICES if set(names) <= set(vertices)), None)
    if names is None or not len(corners) or not 0 <= corners.min() <= corners.max() < len(vertices["x"]):
        return None
    return np.column_stack([vertices[name] for name in names])[corners].astype(np.float64)


def _colours(vertices: Mapping[str, Any]) -> Floats | None:
    names = ("red", "green", "blue")
    if not set(names) <= set(vertices):
        return None
    colours = np.column_stack([vertices[name] for name in names])
    return colours / (255.0 if np.issubdtype(colours.dtype, np.integer) else 1.0)


def _picture(path: Path, image: Path) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(image) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise InputError(str(path), f"no image {image}", "the image of its texture") from error
