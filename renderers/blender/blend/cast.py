"""Cast: the objects of a file that stand for the nodes of a scene graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from metasim.base.errors import InputError
from metasim.base.validation import closest
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.blender.blend.binding import Target, symbol_of
from renderers.blender.blend.path import DataPath, Field, Item
from renderers.blender.blend.resolve import block, resolve
from renderers.blender.blend.slot import Slot
from renderers.blender.ids import SHAPES
from renderers.blender.native import load_bpy


class Cast:
    """Chooses objects for nodes: fixed ones in order, or one of a collection by the node's class.

    Where ``bind`` does not say what stands for a symbol, it is the first thing with a body that its
    attributes move, unless that stands for another symbol already.

    Args:
        targets: The option ``bind``.

    Raises:
        InputError: If an object, a collection or the object of a class is missing.
    """

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._stage: Any = None
        self._fixed: dict[str, list[Any]] = {}
        self._by_class: dict[str, dict[str, Any]] = {}
        self._copies: dict[Any, list[Any]] = {}
        self._switches: dict[Any, Slot] = {}
        for key, target in targets.items():
            if "." not in key:
                self._enlist(key, target, f"renderer.bind.{key}")
        self._take_what_moves(targets)

    def choose(self, graph: SceneGraph) -> dict[str, Any]:
        """The object of each node that has one, by node name.

        Raises:
            InputError: If there are more nodes than objects for them, or none for a class.
        """
        chosen: dict[str, Any] = {}
        used: Counter[Any] = Counter()
        order: Counter[str] = Counter()
        for node in graph.nodes:
            actor = self._actor(node, order, used)
            if actor is not None:
                chosen[node.name] = actor
        return chosen

    def needs_copies(self, graph: SceneGraph) -> bool:
        """Whether to choose makes copies of objects, which look like these do at that moment."""
        wanted = Counter(
            originals[node.cls]
            for node in graph.nodes
            if (originals := self._candidates(node)) and node.cls in originals
        )
        return any(count > 1 + len(self._copies.get(actor, [])) for actor, count in wanted.items())

    def visibility(self, chosen: Iterable[Any]) -> Iterator[tuple[Slot, bool]]:
        """The switch that hides each object of the cast and of its children, and whether it hides."""
        shown, actors = set(chosen), dict.fromkeys(self._all())
        for actor in actors:
            yield self._switch(actor), actor not in shown
            for part in actor.children_recursive if actor not in shown else ():
                if part not in actors:
                    yield self._switch(part), True

    def models(self) -> Iterator[tuple[str, Any]]:
        """Every key with an object that may stand for its nodes, to try paths on."""
        for key, actors in self._fixed.items():
            yield from ((key, actor) for actor in actors)
        for key, by_class in self._by_class.items():
            yield from ((key, actor) for actor in by_class.values())

    def _enlist(self, key: str, target: Target, where: str) -> None:
        paths = target.paths(where)
        if paths[0].root == "objects":
            self._fixed[key] = [block(path, where) for path in paths]
            for actor in self._fixed[key]:
                if all(collection.hide_render for collection in actor.users_collection):
                    self._link(actor)
            return
        members = {shape.name: shape for path in paths for shape in block(path, where).all_objects}
        for name in target.classes:
            if name not in members:
                raise InputError(where, f"no object {name!r} in {paths[0]}", closest(name, members))
        classes = target.classes or tuple(name for name, shape in members.items() if shape.parent is None)
        self._by_class[key] = {name: members[name] for name in classes}
        for actor in self._by_class[key].values():
            self._link(actor)

    def _take_what_moves(self, targets: Mapping[str, Target]) -> None:
        said = {*self._fixed, *self._by_class}
        taken = {actor for actors in self._fixed.values() for actor in actors}
        for key, target in targets.items():
            owner = key.partition(".")[0]
            if "." in key and not {owner, symbol_of(owner)} & said and owner not in self._fixed:
                moved = _moved_object(target, f"renderer.bind.{key}")
                if moved is not None and moved not in taken:
                    self._fixed[owner] = [moved]
                    taken.add(moved)

    def _actor(self, node: SceneNode, order: Counter[str], used: Counter[Any]) -> Any:
        if by_class := self._candidates(node):
            if node.cls not in by_class:
                where = f"scene graph: node {node.name}"
                raise InputError(where, f"class {node.cls}", closest(node.cls, by_class))
            return self._double(by_class[node.cls], used)
        key = node.name if node.name in self._fixed else node.symbol
        actors = self._fixed.get(key)
        if actors is None:
            return None
        order[key] += 1
        if order[key] > len(actors):
            got = f"{order[key]} nodes for {len(actors)} objects"
            raise InputError(f"renderer.bind.{key}", got, "a list with an object for each node")
        return actors[order[key] - 1]

    def _candidates(self, node: SceneNode) -> Mapping[str, Any]:
        own = self._by_class.get(node.name)
        return own if own is not None else self._by_class.get(node.symbol, {})

    def _double(self, actor: Any, used: Counter[Any]) -> Any:
        """The object itself for the first node of a scene that wants it, copies for further ones."""
        number = used[actor]
        used[actor] += 1
        copies = self._copies.setdefault(actor, [])
        if number > len(copies):
            copies.append(self._copy(actor))
        return copies[number - 1] if number else actor

    def _copy(self, actor: Any, parent: Any = None) -> Any:
        copy = actor.copy()
        if parent is not None:
            copy.parent = parent
        self._link(copy)
        for child in actor.children:
            self._copy(child, copy)
        return copy

    def _link(self, actor: Any) -> None:
        """Puts an object where it is rendered, however hidden the collection is that it lives in."""
        if self._stage is None:
            bpy = load_bpy()
            self._stage = bpy.data.collections.new("metasim")
            bpy.context.scene.collection.children.link(self._stage)
        for part in (actor, *actor.children_recursive):
            if part.name not in self._stage.objects:
                self._stage.objects.link(part)

    def _all(self) -> Iterator[Any]:
        for actors in self._fixed.values():
            yield from actors
        for by_class in self._by_class.values():
            for actor in by_class.values():
                yield actor
                yield from self._copies.get(actor, [])

    def _switch(self, part: Any) -> Slot:
        if part not in self._switches:
            path = DataPath("objects", (Item(part.name), Field("hide_render")))
            self._switches[part] = resolve(path, "renderer.bind")
        return self._switches[part]


def _moved_object(target: Target, where: str) -> Any:
    """The first object with a body that an attribute's paths start at."""
    for path in target.paths(where):
        if path.root == "objects":
            found = block(path, where)
            if found.type in SHAPES or found.children or found.instance_type == "COLLECTION":
                return found
    return None
