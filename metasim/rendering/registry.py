"""The registry of engines: from the name in an experiment to a class, and its options checked."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import ConfigDict, ValidationError, create_model

from metasim.base.errors import InputError
from metasim.base.validation import in_our_words
from metasim.rendering.asset import Asset
from metasim.rendering.footage import Footage
from metasim.rendering.inspection import Inspection
from metasim.scene.schema import SceneSchema

ENTRY_POINT_GROUP = "metasim.renderers"
BUILT_IN = {
    "sprites": "renderers.sprites.renderer:SpritesRenderer",
    "aerial": "renderers.aerial.renderer:AerialRenderer",
    "blender": "renderers.blender.renderer:BlenderRenderer",
    "unity": "renderers.unity.renderer:UnityRenderer",
    "unity-files": "renderers.unity.files:UnityFilesRenderer",
    "unity-standin": "renderers.unity.standin.renderer:StandInRenderer",
}
READS = {".blend": "blender"}
"""Engines whose static methods ``inspect`` and ``footage`` read scene files, by the files' suffix."""


def engine(kind: str) -> type:
    """The engine class of a name.

    Args:
        kind: A built-in name, an entry point of the group ``metasim.renderers``, or a dotted path
            ``package.module:Class``.

    Raises:
        InputError: If nothing goes by that name, or its module cannot be imported.
    """
    paths = {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)} | BUILT_IN
    path = paths.get(kind, kind)
    module, _, name = path.partition(":")
    if not name:
        expected = f"{_closest(kind, paths)} or a dotted path package.module:Class"
        raise InputError("renderer.kind", kind, expected)
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever a module of the user's own raises
        got = " ".join(f"{kind} ({type(error).__name__}: {error})".split())
        raise InputError("renderer.kind", got, "an importable package.module:Class") from error
    if not inspect.isclass(found) or not all(hasattr(found, m) for m in ("capabilities", "render", "close")):
        raise InputError("renderer.kind", kind, "a class with capabilities, render and close")
    return found


def check_options(kind: str, options: Mapping[str, Any], where: str = "renderer") -> dict[str, Any]:
    """Checks an engine's options against the signature of its ``__init__``; makes no instance.

    An engine that hands options on to a part of its own choosing takes them as ``**``, and has a class
    method ``part`` that names the part's class from the options: those of its ``__init__`` are options too.

    Args:
        kind: Name of the engine, see ``engine``.
        options: Its options as they stand in the experiment.
        where: Path of the section that holds them, for the error.

    Returns:
        All options of the engine, converted to the annotated types, defaults filled in.

    Raises:
        InputError: If an option is unknown, missing or of a wrong type or range.
    """
    cls = engine(kind)
    fields = _fields(cls, options)
    model = create_model(f"{cls.__name__}Options", __config__=ConfigDict(extra="forbid"), **fields)
    try:
        checked = model.model_validate(dict(options))
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join([where, *map(str, fault["loc"])])
        if fault["type"] == "extra_forbidden":
            known = _closest(str(fault["loc"][0]), fields)
            raise InputError(place, "unknown option", known) from error
        raise InputError(place, repr(fault["input"]), in_our_words(fault["msg"])) from error
    return {name: getattr(checked, name) for name in fields}


def anchored(
    kind: str, options: Mapping[str, Any], folder: Path, schema: SceneSchema, where: str = "renderer"
) -> dict[str, Any]:
    """An engine's options made independent of the experiment that they stand in.

    Relative paths of files (options that are annotated with ``Path``) become paths below a folder. An
    engine that needs to know more of the grammar than scenes tell has a class method ``anchored(options,
    schema, where)``, which returns options that hold it as plain data, and changes nothing that it has
    returned before.

    Args:
        kind: Name of the engine, see ``engine``.
        options: Its options as they stand in the experiment.
        folder: Folder of the experiment.
        schema: Vocabulary of the experiment's grammar.
        where: Path of the section that holds them, for errors.

    Raises:
        InputError: If the engine says that they do not fit the grammar.
    """
    cls = engine(kind)
    hints = {name: hint for name, (hint, _) in _fields(cls, options).items()}
    placed = {
        name: str(folder / value) if isinstance(value, str) and _names_file(hints.get(name)) else value
        for name, value in options.items()
    }
    complete = getattr(cls, "anchored", None)
    return complete(placed, schema, where) if complete else placed


