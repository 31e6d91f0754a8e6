"""The player's reply to a batch; see PROTOCOL.md, section 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from metasim.base.errors import InputError
from metasim.base.validation import Section, validated
from metasim.rendering.camera import Camera
from renderers.unity.axes import camera_from_unity
from renderers.unity.errors import PlayerProtocolError
from renderers.unity.message import Kind, MalformedMessage, Message, from_side_channel


class _Camera(Section):
    present: bool
    position: tuple[float, float, float]
    rotation: tuple[float, float, float, float]
    intrinsics: tuple[float, float, float, float]


class _Scene(Section):
    id: int
    error: str
    far: Annotated[float, Field(gt=0)]
    seconds: Annotated[float, Field(ge=0)]
    camera: _Camera


class _Reply(Section):
    scenes: list[_Scene]


@dataclass(frozen=True)
class SceneReply:
    """What a player says of a scene beside its pictures.

    Attributes:
        error: Why it cannot show the scene; empty if it can.
        far: Metres at which the depth code ends.
        seconds: What rendering took; 0 if it does not tell.
        camera: The camera, ``None`` for a flat player.
    """

    error: str
    far: float
    seconds: float
    camera: Camera | None


def read_reply(side_channel: bytes, batch: int, count: int) -> list[SceneReply] | None:
    """Reads the reply to a batch, by slot; ``None`` if it answers an earlier one.

    Raises:
        PlayerProtocolError: If there is no such reply, or the player could not read the batch.
    """
    try:
        messages = [Message.unpack(payload) for payload in from_side_channel(side_channel)]
    except MalformedMessage as error:
        raise PlayerProtocolError(f"the player's message is malformed: {error}") from error
    if refusals := [message for message in messages if message.kind is Kind.ERROR]:
        reason = " ".join(str(refusals[0].content.get("error")).split())
        raise PlayerProtocolError(f"the player could not read the batch: {reason}")
    replies = [message for message in messages if message.kind is Kind.REPLY]
    if replies and all(message.batch != batch for message in replies):
        return None
    answers = [message for message in replies if message.batch == batch]
    if len(answers) != 1:
        raise PlayerProtocolError(f"{len(answers)} replies to batch {batch}, not one")
    return _scenes(answers[0], count)


def _scenes(message: Message, count: int) -> list[SceneReply]:
    try:
        scenes = validated(_Reply, message.content, "reply").scenes
        by_slot = {scene.id: _scene(scene) for scene in scenes}
    except (InputError, ValueError) as error:
        raise PlayerProtocolError(f"the player's reply is malformed: {error}") from error
    if len(scenes) != count or by_slot.keys() != set(range(count)):
        raise PlayerProtocolError(f"a reply on scenes {sorted(by_slot)}, not on the {count} of the batch")
    return [by_slot[slot] for slot in range(count)]


def _scene(scene: _Scene) -> SceneReply:
    error = " ".join(scene.error.split())
    camera = _camera(scene.camera) if scene.camera.present and not error else None
    return SceneReply(error, scene.far, scene.seconds, camera)


def _camera(camera: _Camera) -> Camera:
    fx, fy, cx, cy = camera.intrinsics
    if min(fx, fy) <= 0.0:
        raise ValueError(f"focal lengths {fx:g} and {fy:g}")
    intrinsics = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    return Camera(intrinsics, camera_from_unity(camera.position, camera.rotation))
