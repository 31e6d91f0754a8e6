"""The Unity project's message code under mono, against the Python side: nothing lost, nothing wrong taken."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conversation import Conversation
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.rendering.protocol import Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.unity.batch import WIRE_PASSES, batch_message, scene_of
from renderers.unity.message import Kind, Message, to_side_channel
from renderers.unity.reply import read_reply

SLOTS = 4
HEADER = 20
EXAMPLES = settings(max_examples=25, deadline=None)

Speak = Callable[[str], Conversation]
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
values = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def graphs(draw: st.DrawFn) -> SceneGraph:
    """Any tree of nodes with any names and values."""
    names = draw(st.lists(words, min_size=1, max_size=5, unique=True))
    attributes = st.dictionaries(words | st.sampled_from(["yaw", "pitch", "roll"]), values, max_size=4)
    nodes = [
        SceneNode(
            name,
            symbol=draw(words),
            cls=draw(words),
            parent=draw(st.integers(0, index - 1)) if index else None,
            attributes=draw(attributes.map(tame_angles)),
        )
        for index, name in enumerate(names)
    ]
    return SceneGraph(tuple(nodes))


def tame_angles(attributes: dict[str, float]) -> dict[str, float]:
    """Angles of a size that still means a direction."""
    return {
        name: value % 360.0 if name in {"yaw", "pitch", "roll"} else value
        for name, value in attributes.items()
    }


@st.composite
def batches(draw: st.DrawFn) -> Message:
    """Any batch that fits in the driver's slots."""
    scenes = draw(st.lists(graphs(), max_size=SLOTS))
    seeds = draw(st.lists(st.integers(0, 2**31 - 1), min_size=len(scenes), max_size=len(scenes)))
    passes = draw(st.sets(st.sampled_from(WIRE_PASSES)))
    return batch_message(draw(st.integers(1, 2**24 - 1)), scenes, seeds, passes)


def plain() -> Message:
    """Two scenes of two nodes."""
    nodes = (
        SceneNode("scene", "scene", "scene", None, {}),
        SceneNode("object", "object", "mug", 0, {"yaw": 90.0, "size": 0.1}),
    )
    return batch_message(7, [SceneGraph(nodes)] * 2, [1, 2], [Pass.RGB, Pass.DEPTH])


@EXAMPLES
@given(batch=batches())
def test_a_batch_is_understood_to_the_last_bit(converse: Speak, batch: Message) -> None:
    heard = Message.unpack(converse("batch").ask(batch.pack()))
    assert heard == batch
    assert [scene_of(entry) for entry in heard.content["scenes"]] == [
        scene_of(entry) for entry in batch.content["scenes"]
    ]


def test_what_is_cut_off_is_refused(converse: Speak) -> None:
    payload = plain().pack()
    lengths = {*range(0, len(payload), 9), HEADER - 1, HEADER, *range(len(payload) - 9, len(payload))}
    for length in lengths:
        answer = Message.unpack(converse("batch").ask(payload[:length]))
        assert answer.kind is Kind.ERROR
        assert answer.batch == (7 if length >= HEADER else 0)


@EXAMPLES
@given(data=st.data())
def test_a_changed_byte_is_refused_or_does_not_matter(converse: Speak, data: st.DataObject) -> None:
    batch = plain()
    payload = bytearray(batch.pack())
    place = data.draw(st.integers(0, len(payload) - 1).filter(lambda at: at not in range(12, 16)))
    payload[place] ^= data.draw(st.integers(1, 255))
    answer = Message.unpack(converse("batch").ask(bytes(payload)))
    if place >= HEADER and answer.kind is Kind.BATCH:  # gzip's own header has bytes without a meaning
        assert answer == batch
    else:
        assert answer.kind is Kind.ERROR


@EXAMPLES
@given(garbage=st.binary(max_size=200), headed=st.booleans())
def test_garbage_is_refused_with_one_line(converse: Speak, garbage: bytes, headed: bool) -> None:
    payload = plain().pack()[:HEADER] + garbage if headed else garbage
    answer = Message.unpack(converse("batch").ask(payload))
    assert answer.kind is Kind.ERROR
    assert answer.content["error"]
    assert "\n" not in answer.content["error"]


