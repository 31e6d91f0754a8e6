"""Catalogue: the assets of a folder, by class.

The class of a file is the folder it lies in below the top one, or its own name if it lies there. A file
``manifest.yaml`` in the folder says otherwise; then only the files that it lists count::

    licence: CC-BY-4.0                  # of all assets that name none
    assets:
      cups/red.obj: mug                 # the class; or
      cups/blue.stl:
        class: mug
        metres_per_unit: 0.001
        up: y                           # which axis points up; obj, ply and stl files do not say
        licence: CC0-1.0
        identifier: https://...         # where it comes from
        affordances: [contain]
        parts: {handle: [grasp]}        # parts, by the names of their materials, with their affordances
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from metasim.base.errors import InputError
from metasim.base.files import read_yaml
from metasim.base.validation import Section, closest, validated
from metasim.rendering.asset import Asset, Up
from renderers.blender.assets.bop import bop_models
from renderers.blender.assets.formats import SUFFIXES, UP_OF

MANIFEST = "manifest.yaml"
METRES_PER_MILLIMETRE = 0.001


@dataclass(frozen=True)
class Catalogue:
    """The assets of a folder, in alphabetical order.

    Attributes:
        assets: The assets.
        true_size: Whether the unit of the files is known, so that they have their true size.
    """

    assets: tuple[Asset, ...]
    true_size: bool = False

    @classmethod
    def of(cls, folder: Path) -> Catalogue:
        """Finds the assets of a folder; a BOP dataset's or its models' folder is known as such.

        Raises:
            InputError: If the folder holds no mesh file, or its manifest or models_info.json is wrong.
        """
        models = bop_models(folder)
        top = folder if models is None else models.folder
        if models is None:
            found = [Asset(_name(path, top), _class(path, top), path) for path in _mesh_files(top)]
        else:
            found = [
                Asset(path.name, path.stem, path, METRES_PER_MILLIMETRE, UP_OF.get(path.suffix))
                for path in models.files
            ]
        if (top / MANIFEST).is_file():
            found = _listed(top / MANIFEST, {asset.name: asset for asset in found})
        if not found:
            raise InputError(f"assets: {folder}", "no mesh file", f"files of {', '.join(SUFFIXES)}")
        return cls(tuple(sorted(found, key=lambda asset: asset.name)), models is not None)

    @classmethod
    def at(cls, place: Path) -> Catalogue:
        """The assets of a folder, or those that a text file in it lists, a line each.

        A line is the name of an asset, or the name of its file without suffix, as Objaverse's uids are.

        Raises:
            InputError: See ``of``; or if the file cannot be read or lists nothing, or what is not there.
        """
        if place.is_dir():
            return cls.of(place)
        whole = cls.of(place.parent)
        known = {asset.path.stem: asset for asset in whole.assets} | {a.name: a for a in whole.assets}
        wanted = _lines(place)
        if strange := next((name for name in wanted if name not in known), None):
            raise InputError(str(place), f"no {strange} in its folder", closest(strange, known))
        chosen = {known[name].name: known[name] for name in wanted}
        return cls(tuple(chosen[name] for name in sorted(chosen)), whole.true_size)

    @cached_property
    def by_class(self) -> Mapping[str, tuple[Asset, ...]]:
        """The assets of each class, both in alphabetical order."""
        classes = sorted({asset.cls for asset in self.assets})
        return {name: tuple(a for a in self.assets if a.cls == name) for name in classes}

    @cached_property
    def licences(self) -> Mapping[str, str]:
        """The licence of each asset that has one."""
        return {asset.name: asset.licence for asset in self.assets if asset.licence}

    @cached_property
    def part_names(self) -> tuple[str, ...]:
        """The names of all parts that the manifest tells apart, in alphabetical order."""
        return tuple(sorted({part for asset in self.assets for part in asset.parts}))

    @cached_property
    def affordances(self) -> Mapping[str, frozenset[str]]:
        """Affordances by ``class`` and by ``class/part``, of all its assets together; empty ones left out."""
        rows: dict[str, frozenset[str]] = {}
        for asset in self.assets:
            named = {asset.cls: asset.affordances} | {f"{asset.cls}/{p}": a for p, a in asset.parts.items()}
            for row, names in named.items():
                rows[row] = rows.get(row, frozenset()) | names
        return {row: names for row, names in rows.items() if names}


class Catalogued:
    """A scene that answers for its assets as its catalogue does."""

    _catalogue: Catalogue

    @property
    def licences(self) -> Mapping[str, str]:
        """The licence of each asset that has one."""
        return self._catalogue.licences

    @property
    def part_names(self) -> tuple[str, ...]:
        """Names of the parts that the manifest tells apart."""
        return self._catalogue.part_names

    @property
    def affordances(self) -> Mapping[str, frozenset[str]]:
        """What the manifest says can be done with each class, and with parts of it."""
        return self._catalogue.affordances


class _Entry(Section):
    """What a manifest says of an asset."""

    cls: Annotated[str, Field(alias="class", min_length=1)]
    metres_per_unit: Annotated[float, Field(gt=0)] | None = None
    up: Up | None = None
    licence: str | None = None
    identifier: str = ""
    affordances: frozenset[str] = frozenset()
    parts: dict[str, frozenset[str]] = Field(default_factory=dict)


class _Manifest(Section):
    licence: str = ""
    assets: dict[str, _Entry]

    @field_validator("assets", mode="before")
    @classmethod
    def _short_forms(cls, assets: Any) -> Any:
        if not isinstance(assets, Mapping):
            return assets
        return {name: {"class": said} if isinstance(said, str) else said for name, said in assets.items()}


def _listed(path: Path, known: Mapping[str, Asset]) -> list[Asset]:
    """The assets that a manifest lists, as it describes them."""
    manifest = validated(_Manifest, read_yaml(path), str(path))
    return [
        _described(known, name, said, manifest.licence, str(path)) for name, said in manifest.assets.items()
    ]


def _described(known: Mapping[str, Asset], name: str, said: _Entry, licence: str, where: str) -> Asset:
    if name not in known:
        raise InputError(f"{where}: assets.{name}", "no such file", f"a file of {', '.join(SUFFIXES)}")
    asset = known[name]
    if said.up is not None and asset.path.suffix.lower() not in UP_OF:
        raise InputError(f"{where}: assets.{name}.up", said.up, f"nothing: {asset.path.suffix} files say it")
    return replace(
        asset,
        cls=said.cls,
        metres_per_unit=said.metres_per_unit or asset.metres_per_unit,
        up=said.up or asset.up,
        licence=licence if said.licence is None else said.licence,
        affordances=said.affordances,
        parts=said.parts,
        identifier=said.identifier,
    )


def _lines(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise InputError(
            f"assets: {path}", reason, "a folder, or a text file with names of assets"
        ) from error
    if not any(lines):
        raise InputError(f"assets: {path}", "nothing", "names of assets, a line each")
    return [line for line in lines if line]


def _mesh_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _class(path: Path, folder: Path) -> str:
    first = path.relative_to(folder).parts[0]
    return path.stem if first == path.name else first
