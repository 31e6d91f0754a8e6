"""Unfinished runs: the populations that epochs and configuration tell before there is an end."""

from __future__ import annotations

from collections.abc import Sequence

from metasim.base.files import read_yaml
from metasim.base.streams import stream
from metasim.base.validation import validated
from metasim.config import ExperimentConfig
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.target import Target
from metasim.runs.epochs import Epoch
from metasim.runs.folder import RunFolder
from metasim.runs.population import Array, Column, Populations
from metasim.scene.layout import SceneLayout


def populations_so_far(folder: RunFolder, epochs: Sequence[Epoch]) -> Populations:
    """Prior, generated and true target values of a run that has not been judged.

    The first epoch stands for the prior, the last for what is generated, the scenes of the target images
    themselves for the target.

    Args:
        folder: The run.
        epochs: Its epochs, at least one.

    Raises:
        InputError: If the configuration cannot be read, or tells of other attributes.
    """
    config = validated(ExperimentConfig, read_yaml(folder.config), str(folder.config))
    grammar = SceneGrammar.from_source(config.grammar, "grammar")
    layout = SceneLayout.of(grammar.schema, grammar.sample(stream(config.seed, "layout")))
    columns = tuple(
        Column(c.name, c.spec.unit, c.spec.low, c.spec.high, c.spec.periodic) for c in layout.columns
    )
    return Populations(columns, epochs[0].values, epochs[-1].values, target=_truth(folder, layout))


def _truth(folder: RunFolder, layout: SceneLayout) -> Array | None:
    if not folder.target.exists():
        return None
    target = Target.load(folder.target)
    if not target.known or target.units.shape[1] != len(layout.columns):
        return None
    return layout.values(target.units)
