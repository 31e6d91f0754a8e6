"""The target: what is wrong with a folder is said in one line, what can be used is used."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path

import matching_scenes as tests
import numpy as np
import pytest
from matching_scenes import digits_grammar, faulty_grammar
from PIL import ExifTags, Image

from metasim.base.errors import InputError, MetasimError
from metasim.base.streams import stream
from metasim.config import TargetConfig
from metasim.matching import target as target_module
from metasim.matching.target import LEAST_IMAGES, Target, read_target, simulate_target
from metasim.rendering.pool import RenderPool
from metasim.scene.layout import SceneLayout

LAYOUT = SceneLayout.of(digits_grammar().schema, digits_grammar().sample(stream(0, "layout")))
SIZE = (12, 16)

Picture = Callable[[int], Image.Image]


def plain(i: int) -> Image.Image:
    return Image.fromarray(stream(0, "test/picture", i).integers(256, size=(*SIZE, 3), dtype=np.uint8))


def folder_of(folder: Path, picture: Picture = plain, count: int = 40) -> Path:
    folder.mkdir(exist_ok=True)
    for i in range(count):
        picture(i).save(folder / f"{i:03d}.png")
    return folder


def read(folder: Path, seed: int = 0, **changes: object) -> tuple[Target, list[str]]:
    notices: list[str] = []
    config = TargetConfig.model_validate({"images": folder, **changes})
    return read_target(LAYOUT, config, SIZE, seed, notices.append), notices


def test_photographs_come_whole_and_without_truth(tmp_path: Path) -> None:
    target, notices = read(folder_of(tmp_path))
    assert notices == []
    assert sorted(image.tobytes() for image in target.images) == sorted(plain(i).tobytes() for i in range(40))
    assert not target.known
    assert target.learning == 20
    assert (target.units.shape, target.classes.shape) == ((40, 3), (40, 1))
    assert np.isnan(target.units).all()
    assert (target.classes == -1).all()


def test_the_order_is_the_seed_s_and_not_the_folder_s(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    one, again, other = (read(folder, seed)[0].images for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, np.stack([np.asarray(plain(i)) for i in range(40)]))


@pytest.mark.parametrize(("held_out", "learning"), [(0.25, 30), (0.5, 20), (0.75, 10)])
def test_a_share_is_held_out(tmp_path: Path, held_out: float, learning: int) -> None:
    assert read(folder_of(tmp_path), held_out=held_out)[0].learning == learning


@pytest.mark.parametrize("held_out", [0.1, 0.9])
def test_both_parts_must_be_large_enough(tmp_path: Path, held_out: float) -> None:
    with pytest.raises(InputError, match=r"target\.held_out") as caught:
        read(folder_of(tmp_path), held_out=held_out)
    assert "\n" not in str(caught.value)


def test_at_most_so_many_are_read(tmp_path: Path) -> None:
    assert len(read(folder_of(tmp_path), num=33)[0].images) == 33


def test_other_files_of_the_folder_are_passed_over(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "notes.txt").write_text("none of this is an image")
    assert len(read(folder)[0].images) == 40


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert refused(missing) == (
        f"target.images: {missing}: no such folder; expected a folder of PNG or JPEG images"
    )


def test_too_few_images_are_counted(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, count=LEAST_IMAGES - 1)
    assert refused(folder) == f"target.images: {folder}: 29 images; expected at least 30"
    plain(29).save(folder / "029.png")
    assert len(read(folder)[0].images) == LEAST_IMAGES


def test_images_of_different_sizes_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    Image.new("RGB", (17, 12)).save(folder / "007.png")
    message = refused(folder)
    assert "17 x 12" in message
    assert "16 x 12" in message


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "flipped"])
def test_a_damaged_image_is_named(tmp_path: Path, damage: str) -> None:
    path = folder_of(tmp_path) / "011.png"
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(
        {"cut": bytes(data[:100]), "text": b"hello", "empty": b"", "flipped": bytes(data)}[damage]
    )
    expected = f"target.images: {path}: not readable as an image; expected a PNG or JPEG file"
    assert refused(tmp_path) == expected


def test_grey_images_become_rgb_with_a_notice(tmp_path: Path) -> None:
    target, notices = read(folder_of(tmp_path, lambda i: plain(i).convert("L")))
    assert len(notices) == 1
    assert "made RGB" in notices[0]
    greys = sorted(np.asarray(plain(i).convert("L")).tobytes() for i in range(40))
    for channel in range(3):
        assert sorted(image[..., channel].tobytes() for image in target.images) == greys


def test_sixteen_bits_of_grey_are_scaled_and_not_cut(tmp_path: Path) -> None:
    def deep(i: int) -> Image.Image:
        return Image.fromarray(np.asarray(plain(i).convert("L")).astype(np.uint16) * 257)

    target, notices = read(folder_of(tmp_path, deep))
    assert len(notices) == 1
    greys = sorted(np.asarray(plain(i).convert("L")).tobytes() for i in range(40))
    assert sorted(image[..., 0].tobytes() for image in target.images) == greys


def test_transparent_images_lie_on_black(tmp_path: Path) -> None:
    def half(i: int) -> Image.Image:
        picture = plain(i).convert("RGBA")
        picture.putalpha(Image.fromarray(np.tile(np.repeat(np.array([0, 255], np.uint8), 8), (12, 1))))
        return picture

    target, notices = read(folder_of(tmp_path, half))
    assert len(notices) == 1
    assert not target.images[:, :, :8].any()
    right = sorted(np.asarray(plain(i))[:, 8:].tobytes() for i in range(40))
    assert sorted(image[:, 8:].tobytes() for image in target.images) == right


def test_transparent_colours_of_a_palette_lie_on_black(tmp_path: Path) -> None:
    def indexed(i: int) -> Image.Image:
        picture = Image.fromarray(np.tile(np.repeat(np.array([0, 1], np.uint8), 8), (12, 1)))
        picture.putpalette([255, 0, 0, 0, 5 * i, 0])
        picture.info["transparency"] = 0
        return picture

    target, _ = read(folder_of(tmp_path, indexed))
    assert not target.images[:, :, :8].any()
    assert sorted(target.images[:, 3, 12, 1].tolist()) == [5 * i for i in range(40)]


def test_a_camera_that_was_held_upright_is_believed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, plain)
    for path in folder.iterdir():
        lying = Image.open(path).transpose(Image.Transpose.ROTATE_90)
        exif = lying.getexif()
        exif[ExifTags.Base.Orientation] = 6  # to be turned clockwise when it is shown
        lying.save(path, exif=exif)
    target, notices = read(folder)
    assert notices == []
    expected = sorted(np.asarray(plain(i)).tobytes() for i in range(40))
    assert sorted(image.tobytes() for image in target.images) == expected


def test_hidden_files_are_no_photographs(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, plain)
    (folder / "._000.png").write_bytes(b"what a Mac puts beside a file")
    assert len(read(folder)[0].images) == 40


def test_photographs_are_held_one_at_a_time(tmp_path: Path) -> None:
    """The next one may be opened before the one before is let go."""
    folder = folder_of(tmp_path, plain)
    held, most = 0, 0

    def counted(path: Path, where: str) -> Image.Image:
        nonlocal held, most
        picture = Image.open(path).convert("RGB")
        held, most = held + 1, max(most, held + 1)
        weakref.finalize(picture, freed)
        return picture

    def freed() -> None:
        nonlocal held
        held -= 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target_module, "read_image", counted)
        read(folder)
    assert most <= 2


def test_a_few_grey_images_among_others_are_enough_for_a_notice(tmp_path: Path) -> None:
    target, notices = read(folder_of(tmp_path, lambda i: plain(i).convert("P" if i == 3 else "RGB")))
    assert len(notices) == 1
    assert target.images.shape == (40, *SIZE, 3)


def test_images_of_another_size_are_resized_with_a_notice(tmp_path: Path) -> None:
    """Their mean colour stays."""
    target, notices = read(folder_of(tmp_path, lambda i: Image.new("RGB", (64, 48), (5 * i, 100, 7))))
    assert notices == ["target images are 64 x 48; resized to the renderer's 16 x 12"]
    assert target.images.shape == (40, *SIZE, 3)
    assert sorted(target.images[:, 3, 3, 0].tolist()) == [5 * i for i in range(40)]


def test_of_images_of_another_shape_the_middle_is_taken(tmp_path: Path) -> None:
    """Of a grey block between red margins the block alone."""

    def picture(i: int) -> Image.Image:
        wide = Image.new("RGB", (80, 30), (255, 0, 0))
        wide.paste((i, i, i), (20, 0, 60, 30))
        return wide

    target, notices = read(folder_of(tmp_path, picture))
    assert notices == ["target images are 80 x 30; their middle resized to the renderer's 16 x 12"]
    assert sorted(set(target.images.ravel().tolist())) == list(range(40))


@pytest.mark.parametrize("below", ["000001/rgb", "rgb", "000007/gray"])
def test_a_bop_split_or_scene_stands_for_its_images(tmp_path: Path, below: str) -> None:
    (tmp_path / below).mkdir(parents=True)
    folder_of(tmp_path / below)
    (tmp_path / below).with_name("depth").mkdir()
    folder_of((tmp_path / below).with_name("depth"), count=3)
    assert sorted(image.tobytes() for image in read(tmp_path)[0].images) == sorted(
        plain(i).tobytes() for i in range(40)
    )


def test_a_target_survives_its_file(tmp_path: Path) -> None:
    target, _ = read(folder_of(tmp_path / "images"))
    target.save(tmp_path / "target.npz")
    again = Target.load(tmp_path / "target.npz")
    assert again.learning == target.learning
    for name in ("images", "units", "classes"):
        np.testing.assert_array_equal(getattr(again, name), getattr(target, name))


def simulated(share: float, workers: int, seed: int = 0) -> tuple[Target, list[int]]:
    grammar = faulty_grammar(share)
    layout = SceneLayout.of(grammar.schema, grammar.sample(stream(0, "layout")))
    config = TargetConfig.model_validate({"grammar": {}, "num": 130})
    seen: list[int] = []
    with RenderPool(tests.FAULTS, workers=workers) as pool:
        return simulate_target(grammar, layout, config, pool, seed, seen.append), seen


def test_a_simulated_target_does_not_depend_on_the_workers() -> None:
    (one, seen), (two, _) = simulated(0.1, 1), simulated(0.1, 2)
    assert seen == [100, 30]
    assert np.array_equal(one.images, two.images)
    assert np.array_equal(one.units, two.units)
    assert one.known
    assert 60 < len(one.images) < 130  # scenes that fail are left out, with their truth
    assert one.learning == len(one.images) - round(0.5 * len(one.images))
    shade = one.images.mean((1, 2, 3)) / 127 - 0.5
    assert np.abs(shade - one.units[:, 0]).max() < 5 / np.sqrt(12 * 48)


def test_a_target_that_mostly_fails_is_given_up() -> None:
    with pytest.raises(MetasimError, match=r"target: \d+ of 130 scenes failed: .*not finite"):
        simulated(0.9, 1)
