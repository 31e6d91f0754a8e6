"""What the engine sets in a Blender file: small, deterministic pictures without post-processing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def settle(scene: Any, size: tuple[int, int]) -> None:
    """Sets all that never changes, whatever the file had.

    Args:
        scene: The ``bpy.types.Scene`` that is rendered.
        size: Height and width of the pictures, pixels.
    """
    _settle_pictures(scene.render, size)
    _settle_paths(scene.cycles)
    first, *others = scene.view_layers
    first.use, first.samples, first.cycles.use_denoising = True, 0, False
    for layer in others:
        layer.use = False


def _settle_pictures(render: Any, size: tuple[int, int]) -> None:
    render.engine = "CYCLES"
    render.resolution_y, render.resolution_x = size
    render.resolution_percentage = 100
    render.use_persistent_data = True
    render.use_border = render.use_multiview = render.use_freestyle = False
    render.use_compositing = render.use_sequencer = False
    # A transparent film would leave the environment out of the colour, but not out of its parts.
    render.film_transparent = False
    render.threads_mode, render.threads = "FIXED", 1


def _settle_paths(cycles: Any) -> None:
    cycles.device = "CPU"
    cycles.use_adaptive_sampling = cycles.use_denoising = cycles.use_light_tree = False
    cycles.use_guiding = cycles.use_auto_tile = cycles.use_animated_seed = False
    cycles.time_limit, cycles.sample_offset, cycles.use_sample_subset = 0.0, 0, False
    cycles.pixel_filter_type = "BLACKMAN_HARRIS"


@contextmanager
def changed(changes: Sequence[tuple[Any, str, Any]]) -> Iterator[None]:
    """Gives owners' attributes other values for the length of a block.

    Args:
        changes: Owner, name of its attribute, value.
    """
    held = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    _assign(changes)
    try:
        yield
    finally:
        _assign(held)


def _assign(values: Sequence[tuple[Any, str, Any]]) -> None:
    for owner, name, value in values:
        # Even an equal value marks its owner as changed, which costs the next render time.
        if getattr(owner, name) != value:
            setattr(owner, name, value)
