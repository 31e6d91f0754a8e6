"""Frames: the moments of a training that a slider steps through, the same for values and images."""

from __future__ import annotations

from dataclasses import dataclass

from metasim.report.run_data import RunData
from metasim.runs.epochs import Epoch
from metasim.runs.population import Array

FINAL = "most_recent"


@dataclass(frozen=True)
class Frame:
    """A moment.

    Attributes:
        name: Name of its folder of images, ``epoch_NNNN`` or ``most_recent``.
        label: What it is, for people.
        values: (n, D) attribute values, ``None`` where none were kept.
    """

    name: str
    label: str
    values: Array | None


def frames(run: RunData) -> list[Frame]:
    """All moments in order, the tuned generator last where there is one."""
    found = {epoch.name: Frame(epoch.name, _label(epoch), epoch.values) for epoch in run.epochs}
    for path in run.folder.images.glob("epoch_*"):
        number = path.name.removeprefix("epoch_").lstrip("0") or "0"
        found.setdefault(path.name, Frame(path.name, f"epoch {number}", None))
    shown = [found[name] for name in sorted(found)]
    if run.judged and run.populations is not None:
        shown.append(Frame(FINAL, "the tuned generator", run.populations.generated))
    return shown


def _label(epoch: Epoch) -> str:
    renders = "no renders yet" if epoch.renders == 0 else f"{epoch.renders} renders"
    return (
        f"epoch {epoch.number}: after {epoch.stage}, {renders}" if epoch.number else f"epoch 0: {epoch.stage}"
    )
