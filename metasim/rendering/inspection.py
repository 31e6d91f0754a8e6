"""Inspection: what a scene file of an engine offers to bind to attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Bindable:
    """A number of a scene file that an attribute may move.

    Attributes:
        path: Where it is, as the engine's option ``bind`` spells it.
        value: What stands there now, in the unit.
        unit: Unit of an attribute that is bound to it; ``1`` for a bare number.
    """

    path: str
    value: float
    unit: str = "1"


@dataclass(frozen=True)
class Inspection:
    """What a scene file offers.

    Attributes:
        bindable: What attributes may move.
        choices: Names of the objects that may stand for a node by its class, by the path of their set.
        notes: What the user should know of the file: what is missing, what is left out.
        starter: An experiment on the file, as its YAML file would hold it, with ``renderer.scene`` left out.
    """

    bindable: tuple[Bindable, ...]
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    starter: Mapping[str, Any] = field(default_factory=dict)
