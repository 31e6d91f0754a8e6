"""Laws of splits, parts and modalities."""

from __future__ import annotations

import numpy as np
import pytest
from digits import plan
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.errors import InputError
from metasim.dataset.formats import find_format
from metasim.dataset.modality import Modality, choose_modalities
from metasim.dataset.plan import PART_BYTES, ExportPlan, parse_split, split_scenes
from metasim.rendering.protocol import Pass

shares = st.lists(st.integers(1, 20), min_size=1, max_size=5).map(
    lambda weights: {f"s{i}": w / sum(weights) for i, w in enumerate(weights)}
)


@given(st.integers(0, 500), shares, st.integers(0, 2**32))
def test_every_scene_is_in_one_split_and_shares_hold(num: int, split: dict[str, float], seed: int) -> None:
    dealt = split_scenes(num, split, seed)
    assert sorted(index for indices in dealt.values() for index in indices) == list(range(num))
    for name, share in split.items():
        assert abs(len(dealt[name]) - share * num) <= 1
        assert dealt[name] == sorted(dealt[name])


def test_splits_are_dealt_at_random() -> None:
    dealt = split_scenes(1000, {"train": 0.5, "test": 0.5}, seed=1)
    assert abs(np.mean(dealt["train"]) - 499.5) < 4 * np.sqrt(1000**2 / 12 / 500)
    assert dealt != split_scenes(1000, {"train": 0.5, "test": 0.5}, seed=2)


@given(st.integers(1, 300), st.integers(1, 50))
def test_parts_hold_every_scene_once(num: int, part_samples: int) -> None:
    parts = plan(num, part_samples=part_samples).parts()
    assert sorted(index for part in parts for index in part.indices) == list(range(num))
    assert len({part.name for part in parts}) == len(parts)
    assert all(1 <= len(part.indices) <= part_samples for part in parts)


def test_parts_of_large_images_stay_small() -> None:
    large = plan(10, size=(2000, 2000), part_samples=None, modalities=(Modality.RGB, Modality.HDR))
    raw = 2000 * 2000 * (3 + 12)
    assert large.per_part * raw <= PART_BYTES


def test_split_is_read() -> None:
    assert parse_split("train=0.8,val=.1,test=0.1") == {"train": 0.8, "val": 0.1, "test": 0.1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "train",
        "train=1.1",
        "a=0.5,a=0.5",
        "a=0.5,b=0.4",
        "a=x",
        "../a=1",
        "a=0,b=1",
        "a=nan",
        "journal=1",
    ],
)
def test_a_wrong_split_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--split"):
        parse_split(text)


GIVEN = frozenset({Pass.RGB, Pass.INSTANCE})
HELD = frozenset(Modality) - {Modality.HDR}


@pytest.mark.parametrize(
    ("names", "match"),
    [(["rgb", "colour"], "unknown 'colour'"), (["depth"], "beyond this renderer"), (["hdr"], "in format f")],
)
def test_a_modality_that_cannot_be_had_is_refused(names: list[str], match: str) -> None:
    with pytest.raises(InputError, match=match):
        choose_modalities(names, GIVEN, HELD, "f")


def test_usual_modalities_are_those_that_can_be_had() -> None:
    usual = choose_modalities(None, GIVEN, HELD, "f")
    assert usual == (Modality.RGB, Modality.INSTANCE, Modality.SEMANTIC, Modality.BBOX)
    assert choose_modalities(["bbox", "rgb", "rgb"], GIVEN, HELD, "f") == (Modality.RGB, Modality.BBOX)


def test_what_a_format_requires_is_chosen_or_asked_for() -> None:
    needed = frozenset({Modality.MASK})
    assert Modality.MASK in choose_modalities(None, GIVEN, HELD, "f", needed)
    with pytest.raises(InputError, match="no mask, which format f needs"):
        choose_modalities(["rgb"], GIVEN, HELD, "f", needed)
    with pytest.raises(InputError, match="needs depth, beyond this renderer"):
        choose_modalities(None, GIVEN, HELD, "f", frozenset({Modality.DEPTH}))


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(InputError, match="webdataset"):
        find_format("tfrecord")


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 6), st.integers(0, 99))
def test_siblings_stay_in_one_split_and_views_in_one_part(
    families: int, siblings: int, views: int, seed: int
) -> None:
    num = families * siblings * views
    shares = {"train": 0.5, "test": 0.5}
    plan = ExportPlan(
        "folder", num, (), shares, seed, (8, 8), part_samples=views, views=views, siblings=siblings
    )
    parts = plan.parts()
    assert sorted(index for part in parts for index in part.indices) == list(range(num))
    assert all(part.indices == tuple(range(part.indices[0], part.indices[0] + views)) for part in parts)
    splits = {(index // (siblings * views), part.split) for part in parts for index in part.indices}
    assert len(splits) == families
