"""Classifier two-sample test: how often a classifier can tell two samples apart."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


class C2ST(NamedTuple):
    """Outcome of a classifier two-sample test.

    Attributes:
        accuracy: Held-out accuracy, the mean over the two samples; 0.5 cannot tell them apart.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p_value: Chance of at least this accuracy if both samples have one law.
    """

    accuracy: float
    low: float
    high: float
    p_value: float


def c2st(
    x: npt.NDArray[np.floating], y: npt.NDArray[np.floating], rng: np.random.Generator, folds: int = 5
) -> C2ST:
    """Classifier two-sample test by k-fold logistic regression on standardised features.

    It sees what a linear boundary sees: differences of the features' means (Lopez-Paz and Oquab,
    "Revisiting classifier two-sample tests", ICLR 2017). The k training sets overlap, so the variance is the
    binomial one times ``1 + k / (k - 1)`` (Nadeau and Bengio, "Inference for the generalization error",
    Machine Learning 52, 2003); the interval is Wilson's and the p value normal with that variance.

    Args:
        x: First sample (n, d), n >= folds.
        y: Second sample (m, d), m >= folds; the samples weigh the same whatever their sizes.
        rng: Stream of the folds.
        folds: Number k of folds.
    """
    labels = np.repeat([0, 1], [len(x), len(y)])
    # Newton's steps: a verdict fits some hundreds of these, of few features.
    regression = LogisticRegression(class_weight="balanced", solver="newton-cholesky")
    classifier = make_pipeline(StandardScaler(), regression)
    splits = StratifiedKFold(folds, shuffle=True, random_state=int(rng.integers(2**31)))
    predicted = np.asarray(cross_val_predict(classifier, np.concatenate([x, y]), labels, cv=splits))
    accuracy = float(np.mean([(predicted[labels == label] == label).mean() for label in (0, 1)]))
    trials = 4.0 / (1.0 / len(x) + 1.0 / len(y)) / (1.0 + folds / (folds - 1))
    low, high = _wilson_interval(accuracy, trials)
    p_value = float(scipy.stats.norm.sf((accuracy - 0.5) * 2.0 * math.sqrt(trials)))
    return C2ST(accuracy, low, high, p_value)


def _wilson_interval(share: float, trials: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a binomial share; unlike the normal one it has a width at 0 and 1."""
    z = 1.96
    middle = (share + z**2 / (2.0 * trials)) / (1.0 + z**2 / trials)
    half = z * math.sqrt(share * (1.0 - share) / trials + (z / (2.0 * trials)) ** 2) / (1.0 + z**2 / trials)
    return max(0.0, middle - half), min(1.0, middle + half)
