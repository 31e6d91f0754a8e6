"""The description of a dataset as a whole that several formats share."""

from __future__ import annotations

from typing import Any

from metasim.dataset.formats.protocol import DatasetInfo
from metasim.dataset.modality import CONVENTIONS

INFO = "dataset_info.json"


def describe(info: DatasetInfo) -> dict[str, Any]:
    """Counts, names, affordances and conventions, as JSON data; a part of the plan is a shard."""
    by_split = {
        split: [k for p, k in info.keys.items() if p.startswith(f"{split}/")] for split in info.plan.split
    }
    words = info.plan.affordances
    return {
        "total_images": sum(map(len, info.keys.values())),
        "version": "1.0.0",
        "format": info.plan.format,
        "splits": {
            split: {"num_images": sum(map(len, shards)), "num_shards": len(shards)}
            for split, shards in by_split.items()
        },
        "class_names": list(info.class_names),
        "num_classes": len(info.class_names),
        "image_size": list(info.plan.size),
        "part_names": list(info.plan.part_names),
        "affordance_names": list(words.names) if words else [],
        "affordances": words.named(info.plan.part_names) if words else {},
        "modalities": {m: CONVENTIONS[m] for m in info.plan.modalities},
    }
