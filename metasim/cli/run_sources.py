"""Where the scenes of an export come from: the tuned generator of a run, or the prior it was tuned from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from metasim.base.errors import InputError

if TYPE_CHECKING:
    from metasim.config import ExperimentConfig
    from metasim.dataset.sample import Origin
    from metasim.dataset.source import SceneSource
    from metasim.grammar.grammar import SceneGrammar
    from metasim.matching.generator import Generator
    from metasim.runs.folder import RunFolder
    from metasim.scene.graph import SceneGraph
    from metasim.scene.schema import SceneSchema


@dataclass(frozen=True)
class TunedSource:
    """The generator of a run, as an export sees it.

    Attributes:
        generator: The tuned generator.
        origin: Which run it is.
    """

    generator: Generator
    origin: Origin

    @property
    def schema(self) -> SceneSchema:
        """The vocabulary of its scenes."""
        return self.generator.grammar.schema

    def scene(self, index: int) -> SceneGraph:
        """The scene of an index."""
        return self.generator.scene(index, "export")


@dataclass(frozen=True)
class PriorSource:
    """The grammar that a run has started from, as an export sees it.

    Attributes:
        grammar: The grammar.
        seed: Root seed of the scenes.
        origin: Which run it is; without weights.
    """

    grammar: SceneGrammar
    seed: int
    origin: Origin

    @property
    def schema(self) -> SceneSchema:
        """The vocabulary of its scenes."""
        return self.grammar.schema

    def scene(self, index: int) -> SceneGraph:
        """The scene of an index."""
        from metasim.base.streams import stream

        return self.grammar.sample(stream(self.seed, "export", index))


def run_config(folder: RunFolder) -> ExperimentConfig:
    """The experiment of a run.

    Raises:
        InputError: If the folder has none.
    """
    from metasim.base.files import read_yaml
    from metasim.base.validation import validated
    from metasim.config import ExperimentConfig

    return validated(ExperimentConfig, read_yaml(folder.config), str(folder.config))


def tuned_source(folder: RunFolder, seed: int | None) -> TunedSource:
    """The generator that a run has tuned.

    Args:
        folder: The run.
        seed: Root seed of its scenes; that of the run by default.

    Raises:
        InputError: If the folder is no run, or the run has no generator yet.
    """
    from metasim.dataset.record import FileRecord
    from metasim.matching.generator import Generator

    origin = _origin(folder)
    weights = _existing(folder.checkpoints / "best.pt", "the generator of a run")
    origin = replace(origin, checkpoint_sha256=FileRecord.of(weights).sha256)
    return TunedSource(Generator.load(weights, seed), origin)


def run_source(folder: RunFolder, seed: int | None, prior: bool) -> tuple[SceneSource, int]:
    """The scenes of a run, and their root seed.

    Args:
        folder: The run.
        seed: The seed; that of the run by default.
        prior: Whether they come from the grammar that the run has started from.

    Raises:
        InputError: If the folder is no run, or the run has no generator yet.
    """
    from metasim.grammar.grammar import SceneGrammar
    from metasim.runs.configuration import self_contained
    from metasim.runs.manifest import Manifest

    if not prior:
        tuned = tuned_source(folder, seed)
        return tuned, tuned.generator.seed
    origin = _origin(folder)
    seed = Manifest.load(folder.manifest).seed if seed is None else seed
    grammar = self_contained(run_config(folder)).grammar
    assert isinstance(grammar, dict)  # spelt out by then
    return PriorSource(SceneGrammar.from_mapping(grammar, str(folder.config)), seed, origin), seed


def _origin(folder: RunFolder) -> Origin:
    """Which run it is; without weights."""
    from metasim.dataset.record import FileRecord
    from metasim.dataset.sample import Origin
    from metasim.runs.manifest import Manifest

    made = Manifest.load(folder.manifest)
    config_sha256 = FileRecord.of(_existing(folder.config, "the config of a run")).sha256
    return Origin(f"{made.experiment}/{made.seed}", config_sha256, "")


def _existing(path: Path, what: str) -> Path:
    if not path.is_file():
        raise InputError(str(path), "no such file", what)
    return path
