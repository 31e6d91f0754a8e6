"""Verdicts on scenes that differ in their nodes: numbers, classes and attributes of all objects together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metasim.grammar.grammar import SceneGrammar
from metasim.runs.summary import Variation
from metasim.scene.layout import Choice, Column, SceneLayout
from metasim.verdict.identifiability import Identifiability, all_identifiable
from metasim.verdict.judge import FeatureSets
from metasim.verdict.structure import Census, StructureMaterial, judge_structure

SCENES = 1500


def grammar(counts: dict[int, float], red: float, size: list[float]) -> SceneGrammar:
    return SceneGrammar.from_mapping(
        {
            "start": "table",
            "symbols": {
                "table": {"children": [{"symbol": "mug", "count": {"weights": counts}}, "shoe"]},
                "mug": {
                    "classes": {"red": red, "blue": 1 - red},
                    "attributes": {"size": {"range": [0, 1], "mutable": True, "law": {"uniform": size}}},
                },
                "shoe": {
                    "attributes": {"yaw": {"range": [0, 1], "mutable": True, "law": {"uniform": [0, 1]}}}
                },
            },
        }
    )


PRIOR, TARGET = grammar({1: 0.7, 2: 0.3}, 0.5, [0, 0.5]), grammar({1: 0.2, 2: 0.8}, 0.8, [0.5, 1])
SCHEMA = PRIOR.schema
LAYOUT = SceneLayout(
    (Column("mug", "mug", SCHEMA.spec("mug", "size")), Column("shoe", "shoe", SCHEMA.spec("shoe", "yaw"))),
    (Choice("mug", ("red", "blue")),),
    ("mug", "shoe"),
)


def census(of: SceneGrammar, seed: int) -> Census:
    rng = np.random.default_rng(seed)
    return Census.of(LAYOUT, [of.sample(rng) for _ in range(SCENES)])


@pytest.fixture(scope="module")
def material() -> StructureMaterial:
    rng = np.random.default_rng(0)
    draws = [rng.standard_normal((40, 3)).astype(np.float32) for _ in range(3)]
    return StructureMaterial(
        LAYOUT,
        census(PRIOR, 0),
        census(TARGET, 1),
        (census(TARGET, 2), census(TARGET, 3)),
        {"convolutions": FeatureSets(draws[0], draws[1:])},
        all_identifiable(LAYOUT),
    )


def test_distances_are_those_of_the_laws(material: StructureMaterial) -> None:
    found = judge_structure(material, np.random.default_rng(0), 20)
    error = 4 * np.sqrt(0.25 * 2 / SCENES)
    expected = {"mug/count": 0.5, "mug/class": 0.3, "shoe/count": 0.0}
    assert set(found.variations) == set(expected)
    for name, prior in expected.items():
        variation: Variation = found.variations[name]
        assert abs(variation.prior - prior) < error
        assert variation.generated < error
        assert variation.floor < error


def test_what_numbers_and_classes_tell_of_each_other_is_told() -> None:
    few, many = ({"symbol": "mug", "count": n, "classes": {c: 1}} for n, c in ((1, "red"), (2, "blue")))
    mapping = TARGET.to_mapping()
    mapping["symbols"]["table"] = {"productions": [{"children": [few, "shoe"]}, {"children": [many, "shoe"]}]}
    tied = SceneGrammar.from_mapping(mapping)
    draws = np.random.default_rng(0).standard_normal((3, 40, 3)).astype(np.float32)
    material = StructureMaterial(
        LAYOUT,
        census(PRIOR, 0),
        census(tied, 1),
        (census(tied, 2), census(tied, 3)),
        {"convolutions": FeatureSets(draws[0], [draws[1], draws[2]])},
        all_identifiable(LAYOUT),
    )
    found = judge_structure(material, np.random.default_rng(0), 20).dependences
    assert set(found) == {"mug"}
    told = found["mug"]
    assert told.prior < 0.01
    for value in (told.generated, told.target, told.again):
        assert value == pytest.approx(np.log(2), abs=0.01)


def test_shares_and_attributes_are_told_by_symbol(material: StructureMaterial) -> None:
    found = judge_structure(material, np.random.default_rng(0), 20)
    assert set(found.counts["mug"]) == {"1", "2"}
    assert set(found.counts["shoe"]) == {"1"}
    for table in (*found.counts.values(), *found.classes.values()):
        assert sum(f.generated for f in table.values()) == pytest.approx(1)
    size = found.attributes["mug.size"]
    assert size.w1_prior == pytest.approx(0.5, abs=0.03)
    assert size.w1 == pytest.approx(0, abs=0.03)
    generated = found.populations.generated
    mugs = material.generated.numbers[:, 0].sum()
    assert np.isfinite(generated).sum(0).tolist() == [mugs, SCENES]
    assert (np.isfinite(generated).sum(1) == 1).all()


def test_nothing_is_compared_with_a_truth_that_is_unknown(material: StructureMaterial) -> None:
    blind = replace(material, truth=None)
    found = judge_structure(blind, np.random.default_rng(0), 20)
    assert found.variations == found.dependences == {}
    assert all(f.target is None for table in found.counts.values() for f in table.values())


@pytest.mark.parametrize("absent", ["generated", "target"])
def test_of_objects_that_are_not_there_the_numbers_alone_are_told(
    material: StructureMaterial, absent: str
) -> None:
    none = census(grammar({0: 1.0, 1: 1e-12}, 0.5, [0, 1]), 4)
    changed = {"generated": none} if absent == "generated" else {"truth": (none, none)}
    found = judge_structure(replace(material, **changed), np.random.default_rng(0), 20)
    assert set(found.attributes) == {"shoe.yaw"}
    assert found.counts["mug"]["0"].generated == (absent == "generated")
    assert found.counts["mug"]["0"].target == (absent == "target")


def test_classes_that_hide_an_attribute_have_no_part_in_its_figures(material: StructureMaterial) -> None:
    """Red mugs of the generator are made to lie elsewhere; of their size images tell nothing."""
    mugs, shoes = material.generated.objects
    red = mugs.classes[:, 0] == 0
    elsewhere = replace(mugs, units=np.where(red[:, None], 0.0, mugs.units))
    wrong = replace(material, generated=replace(material.generated, objects=(elsewhere, shoes)))
    hidden = {**material.known, "mug.size": Identifiability(("red",), True, True)}
    told, blind = (
        judge_structure(m, np.random.default_rng(0), 20).attributes["mug.size"]
        for m in (wrong, replace(wrong, known=hidden))
    )
    assert told.w1 is not None
    assert blind.w1 is not None
    assert told.w1 > 0.1
    assert blind.w1 < 0.03
    assert blind.classes_not_identifiable == ["red"]
