"""Mutual information of two finite variables."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def mutual_information(joint: npt.ArrayLike) -> float:
    """Mutual information in nats of a joint law (A, B), whose weights need not sum to 1; 0 if it has none.

    Of the frequencies of n examples it exceeds that of their law by about ``(A - 1) (B - 1) / 2 n`` on
    average (Miller, "Note on the bias of information estimates", 1955).
    """
    law = np.asarray(joint, dtype=np.float64)
    if law.sum() <= 0:
        return 0.0
    law = law / law.sum()
    apart = law.sum(1, keepdims=True) * law.sum(0)
    there = law > 0
    return max(float((law[there] * np.log(law[there] / apart[there])).sum()), 0.0)
