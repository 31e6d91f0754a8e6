"""Portrait: an asset as it is shown, with all that is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from metasim.rendering.asset import Asset
from renderers.blender.assets.formats import import_file
from renderers.blender.assets.solid import Solid, solid_of
from renderers.blender.assets.soundness import check_file
from renderers.blender.native import load_bpy
from renderers.blender.objects.census import census, relative
from renderers.blender.objects.textures import replace_missing
from renderers.blender.tyol.datablocks import add_object

EDGE = 2.0
"""Metres; the longest edge of an asset's box."""


@dataclass(frozen=True)
class Portrait:
    """An asset in the Blender file, the only one there.

    Attributes:
        asset: The asset.
        thing: Its ``bpy.types.Object``.
        facts: ``name``, and ``asset`` and ``normalization`` as in Objaverse-XL's metadata, as JSON data.
    """

    asset: Asset
    thing: Any
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, asset: Asset) -> Portrait:
        """Reads an asset, makes its longest edge ``EDGE`` and puts its middle in the origin.

        Raises:
            InputError: If it is broken.
        """
        check_file(asset.path)
        folder = asset.path.parent
        with _nothing_left():
            things = import_file(asset.path, asset.up)
            counts = census(things, asset.path)
            solid = solid_of(asset, things, "box", EDGE)
        thing = add_object(asset.name, solid.mesh)
        absent = sorted({relative(path, folder) for path in solid.missing})
        colours = replace_missing(solid.mesh, folder)
        facts = {
            "name": asset.name,
            "asset": {
                **counts,
                "missing_textures": {"count": len(absent), "file_path_to_color": colours, "files": absent},
                "random_color": solid.colour,
                "scene_size": _size(solid),
            },
            "normalization": {
                "scale": solid.fit.scale,
                "translation": (solid.fit.translation + 0.0).tolist(),
            },
        }
        return cls(asset, thing, facts)

    def remove(self) -> None:
        """Takes it out of the Blender file, with its materials and images."""
        bpy = load_bpy()
        mesh = self.thing.data
        bpy.data.objects.remove(self.thing)
        bpy.data.meshes.remove(mesh)
        _purge()


def _size(solid: Solid) -> dict[str, Any]:
    """The corners of the box before it was fitted, metres."""
    points = (solid.hull - solid.fit.translation) / solid.fit.scale
    return {"bbox_max": points.max(axis=0).tolist(), "bbox_min": points.min(axis=0).tolist()}


@contextmanager
def _nothing_left() -> Iterator[None]:
    """Removes what a block that fails has added."""
    bpy = load_bpy()
    before = set(bpy.data.objects)
    try:
        yield
    except Exception:
        bpy.data.batch_remove([thing for thing in bpy.data.objects if thing not in before])
        _purge()
        raise


def _purge() -> None:
    """Removes what nothing uses any more; some kinds of data are held though nothing does."""
    bpy = load_bpy()
    images = [picture for picture in bpy.data.images if picture.source == "FILE"]
    bpy.data.batch_remove([*bpy.data.actions, *bpy.data.libraries, *images])
    bpy.data.orphans_purge(do_local_ids=True, do_linked_ids=True, do_recursive=True)
