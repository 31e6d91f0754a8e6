"""Where the files of Hypersim stand, and what is in all of its HDF5 files."""

from __future__ import annotations

from pathlib import Path

CAMERA = "cam_00"
DATASET = "dataset"
LIBVER = ("earliest", "v110")
"""Bounds of the file format, so that the bytes do not depend on the library's default."""

PARTS = "_parts"
CAMERA_PARAMETERS = "metadata_camera_parameters.csv"
IMAGES = "metadata_images.csv"
SPLIT = "metadata_images_split_scene_v1.csv"
SEMANTIC_LABELS, CLASS_LABELS = "semantic_label_descs.csv", "class_label_descs.csv"


def scene_name(index: int) -> str:
    """``ai_VVV_NNN``: the thousands of a scene's index, and the rest."""
    return f"ai_{index // 1000:03d}_{index % 1000:03d}"


def image_path(scene: str, kind: str, frame: int, name: str) -> str:
    """Path of an image within the dataset; the kind is ``final`` or ``geometry``."""
    return f"{scene}/images/scene_{CAMERA}_{kind}_hdf5/frame.{frame:04d}.{name}.hdf5"


def preview_path(scene: str, frame: int) -> str:
    """Path of the tone-mapped picture of a frame within the dataset."""
    return f"{scene}/images/scene_{CAMERA}_final_preview/frame.{frame:04d}.tonemap.jpg"


def index_path(part: str) -> str:
    """Path, within the dataset, of the index of a part."""
    return f"{PARTS}/{part}.jsonl"


def indices(out: Path) -> list[Path]:
    """The indices of all parts of a dataset."""
    return sorted((out / PARTS).glob("*/*.jsonl"))
