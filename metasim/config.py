"""The experiment file: one YAML, validated as a whole before anything is rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from metasim.base.files import read_yaml as read_yaml
from metasim.base.validation import Section


class TargetConfig(Section):
    """Where the target images come from: a folder of unlabelled ones, or a grammar that simulates them.

    Attributes:
        images: Folder of PNG or JPEG images.
        grammar: Grammar file, or the grammar itself; its true attributes are only ever reported.
        num: How many images to simulate, or at most to read from the folder.
        held_out: Share kept from learning, for the verdict.
        renderer: Renderer options that differ for the simulated target.
        corrupt: Whether simulated images are blurred, recoloured and noisy, as a test of robustness.
    """

    images: Path | None = None
    grammar: Path | dict[str, Any] | None = None
    num: Annotated[int, Field(ge=30)] = 1000
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.5
    renderer: dict[str, Any] = {}
    corrupt: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> TargetConfig:
        if (self.images is None) == (self.grammar is None):
            raise ValueError("give either images or grammar")
        return self


class RendererConfig(BaseModel):
    """The engine; keys beyond these are its own options and are checked by it.

    Attributes:
        kind: Engine name (``sprites``, ``blender``), entry point, or dotted path ``package.module:Class``.
        workers: Worker processes; by default one a core.
        timeout_s: Seconds of silence after which a worker is killed and its scene tried again.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str
    workers: Annotated[int, Field(ge=1)] | None = None
    timeout_s: Annotated[float, Field(gt=0)] = 120.0

    @property
    def options(self) -> dict[str, Any]:
        """The engine's own options."""
        return dict(self.model_extra or {})


class OutputConfig(Section):
    """What a run leaves behind.

    Attributes:
        keep_images: Images kept of the target and of each epoch shown.
        tensorboard: Whether to write TensorBoard events.
    """

    keep_images: Annotated[int, Field(ge=0)] = 64
    tensorboard: bool = True


class ExperimentConfig(Section):
    """An experiment; everything but grammar, target and renderer has a default good enough for all.

    Attributes:
        name: Name of the experiment; its file's path below ``experiments/`` by default.
        grammar: Grammar file (YAML, or JSON in the original format), or the grammar itself.
        seed: Root of every random stream.
        device: Where the networks live; ``auto`` takes CUDA when there is one.
    """

    name: str = ""
    grammar: Path | dict[str, Any]
    target: TargetConfig
    renderer: RendererConfig
    output: OutputConfig = OutputConfig()
    seed: Annotated[int, Field(ge=0)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
