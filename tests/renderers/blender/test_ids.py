"""Ids of what a collection shows, and what has no ids is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from room_scene import turn
from shelf_scene import BLOCKS, shelf_graph

from metasim.base.errors import InputError
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame, Pass

pytestmark = pytest.mark.blender

SHELF = 2
PASSES = frozenset({Pass.RGB, Pass.INSTANCE, Pass.PART, Pass.AMODAL, Pass.BOX3D, Pass.POSITION})


def options(**other: Any) -> dict[str, Any]:
    return {"scene": "shelf_scene:ShelfScene", "size": [30, 40], "samples": 1, **other}


def test_an_empty_that_shows_a_collection_is_one_node_with_a_part_for_each_object() -> None:
    with RenderPool("blender", options(), workers=1) as pool:
        frame = pool.render([shelf_graph(yaw=20.0, x=0.1)], PASSES, [0])[0]
    assert isinstance(frame, Frame), frame
    ids, part = np.asarray(frame[Pass.INSTANCE], np.int32), np.asarray(frame[Pass.PART], np.int32)
    assert set(np.unique(ids)) == {0, SHELF}
    position = np.asarray(frame[Pass.POSITION], np.float64)
    local = (position - [0.1, 0, 0]) @ turn(2, 20.0)
    book = local[..., 0] < 0.0
    assert np.array_equal(part, np.where(ids == SHELF, np.where(book, 1, 2), 0))
    assert np.array_equal(frame[Pass.AMODAL][SHELF - 1], ids == SHELF)
    ends = np.array([[x + sign * np.array(size) / 2 for sign in (-1, 1)] for x, size in _placed()])
    low, high = ends.min(axis=(0, 1)), ends.max(axis=(0, 1))
    expected = np.eye(4)
    expected[:3, :3] = turn(2, 20.0) @ np.diag(high - low)
    expected[:3, 3] = turn(2, 20.0) @ ((low + high) / 2) + [0.1, 0, 0]
    assert np.abs(np.asarray(frame[Pass.BOX3D], np.float64)[SHELF - 1] - expected).max() < 1e-5


def _placed() -> list[tuple[np.ndarray, tuple[float, float, float]]]:
    return [(np.array([x, 0, 0]), size) for x, size in BLOCKS.values()]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"users": 2}, "shown by shelf 0, shelf 1"),
        ({"lens": "ORTHO"}, "ortho; expected a perspective camera"),
        ({"twice": True}, "two nodes with one object"),
        ({"classes": ["shelf"]}, "no room"),
    ],
)
def test_what_has_no_ids_or_no_pinhole_is_refused(wrong: dict[str, Any], message: str) -> None:
    asked = PASSES | ({Pass.CLASS} if "classes" in wrong else set())
    with (
        RenderPool("blender", options(**wrong), workers=1) as pool,
        pytest.raises(InputError, match=message),
    ):
        pool.render([shelf_graph()], asked, [0])
