"""A ball over a floor, seen by a camera anywhere: every modality in closed form, for tests of formats."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from metasim.dataset import labels
from metasim.dataset.affordance import Affordances
from metasim.dataset.labels import Solid
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Origin, Provenance, Sample, sample_key
from metasim.rendering.camera import Camera
from metasim.scene.graph import SceneGraph, SceneNode

Array = npt.NDArray[np.float64]

CENTRE, RADIUS = np.array([0.2, -0.1, 0.6]), 0.5
CLASSES = ("room", "floor", "ball")
FLOOR, BALL = 2, 3  # instance ids
REACH = 2.0  # metres from the middle to where the floor ends
SIZE = (12, 16)
ORIGIN = Origin("balls/0", "a" * 64, "b" * 64)
AFFORDANCES = Affordances(
    {"ball": frozenset({f"a{i:02d}" for i in range(56)} - {"a03"}), "floor": frozenset({"a03"})}
)
GRAPH = SceneGraph(
    (
        SceneNode("room", "room", "room", None, {"light": 1 / 3}),
        SceneNode("floor", "ground", "floor", 0, {}),
        SceneNode("ball", "thing", "ball", 0, {"x": 0.2, "bounce": 0.5}, frozenset({"x"})),
    )
)


def camera(index: int, size: tuple[int, int], skew: float = 0.7) -> Camera:
    """A camera that looks at the ball, its axes skewed and its centre off the middle of the image."""
    rng = np.random.default_rng(index)
    height, width = size
    azimuth, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 1.2)
    backward = np.array(
        [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)]
    )
    right = np.cross([0, 0, 1], backward)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(backward, right), backward], axis=1)
    pose[:3, 3] = CENTRE + rng.uniform(2.5, 4.0) * backward
    focal = rng.uniform(0.8, 1.1) * width
    intrinsics = np.array([[focal, skew, 0.55 * width], [0, 1.1 * focal, 0.47 * height], [0, 0, 1]])
    return Camera(intrinsics, pose)


def on_surface(points: npt.NDArray[Any]) -> Array:
    """Distance, in metres, of points (..., 3) to the nearer of ball and floor."""
    ball = np.abs(np.linalg.norm(points - CENTRE, axis=-1) - RADIUS)
    return np.minimum(ball, np.abs(points[..., 2]))


def ball_sample(
    index: int = 0, size: tuple[int, int] = SIZE, split: str = "train", skew: float = 0.7
) -> Sample:
    """The ball, seen by the camera of an index, with every modality."""
    rng = np.random.default_rng(index)
    eye = camera(index, size, skew)
    depth, instance = _cast(eye, size)
    surface = np.isfinite(depth)
    position = eye.unproject(depth)
    normal = np.where((instance == BALL)[..., None], (position - CENTRE) / RADIUS, [0.0, 0.0, 1.0])
    normal[~surface] = np.nan
    bumped = normal + rng.normal(0, 0.05, normal.shape)
    bumped /= np.linalg.norm(bumped, axis=-1, keepdims=True)
    table = labels.class_ids(GRAPH, CLASSES)
    reflectance = np.where((instance == BALL)[..., None], [0.8, 0.3, 0.1], [0.5, 0.5, 0.5])
    illumination = rng.uniform(0.2, 1.2, (*size, 3))
    residual = rng.uniform(0, 0.2, (*size, 3))
    floats = {
        Modality.HDR: reflectance * illumination + residual,
        Modality.DEPTH: depth,
        Modality.DISTANCE: depth * np.linalg.norm(eye.rays(*size), axis=-1),
        Modality.POSITION: position,
        Modality.NORMAL: bumped,
        Modality.NORMAL_GEOMETRIC: normal,
        Modality.REFLECTANCE: reflectance,
        Modality.ILLUMINATION: illumination,
        Modality.RESIDUAL: residual,
        Modality.FLOW_FORWARD: rng.normal(0, 2, (*size, 2)),
        Modality.FLOW_BACKWARD: rng.normal(0, 2, (*size, 2)),
        Modality.UV: position[..., :2] / REACH,
    }
    amodal = np.stack([instance < 0, instance > 0, instance == BALL])
    images = {m: image.astype(np.float32) for m, image in floats.items()} | {
        Modality.RGB: rng.integers(0, 256, (*size, 3), dtype=np.uint8),
        Modality.INSTANCE: instance,
        Modality.PART: np.where(instance == BALL, np.int32(300), np.int32(0)),
        Modality.SEMANTIC: labels.semantic(instance, table),
        Modality.MASK: labels.foreground(instance),
        Modality.AFFORDANCE: AFFORDANCES.image(GRAPH, instance),
        Modality.AMODAL: amodal,
    }
    return Sample(
        key=sample_key(index),
        split=split,
        graph=GRAPH,
        camera=eye,
        images={m: images[m] for m in Modality if m in images},
        boxes=labels.boxes(instance, table),
        provenance=Provenance(ORIGIN, 7, index, 99),
        full_boxes=labels.full_boxes(amodal, table),
        visibility=labels.visibility(instance, amodal),
        solids=(
            _solid(FLOOR, [2 * REACH, 2 * REACH, 0.0], np.zeros(3)),
            _solid(BALL, [1.0, 1.0, 1.0], CENTRE, 0.4),
        ),
    )


def _cast(eye: Camera, size: tuple[int, int]) -> tuple[Array, npt.NDArray[np.int32]]:
    """Planar depths and instance ids (H, W) of what each ray meets first."""
    rays = eye.rays(*size) @ eye.world_from_camera[:3, :3].T
    start = eye.world_from_camera[:3, 3] - CENTRE
    a, b = (rays**2).sum(-1), (rays * start).sum(-1)
    root = b**2 - a * ((start**2).sum() - RADIUS**2)
    ball = np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / a, np.inf)
    with np.errstate(divide="ignore"):
        floor = -eye.world_from_camera[2, 3] / rays[..., 2]
    ground = eye.world_from_camera[:3, 3] + floor[..., None] * rays
    floor = np.where((floor > 0) & (np.abs(ground[..., :2]).max(-1) < REACH), floor, np.inf)
    depth = np.minimum(ball, floor)
    ids = np.where(ball < floor, BALL, np.where(np.isfinite(floor), FLOOR, 0))
    return depth, ids.astype(np.int32)


def _solid(instance: int, extents: list[float], centre: Array, yaw: float = 0.0) -> Solid:
    matrix = np.eye(4)
    turn = [[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]]
    matrix[:3, :3] = np.array(turn) * extents
    matrix[:3, 3] = centre
    return Solid(instance, instance, matrix)


TEXT = ("key", "split", "graph", "boxes", "full_boxes", "visibility", "provenance", "sequence", "frame")


def assert_same(found: Sample, written: Sample, pose_error: float = 0.0) -> None:
    """Two samples are equal, but for cameras and solids to within an error.

    Images are compared by dtype, shape and every value.
    """
    for field in TEXT:
        assert getattr(found, field) == getattr(written, field), field
    assert (found.camera is None) == (written.camera is None)
    if found.camera and written.camera:
        for name in ("intrinsics", "world_from_camera"):
            one, other = getattr(found.camera, name), getattr(written.camera, name)
            np.testing.assert_allclose(one, other, rtol=pose_error, atol=pose_error)
    assert (found.solids is None) == (written.solids is None)
    for one, other in zip(found.solids or (), written.solids or (), strict=True):
        assert (one.instance, one.class_id) == (other.instance, other.class_id)
        np.testing.assert_allclose(one.world_from_unit, other.world_from_unit, atol=pose_error)
    assert list(found.images) == list(written.images)
    for modality, image in written.images.items():
        assert found.images[modality].dtype == image.dtype, modality
        np.testing.assert_array_equal(found.images[modality], image, err_msg=modality)
