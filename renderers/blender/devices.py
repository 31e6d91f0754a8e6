"""Where Cycles computes: on a GPU that it finds, else on the CPU."""

from __future__ import annotations

from typing import Any, Literal

from metasim.base.errors import InputError
from renderers.blender.native import load_bpy

Device = Literal["auto", "cpu", "gpu"]

BACKENDS = ("OPTIX", "CUDA", "HIP", "METAL", "ONEAPI")
"""Cycles' ways to a GPU, the fastest first."""


def use_device(scene: Any, device: Device) -> str:
    """Has Cycles render a scene on a device.

    Pictures of equal seeds are equal on one device; another one rounds otherwise.

    Args:
        scene: The ``bpy.types.Scene`` that is rendered.
        device: ``auto`` takes all GPUs of the first backend that has one, and the CPU where none has.

    Returns:
        The backend, or ``CPU``.

    Raises:
        InputError: If a GPU is demanded and Cycles finds none.
    """
    backend = None if device == "cpu" else _find_gpu()
    if backend is None and device == "gpu":
        raise InputError("renderer.device", "gpu, where Cycles finds none", "cpu, or auto")
    scene.cycles.device = "CPU" if backend is None else "GPU"
    return backend or "CPU"


def _find_gpu() -> str | None:
    """Switches on the GPUs of the first backend that has any, and nothing beside them."""
    preferences = load_bpy().context.preferences.addons["cycles"].preferences
    for backend in BACKENDS:
        found = preferences.get_devices_for_type(backend)
        if any(device.type == backend for device in found):
            preferences.compute_device_type = backend
            for device in found:
                device.use = device.type == backend
            return backend
    return None
