"""Export: a labelled dataset drawn from a generator and rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metasim.dataset.assembly import Afar, Assembly
from metasim.dataset.drawing import Drawn, Pool, draw
from metasim.dataset.plan import ExportPlan, Part
from metasim.dataset.source import SceneSource
from metasim.runs.progress import NoProgress, Progress
from metasim.runs.summary import Summary


@dataclass(frozen=True)
class Export:
    """An export: what is written, from which generator, by which renderer, where to.

    Attributes:
        plan: What is written.
        source: The generator.
        pool: The renderer, a ``RenderPool``.
        out: Folder or address of the dataset, empty or new.
        summary: The numbers of the generator's run, for the card.
        progress: Who is told how far it is.
        licences: Licence of each asset that the images may show.
        afar: Makes parts on other machines instead of here; there is nothing for ``pool`` to do then.
    """

    plan: ExportPlan
    source: SceneSource
    pool: Pool
    out: Path | str
    summary: Summary | None = None
    progress: Progress = NoProgress()  # noqa: RUF009 (it has no state)
    licences: Mapping[str, str] = field(default_factory=dict)
    afar: Afar | None = None

    def run(self, resume: bool = False) -> dict[str, Any]:
        """Writes the dataset; see ``Assembly.run``."""
        return Assembly(
            plan=self.plan,
            origin=self.source.origin,
            class_names=self.source.schema.class_names,
            draw=self._draw,
            out=self.out,
            licences=self.licences,
            summary=self.summary,
            progress=self.progress,
            afar=self.afar,
        ).run(resume)

    def _draw(self, parts: Sequence[Part]) -> Iterator[Drawn]:
        return draw(self.plan, self.source, self.pool, parts)
