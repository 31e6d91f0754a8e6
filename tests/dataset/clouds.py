"""World points from depths and cameras on disk, by the document of each format and none of our readers."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import OpenEXR
import torch
from PIL import Image

Array = npt.NDArray[np.float64]


def _centres(height: int, width: int) -> tuple[Array, Array]:
    """Columns and rows of the pixel centres, where the corner of the image is the origin."""
    v, u = np.mgrid[:height, :width] + 0.5
    return u, v


def _blender(depth: Array, x: Array, y: Array, pose: Array) -> Array:
    """Points of image coordinates at unit depth (y down), for a camera that looks along its -z."""
    seen = np.stack([x * depth, -y * depth, -depth], axis=-1)
    return seen @ pose[:3, :3].T + pose[:3, 3]


def _of_transforms(content: dict, pose: list, depth: Array) -> Array:
    depth = np.where(depth >= 1e10, np.nan, depth)  # Blender's background
    assert depth.shape == (content["h"], content["w"])
    u, v = _centres(*depth.shape)
    x, y = (u - content["cx"]) / content["fl_x"], (v - content["cy"]) / content["fl_y"]
    return _blender(depth, x, y, np.array(pose))


def visionsim(out: Path) -> Array:
    (path,) = out.glob("*/renders/*/*/transforms.json")
    content = json.loads(path.read_text())
    (frame,) = content["frames"]
    with OpenEXR.File(str(path.parent / frame["depth_file_path"])) as file:
        depth = np.array(file.channels()["V"].pixels, dtype=np.float64)
    return _of_transforms(content, frame["transform_matrix"], depth)


def visionsim_npy(out: Path) -> Array:
    (path,) = out.glob("*/renders/*/*/transforms.json")
    content = json.loads(path.read_text())
    (frame,) = content["frames"]
    depth = np.load(path.parent / content["depth_file_path"]).astype(np.float64)
    return _of_transforms(content, frame["transform_matrix"], depth[0, ..., 0])


def freesplatter(out: Path) -> Array:
    (path,) = out.glob("*/renders/*.zip")
    with zipfile.ZipFile(path) as archive:
        view = json.loads(archive.read(f"{path.stem}/metadata.json"))["views"][0]
        depth = np.load(io.BytesIO(archive.read(f"{path.stem}/{view['depth']}"))).astype(np.float64)
        mask = np.load(io.BytesIO(archive.read(f"{path.stem}/{view['mask']}")))
    u, v = _centres(*depth.shape)
    pixels = np.stack([u, v, np.ones_like(u)], axis=-1) @ np.linalg.inv(view["intrinsics"]).T
    depth = np.where(mask == 1, depth, np.nan)
    return _blender(depth, pixels[..., 0], pixels[..., 1], np.array(view["camera_to_world"]))


def freesplatter_torch(out: Path) -> Array:
    (path,) = out.glob("*/000000.torch")
    (scene,) = torch.load(path, weights_only=True)
    row, depth = scene["cameras"][0].double().numpy(), scene["depths"][0].double().numpy()
    depth = np.where(depth == -1.0, np.nan, depth)
    u, v = _centres(*depth.shape)
    x = (u / depth.shape[1] - row[2]) / row[0]
    y = (v / depth.shape[0] - row[3]) / row[1]
    seen = np.stack([x * depth, y * depth, depth], axis=-1)
    pose = row[6:].reshape(3, 4)
    return (seen - pose[:, 3]) @ pose[:, :3]


def bop(out: Path) -> Array:
    (folder,) = out.glob("*/000000")
    camera = json.loads((folder / "scene_camera.json").read_text())["0"]
    with Image.open(folder / "depth/000000.png") as image:
        assert image.mode == "I;16"
        depth = np.asarray(image).astype(np.float64) * camera["depth_scale"]
    depth = np.where(depth == 0, np.nan, depth)
    v, u = np.mgrid[: depth.shape[0], : depth.shape[1]]  # the centre of the first pixel is the origin
    pixels = np.stack([u, v, np.ones_like(u)], axis=-1)
    seen = depth[..., None] * (pixels @ np.linalg.inv(np.reshape(camera["cam_K"], (3, 3))).T)
    rotation = np.reshape(camera["cam_R_w2c"], (3, 3))
    return (seen - np.array(camera["cam_t_w2c"])) @ rotation / 1000.0


def _of_members(depth: bytes, card: bytes) -> Array:
    camera = json.loads(card)["camera"]
    planar = np.load(io.BytesIO(depth))["data"][..., 0].astype(np.float64)
    planar = np.where(np.isinf(planar), np.nan, planar)
    u, v = _centres(*planar.shape)
    pixels = np.stack([u, v, np.ones_like(u)], axis=-1) @ np.linalg.inv(camera["intrinsics"]).T
    return _blender(planar, pixels[..., 0], pixels[..., 1], np.array(camera["world_from_camera"]))


def webdataset(out: Path) -> Array:
    (path,) = out.glob("*/00000.tar")
    with tarfile.open(path) as tar:
        members = {name.partition(".")[2]: tar.extractfile(name) for name in tar.getnames()}
        contents = {name: file.read() for name, file in members.items() if file}
    return _of_members(contents["depth.npz"], contents["json"])


def folder(out: Path) -> Array:
    (path,) = out.glob("*/00000/*.depth.npz")
    card = path.with_name(path.name.replace("depth.npz", "json"))
    return _of_members(path.read_bytes(), card.read_bytes())


CLOUDS: dict[str, Callable[[Path], Array]] = {
    "webdataset": webdataset,
    "folder": folder,
    "visionsim": visionsim,
    "visionsim-npy": visionsim_npy,
    "freesplatter": freesplatter,
    "freesplatter-torch": freesplatter_torch,
    "bop": bop,
}
