"""Pictures: the images of a run and their features, generated and target seen through the same eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metasim.matching.features import RandomConvolutions
from metasim.matching.target import Target
from metasim.report.frames import FINAL
from metasim.report.run_data import RunData
from metasim.runs.samples import load_images

Images = npt.NDArray[np.uint8]
Features = npt.NDArray[np.float64]

MOST = 200


@dataclass(frozen=True)
class Pictures:
    """Images of generator and target, and their features in one scale.

    Attributes:
        generated: (n, H, W, 3) renders of the latest generator.
        target: (m, H, W, 3) target images, held out from learning where these were kept.
        generated_features: (n, F).
        target_features: (m, F).
    """

    generated: Images
    target: Images
    generated_features: Features
    target_features: Features


def pictures(run: RunData) -> Pictures | None:
    """The images of a run; ``None`` where generator or target have kept none, or sizes differ.

    Features are those of fixed random filters; each layer of them is divided by its spread over both sets
    together, so that distances mean the same on both sides.
    """
    generated, target = _stack(load_images(run.folder.images / FINAL, MOST)), _target(run)
    if generated is None or target is None or generated.shape[1:] != target.shape[1:]:
        return None
    layers = []
    for block in RandomConvolutions(run.manifest.seed)(np.concatenate([generated, target])):
        layer = block.numpy().astype(np.float64)
        layer -= layer.mean(0)
        layers.append(layer / max(np.sqrt((layer**2).sum(1).mean()), 1e-12))
    features = np.concatenate(layers, axis=1)
    return Pictures(generated, target, features[: len(generated)], features[len(generated) :])


def _target(run: RunData) -> Images | None:
    """Held-out target images, or those shown in the folder."""
    if run.folder.target.exists():
        target = Target.load(run.folder.target)
        return target.images[target.learning :][:MOST]
    return _stack(load_images(run.folder.images / "target", MOST))


def _stack(images: list[Images]) -> Images | None:
    same = {image.shape for image in images}
    return np.stack(images) if len(same) == 1 else None
