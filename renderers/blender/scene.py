"""BlenderScene: what stands in the Blender file, and how a scene graph moves it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from metasim.base.errors import InputError
from metasim.scene.graph import SceneGraph

SCENES = {
    "tyol": "renderers.blender.tyol.scene:TyolScene",
    "assets": "renderers.blender.assets.scene:AssetsScene",
    "footage": "renderers.blender.footage.scene:FootageScene",
    "clutter": "renderers.blender.settled.clutter:ClutterScene",
    "room": "renderers.blender.settled.room:RoomScene",
    "objects": "renderers.blender.objects.scene:ObjectsScene",
}
FILE_SCENE = "renderers.blender.blend.scene:BlendScene"
FILE_SUFFIX = ".blend"


@runtime_checkable
class BlenderScene(Protocol):
    """A family of scenes: built once in an empty Blender file, then moved by one graph after another.

    Its module imports ``bpy`` inside the methods only. Its class is made with the options of its own
    that stand beside the engine's, checked against the signature of its ``__init__``. A class method
    ``anchored`` may complete them, see ``metasim.rendering.registry.anchored``; ``notes``, lines of text,
    may say what the user should know of it once it is built, a mapping ``licences`` under which terms
    its assets stand, by their names, and a mapping ``facts`` of JSON data what it shows at the moment.
    ``part_names`` may name materials that are parts of objects, ``affordances`` what can be done with
    objects and parts, see ``Capabilities``.
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

        The engine gives the returned objects the instance ids of their nodes, with their children that
        are no node's own and the objects of a collection that they show. All else is background. It
        uses the pass indices of objects and materials for that.

        The picture is that of the timeline's current frame. Flow is the motion from the frame before it
        and to the one after, so a scene that moves keys its objects and camera, here or in ``build``,
        and sets the frame here; what is not keyed stands still.

        Returns:
            The ``bpy.types.Object`` of each visible node, by node name.

        Raises:
            InputError: If the graph has a class or a value that the scene cannot show.
        """
        ...


def make_scene(name: str, options: Mapping[str, Any]) -> BlenderScene:
    """Makes the scene of a name, see ``scene_class``, with its options; that of a file gets its path."""
    named = {"scene": Path(name)} if name.endswith(FILE_SUFFIX) else {}
    return scene_class(name)(**named, **options)


def scene_class(name: str) -> type[BlenderScene]:
    """The scene of a name in ``SCENES``, of a .blend file or of a dotted path ``package.module:Class``.

    Raises:
        InputError: If there is no such class, or it is no scene.
    """
    path = FILE_SCENE if name.endswith(FILE_SUFFIX) else SCENES.get(name, name)
    module, _, cls = path.partition(":")
    expected = f"one of {', '.join(SCENES)}, a {FILE_SUFFIX} file or a dotted path package.module:Class"
    if not cls:
        raise InputError("renderer.scene", name, expected)
    try:
        found = getattr(importlib.import_module(module), cls)
    except (ImportError, AttributeError) as error:
        raise InputError("renderer.scene", f"{name} ({error})", expected) from error
    if not inspect.isclass(found) or not all(hasattr(found, m) for m in ("attributes", "build", "apply")):
        raise InputError("renderer.scene", name, "a class with attributes, build and apply")
    return cast(type[BlenderScene], found)
