"""Textures that are missing: a colour of their name stands in for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from renderers.blender.assets.materials import colour_of
from renderers.blender.objects.census import relative


def replace_missing(mesh: Any, folder: Path) -> dict[str, tuple[float, ...]]:
    """Replaces the images of a mesh's materials that could not be read.

    Those that are no colours, normal maps and the like, are left out of their material.

    Args:
        mesh: The mesh.
        folder: Where the file of its asset lies.

    Returns:
        The RGBA that stands for each missing file of colours, by its path from that folder.
    """
    chosen: dict[str, tuple[float, ...]] = {}
    for tree, node in list(_missing(mesh)):
        path = relative(node.image.filepath, folder)
        if node.image.colorspace_settings.name != "Non-Color":
            chosen[path] = colour_of(path)
            for link in node.outputs["Color"].links:
                if link.to_socket.type == "RGBA":
                    link.to_socket.default_value = chosen[path]
        tree.nodes.remove(node)
    return chosen


def _missing(mesh: Any) -> Iterator[tuple[Any, Any]]:
    """The node trees and nodes of images that have no pixels."""
    trees = {m.node_tree for m in mesh.materials if m is not None and m.node_tree is not None}
    for tree in trees:
        for node in tree.nodes:
            if node.type == "TEX_IMAGE" and node.image is not None and not all(node.image.size):
                yield tree, node
