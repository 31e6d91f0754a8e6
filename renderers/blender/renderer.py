"""BlenderRenderer: Blender scenes through Cycles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.asset import Asset
from metasim.rendering.camera import Camera
from metasim.rendering.footage import Footage
from metasim.rendering.inspection import Inspection
from metasim.rendering.protocol import UPRIGHT_BOXES, Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph
from metasim.scene.schema import SceneSchema
from renderers.blender.amodal import whole_masks
from renderers.blender.assets.catalogue import Catalogue
from renderers.blender.blend.inspect import inspect_blend
from renderers.blender.cycles import Cycles, Image, Shot
from renderers.blender.devices import Device, use_device
from renderers.blender.footage.scout import scout
from renderers.blender.ids import Ids, IdTable, Members, members, number
from renderers.blender.native import load_bpy
from renderers.blender.passes import CENTRE, COLOUR, FLOW, View, image
from renderers.blender.scene import make_scene, scene_class
from renderers.blender.solids import Bodies, rectangles
from renderers.blender.stopwatch import Stopwatch
from renderers.blender.true_normal import write_true_normals

OF_NODES = frozenset({Pass.AMODAL, Pass.BOX3D})
"""Passes with an entry for each node."""

SEEDS = 1 << 31
Side = Annotated[int, Field(ge=4, le=8192)]


class BlenderRenderer:
    """Renders with ``bpy``, which holds one file a process: making a second renderer ends the first.

    The seed steers the Monte-Carlo noise; equal scenes and seeds give equal bytes. Flow is the motion
    along the timeline of the Blender file, so it is zero in a scene that keys nothing.

    Args:
        scene: What to render: ``tyol``, ``assets``, a .blend file, or a dotted path
            ``package.module:Class`` of a ``BlenderScene``.
        size: Height and width of the images, pixels; one number for both, or the two.
        samples: Light paths a pixel; more of them, less noise.
        bounces: Bounces of light, 0 for direct light only.
        classes: The scene schema's class names in order, which class ids count; without them there are
            no class ids.
        device: Where Cycles computes; ``auto`` takes the GPUs that it finds, else the CPU.
        of_scene: The options of the scene's own class.

    Raises:
        InputError: If there is no such scene, or no GPU where one is demanded.
        MetasimError: If ``bpy`` cannot be loaded.
    """

    in_process = False

    def __init__(
        self,
        scene: str | Path = "tyol",
        size: Side | tuple[Side, Side] = 64,
        samples: Annotated[int, Field(ge=1)] = 4,
        bounces: Annotated[int, Field(ge=0)] = 2,
        classes: Sequence[str] = (),
        device: Device = "auto",
        **of_scene: Any,
    ) -> None:
        self._scene = make_scene(str(scene), of_scene)
        self._size = (size, size) if isinstance(size, int) else size
        self._samples, self._bounces = samples, bounces
        self._class_ids = {name: number for number, name in enumerate(classes, start=1)}
        self._bpy = load_bpy()
        self._bpy.ops.wm.read_factory_settings(use_empty=True)
        self._scene.build()
        if self._bpy.context.scene.camera is None:
            raise InputError("renderer.scene", f"{scene} without a camera", "a scene that builds its camera")
        self._cycles: Cycles | None = Cycles(self._size)
        use_device(self._bpy.context.scene, device)

    @classmethod
    def part(cls, options: Mapping[str, Any]) -> type:
        """The scene's class, which takes the options that are not the engine's."""
        return scene_class(str(options.get("scene", "tyol")))

    @classmethod
    def anchored(cls, options: Mapping[str, Any], schema: SceneSchema, where: str) -> dict[str, Any]:
        """Completes the options of an experiment, if the scene's class does."""
        complete = getattr(cls.part(options), "anchored", None)
        return complete(options, schema, where) if complete else dict(options)

    @staticmethod
    def home(name: str, path: Path) -> Path:
        """A list of assets is of no use without the folder that it lies in."""
        return path.parent if name == "assets" and path.is_file() else path

    @staticmethod
    def inspect(path: Path) -> Inspection:
        """What a .blend file offers to bind; read in a process of its own.

        Raises:
            InputError: If it cannot be read.
            MetasimError: If Blender dies of it.
        """
        return inspect_blend(path)

    @staticmethod
    def catalogue(place: Path) -> tuple[Asset, ...]:
        """The assets of a folder, or of a list in it; see ``Catalogue``.

        Raises:
            InputError: If there are none, or a list or manifest of them is wrong.
        """
        return Catalogue.at(place).assets

    @staticmethod
    def footage(path: Path, size: tuple[int, int], with_surfaces: bool = False) -> Footage:
        """What a .blend file shows; read in a process of its own, see ``footage.scout``."""
        return scout(path, size, with_surfaces)

    @property
    def capabilities(self) -> Capabilities:
        """Colour, its intrinsic parts, geometry, motion and ids, in a process of its own."""
        without = frozenset() if self._class_ids else frozenset({Pass.CLASS})
        passes = frozenset(COLOUR | CENTRE) - without
        return Capabilities(
            passes=passes,
            size=self._size,
            attributes=dict(self._scene.attributes),
            notes=tuple(getattr(self._scene, "notes", ())),
            licences=dict(getattr(self._scene, "licences", {})),
            part_names=self._part_names,
            affordances=dict(getattr(self._scene, "affordances", {})),
        )

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        """Renders scenes, one frame each, in order; scene ``i`` has seed ``seed + i``.

        Raises:
            InputError: If a pass or a scene is beyond the engine.
            MetasimError: If a picture is not finite, or is not delivered.
        """
        given = self.capabilities.passes
        if beyond := passes - given:
            raise InputError("passes", ", ".join(sorted(beyond)), f"some of {', '.join(sorted(given))}")
        return [self._frame(scene, passes, (seed + i) % SEEDS) for i, scene in enumerate(scenes)]

    @property
    def _part_names(self) -> tuple[str, ...]:
        return tuple(getattr(self._scene, "part_names", ()))

    def close(self) -> None:
        """Ends the session."""
        self._cycles = None

    def _frame(self, scene: SceneGraph, passes: frozenset[Pass], seed: int) -> Frame:
        """One picture of the light over each pixel and one, sharp, of what lies at its centre."""
        if self._cycles is None:
            raise MetasimError("the renderer is closed")
        watch = Stopwatch()
        with watch.stage("scene"):
            owners = members(scene, self._scene.apply(scene))
            self._check(owners, passes)
            if Pass.NORMAL_GEOMETRIC in passes:
                write_true_normals(self._bpy.context.scene.view_layers[0])
            table = number(owners, self._part_names if Pass.PART in passes else None)
            bodies = Bodies(owners, with_bulks=Pass.BOX3D in passes)
        view = self._see(self._cycles, watch, scene, passes, seed, table, bodies)
        if view is None:
            return Frame({}, self._cycles.camera(), watch.seconds)
        with watch.stage("labels"):
            images = {name: image(name, view) for name in passes - OF_NODES}
            if passes & OF_NODES:
                images |= _of_nodes(self._cycles, passes & OF_NODES, len(scene.nodes), view, bodies)
        facts = dict(getattr(self._scene, "facts", {}))
        if Pass.BOX3D in passes:
            facts[UPRIGHT_BOXES] = bodies.uprights()
        return Frame(images, view.camera, watch.seconds, facts=facts)

    def _check(self, owners: Members, passes: frozenset[Pass]) -> None:
        """Refuses what Blender would render wrongly without a word."""
        if passes & FLOW and self._bpy.context.scene.render.use_motion_blur:
            names = ", ".join(sorted(passes & FLOW))
            raise InputError("passes", f"{names} with motion blur", "no flow, or a scene file without blur")
        self._bpy.context.view_layer.update()
        for shape in owners:
            if not np.isfinite(np.array(shape.matrix_world)).all():
                raise MetasimError(f"{shape.name}: its pose is not finite")

    def _see(
        self,
        cycles: Cycles,
        watch: Stopwatch,
        scene: SceneGraph,
        passes: frozenset[Pass],
        seed: int,
        table: IdTable,
        bodies: Bodies,
    ) -> View | None:
        """All layers behind the passes; ``None`` if they need none."""
        soft = Shot(_layers(passes, COLOUR), self._samples, self._bounces, seed)
        sharp = Shot(_layers(passes, CENTRE), seed=seed, centres=True)
        layers: dict[str, Image] = {}
        camera: Camera | None = None
        if soft.layers:
            with watch.stage("beauty"):
                layers, camera = _shoot(cycles, soft)
        if sharp.layers:
            with watch.stage("labels"):
                taken, camera = _shoot(cycles, sharp, bodies if passes & OF_NODES else None)
            layers |= taken
        if camera is None:
            return None
        before, after = cycles.neighbours() if passes & FLOW else (camera, camera)
        return View(layers, camera, table, self._classes_of(scene, passes), before, after)

    def _classes_of(self, scene: SceneGraph, passes: frozenset[Pass]) -> Ids:
        """Class ids (N + 1,) by instance id; 0 for the nodes of no class that is counted."""
        if Pass.CLASS in passes and (unknown := {n.cls for n in scene.nodes} - self._class_ids.keys()):
            raise InputError(
                "renderer.classes", f"no {', '.join(sorted(unknown))}", "the class of every node"
            )
        return np.array([0, *(self._class_ids.get(node.cls, 0) for node in scene.nodes)], dtype=np.int32)


