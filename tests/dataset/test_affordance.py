"""Laws of the affordances: a pixel has those of its object's class and part, and no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metasim.base.errors import InputError
from metasim.dataset.affordance import Affordances
from metasim.dataset.encode import npz
from metasim.scene.graph import SceneGraph, SceneNode

GRAPH = SceneGraph(
    (
        SceneNode("room", "room", "room", None, {}),
        SceneNode("mug", "thing", "mug", 0, {}),
        SceneNode("box", "thing", "box", 0, {}),
    )
)
WORDS = Affordances({"mug": frozenset({"grasp", "contain"}), "box/2": frozenset({"open"})})
ids = arrays(np.int32, (4, 5), elements=st.integers(0, 3))


@given(ids, ids)
def test_a_pixel_has_the_affordances_of_its_class_and_part(instance: np.ndarray, part: np.ndarray) -> None:
    image = WORDS.image(GRAPH, instance, part)
    assert WORDS.names == ("contain", "grasp", "open")
    for pixel in np.ndindex(instance.shape):
        expected = set()
        if instance[pixel] == 2:
            expected = {"contain", "grasp"}
        elif instance[pixel] == 3 and part[pixel] == 2:
            expected = {"open"}
        assert {name for name, yes in zip(WORDS.names, image[pixel], strict=True) if yes} == expected


names = st.text("abcdef", min_size=1, max_size=4)


@given(st.lists(names, unique=True, max_size=5), st.data())
def test_parts_may_be_named_or_numbered(parts: list[str], data: st.DataObject) -> None:
    numbers = st.integers(1, 9).map(str)
    part = st.sampled_from(parts) | numbers if parts else numbers
    keys = st.builds("{}/{}".format, names, part) | names
    rows = data.draw(st.dictionaries(keys, st.frozensets(names, max_size=3), max_size=6))
    words = Affordances.of(rows, parts)
    expected: dict[str, frozenset[str]] = {}
    for key, can in rows.items():
        cls, slash, which = key.partition("/")
        same = f"{cls}{slash}{parts.index(which) + 1 if which in parts else which}"
        expected[same] = expected.get(same, frozenset()) | can
    assert words.rows == expected
    assert Affordances.of({k: frozenset(row) for k, row in words.named(parts).items()}, parts) == words


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("mug: grasp", "mug: 'grasp'; expected a list of names"),
        ("mug/lid: [open]", "expected a class, or a class, / and the number of a part, or one of handle"),
        ("{}", "expected affordances of at least one class"),
    ],
)
def test_a_faulty_vocabulary_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "words.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=fault):
        Affordances.from_file(path, ("handle",))


def test_masks_of_56_affordances_cost_less_than_2_percent_of_their_raw_size() -> None:
    names = [f"affordance_{i:02d}" for i in range(56)]
    words = Affordances({"room": frozenset(names[:30]), "mug": frozenset(names[5:40:3] + names[30:])})
    y, x = np.mgrid[:128, :128]
    instance = np.where((x - 60) ** 2 + (y - 50) ** 2 < 900, 2, np.where(y > 70, 1, 0))
    image = words.image(GRAPH, instance)
    assert image.shape == (128, 128, 56)
    assert len(npz(image.astype(np.uint8))) < 0.02 * image.size
