"""Unfolding: the law behind observed frequencies, given what each truth is taken for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

Array = npt.NDArray[np.float64]

ITERATIONS = 500
RIDGE = 1e-5  # keeps the tilt finite where means cannot be reached


def unfold(taken_for: Array, observed: Array, start: Array) -> Array:
    """The likeliest law p with ``p @ taken_for = observed``, never negative.

    Classes that a reader confuses are observed in other shares than they have; it confuses them alike
    wherever they come from, so known examples tell how (label shift).

    Args:
        taken_for: (A, B) for each truth the mean of what is read, rows that sum to 1.
        observed: (B,) mean of what is read where the truth is unknown.
        start: (A,) law to begin with; what it rules out stays out.

    References:
        Lipton, Wang and Smola, "Detecting and Correcting for Label Shift with Black Box Predictors",
        ICML 2018; by expectation maximisation: D'Agostini, "A multidimensional unfolding method based on
        Bayes' theorem", Nuclear Instruments and Methods A 362, 1995.
    """
    law = start / start.sum()
    for _ in range(ITERATIONS):
        expected = np.maximum(law @ taken_for, 1e-12)
        law = law * (taken_for @ (observed / expected))
        law = law / law.sum()
    return law


def tilt(weights: Array, features: Array, wanted: Array) -> Array:
    """Weights that give features wanted means and are nearest to the given ones (least relative entropy).

    Args:
        weights: (n,) given weights, of sum 1.
        features: (n, F).
        wanted: (F,) means that the weights can give.

    References:
        Raking: Deville and Sarndal, "Calibration estimators in survey sampling", Journal of the American
        Statistical Association 87, 1992.
    """
    centred = features - wanted
    logs = np.log(np.maximum(weights, 1e-300))

    def dual(at: Array) -> tuple[float, Array]:
        exponent = logs + centred @ at
        top = exponent.max()
        mass = np.exp(exponent - top)
        total = mass.sum()
        return float(np.log(total) + top + RIDGE * at @ at), mass @ centred / total + 2 * RIDGE * at

    found = minimize(dual, np.zeros(features.shape[1]), jac=True, method="L-BFGS-B")
    tilted = logs + centred @ found.x
    mass = np.exp(tilted - tilted.max())
    return mass / mass.sum()
