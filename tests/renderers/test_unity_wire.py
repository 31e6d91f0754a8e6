"""The wire to Unity players: messages, pixels and axes come back as they went, or are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from metasim.rendering.protocol import Pass
from metasim.scene.graph import SceneGraph, SceneNode
from renderers.unity.axes import FORWARD, SWAP, camera_from_unity, camera_to_unity, node_rotation
from renderers.unity.batch import batch_message, scene_of
from renderers.unity.errors import PlayerProtocolError
from renderers.unity.message import (
    CHANNEL,
    Kind,
    MalformedMessage,
    Message,
    from_side_channel,
    to_side_channel,
)
from renderers.unity.pixels import (
    BACKGROUND,
    codes_of,
    colours_of,
    depth_codes,
    depth_of,
    normal_codes,
    normals_of,
)
from renderers.unity.png import decode_png, encode_png
from renderers.unity.reply import read_reply

RGB = frozenset({Pass.RGB})
angles = st.floats(-360.0, 360.0)
seeds = st.integers(0, 2**32 - 1)
values = st.dictionaries(st.text(min_size=1), st.floats(allow_nan=False, allow_infinity=False), max_size=4)


@st.composite
def scenes(draw: st.DrawFn) -> SceneGraph:
    names = draw(st.lists(st.text(min_size=1), min_size=1, max_size=5, unique=True))
    return SceneGraph(
        tuple(
            SceneNode(
                name,
                draw(st.text()),
                draw(st.text()),
                draw(st.integers(0, i - 1)) if i else None,
                draw(values),
            )
            for i, name in enumerate(names)
        )
    )


@given(st.lists(scenes(), min_size=1, max_size=3), st.integers(1, 2**24 - 1))
def test_scenes_come_back_as_they_went(graphs: list[SceneGraph], number: int) -> None:
    message = batch_message(number, graphs, range(len(graphs)), RGB)
    (payload,) = from_side_channel(to_side_channel(message.pack()))
    read = Message.unpack(payload)
    assert (read.kind, read.batch) == (Kind.BATCH, number)
    assert [scene_of(entry) for entry in read.content["scenes"]] == graphs
    assert payload == batch_message(number, graphs, range(len(graphs)), RGB).pack()


@given(st.data())
def test_what_is_cut_off_or_changed_is_refused_or_still_a_message(data: st.DataObject) -> None:
    scene = SceneGraph((SceneNode("wand", "wand", "größer", None, {"yaw": 1.0}),))
    row = bytearray(to_side_channel(batch_message(3, [scene], [0], RGB).pack()))
    if data.draw(st.booleans()):
        del row[data.draw(st.integers(1, len(row) - 1)) :]
    else:
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(st.integers(0, 255))
    try:
        messages = [Message.unpack(payload) for payload in from_side_channel(bytes(row))]
    except MalformedMessage:
        return
    assert len(messages) <= 1, "another channel's, or nearly the same"


@given(st.binary(max_size=80))
def test_garbage_is_no_reply(garbage: bytes) -> None:
    for data in (garbage, to_side_channel(garbage)):
        with pytest.raises(PlayerProtocolError):
            read_reply(data, 1, 1)


def entry(**changes: object) -> dict[str, object]:
    camera = {"present": True, "position": [0, 1, 2], "rotation": [0, 0, 0, 1], "intrinsics": [9, 9, 4, 4]}
    return {"id": 0, "error": "", "far": 10.0, "seconds": 0.0, "camera": camera} | changes


def reply(batch: int, *entries: dict[str, object]) -> bytes:
    return to_side_channel(Message(Kind.REPLY, batch, {"scenes": list(entries)}).pack())


def test_a_reply_is_that_of_the_batch() -> None:
    (read,) = read_reply(reply(4, entry()), 4, 1) or []
    assert read.camera is not None
    assert read.far == 10.0
    assert read_reply(reply(3, entry()), 4, 1) is None
    assert read_reply(reply(3, entry()) + reply(4, entry()), 4, 1) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 1},
        {"far": 0.0},
        {"seconds": -1.0},
        {"error": None},
        {"camera": {"present": True, "position": [0, 0], "rotation": [0] * 4, "intrinsics": [1] * 4}},
        {"camera": {"present": True, "position": [0] * 3, "rotation": [0] * 4, "intrinsics": [1] * 4}},
        {"camera": {"present": True, "position": [0] * 3, "rotation": [1] * 4, "intrinsics": [0] * 4}},
        {"mood": "good"},
    ],
)
def test_replies_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(PlayerProtocolError):
        read_reply(reply(4, entry(**wrong)), 4, 1)


def test_a_reply_on_other_scenes_is_refused() -> None:
    for entries in ([], [entry(), entry()], [entry(), entry(id=1)]):
        with pytest.raises(PlayerProtocolError):
            read_reply(reply(4, *entries), 4, 1)


def test_messages_of_other_channels_are_skipped() -> None:
    other = bytes(16) + (2).to_bytes(4, "little") + b"hi"
    assert from_side_channel(other + to_side_channel(b"ours") + other) == [b"ours"]
    assert to_side_channel(b"ours").startswith(CHANNEL.bytes_le)


@given(seeds)
def test_codes_survive_a_png(seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 2**24, (5, 7), np.int32)
    colours = decode_png(encode_png(colours_of(codes)), (5, 7))
    np.testing.assert_array_equal(colours, colours_of(codes))
    np.testing.assert_array_equal(codes_of(colours), codes)
    assert codes_of(colours).dtype == np.int32


@given(seeds, st.floats(0.1, 1e4))
def test_depth_is_as_exact_as_its_bits(seed: int, far: float) -> None:
    depth = np.random.default_rng(seed).uniform(far / 1e4, far, (6, 6)).astype(np.float32)
    depth[0] = np.inf
    read = depth_of(depth_codes(depth, far), far)
    assert np.isinf(read[0]).all()
    assert np.abs(read[1:] - depth[1:]).max() <= far * (0.5 / 2**24 + 2.0**-23)


@given(seeds)
def test_normals_are_within_a_tenth_of_a_degree(seed: int) -> None:
    normals = np.random.default_rng(seed).normal(size=(8, 8, 3))
    normals[0, :6] = np.concatenate([np.eye(3), -np.eye(3)])
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[7, 7] = np.nan
    read = normals_of(normal_codes(normals))
    seen = np.isfinite(normals[..., 0])
    np.testing.assert_allclose(np.linalg.norm(read[seen], axis=-1), 1.0, atol=1e-6)
    cosine = np.einsum("ni,ni->n", read[seen].astype(np.float64), normals[seen])
    assert np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))).max() < 0.1
    np.testing.assert_array_equal(read[0, :6], normals[0, :6].astype(np.float32))
    assert np.isnan(read[7, 7]).all()


def test_the_document_and_the_code_agree_on_normals() -> None:
    code = normal_codes(np.array([[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [np.nan] * 3]]))
    up, right, away = 2047 << 12 | 2047, 4094 << 12 | 2047, 2047 << 12 | 4094
    assert code[0].tolist() == [up, right, away, BACKGROUND]


@given(angles, angles, angles, seeds)
def test_a_nodes_rotation_turns_points_alike_in_both_worlds(yaw: float, pitch: float, roll: float, seed: int):
    about = [
        Rotation.from_euler(axis, a, degrees=True) for axis, a in zip("zxy", (yaw, pitch, roll), strict=True)
    ]
    ours = about[2] * about[1] * about[0]  # yaw first
    unitys = Rotation.from_quat(node_rotation({"yaw": yaw, "pitch": pitch, "roll": roll}))
    point = np.random.default_rng(seed).normal(size=3)
    np.testing.assert_allclose(SWAP @ unitys.apply(SWAP @ point), ours.apply(point), atol=1e-12)


def test_yaw_turns_left_about_unitys_y_axis() -> None:
    """Unity: a positive angle about y takes z to x; ours takes x to y, that is x to z."""
    np.testing.assert_allclose(
        node_rotation({"yaw": 90.0}), [0.0, -np.sqrt(0.5), 0.0, np.sqrt(0.5)], atol=1e-15
    )


@given(seeds)
def test_cameras_come_back_and_look_along_unitys_forward(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_quat(rng.normal(size=4)).as_matrix()
    pose[:3, 3] = rng.normal(size=3)
    position, rotation = camera_to_unity(pose)
    np.testing.assert_allclose(camera_from_unity(position, rotation), pose, atol=1e-12)
    ahead = Rotation.from_quat(rotation).apply([0.0, 0.0, 1.0])
    np.testing.assert_allclose(SWAP @ ahead, -pose[:3, 2], atol=1e-12)
    np.testing.assert_allclose(FORWARD @ FORWARD, np.eye(3))
