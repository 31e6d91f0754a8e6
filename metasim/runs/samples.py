"""Samples kept for people to look at: images and scene graphs in named folders of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from metasim.base.files import whole_file, write_json


def save_images(folder: Path, images: Sequence[npt.NDArray[np.uint8]], keep: int) -> None:
    """Writes the first ``keep`` images (H, W, 3) as ``000000.png`` ...; earlier content goes."""
    for index, image in enumerate(images[:keep]):
        with whole_file(folder / f"{index:06d}.png") as file:
            Image.fromarray(image).save(file, format="PNG")
    _remove_beyond(folder, min(keep, len(images)), ".png")


def save_graphs(folder: Path, graphs: Sequence[Mapping[str, Any]], keep: int) -> None:
    """Writes the first ``keep`` scene graphs, in their JSON form, as ``000000.json`` ..."""
    for index, graph in enumerate(graphs[:keep]):
        write_json(folder / f"{index:06d}.json", dict(graph))
    _remove_beyond(folder, min(keep, len(graphs)), ".json")


def _remove_beyond(folder: Path, number: int, suffix: str) -> None:
    for path in folder.glob(f"*{suffix}"):
        if path.stem.isdecimal() and int(path.stem) >= number:
            path.unlink()


def load_images(folder: Path, number: int) -> list[npt.NDArray[np.uint8]]:
    """The first images of a folder, RGB, in order of name; none if there is no folder."""
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.glob("*.png"))[:number]]


def load_graphs(folder: Path, number: int) -> list[dict[str, Any]]:
    """The first scene graphs of a folder, in their JSON form, in order of name."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))[:number]]
