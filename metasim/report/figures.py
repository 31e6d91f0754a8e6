"""Figures: made without global state, turned into data URIs or files."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from metasim.base.files import whole_file

PRIOR, INFERRED, GENERATED, TARGET = "#9a9a9a", "#3a8f5c", "#e07b00", "#1f5fa8"
"""Colours, told apart by colour-blind readers, the same in every panel."""

_STYLE: dict[Any, Any] = {
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "metasim",
}


@contextmanager
def figure(width: float, height: float) -> Iterator[Figure]:
    """A figure of a size in inches, in the common style."""
    with mpl.rc_context(_STYLE):
        yield Figure(figsize=(width, height), layout="constrained")


def svg_uri(drawn: Figure) -> str:
    """The figure as an SVG data URI, for few marks."""
    with mpl.rc_context(_STYLE):
        return _uri("image/svg+xml", _rendered(drawn, "svg"))


def png_uri(drawn: Figure) -> str:
    """The figure as a PNG data URI, for clouds of points."""
    return _uri("image/png", _rendered(drawn, "png"))


def save_png(drawn: Figure, path: Path) -> None:
    """Writes the figure as a whole PNG file."""
    with whole_file(path) as file:
        file.write(_rendered(drawn, "png"))


def jpeg_uri(content: bytes) -> str:
    """A JPEG image as a data URI."""
    return _uri("image/jpeg", content)


def _rendered(drawn: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    drawn.savefig(buffer, format=kind, dpi=130, metadata=metadata)
    return buffer.getvalue()


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
