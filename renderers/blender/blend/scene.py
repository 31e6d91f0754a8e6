"""BlendScene: a user's own .blend file, moved by the attributes that are bound to places in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metasim.base.errors import InputError
from metasim.scene.graph import SceneGraph, SceneNode
from metasim.scene.schema import SceneSchema
from renderers.blender.blend.binding import Target, anchored, read_bind, symbol_of
from renderers.blender.blend.cast import Cast
from renderers.blender.blend.file import notes, open_file
from renderers.blender.blend.path import DataPath
from renderers.blender.blend.resolve import resolve
from renderers.blender.blend.slot import Key, Slot


class BlendScene:
    """A file with its own camera, world, lights and materials; what is not bound stays as it is.

    What a graph leaves out is as the file has it, so that a frame never depends on those before it.

    Args:
        scene: The .blend file.
        bind: What stands for nodes and what attributes move, see ``binding``.
        sha256: Digest that the file must have, so that a run never goes on with another; ``anchored``
            fills it in.

    Raises:
        InputError: If ``bind`` is no such thing.
    """

    def __init__(self, scene: Path, bind: Mapping[str, Any] | None = None, sha256: str = "") -> None:
        self._file, self._sha256 = Path(scene), sha256
        self._targets = read_bind(bind or {}, "renderer")
        self._paths = {key: t.paths(f"renderer.bind.{key}") for key, t in self._targets.items()}
        self._slots: dict[tuple[str, Any], tuple[Slot, float]] = {}
        self._initial: dict[Key, tuple[Slot, float]] = {}
        self._current: dict[Key, float] = {}
        self._cast: Cast | None = None
        self.notes: tuple[str, ...] = ()

    @classmethod
    def anchored(cls, options: Mapping[str, Any], schema: SceneSchema, where: str) -> dict[str, Any]:
        """Options with units, ranges and classes of the grammar beside the paths of ``bind``, and a digest.

        Raises:
            InputError: If there is no such file, or ``bind`` does not fit the grammar.
        """
        file = Path(options["scene"])
        if not file.is_file():
            raise InputError(f"{where}.scene", f"no file {file}", "a .blend file")
        bind = options.get("bind") or {}
        if not isinstance(bind, Mapping):
            raise InputError(f"{where}.bind", repr(bind), "paths by the name of an attribute")
        digest = options.get("sha256") or _digest(file)
        return {**options, "bind": anchored(bind, schema, where), "sha256": digest}

    @property
    def attributes(self) -> Mapping[str, frozenset[str]]:
        """Attribute names that are bound, by symbol."""
        names: dict[str, frozenset[str]] = {}
        for key in self._targets:
            symbol, _, attribute = symbol_of(key).partition(".")
            names[symbol] = names.get(symbol, frozenset()) | ({attribute} if attribute else set())
        return names

    def build(self) -> None:
        """Opens the file and finds all that is bound.

        Raises:
            InputError: If the file cannot be read, a path leads nowhere, a unit does not fit what it
                measures, or Blender cannot hold the range of an attribute.
        """
        open_file(self._file, "renderer.scene")
        if self._sha256 not in ("", _digest(self._file)):
            raise InputError("renderer.scene", f"{self._file} has changed", "the file that it was then")
        self.notes = notes()
        self._cast = Cast(self._targets)
        for key, target in self._targets.items():
            if "." in key:
                self._try(key, target)

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        """Makes the file look as a graph says.

        Returns:
            The ``bpy.types.Object`` that stands for a node, by node name.

        Raises:
            InputError: If no object is left for a node, or two nodes move one thing.
        """
        assert self._cast is not None
        if self._cast.needs_copies(graph):
            self._write({})
        chosen = self._cast.choose(graph)
        wanted = {self._known(slot): float(hides) for slot, hides in self._cast.visibility(chosen.values())}
        movers: dict[Key, str] = {}
        for node in graph.nodes:
            for key, slot, value in self._moved(node, chosen.get(node.name)):
                mover = movers.setdefault(slot.key, f"{node.name} {key}")
                if mover != f"{node.name} {key}":
                    got = f"{slot.path}, which {mover.split()[0]} moves too"
                    raise InputError(f"renderer.bind.{key}: node {node.name}", got, "a place of its own")
                wanted[self._known(slot)] = value
        self._write(wanted)
        return chosen

    def _moved(self, node: SceneNode, this: Any) -> list[tuple[str, Slot, float]]:
        """The slots that a node's attributes move, by key, with values in Blender's units."""
        moved: list[tuple[str, Slot, float]] = []
        for attribute, value in node.attributes.items():
            key = f"{node.name}.{attribute}"
            key = key if key in self._targets else f"{node.symbol}.{attribute}"
            for path in self._paths.get(key, ()):
                slot, factor = self._slot(key, path, this)
                moved.append((key, slot, slot.meant(value * factor)))
        return moved

    def _try(self, key: str, target: Target) -> None:
        """Finds what an attribute moves, on every object that may stand for its node."""
        assert self._cast is not None
        where, owner = f"renderer.bind.{key}", key.partition(".")[0]
        models = [actor for name, actor in self._cast.models() if symbol_of(name) == symbol_of(owner)]
        for path in self._paths[key]:
            for this in (models if path.root == "object" else []) or [None]:
                slot, factor = self._slot(key, path, this)
                for end in target.range or ():
                    slot.demand(end * factor, where)

    def _slot(self, key: str, path: DataPath, this: Any) -> tuple[Slot, float]:
        """The place that a path means, and the factor to its unit; found once."""
        place = (f"{key} {path}", this if path.root == "object" else None)
        if place not in self._slots:
            where = f"renderer.bind.{key}"
            slot = resolve(path, where, this)
            factor = slot.factor(self._targets[key].unit, where)
            slot.take_over()
            self._slots[place] = slot, factor
            self._known(slot)
        return self._slots[place]

    def _known(self, slot: Slot) -> Key:
        """The key of a slot, whose value in the file is remembered."""
        key = slot.key
        if key not in self._initial:
            self._initial[key] = slot, slot.read()
            self._current[key] = slot.read()
        return key

    def _write(self, wanted: Mapping[Key, float]) -> None:
        """Gives slots these values, and all others that were ever written what the file had there."""
        for key, (slot, initial) in sorted(self._initial.items(), key=lambda item: not item[1][0].is_frame):
            value = wanted.get(key, initial)
            # Even an equal value marks its owner as changed, which costs the next render time.
            if value != self._current[key]:
                slot.write(value)
                self._current[key] = value


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
