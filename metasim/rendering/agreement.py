"""What the passes of a frame say of one another: laws that hold for any engine and any scene."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from metasim.base.errors import MetasimError
from metasim.rendering.protocol import Frame, Pass

Array = npt.NDArray[np.float64]

LIGHT = 1e-5  # of the brightest pixel: what float32 loses in a sum of some ten layers
LENGTH = 1e-4  # of the length itself


def check_agreement(frame: Frame) -> None:
    """Checks every law whose passes the frame has.

    Raises:
        MetasimError: If passes contradict each other; the text says which and how.
    """
    for rule, needed, law in _LAWS:
        if needed <= frame.passes.keys() and not law(frame):
            names = ", ".join(sorted(needed))
            raise MetasimError(f"renderer contract: {names}: it does not hold that {rule}")


def _values(frame: Frame, name: Pass) -> Array:
    return np.asarray(frame[name], np.float64)


def _light_adds_up(frame: Frame) -> bool:
    hdr = _values(frame, Pass.HDR)
    diffuse = _values(frame, Pass.REFLECTANCE) * _values(frame, Pass.ILLUMINATION)
    loss = np.abs(diffuse + _values(frame, Pass.RESIDUAL) - hdr).max()
    return bool(loss <= LIGHT * max(1.0, np.abs(hdr).max()))


def _farther_than_deep(frame: Frame) -> bool:
    depth, distance = _values(frame, Pass.DEPTH), _values(frame, Pass.DISTANCE)
    return bool((np.isinf(depth) == np.isinf(distance)).all() and (distance >= (1.0 - LENGTH) * depth).all())


def _position_is_deep(frame: Frame) -> bool:
    if frame.camera is None:
        return True
    depth, position = _values(frame, Pass.DEPTH), _values(frame, Pass.POSITION)
    error = np.linalg.norm(frame.camera.unproject(depth) - position, axis=-1)
    surface = np.isfinite(depth)
    return bool((error[surface] <= LENGTH * depth[surface]).all() and np.isnan(position[~surface]).all())


def _unit(name: Pass) -> Callable[[Frame], bool]:
    def law(frame: Frame) -> bool:
        length = np.linalg.norm(_values(frame, name), axis=-1)
        return bool((np.abs(length[~np.isnan(length)] - 1.0) <= LENGTH).all())

    return law


def _parts_of_nodes(frame: Frame) -> bool:
    return not bool(((_values(frame, Pass.PART) != 0) & (_values(frame, Pass.INSTANCE) == 0)).any())


def _whole_holds_visible(frame: Frame) -> bool:
    ids = np.arange(1, len(frame[Pass.AMODAL]) + 1)[:, None, None]
    return not bool(((_values(frame, Pass.INSTANCE) == ids) & (frame[Pass.AMODAL] == 0)).any())


def _visible_has_a_box(frame: Frame) -> bool:
    boxes = _values(frame, Pass.BOX3D)
    ids = _values(frame, Pass.INSTANCE)
    seen = np.unique(ids[ids > 0]).astype(np.int64)
    finite = np.isfinite(boxes).all(axis=(1, 2))
    return bool(finite[seen - 1].all() and (np.linalg.det(boxes[finite][:, :3, :3]) >= 0.0).all())


_LAWS: tuple[tuple[str, frozenset[Pass], Callable[[Frame], bool]], ...] = (
    (
        "hdr is reflectance times illumination, plus the residual",
        frozenset({Pass.HDR, Pass.REFLECTANCE, Pass.ILLUMINATION, Pass.RESIDUAL}),
        _light_adds_up,
    ),
    (
        "distance is no less than depth, and infinite on the same pixels",
        frozenset({Pass.DEPTH, Pass.DISTANCE}),
        _farther_than_deep,
    ),
    (
        "position lies on the camera's ray at that depth, and nowhere on the background",
        frozenset({Pass.DEPTH, Pass.POSITION}),
        _position_is_deep,
    ),
    ("normals are of length 1", frozenset({Pass.NORMAL}), _unit(Pass.NORMAL)),
    ("normals are of length 1", frozenset({Pass.NORMAL_GEOMETRIC}), _unit(Pass.NORMAL_GEOMETRIC)),
    ("the background has no part", frozenset({Pass.INSTANCE, Pass.PART}), _parts_of_nodes),
    (
        "the whole mask of a node holds its visible pixels",
        frozenset({Pass.INSTANCE, Pass.AMODAL}),
        _whole_holds_visible,
    ),
    (
        "a node that is seen has a box, and boxes have right-handed axes",
        frozenset({Pass.INSTANCE, Pass.BOX3D}),
        _visible_has_a_box,
    ),
)
"""Laws with the passes they need."""
