"""The gate: what a view must show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.errors import InputError
from metasim.dataset.objects.gate import Gate, Measures, in_frame
from metasim.rendering.camera import Camera
from metasim.rendering.protocol import Frame, Pass

SIZE = 32


def camera(distance: float, focal: float = SIZE) -> Camera:
    """One on the z axis that looks down at the origin."""
    pose = np.eye(4)
    pose[2, 3] = distance
    return Camera(np.array([[focal, 0, SIZE / 2], [0, focal, SIZE / 2], [0, 0, 1.0]]), pose)


def view(rows: int, distance: float = 3.0, **images: object) -> Frame:
    """The upper rows show an object of two parts."""
    instance = np.zeros((SIZE, SIZE), np.int32)
    instance[:rows] = 2
    part = np.where(instance > 0, np.arange(SIZE) // (SIZE // 2) + 1, 0)
    depth = np.where(instance > 0, np.float32(distance), np.float32(np.inf))
    box = np.full((2, 4, 4), np.nan)
    box[1] = np.diag([2.0, 2.0, 2.0, 1.0])
    passes = {Pass.INSTANCE: instance, Pass.PART: part, Pass.DEPTH: depth, Pass.BOX3D: box}
    return Frame(passes | {Pass(name): np.asarray(i) for name, i in images.items()}, camera(distance))


def test_measures_are_what_is_seen() -> None:
    found = Measures.of(view(8))
    assert (found.foreground, found.segments, found.finite) == (0.25, 2, True)
    assert Measures.of(view(0)).segments == 0
    assert not Measures.of(view(8, depth=np.full((SIZE, SIZE), np.inf, np.float32))).finite


@pytest.mark.parametrize(
    ("gate", "frame", "words"),
    [
        (Gate(), view(0), "foreground 0, at least 0.001 wanted"),
        (Gate(min_foreground=0.5), view(8), "foreground 0.25, at least 0.5 wanted"),
        (Gate(min_segments=3), view(8), "segments 2, at least 3 wanted"),
        (Gate(min_in_frame=0.9), view(8, distance=1.2), "in frame"),
        (Gate(), view(8, depth=np.full((SIZE, SIZE), np.inf, np.float32)), "depth that is not finite"),
    ],
)
def test_a_fault_says_what_is_lacking(gate: Gate, frame: Frame, words: str) -> None:
    assert words in (gate.fault(Measures.of(frame)) or "")
    assert Gate(0.0, 0, 0.0).fault(Measures.of(view(8))) is None


@given(st.floats(-4.0, 4.0), st.floats(0.1, 50.0), st.floats(0.2, 4.0))
def test_the_share_in_the_frame_is_one_if_and_only_if_all_corners_are(
    offset: float, distance: float, half: float
) -> None:
    box = np.diag([2 * half, 2 * half, 2 * half, 1.0])
    box[0, 3] = offset
    eye = camera(distance + half)
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * half + box[:3, 3]
    pixels, depth = eye.project(corners)
    whole = bool(((pixels >= 0) & (pixels <= SIZE)).all() and (depth > 0).all())
    assert (in_frame(box[None], eye, (SIZE, SIZE)) == 1.0) == whole


def test_what_lies_behind_the_camera_is_not_in_the_frame() -> None:
    box = np.eye(4)
    box[2, 3] = 10.0
    assert in_frame(box[None], camera(3.0), (SIZE, SIZE)) == 0.0
    assert in_frame(np.full((1, 4, 4), np.nan), camera(3.0), (SIZE, SIZE)) == 0.0


def test_parts_are_rendered_only_for_a_gate_that_counts_them() -> None:
    assert Pass.PART not in Gate().passes
    assert Pass.PART in Gate(min_segments=2).passes


@pytest.mark.parametrize(
    ("name", "value"),
    [("min_foreground", 1.5), ("min_in_frame", -0.1), ("min_segments", -1), ("attempts", 0)],
)
def test_numbers_beyond_their_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"--{name.replace('_', '-')}"):
        Gate(**{name: value})  # pyright: ignore[reportArgumentType]
