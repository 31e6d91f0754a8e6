"""Which class the instances of a sample are of, from whatever it carries that tells."""

from __future__ import annotations

import numpy as np

from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample


def instance_classes(sample: Sample) -> dict[int, int]:
    """Class ids by instance id; of the instances whose class neither a table nor an image tells, none."""
    entries = (*(sample.boxes or ()), *(sample.full_boxes or ()), *(sample.solids or ()))
    known = {entry.instance: entry.class_id for entry in entries}
    if {Modality.INSTANCE, Modality.SEMANTIC} <= sample.images.keys():
        ids = np.stack([sample.images[m].ravel() for m in (Modality.INSTANCE, Modality.SEMANTIC)], axis=1)
        known |= {i: c for i, c in np.unique(ids, axis=0).tolist() if i > 0}
    return dict(sorted(known.items()))
