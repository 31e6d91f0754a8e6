"""StandInRenderer: the Unity engine with stand-ins for its players, to try and to measure the link."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from metasim.rendering import registry
from renderers.unity.renderer import Side, UnityRenderer, WirePass


class StandInRenderer(UnityRenderer):
    """Test equipment: another engine draws, everything else is as with a Unity player.

    Args:
        engine: Name of the engine that draws.
        workers: How many stand-ins run side by side.
        size: Height and width of the images, pixels.
        passes: What is sent.
        slots: Scenes of a step.
        classes: The scene schema's class names in order, for class ids.
        noisy: Whether the engine's frames depend on the seed.
        replay: Whether each stand-in draws its first scenes only and then sends these pictures again.
        step_timeout_s: Seconds from a batch of scenes to its frames.
        of_engine: Options of the engine that draws.
    """

    def __init__(
        self,
        engine: str = "sprites",
        workers: Annotated[int, Field(ge=1)] = 1,
        size: Side | tuple[Side, Side] = 64,
        passes: Sequence[WirePass] = ("rgb", "depth", "instance", "normal"),
        slots: Annotated[int, Field(ge=1, le=1024)] = 16,
        classes: Sequence[str] = (),
        noisy: bool = True,
        replay: bool = False,
        step_timeout_s: Annotated[float, Field(gt=0)] = 120.0,
        **of_engine: Any,
    ) -> None:
        options = {**of_engine, "size": size}
        told = json.dumps(options, default=str)
        arguments = ["-m", "renderers.unity.standin", "--engine", engine, "--options", told]
        super().__init__(
            Path(sys.executable),
            arguments + ["--replay"] * replay,
            workers=workers,
            size=size,
            passes=passes,
            slots=slots,
            classes=classes,
            noisy=noisy,
            step_timeout_s=step_timeout_s,
        )

    @classmethod
    def part(cls, options: Mapping[str, Any]) -> type:
        """The engine that draws, which takes the options that are not the stand-in's."""
        return registry.engine(str(options.get("engine", "sprites")))
