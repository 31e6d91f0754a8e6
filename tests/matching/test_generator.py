"""Laws of the generator: a scene depends on seed, stage and index, and survives its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_scenes import digits_grammar

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.matching.generator import BLOCK, Generator
from metasim.matching.transfer import new_network
from metasim.runs.checkpoint import save_checkpoint
from metasim.scene.graph import SceneGraph

WEIGHTS = {"2": 0.6, "3": 0.1, "7": 0.3}


def generator(seed: int = 0) -> Generator:
    grammar = digits_grammar().with_class_weights({"digit": WEIGHTS})
    return Generator(grammar, new_network(grammar, 0), seed)


ONE = generator()


@settings(max_examples=10)
@given(st.lists(st.integers(0, 3 * BLOCK), min_size=1, max_size=6), st.integers(0, 2 * BLOCK))
def test_a_scene_does_not_depend_on_what_was_asked_before(asked: list[int], index: int) -> None:
    for other in asked:
        ONE.scene(other)
    assert ONE.scene(index) == fresh_scene(index)


def fresh_scene(index: int) -> SceneGraph:
    return generator().scene(index)


def test_scenes_in_a_row_are_those_asked_for_singly() -> None:
    scenes = ONE.scenes(BLOCK + 5, "test")
    assert scenes == [ONE.scene(i, "test") for i in range(BLOCK + 5)]
    assert scenes[:7] == ONE.scenes(7, "test")


def test_seeds_stages_and_indices_give_other_scenes() -> None:
    scenes = [ONE.scene(0, "a"), ONE.scene(1, "a"), ONE.scene(0, "b"), generator(1).scene(0, "a")]
    assert len({str(scene) for scene in scenes}) == 4


def test_it_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    ONE.save(path)
    again = Generator.load(path)
    assert again.grammar == ONE.grammar
    assert again.scenes(70, "test") == ONE.scenes(70, "test")
    assert Generator.load(path, seed=1).scenes(3, "test") == generator(1).scenes(3, "test")


def test_its_file_holds_tensors_and_plain_data_alone(tmp_path: Path) -> None:
    ONE.save(tmp_path / "best.pt")
    content = torch.load(tmp_path / "best.pt", weights_only=True)
    assert set(content) == {"grammar", "network", "seed"}


@pytest.mark.parametrize(
    "content",
    [
        {"network": ONE.network.state_dict()},
        {"grammar": digits_grammar().to_mapping(), "network": {}, "seed": 0},
        {"grammar": digits_grammar().to_mapping(), "network": ONE.network.state_dict()},
        {"grammar": {"start": "nothing"}, "network": ONE.network.state_dict(), "seed": 0},
        {"grammar": 3, "network": ONE.network.state_dict(), "seed": 0},
        {"grammar": digits_grammar().to_mapping(), "network": 3, "seed": 0},
        torch.zeros(3),
        [],
    ],
    ids=["a stage's", "no weights", "no seed", "no grammar", "a number", "no network", "a tensor", "a list"],
)
def test_another_checkpoint_is_refused(tmp_path: Path, content: dict[str, object]) -> None:
    path = tmp_path / "other.pt"
    save_checkpoint(path, content)
    assert str(path) in refusal(path)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x80\x02N."])
def test_another_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.pt"
    path.write_bytes(data)
    assert str(path) in refusal(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.pt"
    assert str(path) in refusal(path)


def refusal(path: Path) -> str:
    """The one line in which a file is refused."""
    with pytest.raises(InputError) as caught:
        Generator.load(path)
    (line,) = str(caught.value).splitlines()
    return line


def test_the_grammar_gives_all_that_is_not_learnt() -> None:
    """Classes and immutable attributes are those of the grammar's own sample."""
    for index in range(100):
        scene, prior = ONE.scene(index), ONE.grammar.sample(stream(ONE.seed, "export", index))
        assert scene.by_name["light"] == prior.by_name["light"]
        ours, theirs = scene.by_name["digit"], prior.by_name["digit"]
        assert ours.cls == theirs.cls
        assert all(ours.attributes[a] != theirs.attributes[a] for a in ours.mutable)
        assert ONE.grammar.log_prob(scene) > -np.inf


def test_classes_come_as_often_as_was_learnt() -> None:
    kinds = [scene.by_name["digit"].cls for scene in ONE.scenes(1000, "test")]
    counts = [kinds.count(name) for name in WEIGHTS]
    assert scipy.stats.chisquare(counts, [1000 * share for share in WEIGHTS.values()]).pvalue > 1e-4
