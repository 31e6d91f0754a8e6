"""The configuration as a run keeps it: grammars inlined, so that the folder explains itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from metasim.base.files import read_json, read_yaml, write_text
from metasim.config import ExperimentConfig

# What may differ when a run is continued: where it runs and what it keeps, not what it computes.
_IMMATERIAL = ("device", "output")
_IMMATERIAL_TO_RENDERER = ("workers", "timeout_s")


def self_contained(config: ExperimentConfig) -> ExperimentConfig:
    """The same experiment with grammar files replaced by their content."""
    target = config.target.model_copy(update={"grammar": _inline(config.target.grammar)})
    return config.model_copy(update={"grammar": _inline(config.grammar), "target": target})


def _inline(grammar: Path | dict[str, Any] | None) -> dict[str, Any] | None:
    if not isinstance(grammar, Path):
        return grammar
    return read_json(grammar) if grammar.suffix == ".json" else read_yaml(grammar)


def config_digest(config: ExperimentConfig) -> str:
    """Digest of everything that the result depends on; equal digests may continue each other."""
    return _digest(self_contained(config).model_dump(mode="json", exclude=set(_IMMATERIAL)))


def scene_digest(config: ExperimentConfig) -> str:
    """Digest of what a scene and its picture depend on; runs with equal ones may share renders."""
    return _digest(self_contained(config).model_dump(mode="json", include={"grammar", "renderer"}))


def _digest(data: dict[str, Any]) -> str:
    data["renderer"] = {k: v for k, v in data["renderer"].items() if k not in _IMMATERIAL_TO_RENDERER}
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def save_config(path: Path, config: ExperimentConfig) -> None:
    """Writes the self-contained configuration as YAML."""
    data = self_contained(config).model_dump(mode="json")
    write_text(path, yaml.safe_dump(data, sort_keys=False, allow_unicode=True))
