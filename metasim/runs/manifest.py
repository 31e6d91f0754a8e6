"""Manifest: where, when and with what a run was made, and how far it came."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from metasim.base.errors import InputError
from metasim.base.files import write_text

Status = Literal["created", "running", "finished", "failed", "interrupted"]

_PACKAGES = ("metasim-scenegraph", "torch", "torch-geometric", "numpy", "scipy", "scikit-learn", "bpy")


class Manifest(BaseModel):
    """The content of ``manifest.json``.

    Attributes:
        experiment: Name of the experiment.
        seed: Root seed.
        digest: Digest of everything in the configuration that the result depends on.
        status: What became of the run; a killed process leaves ``running`` behind.
        started: When it was first started, UTC, ISO 8601.
        ended: When it last stopped; ``None`` while it runs.
        seconds: Wall time of all its sessions together.
        render_seconds: Time spent in rendering for learning and the verdict, all sessions together.
        renders: Images rendered so far by purpose: ``learning``, ``target``, ``verdict``, ...
        versions: Versions of Python and of the packages that decide the result.
        commit: Git commit of the working folder, if any, with ``+`` after it when files differ.
        machine: Host, system, processor count and accelerator.
        error: The error that ended a failed run.
    """

    model_config = ConfigDict(extra="forbid")

    experiment: str
    seed: int
    digest: str
    status: Status = "created"
    started: str | None = None
    ended: str | None = None
    seconds: float = 0.0
    render_seconds: float = 0.0
    renders: dict[str, int] = {}
    versions: dict[str, str] = {}
    commit: str | None = None
    machine: dict[str, str | int] = {}
    error: str | None = None

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Reads a manifest; ``InputError`` if it is missing or not one."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise InputError(str(path), error.strerror or "unreadable", "the manifest of a run") from error
        except ValidationError as error:
            raise InputError(str(path), _first(error), "the manifest of a run") from error

    def save(self, path: Path) -> None:
        """Writes the manifest whole."""
        write_text(path, self.model_dump_json(indent=1) + "\n")


def _first(error: ValidationError) -> str:
    fault = error.errors()[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'content'}: {fault['msg']}"


def now() -> str:
    """The present moment, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the result, as far as installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str | int]:
    """Host, system, processor count, and the accelerator if torch is loaded and sees one."""
    facts: dict[str, str | int] = {
        "host": platform.node(),
        "system": platform.platform(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    }
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        facts["accelerator"] = torch.cuda.get_device_name()
    return facts


def git_commit() -> str | None:
    """Commit of the working folder, ``+`` appended if tracked files differ from it."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
