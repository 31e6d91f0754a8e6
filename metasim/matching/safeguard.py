"""Safeguard: a refinement may do harm, so images that it does not learn from decide whether it is kept."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from metasim.base.streams import stream
from metasim.matching.extractors import Extractor
from metasim.matching.target import Images
from metasim.runs.progress import Progress
from metasim.stats.kernels import BlockSum
from metasim.stats.permutation import PermutationTest, permutation_test, pooled_gram

PROOF = 0.25  # of the images: shown to no gradient
LEVEL = 0.05


def guarded(
    images: Images,
    fresh: Callable[[int, str], Images],
    features: Extractor,
    follow: Callable[[Images], None],
    networks: Sequence[nn.Module],
    seed: int,
    progress: Progress,
) -> None:
    """Refines networks only if images are told from fresh renders, and undoes it unless these come nearer.

    Args:
        images: (M, H, W, 3) target images.
        fresh: Renders so many scenes of the generator as it stands, for a stage.
        features: What images are compared by.
        follow: The refinement, by some of the images.
        networks: What it changes.
        seed: Root seed.
        progress: What the spectator sees.
    """
    guide, proof = np.split(images, [round(len(images) * (1 - PROOF))])

    def told_apart(stage: str) -> PermutationTest:
        theirs, ours = (torch.cat(features(part), 1) for part in (proof, fresh(len(proof), stage)))
        kernel = BlockSum.around_median([torch.cat([theirs, ours])])
        return permutation_test(pooled_gram(theirs, ours, kernel), len(proof), stream(seed, stage))

    before = told_apart("refine/before")
    if before.p_value >= LEVEL:
        progress.say(f"not refined: fresh renders pass for target images (p {before.p_value:.2f})")
        return
    weights = [copy.deepcopy(network.state_dict()) for network in networks]
    follow(guide)
    after = told_apart("refine/after")
    worse = after.statistic >= before.statistic
    if worse:
        for network, kept in zip(networks, weights, strict=True):
            network.load_state_dict(kept)
    outcome = "undone" if worse else "kept"
    progress.say(f"refined: MMD^2 {before.statistic:.2g} -> {after.statistic:.2g}, {outcome}")
