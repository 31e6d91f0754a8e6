"""ClutterScene: the user's own meshes, fallen onto the table of the default scene."""

from __future__ import annotations

from collections.abc import Mapping

from metasim.scene.graph import SceneGraph
from renderers.blender.assets.scene import AssetsScene
from renderers.blender.settled.physics import lift, settle


class ClutterScene(AssetsScene):
    """Any number of objects that settle on the table and on each other.

    The pose in a graph is where an object begins to fall: those that would touch begin one above the other,
    in the order of the graph. Options are those of ``AssetsScene``.
    """

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        """Drops, tints and lights the scene as a graph says; see ``AssetsScene.apply``."""
        shown = super().apply(graph)
        falling = [shown[node.name] for node in graph.of_symbol("object")]
        lift(falling)
        settle(falling, ())
        return shown
