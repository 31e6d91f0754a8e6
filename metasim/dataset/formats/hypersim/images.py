"""Images as Hypersim stores them: float16 with NaN and int16 with -1 where there is nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from metasim.dataset.labels import Ids, Image
from metasim.dataset.modality import Modality
from metasim.rendering.camera import Camera

Half = npt.NDArray[np.float16]

LIGHT = {
    Modality.HDR: "color",
    Modality.ILLUMINATION: "diffuse_illumination",
    Modality.REFLECTANCE: "diffuse_reflectance",
    Modality.RESIDUAL: "residual",
}
"""Images that need accurate shading."""

NORMALS = {Modality.NORMAL: "normal_bump", Modality.NORMAL_GEOMETRIC: "normal"}
ENTITY, INSTANCE, SEMANTIC = "render_entity_id", "semantic_instance", "semantic"
DEPTHS = frozenset({Modality.DEPTH, Modality.DISTANCE})
MASKED = ("depth_meters", "position", "normal_world", "normal_bump_world")
"""Geometric images that tell where there is a surface."""

IDS = frozenset({Modality.INSTANCE, Modality.SEMANTIC})
HELD = frozenset(LIGHT | NORMALS) | IDS | DEPTHS | {Modality.POSITION, Modality.UV}

Fetch = Callable[[str], Image]
Has = Callable[[str], bool]
"""Give a geometric image by name, and tell whether there is one."""


def light(images: Mapping[Modality, Image]) -> dict[str, Half]:
    """Images of light by name."""
    return {LIGHT[m]: _half(image) for m, image in images.items() if m in LIGHT}


def geometry(images: Mapping[Modality, Image], camera: Camera, nyu40: Ids) -> dict[str, Image]:
    """Geometric images by name.

    Args:
        images: Instance ids, if semantic ones are among them, and any others.
        camera: The camera.
        nyu40: Semantic ids (N + 1,) by instance id.

    Raises:
        InputError: If an id does not fit 16 bits.
    """
    files: dict[str, Image] = {}
    if not DEPTHS.isdisjoint(images):
        distance = _distance(images, camera)
        files["depth_meters"] = _half(np.where(np.isfinite(distance), distance, np.nan))
    for modality in images.keys() & NORMALS.keys():
        files[f"{NORMALS[modality]}_world"] = _half(images[modality])
        files[f"{NORMALS[modality]}_cam"] = _half(images[modality] @ camera.world_from_camera[:3, :3])
    if Modality.INSTANCE in images:
        files |= dict.fromkeys((ENTITY, INSTANCE), _ids(images[Modality.INSTANCE]))
    if Modality.SEMANTIC in images:
        files[SEMANTIC] = _ids(nyu40[images[Modality.INSTANCE]])
    if Modality.POSITION in images:
        files["position"] = _half(images[Modality.POSITION])
    if Modality.UV in images:
        files["tex_coord"] = _half(np.pad(np.nan_to_num(images[Modality.UV]), ((0, 0), (0, 0), (0, 1))))
    return dict(sorted(files.items()))


def geometric(modality: Modality, fetch: Fetch, has: Has, camera: Camera, classes: Ids) -> Image:
    """The image of a modality.

    Args:
        modality: A modality held that is not one of light.
        fetch: Gives the geometric images.
        has: Whether there is one.
        camera: The camera.
        classes: Class ids (N + 1,) of ours by instance id.
    """
    if modality in DEPTHS:
        distance = fetch("depth_meters").astype(np.float32)
        scale = _ray_lengths(camera, distance) if modality is Modality.DEPTH else 1.0
        return np.where(np.isnan(distance), np.inf, distance / scale).astype(np.float32)
    if modality in IDS:
        ids = np.maximum(fetch(ENTITY).astype(np.int32), 0)
        return ids if modality is Modality.INSTANCE else classes[ids]
    if modality is Modality.UV:
        return _texture(fetch, has)
    name = f"{NORMALS[modality]}_world" if modality in NORMALS else "position"
    return fetch(name).astype(np.float32)


def _texture(fetch: Fetch, has: Has) -> Image:
    """Texture coordinates (H, W, 2), NaN where another image shows that there is no surface."""
    uv = fetch("tex_coord")[..., :2].astype(np.float32)
    for name in MASKED:
        if has(name):
            uv[np.isnan(fetch(name)).reshape(*uv.shape[:2], -1).any(axis=-1)] = np.nan
            break
    return uv


def _distance(images: Mapping[Modality, Image], camera: Camera) -> Image:
    if Modality.DISTANCE in images:
        return images[Modality.DISTANCE]
    depth = images[Modality.DEPTH]
    return depth * _ray_lengths(camera, depth)


def _ray_lengths(camera: Camera, image: Image) -> npt.NDArray[np.float64]:
    """Distance (H, W) to the camera's centre at a planar depth of one."""
    return np.linalg.norm(camera.rays(*image.shape), axis=-1)


def _half(values: Image) -> Half:
    """Values as float16; beyond its range they become the nearest finite ones."""
    most = float(np.finfo(np.float16).max)
    return np.clip(values, -most, most).astype(np.float16)


def _ids(ids: Image) -> npt.NDArray[np.int16]:
    if ids.size and ids.max() > np.iinfo(np.int16).max:
        raise InputError("--format hypersim", f"an id of {ids.max()}", f"ids up to {np.iinfo(np.int16).max}")
    return np.where(ids > 0, ids, -1).astype(np.int16)
