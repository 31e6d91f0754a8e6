"""Handwritten digits, many exemplars of each class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch.nn.functional import interpolate, pad

from metasim.base.errors import InputError
from renderers.sprites.idx import Bytes, read_idx

DIGITS = tuple("0123456789")
SPRITE_SIZE = 28

Split = Literal["even", "odd", "all"]

_START = {"even": 0, "odd": 1, "all": 0}


@dataclass(frozen=True)
class Exemplars:
    """Sprites sorted by class.

    Attributes:
        images: (N, h, w) uint8, ink 255 on empty 0.
        members: For each class, the indices of its exemplars in ``images``.
    """

    images: torch.Tensor
    members: tuple[tuple[int, ...], ...]

    def index(self, cls: str, instance: float) -> int:
        """Which image shows an instance of a class.

        Args:
            cls: ``"0"`` to ``"9"``.
            instance: A number in [0, 1), cut into as many equal parts as there are exemplars.
        """
        members = self.members[int(cls)]
        return members[min(max(int(instance * len(members)), 0), len(members) - 1)]


BUNDLED_LICENCE = {"UCI optical recognition of handwritten digits, as in scikit-learn": "CC BY 4.0"}
"""The terms of the digits that are there without any file."""


def load_exemplars(digits: Path | None, split: Split) -> Exemplars:
    """Loads handwritten digits.

    Args:
        digits: Folder with idx files as MNIST has them, or one such file of images beside its labels;
            ``None`` for the set bundled with scikit-learn (UCI ML hand-written digits).
        split: Which exemplars of each class: the even ones, the odd ones, or all. Even and odd ones
            share none, so a target can be drawn from other handwriting than the generator's.

    Raises:
        InputError: If the files are not as expected or a class has no exemplar.
    """
    images, labels = _bundled() if digits is None else _from_idx(Path(digits))
    if split not in _START:
        raise InputError("renderer.split", repr(split), "even, odd or all")
    step = 1 if split == "all" else 2
    members = tuple(
        tuple(np.flatnonzero(labels == digit)[_START[split] :: step].tolist()) for digit in range(len(DIGITS))
    )
    empty = [name for name, found in zip(DIGITS, members, strict=True) if not found]
    if empty:
        raise InputError("renderer.digits", f"no exemplar of {', '.join(empty)}", "some of each digit")
    return Exemplars(torch.from_numpy(images.copy()), members)


@cache
def _bundled() -> tuple[Bytes, Bytes]:
    """The 1797 digits of 8 x 8 pixels, given an empty border and enlarged bicubically."""
    from sklearn.datasets import load_digits

    values, labels = load_digits(return_X_y=True)
    small = torch.from_numpy(values.reshape(-1, 1, 8, 8) / 16.0)
    large = interpolate(pad(small, (1, 1, 1, 1)), size=(SPRITE_SIZE, SPRITE_SIZE), mode="bicubic")
    images = (large[:, 0].clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    return images, np.asarray(labels, np.uint8)


def _from_idx(path: Path) -> tuple[Bytes, Bytes]:
    files = sorted(path.glob("*images*idx3*")) if path.is_dir() else [path]
    if not files:
        raise InputError("renderer.digits", f"no *images*idx3* file in {path}", "MNIST idx files")
    pairs = [_pair(file) for file in files]
    if len({images.shape[1:] for images, _ in pairs}) > 1:
        raise InputError("renderer.digits", f"images of several sizes in {path}", "one size")
    return np.concatenate([images for images, _ in pairs]), np.concatenate([labels for _, labels in pairs])


def _pair(file: Path) -> tuple[Bytes, Bytes]:
    images = read_idx(file, 3)
    beside = file.with_name(file.name.replace("images", "labels").replace("idx3", "idx1"))
    labels = read_idx(beside, 1)
    if len(labels) != len(images):
        raise InputError(str(beside), f"{len(labels)} labels", f"{len(images)}, one for each image")
    if labels.max(initial=0) >= len(DIGITS):
        raise InputError(str(beside), f"label {labels.max()}", "0 to 9")
    return images, labels
