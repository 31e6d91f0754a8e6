"""AerialRenderer: a road with cars, houses and trees, seen from straight above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.options import image_size
from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.aerial.canvas import Canvas
from renderers.aerial.place import Place
from renderers.aerial.shapes import shapes_of

_PASSES = frozenset({Pass.RGB, Pass.INSTANCE, Pass.CLASS})
_SPOT = {"along": 0.0, "across": 0.0}
_DEFAULTS: Mapping[str, Mapping[str, float]] = {
    "ground": {"shade": 1.0, "texture": 0.0, "phase": 0.0},
    "light": {"gain": 1.0},
    "road": {"crosses": 0.0, "yaw": 0.0},
    "car": {**_SPOT, "heading": 0.0, "colour": 0.0},
    "house": {**_SPOT, "heading": 0.0, "colour": 0.0},
    "tree": {**_SPOT, "radius": 1.8, "colour": 0.0},
}
THINGS = ("road", "car", "house", "tree")
"""Classes that are seen, from the ground up: later ones hide earlier ones."""


class AerialRenderer:
    """Draws a piece of ground from above, north up.

    A node is drawn by its class, whatever its symbol. ``road`` has ``crosses`` (metres above the image's
    middle at which its centre line crosses the vertical one) and ``yaw`` (degrees from the image's x axis);
    ``car``, ``house`` and ``tree`` have ``along`` and ``across``, metres in the frame of the nearest road
    above them in the tree (of the image, if there is none), cars and houses ``heading``, degrees in it; a
    house looks the same turned by half. Angles are counter-clockwise as the image is seen. ``colour``, in
    [0, 1), picks a paint, a roof or leaves; a tree has a ``radius`` in metres. ``ground`` has ``shade`` (a
    gain), ``texture`` (standard deviation of a smooth pattern in it) and ``phase`` (which pattern);
    ``light`` has ``gain``, on all. Nodes of other classes draw nothing. Of things of a class later ones
    hide earlier ones; trees hide houses, these cars, these the road. The ground is the background of all
    ids. Frames do not depend on the seed.

    Args:
        size: Side of the square image in pixels, or height and width.
        metres: Width of the ground that is seen.
        classes: The scene schema's class names in order, which class ids count.

    Raises:
        InputError: If an option is out of its range.
    """

    in_process = True

    def __init__(
        self, size: int | Sequence[int] = 64, metres: float = 32.0, classes: Sequence[str] = THINGS
    ) -> None:
        self._size = image_size(size)
        if not 0 < metres < float("inf"):
            raise InputError("renderer.metres", repr(metres), "a finite width above 0")
        self._metres = metres
        self._class_ids = {name: number for number, name in enumerate(classes, start=1)}
        self._closed = False

    @property
    def capabilities(self) -> Capabilities:
        """RGB and ids, in this process."""
        return Capabilities(
            passes=_PASSES,
            size=self._size,
            in_process=self.in_process,
            noiseless=True,
            attributes={role: frozenset(names) for role, names in _DEFAULTS.items()},
        )

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        """Renders scenes, one frame each, in order; the seed changes nothing.

        Raises:
            InputError: If a pass, a class or an attribute's value is beyond the engine.
        """
        if self._closed:
            raise MetasimError("the aerial renderer is closed")
        if beyond := passes - _PASSES:
            raise InputError("passes", ", ".join(sorted(beyond)), f"among {', '.join(sorted(_PASSES))}")
        return [self._frame(scene, passes) for scene in scenes]

    def close(self) -> None:
        """Makes later calls an error; there is nothing to free."""
        self._closed = True

    def _frame(self, scene: SceneGraph, passes: frozenset[Pass]) -> Frame:
        canvas, gain = Canvas(self._size, self._metres), 1.0
        for node in scene.nodes:
            if node.cls == "ground":
                canvas.grow(**_values(node))
            elif node.cls == "light":
                gain *= _values(node)["gain"]
        placed = list(enumerate(zip(scene.nodes, places(scene), strict=True)))
        for cls in THINGS:
            for index, (node, place) in placed:
                if node.cls == cls:
                    canvas.paint(place, shapes_of(cls, _values(node)), index + 1)
        found = {
            Pass.RGB: (255 * np.clip(gain * canvas.image, 0, 1)).round().astype(np.uint8),
            Pass.INSTANCE: canvas.ids,
        }
        if Pass.CLASS in passes:
            found[Pass.CLASS] = self._classes_of(scene)[canvas.ids]
        return Frame({name: found[name] for name in passes})

    def _classes_of(self, scene: SceneGraph) -> np.ndarray:
        """Class ids (int32) by instance id."""
        drawn = {node.cls for node in scene.nodes if node.cls in THINGS}
        if unknown := drawn - set(self._class_ids):
            raise InputError("renderer.classes", f"no {', '.join(sorted(unknown))}", "every class drawn")
        return np.array([0, *(self._class_ids.get(node.cls, 0) for node in scene.nodes)], np.int32)


def places(scene: SceneGraph) -> list[Place]:
    """The frame of each node on the ground: its parent's, composed with its own."""
    found: list[Place] = []
    for node in scene.nodes:
        parent = Place() if node.parent is None else found[node.parent]
        values = _values(node)
        if node.cls == "road":
            parent = parent.child(0.0, values["crosses"], values["yaw"])
        elif node.cls in THINGS:
            parent = parent.child(values["along"], values["across"], values.get("heading", 0.0))
        found.append(parent)
    return found


def _values(node: SceneNode) -> dict[str, float]:
    """What the engine reads of a node, defaults filled in."""
    values = {name: node.attributes.get(name, value) for name, value in _DEFAULTS.get(node.cls, {}).items()}
    if values.get("radius", 1.0) <= 0:
        raise InputError(f"{node.name}.radius", f"{values['radius']:g}", "above 0")
    return values
