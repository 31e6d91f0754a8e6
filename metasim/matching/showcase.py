"""Showcase: what people see of a training: scenes, images and distances at a few moments."""

from __future__ import annotations

import torch
from torch import Tensor

from metasim.matching.bank import Scenes
from metasim.matching.features import RandomConvolutions
from metasim.matching.target import Images
from metasim.runs.epochs import Epoch
from metasim.runs.folder import RunFolder
from metasim.runs.log import RunLog
from metasim.runs.metrics import ERROR
from metasim.runs.samples import save_images
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Classes
from metasim.stats.kernels import BlockSum
from metasim.stats.mmd import MMDTarget

DRAWN = 1000  # scenes whose attributes are kept
SHOWN = 48  # of these, rendered
LOGGED = 16  # of these, in the log


class Showcase:
    """Keeps moments of a training; its renders are learnt from by nobody.

    Args:
        scenes: How scenes are rendered.
        images: (M, H, W, 3) target images, which those shown are compared with.
        folder: The run.
        log: Its log.
    """

    def __init__(self, scenes: Scenes, images: Images, folder: RunFolder, log: RunLog) -> None:
        self._scenes, self._folder, self._log = scenes, folder, log
        self._features = RandomConvolutions(scenes.seed)
        blocks = self._features(images)
        self._target = MMDTarget(torch.cat(blocks, 1), BlockSum.around_median(blocks))

    def show(self, epoch: int, stage: str, renders: int, units: Array, classes: Classes) -> None:
        """Keeps a moment, under its number.

        Args:
            epoch: Counted from 0, the prior's.
            stage: What had just been done.
            renders: Images rendered for learning by then.
            units: (n, D) attributes on [0, 1], at least ``SHOWN``.
            classes: (n, C) class indices.
        """
        layout = self._scenes.layout
        graphs = self._scenes.placed(units[:SHOWN], classes[:SHOWN], "prior")
        self.keep(epoch, stage, renders, layout.values(units), graphs)

    def keep(self, epoch: int, stage: str, renders: int, values: Array, graphs: list[SceneGraph]) -> None:
        """Keeps a moment, given (n, D) values of the layout's columns and at most ``SHOWN`` scenes."""
        Epoch(epoch, stage, renders, values[:DRAWN]).save(self._folder.epochs)
        images = self._scenes.images(graphs, f"shown/{epoch}")
        for name in (f"epoch_{epoch:04d}", "most_recent") + (("prior",) if epoch == 0 else ()):
            save_images(self._folder.images / name, list(images), SHOWN)
        features = torch.cat(self._features(images), 1)
        self._log.rewind("match", epoch)
        self._log.scalars("match", epoch, renders, **self._distance(features))
        self._log.images("match", epoch, "images", images[:LOGGED])
        for j, name in enumerate(self._scenes.layout.names):
            self._log.histogram("match", epoch, f"attributes/{name}", values[:, j])

    def _distance(self, features: Tensor) -> dict[str, float]:
        error = self._target.standard_error(features)
        return {"mmd2": float(self._target.mmd2(features)), f"mmd2{ERROR}": float(error)}
