"""Formats of datasets, a module each, by name.

A new format is one module with a class that fulfils ``protocol.Format``, and a line in ``registry``.
"""

from __future__ import annotations

from importlib import import_module

from metasim.base.errors import InputError
from metasim.dataset.formats.protocol import Format
from metasim.dataset.registry import FORMATS

ONE_LENS = ("visionsim", "visionsim-npy", "hypersim")
"""Those without a place for a lens that changes within a sequence, or among the views of an object."""


def find_format(name: str) -> Format:
    """The format of a name; its module, and the library it stands on, is imported only now.

    Raises:
        InputError: If there is none.
    """
    if name not in FORMATS:
        raise InputError("--format", repr(name), f"one of {', '.join(FORMATS)}")
    return getattr(import_module(f"{__name__}.{name.replace('-', '_')}"), FORMATS[name])()
