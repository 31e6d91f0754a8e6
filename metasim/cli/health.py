"""What the machine offers metasim: one function a part, each answering what it found and what mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETUP = f"make -C {ROOT} setup"
PROBE_SECONDS = 60.0
GIGABYTE = 1e9
ENOUGH_MEMORY, ENOUGH_DISK = 3 * GIGABYTE, 5 * GIGABYTE


@dataclass(frozen=True)
class Finding:
    """The state of one part.

    Attributes:
        part: Its name.
        found: What is there.
        fix: The command that mends it; empty where it works.
        needed: Whether the default experiment cannot do without it.
    """

    part: str
    found: str
    fix: str = ""
    needed: bool = True


def python() -> Finding:
    """The interpreter: bpy has wheels for 3.11 alone."""
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", version, "" if sys.version_info[:2] == (3, 11) else SETUP)


def torch() -> Finding:
    """PyTorch."""
    return _library("torch", "torch")


def torch_geometric() -> Finding:
    """PyTorch Geometric, the graph networks."""
    return _library("torch-geometric", "torch_geometric")


def bpy() -> Finding:
    """Blender as a module, imported in a process of its own: a missing library may abort it."""
    command = [sys.executable, "-c", "import bpy; print(bpy.app.version_string)"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        return Finding("bpy", f"no answer in {PROBE_SECONDS:.0f} s", "metasim doctor")
    if done.returncode == 0:
        return Finding("bpy", done.stdout.split("\n")[0])
    reason = (done.stderr.strip() or f"killed with status {done.returncode}").splitlines()[-1]
    return Finding("bpy", reason, SETUP if "No module named" in reason else apt_line())


def apt_line() -> str:
    """The command that installs the system libraries bpy links to and does not bring along."""
    packages = (ROOT / "environment" / "apt.txt").read_text().split()
    return " ".join(["sudo apt-get update && sudo apt-get install -y", *packages])


def mlagents() -> Finding:
    """The bridge to a Unity player."""
    return _library("mlagents-envs", "mlagents_envs", needed=False)


def pyspng() -> Finding:
    """The decoder of the pictures that a Unity player sends."""
    return _library("pyspng", "pyspng", needed=False)


def display() -> Finding:
    """A display, real or virtual: a Unity player renders to nothing else."""
    if name := os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return Finding("display", name, needed=False)
    if virtual := shutil.which("xvfb-run"):
        return Finding("display", f"none, but {virtual}", needed=False)
    return Finding("display", "none (only Unity wants one)", "sudo apt-get install -y xvfb", needed=False)


def memory() -> Finding:
    """Free memory: a Blender worker takes about 0.8 GB."""
    import psutil

    free = psutil.virtual_memory().available
    fix = "" if free >= ENOUGH_MEMORY else "metasim train ... --set renderer.workers=1"
    return Finding("memory", f"{free / GIGABYTE:.1f} GB free", fix)


def disk() -> Finding:
    """Free disk where runs are written."""
    free = shutil.disk_usage(Path.cwd()).free
    fix = "" if free >= ENOUGH_DISK else "metasim train ... --out DIR (on a larger disk)"
    return Finding("disk", f"{free / GIGABYTE:.0f} GB free", fix)


def accelerator() -> Finding:
    """A GPU, which only makes networks and Cycles faster."""
    try:
        from torch import cuda

        from metasim.base.precision import multiplies_bfloat16
    except (ImportError, OSError):
        return Finding("accelerator", "unknown without torch", SETUP, needed=False)
    if cuda.is_available():
        return Finding("accelerator", cuda.get_device_name(), needed=False)
    idle = shutil.which("nvidia-smi") is not None
    precision = "bfloat16" if multiplies_bfloat16() else "single precision"
    return Finding(
        "accelerator",
        "one that this torch cannot use" if idle else f"none, the CPU is used, in {precision}",
        f"METASIM_TORCH=cuda {SETUP}" if idle else "",
        needed=False,
    )


def _library(distribution: str, module: str, needed: bool = True) -> Finding:
    """An installed distribution that really imports; OSError is a broken shared library."""
    try:
        import_module(module)
    except (ImportError, OSError) as error:
        return Finding(distribution, str(error).splitlines()[0], SETUP, needed)
    return Finding(distribution, metadata.version(distribution), needed=needed)


PARTS: tuple[Callable[[], Finding], ...] = (
    python,
    torch,
    torch_geometric,
    bpy,
    mlagents,
    pyspng,
    display,
    memory,
    disk,
    accelerator,
)
"""Every part, in the order in which ``metasim doctor`` shows them."""
