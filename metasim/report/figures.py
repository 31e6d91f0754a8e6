"""Figures: made without global state, turned into data URIs or files."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from metasim.base.files import whole_file

PRIOR, INFERRED, GENERATED, TARGET = "#9a9a9a", "#3a8f5c", "#e07b00", "#1f5fa8"
"""Colours, told apart by colour-blind readers, the same in every panel."""

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#444444")
"""Colours of runs (Okabe and Ito, "Color universal design", 2008)."""

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


def inline_svg(drawn: Figure, title: str) -> str:
    """The figure as markup to stand in a page, where scripts reach its parts.

    Artists whose gid is ``frame-<k>`` become groups with ``data-frame="<k>"``, the last of them shown.
    """
    with mpl.rc_context(_STYLE):
        text = _rendered(drawn, "svg").decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<(metadata|style)\b.*?</\1>\s*", "", text, flags=re.DOTALL)
    last = max(map(int, re.findall(r'id="frame-(\d+)"', text)), default=-1)
    text = text.replace(f'id="frame-{last}"', f'class="now" data-frame="{last}"')
    text = re.sub(r'id="frame-(\d+)"', r'data-frame="\1"', text)
    text = re.sub(r' id="[a-z0-9.]+_\d+"', "", text)  # figures of one page would share them
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{html.escape(title)}"', 1)


def png_uri(drawn: Figure) -> str:
    """The figure as a PNG data URI, for clouds of points."""
    return _uri("image/png", _rendered(drawn, "png"))


def save_png(drawn: Figure, path: Path) -> None:
    """Writes the figure as a whole PNG file."""
    with whole_file(path) as file:
        file.write(_rendered(drawn, "png"))


def image_uri(picture: Image.Image) -> str:
    """Photographs and renders as a JPEG data URI."""
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=88, subsampling=0)
    return _uri("image/jpeg", buffer.getvalue())


def _rendered(drawn: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else None
    drawn.savefig(buffer, format=kind, dpi=130, metadata=metadata)
    return buffer.getvalue()


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
