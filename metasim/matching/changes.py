"""Changes of simulated target images: other looks of what the grammar produces, or what it cannot produce."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

Images = npt.NDArray[np.uint8]
Change = Callable[[Images, np.random.Generator], Images]

BLUR = 1.2  # pixels
GREY, COLOUR, GRAIN = 30.0, (0.65, 0.6, 0.5), 12.0
DIM, LIGHT, DEPTH = 0.6, 60.0, 50.0
RADIUS, WIDTH = 9.0, 3.0  # pixels


def other_looks(images: Images, rng: np.random.Generator) -> Images:
    """The same scenes blurred, recoloured and noisy: (n, H, W, 3)."""
    soft = gaussian_filter(images.astype(np.float32), (0, BLUR, BLUR, 0)) * COLOUR + GREY
    return _bytes(soft + rng.normal(0, GRAIN, images.shape))


def other_background(images: Images, rng: np.random.Generator) -> Images:
    """The same objects before waves instead of nothing: (n, H, W, 3)."""
    y, x = np.mgrid[: images.shape[1], : images.shape[2]]
    phase = rng.uniform(0, 2 * np.pi, (len(images), 1, 1))
    waves = np.sin(x / 5 + phase) * np.cos(y / 7)
    return _bytes(DIM * images + LIGHT + DEPTH * waves[..., None])


def other_object(images: Images, rng: np.random.Generator) -> Images:
    """A square frame, turned anyhow, where each image's object was: (n, H, W, 3)."""
    y, x = np.mgrid[: images.shape[1], : images.shape[2]]
    ink = images.mean(-1) + 1e-6
    mass = ink.sum((1, 2))
    right, down = (
        x - ((ink * x).sum((1, 2)) / mass)[:, None, None],
        y - ((ink * y).sum((1, 2)) / mass)[:, None, None],
    )
    turn = rng.uniform(0, np.pi, (len(images), 1, 1))
    along, across = right * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - right * np.sin(turn)
    frame = np.abs(np.maximum(np.abs(along), np.abs(across)) - RADIUS) < WIDTH / 2
    return _bytes(np.repeat(255.0 * frame[..., None], 3, axis=-1))


LOOKS, BACKGROUND, OBJECT = "looks", "background", "object"
CHANGES: dict[str, Change] = {LOOKS: other_looks, BACKGROUND: other_background, OBJECT: other_object}
PRODUCED = (LOOKS,)


def _bytes(values: npt.NDArray[np.floating]) -> Images:
    return values.clip(0, 255).astype(np.uint8)
