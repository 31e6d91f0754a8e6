"""A frame in closed form agrees with itself; one wrong value in any pass is found out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from metasim.base.errors import MetasimError
from metasim.rendering.agreement import check_agreement
from metasim.rendering.camera import Camera
from metasim.rendering.protocol import Frame, Pass

SIZE = (6, 8)
LEFT = np.s_[:, :4]
RIGHT = np.s_[:, 4:]


def wall() -> Frame:
    """A wall two metres off, on the left half of the image, before a black background."""
    camera = Camera(np.array([[8.0, 0, 4], [0, 8, 3], [0, 0, 1]]), np.eye(4))
    depth = np.full(SIZE, 2.0, np.float32)
    depth[RIGHT] = np.inf
    vector = np.full((*SIZE, 3), np.nan, np.float32)
    vector[LEFT] = [0, 0, 1]
    ids = np.isfinite(depth).astype(np.int32) * 2
    grey = np.where(ids[..., None] > 0, np.float32(0.25), np.float32(0)).repeat(3, axis=-1)
    amodal = np.stack([np.zeros(SIZE, bool), ids == 2])
    boxes = np.stack([np.full((4, 4), np.nan), np.diag([1.0, 1.0, 0.1, 1.0])])
    return Frame(
        {
            Pass.HDR: grey,
            Pass.REFLECTANCE: 2 * grey,
            Pass.ILLUMINATION: grey,
            Pass.RESIDUAL: grey / 2,
            Pass.DEPTH: depth,
            Pass.DISTANCE: (depth * np.linalg.norm(camera.rays(*SIZE), axis=-1)).astype(np.float32),
            Pass.POSITION: camera.unproject(depth).astype(np.float32),
            Pass.NORMAL: vector,
            Pass.NORMAL_GEOMETRIC: vector,
            Pass.INSTANCE: ids,
            Pass.PART: ids // 2,
            Pass.AMODAL: amodal,
            Pass.BOX3D: boxes,
        },
        camera,
    )


def test_a_frame_in_closed_form_agrees() -> None:
    check_agreement(wall())


def test_laws_ask_for_no_pass_that_is_not_there() -> None:
    check_agreement(Frame({Pass.DEPTH: np.full(SIZE, -1.0, np.float32)}))


def spoiled(name: Pass, change: Callable[[npt.NDArray[np.generic]], None]) -> Frame:
    frame = wall()
    image = frame[name].copy()
    change(image)
    return Frame({**frame.passes, name: image}, frame.camera)


@pytest.mark.parametrize(
    ("name", "place", "value", "rule"),
    [
        (Pass.RESIDUAL, (0, 0, 0), 0.1251, "plus the residual"),
        (Pass.DISTANCE, (0, 0), 1.99, "no less than depth"),
        (Pass.DISTANCE, (0, 7), 9.0, "infinite on the same pixels"),
        (Pass.POSITION, (0, 0, 1), 0.7, "on the camera's ray"),
        (Pass.POSITION, (0, 7), 0.0, "on the background"),
        (Pass.NORMAL, (2, 1, 0), 0.1, "length 1"),
        (Pass.NORMAL_GEOMETRIC, (2, 1, 0), 0.1, "length 1"),
        (Pass.PART, (0, 7), 1, "the background has no part"),
        (Pass.AMODAL, (1, 0, 0), False, "whole mask"),
        (Pass.BOX3D, (1, 0, 0), np.nan, "has a box"),
        (Pass.BOX3D, (1, 0, 0), -1.0, "right-handed"),
    ],
)
def test_one_wrong_value_is_found_out(name: Pass, place: tuple[int, ...], value: float, rule: str) -> None:
    def change(image: npt.NDArray[np.generic]) -> None:
        image[place] = value

    with pytest.raises(MetasimError, match=rule):
        check_agreement(spoiled(name, change))