def files_of(kind: str, options: Mapping[str, Any]) -> dict[str, tuple[Path, Path]]:
    """The files and folders that an engine reads, so that they can be brought to another machine.

    An engine's class attribute ``everywhere`` names options whose files are on every machine already; its
    static method ``home(name, path)`` gives the folder that a file is of no use without.

    Args:
        kind: Name of the engine, see ``engine``.
        options: Its checked options.

    Returns:
        What has to be brought and the path in it, for each option that is annotated with ``Path`` and names
        something that exists.
    """
    cls: Any = engine(kind)
    home = getattr(cls, "home", lambda name, path: path)
    everywhere = getattr(cls, "everywhere", frozenset())
    hints = {name: hint for name, (hint, _) in _fields(cls, options).items() if name not in everywhere}
    paths = {
        name: Path(value).absolute()
        for name, value in options.items()
        if _admits_file(hints.get(name)) and _is_file(value)
    }
    return {name: (home(name, path), path) for name, path in paths.items()}


def inspect_file(path: Path) -> Inspection:
    """What a scene file offers to bind, told by the engine that reads files of its kind.

    Raises:
        InputError: If no engine does, or it cannot read this one.
    """
    return _reader(path).inspect(path)


def catalogue(kind: str, place: Path) -> tuple[Asset, ...]:
    """The assets at a place, told by an engine that can show them.

    Raises:
        InputError: If there are none, or the engine shows no assets.
    """
    cls: Any = engine(kind)
    if not hasattr(cls, "catalogue"):
        raise InputError("renderer.kind", f"{kind}, which shows no assets", "an engine that does")
    return cls.catalogue(place)


def scene_footage(path: Path, size: tuple[int, int], with_surfaces: bool = False) -> Footage:
    """What an animated scene file shows, told by the engine that reads files of its kind.

    Args:
        path: The file.
        size: Height and width of the pictures, which the camera depends on.
        with_surfaces: Whether its triangles are wanted.

    Raises:
        InputError: If no engine does, or it cannot read this one.
        MetasimError: If the engine dies of it.
    """
    return _reader(path).footage(path, size, with_surfaces)


def _reader(path: Path) -> Any:
    """The engine that reads scene files of a kind."""
    kind = READS.get(path.suffix.lower())
    if kind is None:
        raise InputError(str(path), f"a {path.suffix or 'nameless'} file", f"a {' or '.join(READS)} file")
    return engine(kind)


def _names_file(hint: Any) -> bool:
    return hint is Path or (Path in get_args(hint) and str not in get_args(hint))


def _admits_file(hint: Any) -> bool:
    return hint is Path or any(_admits_file(part) for part in get_args(hint))


def _is_file(value: Any) -> bool:
    """Whether an option names a file, or a folder that cannot be taken for another kind of name."""
    if isinstance(value, str):
        return Path(value).is_file() or (os.sep in value and Path(value).exists())
    return isinstance(value, Path) and value.exists()


def _fields(cls: type, options: Mapping[str, Any]) -> dict[str, Any]:
    """Type and default of each option of an engine and of its part."""
    hints = get_type_hints(cls.__init__, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            part = getattr(cls, "part", None)
            fields |= _fields(part(options), options) if part else {}
        else:
            fields[name] = (
                hints.get(name, Any),
                ... if parameter.default is parameter.empty else parameter.default,
            )
    return fields


def _closest(name: str, known: Iterable[str]) -> str:
    """The names nearest to a misspelt one, or all of them if none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names) or names
    return " or ".join(near) if near else "none"
