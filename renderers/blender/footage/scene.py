"""FootageScene: an animated .blend file, seen at any frame of its timeline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from metasim.base.errors import InputError
from metasim.rendering.trajectory import Trajectory
from metasim.scene.graph import SceneGraph
from renderers.blender.blend.file import notes, open_file
from renderers.blender.footage.dolly import mount
from renderers.blender.footage.things import things
from renderers.blender.native import load_bpy

MOST = 900
"""Greatest number that Blender counts its old and new frames with, where it stretches time."""


class FootageScene:
    """A file as it is; the root of a graph has the ``frame``, each other node is the thing of its name.

    Args:
        file: The .blend file.
        keyframe_multiplier: Frames for each frame of the file: 2 is half as fast.
        trajectory: Folder of a trajectory, by frames of the file, instead of the file's own camera.
        motion_blur: Whether pictures are blurred as the file has it; else they are sharp.
    """

    def __init__(
        self,
        file: Path,
        keyframe_multiplier: Annotated[float, Field(gt=0)] = 1.0,
        trajectory: Path | None = None,
        motion_blur: bool = False,
    ) -> None:
        self._file, self._multiplier = Path(file), keyframe_multiplier
        self._way = None if trajectory is None else Trajectory.load(Path(trajectory))
        self._motion_blur = motion_blur
        self._things: dict[str, Any] = {}
        self.notes: tuple[str, ...] = ()

    @property
    def attributes(self) -> Mapping[str, frozenset[str]]:
        """The frame."""
        return {"scene": frozenset({"frame"})}

    def build(self) -> None:
        """Opens the file.

        Raises:
            InputError: If it cannot be read, or Blender cannot stretch its time like that.
        """
        open_file(self._file, str(self._file))
        self.notes = notes()
        scene = load_bpy().context.scene
        scene.render.use_motion_blur &= self._motion_blur
        self._things = {thing.name: shape for thing, shape in things().items()}
        self._stretch(scene.render)
        if self._way is not None:
            first, last = (self._way.frames[at] * self._multiplier for at in (0, -1))
            mount(self._way, range(math.floor(first) - 1, math.ceil(last) + 2), self._multiplier)

    def apply(self, graph: SceneGraph) -> Mapping[str, object]:
        """Goes to the frame of a graph.

        Raises:
            InputError: If the file has nothing of a node's name.
        """
        root, *nodes = graph.nodes
        for node in nodes:
            if node.name not in self._things:
                raise InputError(f"scene graph: node {node.name}", f"not in {self._file}", "a thing of it")
        load_bpy().context.scene.frame_set(round(root.attributes["frame"]))
        return {node.name: self._things[node.name] for node in nodes}

    def _stretch(self, render: Any) -> None:
        """Has the timeline show more frames, or fewer, for the same time; flow is that between these."""
        exact = Fraction(self._multiplier) * Fraction(render.frame_map_new, render.frame_map_old)
        ratio = exact.limit_denominator(MOST)
        if abs(ratio / exact - 1) > 1e-9 or not 1 <= ratio.numerator <= MOST:
            expected = f"a ratio of whole numbers up to {MOST}"
            raise InputError("keyframe multiplier", f"{self._multiplier:g}", expected)
        render.frame_map_new, render.frame_map_old = ratio.numerator, ratio.denominator
