"""Overlap: how far labels of pixels agree with the true ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.integer]


def intersection_over_union(truth: Labels, found: Labels, classes: int) -> Array:
    r"""(classes,) overlap of the pixels that are and that are said to be of each class, over all images.

    .. math:: \mathrm{IoU}_c = \frac{|T_c \cap F_c|}{|T_c \cup F_c|}

    NaN for a class that is in neither. Pixels of all images count together, as in the PASCAL VOC challenge
    (Everingham et al., IJCV 111, 2015), so an image without a class neither helps nor harms.

    Args:
        truth: Class of each pixel, of any shape.
        found: What it is taken for, of the same shape.
        classes: Number of classes.
    """
    pairs = np.bincount((classes * truth.astype(np.int64) + found).ravel(), minlength=classes**2)
    counts = pairs.reshape(classes, classes).astype(np.float64)
    both = np.diag(counts)
    either = counts.sum(0) + counts.sum(1) - both
    return np.divide(both, either, out=np.full(classes, np.nan), where=either > 0)
