"""AssetsScene: the user's own meshes on the paved table of the default scene."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from metasim.base.errors import InputError
from metasim.base.validation import closest
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.assets.bop import DATASETS_PAGE
from renderers.blender.assets.catalogue import Catalogue, Catalogued
from renderers.blender.assets.fit import Rule
from renderers.blender.assets.materials import make_tintable
from renderers.blender.assets.rehearsal import rehearse
from renderers.blender.assets.solid import Solid, load_solid
from renderers.blender.tyol.datablocks import add_object, move
from renderers.blender.tyol.light import tinted
from renderers.blender.tyol.pose import DEFAULTS, object_matrix
from renderers.blender.tyol.stage import Stage

SIZE = 0.3
"""Metres; the objects of the default scene are as large."""

MANY_TRIANGLES = 2000
"""From here on Cycles needs a second user of a mesh to keep its search tree from frame to frame."""

_ASIDE = (0.0, 0.0, -100.0)


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        wanted = "a folder of meshes, or of a BOP dataset as offered at"
        raise ValueError(f"{wanted} {DATASETS_PAGE} (TYO-L: the archives base, models and test)")
    return folder


class AssetsScene(Catalogued):
    """Any number of objects on the table; their classes are those of a folder of assets.

    Which asset of its class an object is, its attribute ``asset`` says: from 0, in alphabetical order,
    fractions ignored. Without it, the first object of a class in the graph is the class's first asset, the
    second the second, and so on round.

    Args:
        assets: Folder of mesh files, of a BOP dataset or of its models, see ``Catalogue``.
        only: The classes to load; by default all.
        fit: What to make one size: the ``diameter`` or the longest edge of the ``box``; ``metres`` leaves
            assets as large as they are. By default metres for a BOP dataset, else the diameter.
        length: Metres that fitted assets measure so.

    Raises:
        InputError: If the folder or its manifest is wrong, or a class has no asset.
    """

    stage: ClassVar[type] = Stage

    def __init__(
        self,
        assets: Annotated[Path, AfterValidator(_existing)],
        only: tuple[str, ...] | None = None,
        fit: Rule | None = None,
        length: Annotated[float, Field(gt=0, allow_inf_nan=False)] = SIZE,
    ) -> None:
        catalogue = Catalogue.of(assets)
        for name in only or ():
            if name not in catalogue.by_class:
                raise InputError(f"renderer.only: {name}", "no asset", closest(name, catalogue.by_class))
        kept = only or tuple(catalogue.by_class)
        self._catalogue = Catalogue(tuple(a for a in catalogue.assets if a.cls in kept))
        self._assets = {name: catalogue.by_class[name] for name in kept}
        self._fit: Rule = fit or ("metres" if catalogue.true_size else "diameter")
        self._length = length
        self._stage = self.stage()
        self._solids: dict[str, list[Solid]] = {}
        self._things: dict[str, list[Any]] = {}

    @property
    def attributes(self) -> Mapping[str, frozenset[str]]:
        """Attribute names the scene gives a meaning to, by symbol."""
        known = {symbol: frozenset(values) for symbol, values in DEFAULTS.items()}
        return known | {"object": known["object"] | {"asset"}}

    def build(self) -> None:
        """Fills an empty Blender file with all assets, table, sun, sky and camera.

        Raises:
            InputError: If an asset is broken, or an image of its materials is missing.
        """
        rehearse([asset.path for assets in self._assets.values() for asset in assets])
        for name, assets in self._assets.items():
            self._solids[name] = [load_solid(asset, self._fit, self._length) for asset in assets]
        solids = [solid for several in self._solids.values() for solid in several]
        for solid in solids:
            if solid.missing:
                found = f"no image {', '.join(solid.missing)}"
                raise InputError(str(solid.asset.path), found, "the images of its materials")
            if len(solid.mesh.loop_triangles) >= MANY_TRIANGLES:
                _set_aside(solid)
        for material in {material for solid in solids for material in solid.mesh.materials if material}:
            make_tintable(material)
        self._stage.build()

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        """Moves, tints and lights the scene as a graph says.

        Returns:
            The table's and the objects' ``bpy.types.Object`` by node name.

        Raises:
            InputError: If an object is of an unknown class, or asks for an asset that its class lacks.
        """
        for thing in (thing for things in self._things.values() for thing in things):
            thing.hide_render = True
        of_class: Counter[str] = Counter()
        of_asset: Counter[str] = Counter()
        shown: dict[str, object] = {}
        for node in graph.of_symbol("object"):
            solid = self._chosen(node, of_class[node.cls])
            shown[node.name] = self._place(node, solid, of_asset[solid.asset.name])
            of_class[node.cls] += 1
            of_asset[solid.asset.name] += 1
        return shown | dict(self._stage.apply(graph))

    def _chosen(self, node: SceneNode, earlier: int) -> Solid:
        """The asset of an object, before which the graph has some others of its class."""
        where = f"scene graph: node {node.name}"
        if node.cls not in self._solids:
            raise InputError(where, f"class {node.cls}", closest(node.cls, self._solids))
        solids = self._solids[node.cls]
        if "asset" not in node.attributes:
            return solids[earlier % len(solids)]
        number = node.attributes["asset"]
        if not 0.0 <= number <= len(solids):
            raise InputError(f"{where}.asset", f"{number:g}", f"from 0 to {len(solids)}, as {node.cls} has")
        return solids[min(int(number), len(solids) - 1)]  # a range's end is its last asset's

    def _place(self, node: SceneNode, solid: Solid, earlier: int) -> Any:
        """Shows an object of an asset, of which some others are shown already."""
        things = self._things.setdefault(solid.asset.name, [])
        if earlier == len(things):
            things.append(add_object(solid.asset.name, solid.mesh))
        thing = things[earlier]
        values = {**DEFAULTS["object"], **node.attributes}
        move(thing, object_matrix(values, solid.hull))
        thing.color = tinted(values["warmth"], values["tint"])
        thing.hide_render = False
        return thing


def _set_aside(solid: Solid) -> None:
    """A second user of a mesh, out of sight."""
    twin = add_object("aside", solid.mesh)
    twin.location, twin.scale = _ASIDE, (1e-6,) * 3
