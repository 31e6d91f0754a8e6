"""Labels: files that are wrong are refused in one line, halves have the classes of the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from task_scenes import LAYOUT, draw, labelled  # pyright: ignore[reportMissingImports]

from metasim.base.errors import InputError
from metasim.config import TaskConfig
from metasim.matching.target import Target
from metasim.matching.task.labels import LabelFile, labelled_part


def written(folder: Path, lines: list[str]) -> Path:
    for number in range(24):
        Image.new("L", (20, 30), number).save(folder / f"{number}.png")
    path = folder / "labels.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def sound(kind: str = "classify") -> list[str]:
    if kind == "pose":
        return ["image,box.place,box.yaw", *(f"{i}.png,0.5,{15 * i}" for i in range(24))]
    return ["image,class", *(f"{i}.png,{('red', 'blue')[i % 2]}" for i in range(24))]


@pytest.mark.parametrize("kind", ["classify", "pose"])
def test_a_file_is_read_with_its_images(tmp_path: Path, kind: str) -> None:
    found = LabelFile.read(written(tmp_path, sound(kind)), kind, LAYOUT).load((16, 8))
    assert found.images.shape == (24, 16, 8, 3)
    assert found.images[:, 0, 0, 0].tolist() == list(range(24))
    if kind == "pose":
        np.testing.assert_allclose(found.truth.units[:, 1], np.arange(24) / 24)
    else:
        assert found.truth.classes[:, 0].tolist() == [0, 1] * 12


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        (5, "4.png,green", "line 6: class green; expected one of red, blue"),
        (0, "image,label", "no column class"),
        (5, "4.png", "line 6: another number of values"),
        (5, "4.png,red,blue", "line 6: another number of values"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: int, text: str, said: str) -> None:
    lines = sound()
    lines[line] = text
    with pytest.raises(InputError, match=said):
        LabelFile.read(written(tmp_path, lines), "classify", LAYOUT)


@pytest.mark.parametrize("value", ["", "nan", "far"])
def test_a_pose_is_a_number(tmp_path: Path, value: str) -> None:
    lines = sound("pose")
    lines[3] = f"2.png,{value},3"
    with pytest.raises(InputError, match=r"line 4: .* expected a finite number"):
        LabelFile.read(written(tmp_path, lines), "pose", LAYOUT)


@pytest.mark.parametrize(("blue", "said"), [(0, "no labelled images"), (1, "1 labelled image of")])
def test_a_class_is_not_empty(tmp_path: Path, blue: int, said: str) -> None:
    lines = ["image,class", *(f"{i}.png,{'blue' if i < blue else 'red'}" for i in range(24))]
    with pytest.raises(InputError, match=f"{said}.*class blue; expected 2 or more of each class"):
        LabelFile.read(written(tmp_path, lines), "classify", LAYOUT)


def test_few_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="5 labelled images; expected 20 or more"):
        LabelFile.read(written(tmp_path, sound()[:6]), "classify", LAYOUT)


def test_an_image_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, sound())
    (tmp_path / "7.png").unlink()
    with pytest.raises(InputError, match=r"matching.task.labels: .*7.png"):
        LabelFile.read(path, "classify", LAYOUT).load((8, 8))


def target_of(learning: int, kept: range) -> Target:
    """Bright images to learn from, and some of the files' shades that are kept for the verdict."""
    shades = [*range(100, 100 + learning), *kept]
    images = np.stack([np.full((30, 20, 3), shade, np.uint8) for shade in shades])
    return Target(images, learning, np.full((len(shades), 2), 0.5), np.arange(len(shades))[:, None] % 2)


def test_images_kept_for_the_verdict_are_left_out(tmp_path: Path) -> None:
    config, notices = TaskConfig(kind="classify", labels=written(tmp_path, sound())), list[str]()
    found = labelled_part(config, target_of(26, range(30, 34)), LAYOUT, notices.append)
    assert len(found.images) == 24
    assert notices == []
    found = labelled_part(config, target_of(26, range(18, 22)), LAYOUT, notices.append)
    left = [*range(18), 22, 23]
    assert found.images[:, 0, 0, 0].tolist() == left
    assert found.truth.classes[:, 0].tolist() == [i % 2 for i in left]
    assert notices == ["matching.task.labels: 4 of 24 images are kept for the verdict, and left out"]
    with pytest.raises(InputError, match="6 of 24 kept for the verdict; expected 20 others or more"):
        labelled_part(config, target_of(24, range(18, 24)), LAYOUT, notices.append)


def test_no_more_labels_than_images_to_learn_from(tmp_path: Path) -> None:
    """Scenes of a target may fail to render, so that it has fewer images than was asked for."""
    config, notices = TaskConfig(kind="classify", labels=25), list[str]()
    with pytest.raises(InputError, match="25; expected 24 at most"):
        labelled_part(config, target_of(24, range(24)), LAYOUT, notices.append)


def test_halves_share_no_image_and_have_each_class_as_often() -> None:
    whole = labelled(draw(np.random.default_rng(0), 31, blue=0.2))
    halves = whole.halves()
    rows = np.concatenate([half.images.reshape(len(half.images), -1) for half in halves])
    assert len(np.unique(rows, axis=0)) == 31
    counts = [np.bincount(half.truth.classes[:, 0], minlength=2) for half in halves]
    assert np.abs(counts[0] - counts[1]).max() <= 1
