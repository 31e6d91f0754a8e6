"""Physics: objects fall until they rest, by Bullet, which Blender brings along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from renderers.blender.native import load_bpy
from renderers.blender.tyol.datablocks import add_object, move
from renderers.blender.tyol.pose import Floats

FRAMES = 96
"""Of 1/24 s; what falls from a metre rests long before."""

SUBSTEPS, ITERATIONS = 10, 20
MARGIN = 0.001
GAP = 0.01
_FRICTION, _DAMPING = 0.8, 0.25
_GROUND = 50.0


def lift(things: Sequence[Any]) -> None:
    """Moves objects up, each above those before it that it would touch; none goes down."""
    below: list[tuple[Floats, Floats]] = []
    for thing in things:
        low, high = _box(thing)
        under = [
            top[2] for bottom, top in below if (bottom[:2] < high[:2]).all() and (low[:2] < top[:2]).all()
        ]
        rise = max([top + GAP - low[2] for top in under], default=0.0)
        if rise > 0.0:
            matrix = np.array(thing.matrix_world)
            matrix[2, 3] += rise
            move(thing, matrix)
            up = np.array([0.0, 0.0, rise])
            low, high = low + up, high + up
        below.append((low, high))


def settle(falling: Sequence[Any], resting: Sequence[Any]) -> None:
    """Lets objects fall onto others and the plane z = 0, and leaves them where they come to rest.

    Equal beginnings have equal ends.

    Args:
        falling: ``bpy.types.Object`` of meshes, which fall as their convex hulls.
        resting: Those that do not move.
    """
    bpy = load_bpy()
    scene = bpy.context.scene
    began = scene.frame_current
    bpy.context.view_layer.update()
    with _bodies(falling, resting):
        for frame in range(1, FRAMES + 1):
            scene.frame_set(frame)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        ends = [np.array(thing.evaluated_get(depsgraph).matrix_world) for thing in falling]
    scene.frame_set(began)
    for thing, end in zip(falling, ends, strict=True):
        move(thing, end)


@contextmanager
def _bodies(falling: Sequence[Any], resting: Sequence[Any]) -> Iterator[None]:
    """A world of rigid bodies for the length of a block."""
    bpy = load_bpy()
    bpy.ops.rigidbody.world_add()
    world = bpy.context.scene.rigidbody_world
    group = world.collection = bpy.data.collections.new("bodies")
    world.substeps_per_frame, world.solver_iterations = SUBSTEPS, ITERATIONS
    world.point_cache.frame_start, world.point_cache.frame_end = 1, FRAMES
    ground = _add_ground()
    try:
        for thing in (*falling, *resting, ground):
            group.objects.link(thing)
        for thing in falling:
            _embody(thing, "ACTIVE", "CONVEX_HULL")
        for thing in resting:
            _embody(thing, "PASSIVE", "MESH")
        _embody(ground, "PASSIVE", "BOX")
        yield
    finally:
        bpy.ops.rigidbody.world_remove()
        bpy.data.collections.remove(group)
        mesh = ground.data
        bpy.data.objects.remove(ground)
        bpy.data.meshes.remove(mesh)


def _embody(thing: Any, kind: str, shape: str) -> None:
    body = thing.rigid_body
    body.type, body.collision_shape, body.mass = kind, shape, 1.0
    body.use_margin, body.collision_margin = True, MARGIN
    body.friction, body.restitution = _FRICTION, 0.0
    body.linear_damping = body.angular_damping = _DAMPING


def _add_ground() -> Any:
    """A hidden block below the plane z = 0, too thick to fall through."""
    bpy = load_bpy()
    mesh = bpy.data.meshes.new("ground")
    corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    mesh.from_pydata((_GROUND * np.array(corners)).tolist(), [], [(0, 1, 3, 2), (4, 6, 7, 5)])
    ground = add_object("ground", mesh)
    ground.location.z, ground.hide_render = -_GROUND, True
    return ground


def _box(thing: Any) -> tuple[Floats, Floats]:
    """Least and greatest corner of an object's box in the world."""
    matrix, corners = np.array(thing.matrix_world), np.array(thing.bound_box)
    points = corners @ matrix[:3, :3].T + matrix[:3, 3]
    return points.min(axis=0), points.max(axis=0)
