"""The renderer protocol: scene graphs in, frames out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from metasim.base.errors import MetasimError
from metasim.rendering.camera import Camera
from metasim.scene.graph import SceneGraph


class Pass(StrEnum):
    """What a renderer can deliver for a scene; images are (H, W) or (H, W, C), row 0 on top.

    Two passes have an entry for each of the N nodes of the graph instead, in the graph's order.

    Ids are int32 with 0 for the background: an instance id is the node's index in its graph plus
    one, a class id the class's index in ``SceneSchema.class_names`` plus one. Lengths are metres,
    flow is in pixels (x right, y down), camera axes are OpenGL's (looking along -z, +y up).
    """

    RGB = "rgb"  # uint8 sRGB, 3 channels
    HDR = "hdr"  # float32 scene-linear, 3 channels
    DEPTH = "depth"  # float32, planar z along the optical axis; +inf on the background
    DISTANCE = "distance"  # float32, Euclidean distance to the camera; +inf on the background
    POSITION = "position"  # float32 world coordinates; NaN on the background
    NORMAL = "normal"  # float32 shading normal in the world frame; NaN on the background
    NORMAL_GEOMETRIC = "normal_geometric"  # float32 true surface normal in the world frame
    INSTANCE = "instance"  # int32
    CLASS = "class"  # int32
    PART = "part"  # int32, see Capabilities.part_names
    REFLECTANCE = "reflectance"  # float32 diffuse albedo, linear, 3 channels
    ILLUMINATION = "illumination"  # float32 diffuse illumination, linear, 3 channels
    RESIDUAL = "residual"  # float32, HDR less reflectance times illumination
    FLOW_FORWARD = "flow_forward"  # float32 (dx, dy) to the next frame
    FLOW_BACKWARD = "flow_backward"  # float32 (dx, dy) to the previous frame
    UV = "uv"  # float32 texture coordinates; NaN on the background
    AMODAL = "amodal"  # bool (N, H, W), the node's own pixels as if nothing stood before it
    BOX3D = "box3d"  # float64 (N, 4, 4) world from the cube [-1/2, 1/2]^3; NaN for a node without a shape


UPRIGHT_BOXES = "upright_boxes"
"""Fact of a frame that has ``Pass.BOX3D``: boxes as in there, upright about the node's own surface, by
instance id; their x axes point to where the mass lies."""


@dataclass(frozen=True)
class Cost:
    """What it took to render a frame; frames of one call share its time evenly.

    Attributes:
        wall_s: Seconds by the clock.
        cpu_s: Seconds of processors, summed over threads.
        peak_bytes: The most memory that the process of the engine has held so far.
        stages: Seconds by stage of the engine, for one that tells (say ``beauty``, ``labels``).
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int
    stages: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Frame:
    """One rendered scene.

    Attributes:
        passes: The image of each pass asked for.
        camera: The camera it was seen with; ``None`` for flat engines without one.
        stages: Seconds that each stage of the engine took, if the engine tells.
        cost: What it took, noted by whoever called the engine.
        facts: What else the engine tells of the scene, as JSON data.
    """

    passes: Mapping[Pass, npt.NDArray[np.generic]]
    camera: Camera | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    cost: Cost | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: Pass) -> npt.NDArray[np.generic]:
        return self.passes[name]


class EngineError(MetasimError):
    """An engine failed for a reason of its own.

    Args:
        reason: What happened, in one line.
        lasting: Whether every later call would fail likewise.
        results: Of each scene of the call its frame, or why there is none, from an engine that has already
            tried each failed scene alone; empty if the call gave nothing.
    """

    def __init__(self, reason: str, lasting: bool = False, results: Sequence[Frame | str] = ()) -> None:
        super().__init__(reason)
        self.lasting, self.results = lasting, tuple(results)


@dataclass(frozen=True)
class Capabilities:
    """What an engine can do.

    Attributes:
        passes: The passes it can deliver.
        size: Height and width of its images, in pixels.
        in_process: Whether it is safe and cheap to run inside the calling process (no native crash,
            batched); others are run in worker processes. A class attribute ``in_process = True``
            says so before an engine is made, which spares the pool a worker to ask.
        noiseless: Whether frames do not depend on the seed, so that a batch may mix any seeds.
        differentiable: Whether ``render_tensor`` gives gradients to attributes.
        attributes: Attribute names it gives a meaning to, by symbol; others are carried unused.
        notes: What the user should know of the engine's input, such as textures that are missing.
        licences: Licence of each asset that its images may show, by the asset's name.
        part_names: Names of the part ids 1, 2 and so on; greater ids are of parts without a name.
        affordances: What can be done with its objects, by class and by ``class/part``.
    """

    passes: frozenset[Pass]
    size: tuple[int, int]
    in_process: bool = False
    noiseless: bool = False
    differentiable: bool = False
    attributes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    licences: Mapping[str, str] = field(default_factory=dict)
    part_names: tuple[str, ...] = ()
    affordances: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses images without a pixel."""
        if min(self.size) < 1:
            raise ValueError(f"images of {self.size[0]} x {self.size[1]} pixels")


@runtime_checkable
class Renderer(Protocol):
    """An engine. Made once with its options, used for many calls, closed at the end.

    Everything random about a scene is in its graph; ``seed`` only steers the noise of the engine
    itself (Monte-Carlo samples), and scene ``i`` of a call uses ``seed + i``. So the frame of a
    (scene, seed) pair never depends on the company it was rendered in.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this engine can do, with the options it was made with."""
        ...

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        """Renders scenes, one frame each, in order.

        Raises:
            InputError: If a scene or a pass is beyond the engine.
            EngineError: If the engine failed; it may hold the frames that there are.
        """
        ...

    def close(self) -> None:
        """Frees what the engine holds; later calls are an error."""
        ...


@runtime_checkable
class BatchRenderer(Protocol):
    """What an engine may offer beside: a seed for each scene of a call, so that any seeds may share it."""

    def render_batch(
        self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seeds: Sequence[int]
    ) -> list[Frame]:
        """As ``render``, but scene ``i`` uses ``seeds[i]``."""
        ...
