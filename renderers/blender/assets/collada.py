"""Collada: indices beyond their sources, which Blender's importer drops in silence with their faces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

_PRIMITIVES = ("triangles", "polylist", "polygons", "tristrips", "trifans")


def bad_index(path: Path) -> str:
    """The first face that names what is not there, in words; empty if there is none.

    Raises:
        ParseError: If the file is no XML.
        ValueError: If an index is no number.
        KeyError: If a face refers to no source.
    """
    for mesh in ElementTree.parse(path).iter():
        if _tag(mesh) == "mesh":
            sizes = _sizes(mesh)
            for primitive in mesh:
                if _tag(primitive) in _PRIMITIVES:
                    for semantic, index, size in _faults(primitive, sizes):
                        return f"a face names {semantic.lower()} {index} of {size}"
    return ""


def _faults(primitive: Element, sizes: dict[str, int]) -> Iterator[tuple[str, int, int]]:
    """Each input that is indexed beyond its size: what it is, the index and the size."""
    inputs = [part for part in primitive if _tag(part) == "input"]
    width = 1 + max(int(part.attrib["offset"]) for part in inputs)
    for run in (part for part in primitive if _tag(part) == "p"):
        indices = np.array((run.text or "").split(), dtype=np.int64).reshape(-1, width)
        for part in inputs:
            size = sizes[part.attrib["source"].removeprefix("#")]
            column = indices[:, int(part.attrib["offset"])]
            beyond = column[(column < 0) | (column >= size)]
            if len(beyond):
                yield part.attrib["semantic"], int(beyond[0]), size


def _sizes(mesh: Element) -> dict[str, int]:
    """Number of elements of each source of a mesh, by id; vertices are as many as their positions."""
    sizes: dict[str, int] = {}
    for source in (part for part in mesh if _tag(part) == "source"):
        accessor = next(part for part in source.iter() if _tag(part) == "accessor")
        sizes[source.attrib["id"]] = int(accessor.attrib["count"])
    for vertices in (part for part in mesh if _tag(part) == "vertices"):
        positions = next(part for part in vertices if part.attrib.get("semantic") == "POSITION")
        sizes[vertices.attrib["id"]] = sizes[positions.attrib["source"].removeprefix("#")]
    return sizes


def _tag(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]
