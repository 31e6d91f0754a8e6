"""Safeguard: a refinement may do harm, so images that it does not learn from decide whether it is kept."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
from torch import nn

from metasim.matching.target import Images
from metasim.runs.progress import Progress
from metasim.stats.permutation import PermutationTest

PROOF = 0.25  # of the images: shown to no gradient
LEVEL = 0.05


def guarded(
    images: Images,
    told_apart: Callable[[Images, str], PermutationTest],
    follow: Callable[[Images], None],
    networks: Sequence[nn.Module],
    progress: Progress,
) -> None:
    """Refines networks only if images are told from fresh renders, and undoes it unless these come nearer.

    Args:
        images: (M, H, W, 3) target images.
        told_apart: Whether some of them and as many fresh renders have one law, ``before`` or ``after``.
        follow: The refinement, by some of them.
        networks: What it changes.
        progress: What the spectator sees.
    """
    guide, proof = np.split(images, [round(len(images) * (1 - PROOF))])
    before = told_apart(proof, "before")
    if before.p_value >= LEVEL:
        progress.say(f"not refined: fresh renders pass for target images (p {before.p_value:.2f})")
        return
    weights = [copy.deepcopy(network.state_dict()) for network in networks]
    follow(guide)
    after = told_apart(proof, "after")
    if after.statistic >= before.statistic:
        for network, kept in zip(networks, weights, strict=True):
            network.load_state_dict(kept)
        progress.say(f"refined: MMD^2 {before.statistic:.2g} -> {after.statistic:.2g}, undone")
