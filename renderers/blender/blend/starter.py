"""A first experiment on an open .blend file: some objects turn, a light changes; it runs as it is."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from renderers.blender.blend.path import DataPath, Field, Item
from renderers.blender.native import load_bpy

OBJECTS = 2
"""How many objects turn in a starter."""

PIXELS = 64
_FLAT = 0.1  # height over width of things that look the same at any small turn, or are the floor


@dataclass(frozen=True)
class _Move:
    """An attribute to learn: its section of a grammar about a mean, and what it moves."""

    symbol: str
    attribute: str
    path: DataPath
    section: Callable[[float], dict[str, Any]]
    now: float
    wanted: float


def starter() -> Mapping[str, Any]:
    """The sections of an experiment, without the path of its scene; the target is simulated."""
    moves = [*_turns(), *_lights()] or [_zoom()]
    render = load_bpy().context.scene.render
    width, height = render.resolution_x, render.resolution_y
    side = PIXELS / max(width, height)
    size = PIXELS if width == height else [max(16, round(height * side)), max(16, round(width * side))]
    return {
        "grammar": _grammar(moves, lambda move: move.now),
        "target": {"grammar": _grammar(moves, lambda move: move.wanted), "num": 1000},
        "renderer": {
            "kind": "blender",
            "size": size,
            "samples": 4,
            "bind": {f"{move.symbol}.{move.attribute}": str(move.path) for move in moves},
        },
    }


def _grammar(moves: list[_Move], mean: Callable[[_Move], float]) -> dict[str, Any]:
    symbols = {move.symbol: {"attributes": {move.attribute: move.section(mean(move))}} for move in moves}
    return {"start": "scene", "symbols": {"scene": {"children": [*symbols]}, **symbols}}


def _turns() -> list[_Move]:
    shapes = [s for s in load_bpy().context.scene.objects if s.type == "MESH" and not s.hide_render]
    solid = [s for s in shapes if s.dimensions.z > _FLAT * max(s.dimensions.x, s.dimensions.y)]
    largest = sorted(solid, key=lambda s: (-math.prod(s.dimensions), s.name))[:OBJECTS]
    return [
        _Move(
            _symbol(shape.name, f"object_{'abcdefgh'[number]}"),
            "yaw",
            DataPath("objects", (Item(shape.name), Field("rotation_euler"), Item(2))),
            _angle,
            (now := round(math.degrees(shape.rotation_euler.z) % 360.0, 1)),
            round((now + 40.0) % 360.0, 1),
        )
        for number, shape in enumerate(largest)
    ]


def _lights() -> list[_Move]:
    shown = [s for s in load_bpy().context.scene.objects if s.type == "LIGHT" and not s.hide_render]
    for light in shown:
        if (energy := light.data.energy) > 0.0:
            path = DataPath("lights", (Item(light.data.name), Field("energy")))
            return [_scaled("light", "energy", path, energy)]
    return []


def _zoom() -> _Move:
    camera = load_bpy().context.scene.camera.data
    path = DataPath("cameras", (Item(camera.name), Field("lens")))
    return _scaled("camera", "lens", path, camera.lens)


def _scaled(symbol: str, attribute: str, path: DataPath, value: float) -> _Move:
    high = float(f"{2.0 * value:.3g}")
    low = float(f"{0.1 * value:.3g}")

    def section(mean: float) -> dict[str, Any]:
        spread = float(f"{0.1 * value:.2g}")
        return {"range": [low, high], "mutable": True, "law": {"normal": {"mean": mean, "std": spread}}}

    return _Move(symbol, attribute, path, section, float(f"{value:.3g}"), float(f"{1.3 * value:.3g}"))


def _angle(mean: float) -> dict[str, Any]:
    law = {"normal": {"mean": mean, "std": 15.0}}
    return {"unit": "deg", "range": [0.0, 360.0], "periodic": True, "mutable": True, "law": law}


def _symbol(name: str, otherwise: str) -> str:
    """An object's name as a symbol of a grammar, if it makes one that no other of them is like."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    fits = re.fullmatch(r"[a-z][a-z0-9_]*", plain) and not re.search(r"_[0-9]+$", plain)
    return plain if fits and plain not in ("scene", "light", "camera") else otherwise
