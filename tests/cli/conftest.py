"""What the tests of the command's verbs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from metasim.base.files import read_yaml
from metasim.config import ExperimentConfig
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.generator import Generator
from metasim.model.attribute_gcn import AttributeNetwork
from metasim.runs.folder import RunFolder

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run whose generator is as it was before any training."""
    grammar = SceneGrammar.from_file(EXPERIMENTS / "grammars/digits/rotation.yaml")
    experiment = read_yaml(EXPERIMENTS / "digits_rotation.yaml")
    experiment |= {"grammar": grammar.to_mapping(), "target": {"grammar": grammar.to_mapping()}}
    config = ExperimentConfig.model_validate(experiment)
    folder = RunFolder.create(tmp_path_factory.mktemp("results"), "digits", 3, config)
    Generator(grammar, AttributeNetwork(grammar.schema), 3).save(folder.checkpoints / "best.pt")
    return folder
