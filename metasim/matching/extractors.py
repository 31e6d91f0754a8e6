"""Extractors: feature plug-ins by the name that an experiment gives them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from metasim.base.errors import InputError
from metasim.base.validation import closest
from metasim.matching.features import BlurredPixels, RandomConvolutions
from metasim.model.inception import load_inception

Extractor = Callable[[npt.NDArray[np.uint8]], list[Tensor]]
"""Images (n, H, W, 3) to blocks of features (n, width), such as the layers of a network."""

INVERSE = "inverse"  # those of the run's own inverse network, which only the run can give
BUILT_IN = ("convolutions", "pixels", "inception")
BATCH = 64


def extractor(name: str, seed: int, inception_weights: Path | None, where: str) -> Extractor:
    """The extractor of a name.

    Args:
        name: A built-in name, or ``package.module:factory``, called with the seed.
        seed: Of features that are drawn.
        inception_weights: File of weights, for ``inception``.
        where: Key of the experiment that holds the name, for the error.

    Raises:
        InputError: If nothing goes by that name, or its weights are missing.
    """
    if name == "convolutions":
        return RandomConvolutions(seed)
    if name == "pixels":
        return BlurredPixels()
    if name == "inception":
        network = load_inception(inception_weights)

        def look(images: npt.NDArray[np.uint8]) -> list[Tensor]:
            with torch.no_grad():
                return [torch.cat([network(part) for part in torch.from_numpy(images).split(BATCH)])]

        return look
    module, _, factory = name.partition(":")
    if not factory:
        known = closest(name, BUILT_IN)
        raise InputError(where, repr(name), f"{known}, or a dotted path package.module:factory")
    try:
        return getattr(importlib.import_module(module), factory)(seed)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise InputError(where, f"{name} ({error})", "an importable package.module:factory") from error