def _shoot(cycles: Cycles, shot: Shot, bodies: Bodies | None = None) -> tuple[dict[str, Image], Camera]:
    taken, camera = cycles.shoot(shot, bodies.look) if bodies else cycles.shoot(shot)
    layers = {name: taken[name] for name in shot.layers}
    if strange := [name for name, values in layers.items() if not np.isfinite(values).all()]:
        raise MetasimError(f"Cycles: {', '.join(strange)} not finite")
    return layers, camera


def _of_nodes(
    cycles: Cycles, passes: frozenset[Pass], nodes: int, view: View, bodies: Bodies
) -> dict[Pass, npt.NDArray[np.generic]]:
    """The passes with an entry for each node."""
    boxes = bodies.boxes(nodes)
    images: dict[Pass, npt.NDArray[np.generic]] = {Pass.BOX3D: boxes}
    if Pass.AMODAL in passes:
        visible = view.table.instance(view.layers["IndexOB"]) == np.arange(1, nodes + 1)[:, None, None]
        where = rectangles(boxes, view.camera)
        images[Pass.AMODAL] = whole_masks(cycles, bodies.owners, view.table, where, visible)
    return {name: images[name] for name in passes}


def _layers(passes: frozenset[Pass], known: Mapping[Pass, frozenset[str]]) -> frozenset[str]:
    """The layers of Cycles that those of the passes need that are known."""
    return frozenset().union(*(known[name] for name in passes & known.keys()))
