"""Embedding: generated and target images in a plane, both laid out by one fit.

Two fits, one a set, as in the published notebooks, would make any two sets overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from metasim.report.columns import Array
from metasim.report.figures import GENERATED, TARGET, figure
from metasim.report.pictures import Pictures

_PERPLEXITY = 20.0
_DIMENSIONS = 30  # of the principal components that neighbours are sought in


@dataclass(frozen=True)
class Embedding:
    """Places of images in a plane.

    Attributes:
        method: What laid them out.
        generated: (n, 2).
        target: (m, 2).
    """

    method: str
    generated: Array
    target: Array


def embeddings(shown: Pictures) -> list[Embedding]:
    """Principal components, which keep distances, and t-SNE, which keeps neighbours; of all images together.

    Source: van der Maaten and Hinton, "Visualizing data using t-SNE", JMLR 9, 2008.
    """
    pooled = np.concatenate([shown.generated_features, shown.target_features])
    size = min(_DIMENSIONS, *pooled.shape)
    components = PCA(size, svd_solver="full").fit_transform(pooled)
    near = TSNE(
        init="pca", perplexity=min(_PERPLEXITY, (len(pooled) - 1) / 3), random_state=0, n_jobs=1
    ).fit_transform(components)
    count = len(shown.generated)
    planes = {"principal components": components[:, :2], "t-SNE": near}
    return [Embedding(method, plane[:count], plane[count:]) for method, plane in planes.items()]


def embedding(shown: Pictures) -> Figure:
    """A panel a method."""
    with figure(7.2, 3.4) as drawn:
        for place, found in enumerate(embeddings(shown)):
            axes = drawn.add_subplot(1, 2, place + 1)
            style = {"s": 14, "alpha": 0.65, "linewidths": 0}
            axes.scatter(*found.target.T, color=TARGET, label="target", **style)
            axes.scatter(*found.generated.T, color=GENERATED, label="generated", **style)
            axes.set_title(found.method)
            axes.set_xticks([])
            axes.set_yticks([])
        drawn.legend(*drawn.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return drawn
