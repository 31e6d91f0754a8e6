"""The player's end of the link: calls with frames, answers with batches; see PROTOCOL.md, section 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from renderers.unity.batch import scene_of
from renderers.unity.frames import BEHAVIOUR, PNG, SLOT
from renderers.unity.message import Kind, MalformedMessage, Message, from_side_channel, to_side_channel
from renderers.unity.native import OK, load_stubs
from renderers.unity.session import RESET, STEP
from renderers.unity.standin.faults import IN_ANSWER, IN_REPLY, Faults
from renderers.unity.standin.studio import Picture, Studio

NAME = f"{BEHAVIOUR}?team=0"
UNITY_PACKAGE = "2.0.1"
STRANGE = b"\x00\x01\x02\x03" * 4  # id of a channel that nobody knows


def play(port: int, studio: Studio, faults: Faults, api: str, slots: int) -> None:
    """Connects and plays until told to quit, or until the server is gone."""
    stubs = load_stubs()
    with stubs.grpc.insecure_channel(f"localhost:{port}") as channel:
        exchange = stubs.service.UnityToExternalProtoStub(channel).Exchange
        try:
            request = _shake_hands(stubs.message, exchange, faults, api)
            expected = RESET
            actors = 0
            for step in range(1, 2**31):
                if request.header.status != OK:
                    break
                _check(request.unity_input.rl_input, expected, actors)
                message, actors = _answer(stubs.message(), request, step, studio, faults, slots)
                request, expected = exchange(message, wait_for_ready=False), STEP
        except stubs.grpc.RpcError:
            return
    faults.at_end()


def _shake_hands(new: Any, exchange: Any, faults: Faults, api: str) -> Any:
    hello = new()
    hello.header.status = OK
    start = hello.unity_output.rl_initialization_output
    start.name, start.communication_version, start.package_version = "stand-in", api, UNITY_PACKAGE
    start.capabilities.baseRLCapabilities = start.capabilities.hybridActions = True
    answer = exchange(hello, wait_for_ready=True)
    if answer.unity_input.rl_initialization_input.communication_version.split(".")[0] != "1":
        raise SystemExit("the server speaks another version")
    faults.in_handshake()
    empty = new()
    empty.header.status = OK
    return exchange(empty)


def _check(request: Any, command: int, actors: int) -> None:
    """What would make ML-Agents in C# stumble."""
    if request.command != command:
        raise SystemExit(f"command {request.command}, expected {command}")
    given = len(request.agent_actions[NAME].value) if actors else 0
    if given != actors:
        raise SystemExit(f"{given} actions for {actors} agents")


def _answer(
    message: Any, request: Any, step: int, studio: Studio, faults: Faults, slots: int
) -> tuple[Any, int]:
    """The message that answers a batch, and how many agents it speaks for."""
    message.header.status = OK
    output = message.unity_output
    if step == 1:
        brain = output.rl_initialization_output.brain_parameters.add(brain_name=NAME)
        brain.action_spec.num_continuous_actions = 1
    try:
        (payload,) = from_side_channel(request.unity_input.rl_input.side_channel)
        batch = Message.unpack(payload)
    except (MalformedMessage, ValueError) as error:
        return _refuse(message, str(error))
    entries = batch.content["scenes"]
    if len(entries) > slots:
        return _refuse(message, f"{len(entries)} scenes for {slots} slots")
    scenes = [scene_of(entry) for entry in entries]
    faults.at_step(step, scenes)
    number = batch.batch - bool(faults.now(step, "stale"))
    pictures = [
        studio.picture(entry["id"], scene, entry["seed"], batch.content["passes"])
        for entry, scene in zip(entries, scenes, strict=True)
    ]
    fault = faults.now(step, *IN_ANSWER)
    for slot, picture in reversed(list(enumerate(pictures))):
        if not (fault == "lost_frame" and slot == 0):
            _add_agent(output.rl_output, number, slot, picture, studio.size, fault)
    reply = Message(
        Kind.REPLY, number, {"scenes": [{"id": slot, **p.reply} for slot, p in enumerate(pictures)]}
    )
    output.rl_output.side_channel = _side_channel(reply, faults.now(step, *IN_REPLY))
    return message, len(output.rl_output.agentInfos[NAME].value)


def _refuse(message: Any, reason: str) -> tuple[Any, int]:
    """Agent 0 always asks, so that something is sent."""
    error = Message(Kind.ERROR, 0, {"error": reason})
    message.unity_output.rl_output.side_channel = to_side_channel(error.pack())
    info = message.unity_output.rl_output.agentInfos[NAME].value.add()
    info.observations.add(name=SLOT, shape=[2]).float_data.data.extend([0.0, 0.0])
    return message, 1


def _add_agent(output: Any, batch: int, slot: int, picture: Picture, size: Sequence[int], fault: str) -> None:
    """One agent's observations, sorted by name as ML-Agents does."""
    info = output.agentInfos[NAME].value.add(id=slot)
    height = size[0] - (fault == "wrong_shape")
    for name in sorted([*picture.pngs, SLOT]):
        if name == SLOT:
            address = [float("nan")] * 2 if fault == "bad_slot" else [float(batch), float(slot)]
            info.observations.add(name=name, shape=[2]).float_data.data.extend(address)
        elif not (fault == "missing_pass" and name == "rgb"):
            data = picture.pngs[name]
            if fault == "strange_id" and name == "instance":
                data = picture.pngs["rgb"]
            data = data[: len(data) // 2] if fault == "bad_png" else data
            shape = [height, size[1], 3]
            info.observations.add(name=name, shape=shape, compression_type=PNG, compressed_data=data)


def _side_channel(reply: Message, fault: str) -> bytes:
    """The reply, behind a message of another channel, as a user's own channels would send."""
    other = STRANGE + (4).to_bytes(4, "little") + b"stat"
    payload = reply.pack()
    if fault == "error_reply":
        payload = Message(Kind.ERROR, reply.batch, {"error": "cannot\nread"}).pack()
    if fault == "garbage":
        payload = payload[:20] + b"garbage" + payload[27:]
    data = other + to_side_channel(payload)
    return {"short_channel": data[:-5], "no_reply": other}.get(fault, data)
