"""BlenderScene: what stands in the Blender file, and how a scene graph moves it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Protocol, cast, runtime_checkable

from metasim.base.errors import InputError
from metasim.scene.graph import SceneGraph

SCENES = {"tyol": "renderers.blender.tyol.scene:TyolScene"}


@runtime_checkable
class BlenderScene(Protocol):
    """A family of scenes: built once in an empty Blender file, then moved by one graph after another.

    Its module imports ``bpy`` inside the methods only. Its class is made with the options of its own
    that stand beside the engine's, checked against the signature of its ``__init__``.
    """

    @property
    def attributes(self) -> Mapping[str, frozenset[str]]:
        """Attribute names the scene gives a meaning to, by symbol; needs no ``bpy``."""
        ...

    def build(self) -> None:
        """Fills an empty Blender file: meshes, materials, lights, world and the scene's camera.

        Meshes are made here once and reused. A mesh of more than some thousand triangles should have
        two users, so that Cycles instances it and keeps its search tree from frame to frame.
        """
        ...

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        """Moves, shows, hides and lights the scene as a graph says, whatever stood there before.

        The engine gives the returned objects the instance ids of their nodes. Everything visible
        that stands for no node is background.

        Returns:
            The ``bpy.types.Object`` of each visible node, by node name.

        Raises:
            InputError: If the graph has a class or a value that the scene cannot show.
        """
        ...


def scene_class(name: str) -> type[BlenderScene]:
    """The scene of a name in ``SCENES`` or of a dotted path ``package.module:Class``.

    Raises:
        InputError: If there is no such class, or it is no scene.
    """
    path = SCENES.get(name, name)
    module, _, cls = path.partition(":")
    expected = f"one of {', '.join(SCENES)} or a dotted path package.module:Class"
    if not cls:
        raise InputError("renderer.scene", name, expected)
    try:
        found = getattr(importlib.import_module(module), cls)
    except (ImportError, AttributeError) as error:
        raise InputError("renderer.scene", f"{name} ({error})", expected) from error
    if not inspect.isclass(found) or not all(hasattr(found, m) for m in ("attributes", "build", "apply")):
        raise InputError("renderer.scene", name, "a class with attributes, build and apply")
    return cast(type[BlenderScene], found)
