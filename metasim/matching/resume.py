"""Resume: what a run has done so far, in one file that is always whole."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from torch import Tensor, nn

from metasim.base.errors import InputError
from metasim.runs.checkpoint import load_checkpoint, save_checkpoint

Weights = dict[str, Tensor]


@dataclass
class Checkpoint:
    """The state between two stages: with the bank on disk it is all that the rest of a run needs.

    Attributes:
        path: ``last.pt`` of the run.
        done: Stages that are done, in order.
        network: Weights of the attribute network.
        inverse: Weights of the inverse network after the last round, empty before the first.
        renders: Scenes rendered for refinement.
        inherited: Rounds of the bank that an earlier run has rendered.
    """

    path: Path
    done: list[str] = field(default_factory=list)
    network: Weights = field(default_factory=dict)
    inverse: Weights = field(default_factory=dict)
    renders: int = 0
    inherited: int = 0

    @classmethod
    def load(cls, path: Path) -> Self:
        """The state that a run has left, or that of one not begun."""
        content: dict[str, Any] = load_checkpoint(path) if path.exists() else {}
        return cls(path, **content)

    def restore(self, network: nn.Module, weights: Weights) -> None:
        """Gives a network the weights of its kept counterpart, ``weights``.

        Raises:
            InputError: If they are of another network, as versions of this package differ in theirs.
        """
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            wanted = "those of this version: a run begun anew, by matching.bank=own if it reuses"
            raise InputError(str(self.path), "weights of another network", wanted) from error

    def keep(self, stage: str, **changes: Any) -> None:
        """A stage is done; ``changes`` are fields that it has changed."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.done.append(stage)
        kept = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "path"}
        save_checkpoint(self.path, kept)
