"""Rehearsal by parts: the law of each symbol's objects, and of the scenery, is freed of what reading adds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from metasim.matching.population import Untold
from metasim.matching.rehearsal import Rehearsal
from metasim.matching.structure.known import Known
from metasim.matching.structure.objects import Inferred
from metasim.scene.layout import Labels, SceneLayout


@dataclass(frozen=True)
class Studied:
    """A part of all scenes: the objects of one symbol, or the scenery.

    Attributes:
        layout: Its attributes and classes.
        inferred: Its law.
        kept_out: What is read of renders that the reader has not learnt from, round by round.
        rehearsed: What is read of renders of the law.
    """

    layout: SceneLayout
    inferred: Inferred
    kept_out: list[Known]
    rehearsed: Known

    @classmethod
    def of(
        cls,
        layout: SceneLayout,
        inferred: Inferred,
        kept_out: list[Known],
        rehearsed: Known,
        prior: Labels,
        untold: Untold,
        seed: int,
    ) -> Studied:
        """The part with its law corrected; what images do not tell of it keeps the prior's.

        Args:
            layout: As above.
            inferred: The law as it was read.
            kept_out: As above.
            rehearsed: As above.
            prior: Its objects in scenes of the grammar.
            untold: Says what images do not tell.
            seed: Root seed.
        """
        known = [(each, each.multiples(layout.periodic)) for each in kept_out]
        unknown = untold(layout, inferred.population, known)
        again = Inferred.of(rehearsed.posteriors, layout, seed).population
        rehearsal = Rehearsal.of(inferred.population, rehearsed, again, unknown, seed)
        population = replace(rehearsal.population, prior=prior)
        return cls(layout, replace(inferred, population=population), kept_out, rehearsed)