def changes() -> list[tuple[tuple[str | int, ...], Any]]:
    """Places in the content of ``plain`` and what must not stand there."""
    node = ("scenes", 1, "nodes", 1)
    return [
        (("scenes", 0, "id"), 1),
        (("scenes", 1), None),
        (("scenes", 0, "nodes"), []),
        (("scenes", 0, "nodes"), None),
        ((*node, "id"), 3),
        ((*node, "id"), "one"),
        ((*node, "name"), "scene"),
        ((*node, "name"), None),
        ((*node, "parent"), 0),
        ((*node, "parent"), 2),
        (("scenes", 0, "nodes", 0, "parent"), 1),
        ((*node, "names"), ["yaw"]),
        ((*node, "names"), ["yaw", None]),
        ((*node, "values"), [1.0, "INF"]),
        ((*node, "values"), [1.0, "NaN"]),
        ((*node, "values"), None),
        ((*node, "rotation"), [0.0, 0.0, 0.0, 1.1]),
        ((*node, "rotation"), [0.0, 0.0, 1.0]),
        ((*node, "rotation"), ["NaN", 0.0, 0.0, 1.0]),
        (("passes",), ["rgb", "heat"]),
        (("passes",), [None]),
        (("passes",), None),
    ]


@pytest.mark.parametrize(("place", "value"), changes(), ids=str)
def test_content_that_breaks_a_rule_is_refused(
    converse: Speak, place: tuple[str | int, ...], value: Any
) -> None:
    content = copy.deepcopy(dict(plain().content))
    owner: Any = content
    for step in place[:-1]:
        owner = owner[step]
    owner[place[-1]] = value
    answer = Message.unpack(converse("batch").ask(Message(Kind.BATCH, 7, content).pack()))
    assert (answer.kind, answer.batch) == (Kind.ERROR, 7)


@pytest.mark.parametrize(
    "key", ["id", "name", "symbol", "cls", "parent", "names", "values", "rotated", "rotation"]
)
def test_a_key_that_is_missing_is_refused(converse: Speak, key: str) -> None:
    content = copy.deepcopy(dict(plain().content))
    del content["scenes"][0]["nodes"][1][key]
    answer = Message.unpack(converse("batch").ask(Message(Kind.BATCH, 7, content).pack()))
    assert answer.kind is Kind.ERROR


@pytest.mark.parametrize(
    "message",
    [
        Message(Kind.REPLY, 7, plain().content),
        Message(Kind.BATCH, 0, plain().content),
        Message(Kind.BATCH, 2**24, plain().content),
        Message(Kind.BATCH, 7, {**plain().content, "scenes": plain().content["scenes"] * 3}),
    ],
    ids=["kind", "number 0", "number too large", "more scenes than slots"],
)
def test_a_batch_that_does_not_fit_is_refused(converse: Speak, message: Message) -> None:
    assert Message.unpack(converse("batch").ask(message.pack())).kind is Kind.ERROR


def test_keys_in_another_order_and_unknown_ones_do_not_matter(converse: Speak) -> None:
    batch = plain()
    content = json.loads(json.dumps(batch.content, sort_keys=True)) | {"later": [1, {"a": None}]}
    answer = Message.unpack(converse("batch").ask(Message(Kind.BATCH, 7, content).pack()))
    assert answer == batch


@EXAMPLES
@given(
    numbers=st.lists(st.floats(1e-3, 1e6), min_size=9, max_size=9),
    turn=st.tuples(*[st.floats(-180, 180)] * 3),
    error=words,
)
def test_python_reads_the_reply(
    converse: Speak, numbers: list[float], turn: tuple[float, float, float], error: str
) -> None:
    attributes = {f"number_{i}": number for i, number in enumerate(numbers)}
    angles = dict(zip(("yaw", "pitch", "roll"), turn, strict=True))
    seen = SceneGraph((SceneNode("root", "root", " ", None, attributes | angles),))
    failed = SceneGraph((SceneNode("root", "root", error, None, attributes | angles),))
    batch = batch_message(5, [seen, failed], [0, 0], [Pass.RGB])
    replies = read_reply(to_side_channel(converse("reply").ask(batch.pack())), 5, 2)
    assert replies is not None
    assert [reply.error for reply in replies] == ["", " ".join(error.split())]
    assert (replies[0].far, replies[0].seconds) == (numbers[0], numbers[1])
    camera = replies[0].camera
    assert camera is not None
    x, y, z, fx, fy, cx, cy = numbers[2:]
    assert camera.world_from_camera[:3, 3].tolist() == [x, z, y]
    np.testing.assert_array_equal(camera.intrinsics, [[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
