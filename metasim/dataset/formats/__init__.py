"""Formats of datasets, a module each, by name.

A new format is one module with a class that fulfils ``protocol.Format``, and a line here.
"""

from __future__ import annotations

from importlib import import_module

from metasim.base.errors import InputError
from metasim.dataset.formats.protocol import Format

_FORMATS = {
    "webdataset": "WebDatasetFormat",
    "hdf5": "Hdf5Format",
    "hypersim": "HypersimFormat",
    "folder": "FolderFormat",
    "visionsim": "VisionSIMFormat",
    "visionsim-npy": "VisionSIMArraysFormat",
    "freesplatter": "FreeSplatterFormat",
    "freesplatter-torch": "FreeSplatterChunksFormat",
    "coco": "CocoFormat",
    "bop": "BopFormat",
}
"""Name (of a module of this package, with dashes for underscores) to its class."""

FORMAT_NAMES = tuple(_FORMATS)


def find_format(name: str) -> Format:
    """The format of a name; its module, and the library it stands on, is imported only now.

    Raises:
        InputError: If there is none.
    """
    if name not in _FORMATS:
        raise InputError("--format", repr(name), f"one of {', '.join(_FORMATS)}")
    return getattr(import_module(f"{__name__}.{name.replace('-', '_')}"), _FORMATS[name])()
