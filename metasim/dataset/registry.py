"""The formats by name; nothing is imported here, so that a command line can list them."""

from __future__ import annotations

FORMATS = {
    "webdataset": "WebDatasetFormat",
    "hdf5": "Hdf5Format",
    "hypersim": "HypersimFormat",
    "visionsim": "VisionSIMFormat",
    "visionsim-npy": "VisionSIMArraysFormat",
    "freesplatter": "FreeSplatterFormat",
    "freesplatter-torch": "FreeSplatterChunksFormat",
    "coco": "CocoFormat",
    "bop": "BopFormat",
    "folder": "FolderFormat",
    "trajectories": "TrajectoriesFormat",
}
"""Name (of a module of ``formats``, with dashes for underscores) to its class."""
