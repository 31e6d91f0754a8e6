"""Frames from what a player sends; see PROTOCOL.md, section 3."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.base.errors import InputError
from metasim.rendering.camera import Camera
from metasim.rendering.protocol import Frame, Pass
from metasim.scene.graph import SceneGraph
from renderers.unity.errors import PlayerProtocolError
from renderers.unity.pixels import codes_of, depth_of, normals_of
from renderers.unity.png import BadImage, decode_png
from renderers.unity.reply import SceneReply

BEHAVIOUR = "MetaSim"
SLOT = "slot"
PNG = 1

SOURCE = {
    Pass.RGB: Pass.RGB,
    Pass.INSTANCE: Pass.INSTANCE,
    Pass.CLASS: Pass.INSTANCE,
    Pass.DEPTH: Pass.DEPTH,
    Pass.DISTANCE: Pass.DEPTH,
    Pass.POSITION: Pass.DEPTH,
    Pass.NORMAL: Pass.NORMAL,
}
"""The pass on the wire that each pass comes from."""

Image = npt.NDArray[np.generic]
Observations = Mapping[str, Any]


def observations_of(output: Any, batch: int, count: int) -> list[Observations] | None:
    """The observations of each scene by name, in the order of slots; ``None`` if one is of another batch.

    Args:
        output: The player's ``rl_output``.
        batch: Number of the batch.
        count: Number of its scenes.

    Raises:
        PlayerProtocolError: If they are not one set a scene.
    """
    names = [name for name in output.agentInfos if name.startswith(BEHAVIOUR)]
    if len(names) != 1:
        raise PlayerProtocolError(f"{len(names)} behaviours called {BEHAVIOUR}, not one")
    by_slot: dict[int, Observations] = {}
    for info in output.agentInfos[names[0]].value:
        observations = {observation.name: observation for observation in info.observations}
        number, slot = _address(observations)
        if number != batch:
            return None
        if slot in by_slot:
            raise PlayerProtocolError(f"two frames for slot {slot}")
        by_slot[slot] = observations
    if missing := set(range(count)) - by_slot.keys():
        raise PlayerProtocolError(f"no frames for slots {sorted(missing)}")
    return [by_slot[slot] for slot in range(count)]


def _address(observations: Observations) -> tuple[int, int]:
    if SLOT not in observations:
        raise PlayerProtocolError(f"a frame without the observation {SLOT}")
    values = list(observations[SLOT].float_data.data)
    if len(values) != 2 or not all(math.isfinite(value) and value == int(value) for value in values):
        raise PlayerProtocolError(f"a frame of batch and slot {values}")
    return int(values[0]), int(values[1])


class Developer:
    """Turns observations into frames.

    Args:
        size: Height and width of the images.
        class_ids: Class ids by class, which count from 1.
    """

    def __init__(self, size: tuple[int, int], class_ids: Mapping[str, int]) -> None:
        self._size, self._class_ids = size, dict(class_ids)

    def frame(
        self, scene: SceneGraph, observations: Observations, reply: SceneReply, passes: frozenset[Pass]
    ) -> Frame:
        """The frame of a scene.

        Raises:
            InputError: If a class has no id.
            PlayerProtocolError: If the pictures are not as they should be.
        """
        sources: dict[Pass, Image] = {}
        for name in {SOURCE[name] for name in passes}:
            try:
                sources[name] = self._source(name, observations, scene, reply)
            except BadImage as error:
                raise PlayerProtocolError(f"observation {name}: {error}") from error
        images = {name: self._derived(name, sources[SOURCE[name]], scene, reply) for name in passes}
        stages = {"player": reply.seconds} if reply.seconds else {}
        return Frame(images, reply.camera, stages)

    def _source(self, name: Pass, observations: Observations, scene: SceneGraph, reply: SceneReply) -> Image:
        colours = decode_png(self._png(name, observations), self._size)
        if name is Pass.RGB:
            return colours
        codes = codes_of(colours)
        if name is Pass.INSTANCE:
            if codes.max() > len(scene.nodes):
                raise BadImage(f"id {codes.max()} in a scene of {len(scene.nodes)} nodes")
            return codes
        if reply.camera is None:
            raise BadImage("there is no camera")
        return depth_of(codes, reply.far) if name is Pass.DEPTH else normals_of(codes)

    def _png(self, name: Pass, observations: Observations) -> bytes:
        if name not in observations:
            given = ", ".join(sorted(observations))
            raise PlayerProtocolError(f"no observation {name}, only {given}: was the player made for others?")
        observation = observations[name]
        shape, expected = tuple(observation.shape), (*self._size, 3)
        if shape != expected or observation.compression_type != PNG:
            kind = "PNG" if observation.compression_type == PNG else "uncompressed"
            raise PlayerProtocolError(f"observation {name}: {kind} {shape}, not PNG {expected}")
        return observation.compressed_data

    def _derived(self, name: Pass, source: Image, scene: SceneGraph, reply: SceneReply) -> Image:
        if name is Pass.CLASS:
            return self._classes(source.astype(np.int32), scene)
        if name in _OF_DEPTH and reply.camera is not None:
            return _OF_DEPTH[name](source.astype(np.float32), reply.camera)
        return source

    def _classes(self, instances: npt.NDArray[np.int32], scene: SceneGraph) -> Image:
        """Class ids by pixel."""
        numbers = [self._class_ids.get(node.cls, -1) for node in scene.nodes]
        classes = np.array([0, *numbers], np.int32)[instances]
        if classes.min() < 0:
            seen = {scene.nodes[i - 1].cls for i in np.unique(instances[classes < 0])}
            expected = "the class of every node that is seen"
            raise InputError("renderer.classes", f"no {', '.join(sorted(seen))}", expected)
        return classes


def _distance(depth: npt.NDArray[np.float32], camera: Camera) -> Image:
    return (depth * np.linalg.norm(camera.rays(*depth.shape), axis=-1)).astype(np.float32)


def _position(depth: npt.NDArray[np.float32], camera: Camera) -> Image:
    return camera.unproject(depth).astype(np.float32)


_OF_DEPTH: Mapping[Pass, Callable[[npt.NDArray[np.float32], Camera], Image]] = {
    Pass.DISTANCE: _distance,
    Pass.POSITION: _position,
}
