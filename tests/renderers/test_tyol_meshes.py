"""The objects of the default scene, in numpy: closed, outward, of one size, and who shows its yaw."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderers.blender.tyol.light import TINT_STRENGTH
from renderers.blender.tyol.mesh import Mesh, loft, ring
from renderers.blender.tyol.objects import CLASSES, RADIUS, make_prop
from renderers.blender.tyol.objects.bowl import SEGMENTS
from renderers.blender.tyol.paint import Floats
from renderers.blender.tyol.pose import DEFAULTS, object_matrix, turn
from renderers.blender.tyol.table import table_mesh, table_texture

prop_of = cache(make_prop)
every_class = pytest.mark.parametrize("cls", CLASSES)


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    return float((a * np.cross(b, c)).sum() / 6.0)


def linear(texture: np.ndarray) -> Floats:
    return ((texture / 255.0 + 0.055) / 1.055) ** 2.4


@every_class
def test_surfaces_are_closed(cls: str) -> None:
    faces = prop_of(cls).mesh.faces
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    forth = set(map(tuple, edges.tolist()))
    assert len(forth) == len(edges)
    assert forth == {(b, a) for a, b in forth}


@every_class
def test_objects_are_of_one_size(cls: str) -> None:
    mesh = prop_of(cls).mesh
    assert 500 <= len(mesh.faces) <= 5000
    assert np.linalg.norm(mesh.vertices, axis=1).max() == pytest.approx(RADIUS)
    assert mesh.vertices[:, 2].min() == pytest.approx(-mesh.vertices[:, 2].max())
    assert 0.2 <= np.ptp(mesh.vertices, axis=0).max() <= 2.0 * RADIUS
    assert volume(mesh) > 0.0


@every_class
def test_texture_coordinates_lie_in_the_texture(cls: str) -> None:
    prop = prop_of(cls)
    assert prop.mesh.uvs.shape == (len(prop.mesh.faces), 3, 2)
    assert prop.mesh.uvs.min() >= 0.0
    assert prop.mesh.uvs.max() <= 1.0
    # Every object shows at least three shades that differ well beyond the noise of a few samples.
    grey = np.unique(prop.texture.reshape(-1, 3), axis=0).mean(axis=1)
    assert len(grey) >= 3
    assert np.ptp(grey) > 60


@every_class
def test_no_colour_reflects_more_than_it_gets(cls: str) -> None:
    assert linear(prop_of(cls).texture).max() * (1.0 + TINT_STRENGTH) <= 1.0


def test_objects_differ_in_colour() -> None:
    means = np.array([prop_of(cls).texture.reshape(-1, 3).mean(axis=0) for cls in CLASSES])
    gaps = np.linalg.norm(means[:, None] - means, axis=-1) + 1e9 * np.eye(len(means))
    assert gaps.min() > 30.0


def test_bowl_is_the_same_after_a_segment() -> None:
    prop = prop_of("bowl")
    turned = prop.mesh.vertices @ turn(2, 360.0 / SEGMENTS).T
    grid = np.concatenate([turned, prop.mesh.vertices]).round(9) + 0.0
    assert len(np.unique(grid, axis=0)) == len(prop.mesh.vertices)
    assert (prop.texture == prop.texture[:, :1]).all()


def coloured_points(cls: str, yaw: float) -> tuple[Floats, Floats]:
    """Centres (F, 3) of the turned faces and their colours (F, 3)."""
    prop = prop_of(cls)
    centre = prop.mesh.vertices[prop.mesh.faces].mean(axis=1) @ turn(2, yaw).T
    u, v = prop.mesh.uvs.mean(axis=1).T
    rows = ((1.0 - v) * prop.texture.shape[0]).astype(int).clip(0, prop.texture.shape[0] - 1)
    columns = (u * prop.texture.shape[1]).astype(int).clip(0, prop.texture.shape[1] - 1)
    return centre, prop.texture[rows, columns].astype(float)


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls != "bowl"])
@settings(max_examples=40)
@given(yaw=st.floats(0, 360), turned=st.floats(45, 315))
def test_the_side_in_view_tells_yaw(cls: str, yaw: float, turned: float) -> None:
    """Seen from the front, some cell of a coarse grid changes its colour or shape as the object turns."""
    images = []
    for angle in (yaw, yaw + turned):
        centre, colour = coloured_points(cls, angle)
        front = centre[:, 1] < 0.0
        cells = np.floor(centre[front][:, [0, 2]] / (0.2 * RADIUS)).astype(int) + 5
        image = np.zeros((11, 11, 4))
        np.add.at(image, tuple(cells.T), np.column_stack([colour[front], np.ones(front.sum())]))
        images.append(image[..., :3] / np.maximum(image[..., 3:], 1.0))
    assert np.abs(images[0] - images[1]).max() > 40.0


def test_rings_meet_the_diagonals_at_odd_eighths() -> None:
    points = ring(64, 3.0, 2.0, 0.0, exponent=7.0)[8::16]
    assert np.allclose(np.abs(points[:, 0] / points[:, 1]), 1.5)


def test_a_loft_of_circles_has_the_volume_of_a_cylinder() -> None:
    tall = loft([ring(256, 1.0, 1.0, z) for z in (0.0, 0.5, 2.0)], [0.0, 0.5, 1.0])
    assert volume(tall) == pytest.approx(2.0 * np.pi, rel=1e-3)


@every_class
@given(yaw=st.floats(-720, 720), pitch=st.floats(-60, 60), roll=st.floats(-60, 60), place=st.floats(0.5, 1.5))
def test_objects_touch_the_table_and_never_cut_it(
    cls: str, yaw: float, pitch: float, roll: float, place: float
) -> None:
    vertices = prop_of(cls).mesh.vertices
    pose = {"yaw": yaw, "pitch": pitch, "roll": roll, "loc_x": place, "loc_z": 2.0 - place}
    matrix = object_matrix({**DEFAULTS["object"], **pose}, vertices)
    world = vertices @ matrix[:3, :3].T + matrix[:3, 3]
    assert world[:, 2].min() == pytest.approx(0.0, abs=1e-12)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.0)


@given(yaw=st.floats(0, 360), pitch=st.floats(-60, 60), roll=st.floats(-60, 60))
def test_yaw_is_about_the_objects_own_axis(yaw: float, pitch: float, roll: float) -> None:
    """Whatever the tilt, the object's vertical axis stays where it is as yaw changes."""
    vertices = prop_of("bowl").mesh.vertices
    tilt = {**DEFAULTS["object"], "pitch": pitch, "roll": roll}
    still, turned = (object_matrix({**tilt, "yaw": angle}, vertices) for angle in (0.0, yaw))
    assert np.allclose(still[:3, 2], turned[:3, 2])
    assert np.allclose(still[:3, 3], turned[:3, 3], atol=RADIUS * (1.0 - np.cos(np.pi / SEGMENTS)))


def test_table_is_of_middling_albedo_and_irregular() -> None:
    texture = table_texture()
    assert (texture == table_texture()).all()
    albedo = linear(texture).mean(axis=-1)
    assert np.quantile(albedo, 0.1) > 0.33
    assert np.quantile(albedo, 0.9) < 0.65
    small = texture[::8, ::8].astype(float)
    for other in (np.flipud(small), np.fliplr(small), np.rot90(small), np.roll(small, 8, axis=0)):
        assert np.abs(small - other).mean() > 5.0
    assert (table_mesh().vertices[:, 2] == 0.0).all()
