"""Laws that the formats of VisionSIM, FreeSplatter, COCO and BOP share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from ball_scene import ball_sample, on_surface
from clouds import CLOUDS
from exchange import DEPTH_ERROR, NAMES, POSE_ERROR, assert_close, fresh, lean, seen, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metasim.base.errors import InputError, MetasimError
from metasim.dataset.formats import find_format
from metasim.dataset.formats.record import carried
from metasim.dataset.modality import Modality
from metasim.dataset.plan import Part
from metasim.dataset.sample import Sample

K = TypeVar("K")
V = TypeVar("V")
CAMERAS = tuple(name for name in NAMES if name != "coco")
DERANDOMIZED = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))


@pytest.mark.parametrize("name", NAMES)
@DERANDOMIZED
@given(data=st.data(), index=st.integers(0, 99), size=SIZES)
def test_a_sample_survives(name: str, tmp_path: Path, data: st.DataObject, index: int, size: tuple) -> None:
    held, required = find_format(name).modalities, find_format(name).required  # pyright: ignore
    kept = data.draw(st.sets(st.sampled_from(sorted(held))))
    written = lean(seen(name, index, size), required | kept)
    assert carried(written) == required | kept
    write(name, fresh(tmp_path / "out"), [written])
    (found,) = find_format(name).read(tmp_path / "out")
    assert_close(found, written)


@pytest.mark.parametrize("name", NAMES)
def test_many_scenes_come_back_in_order_from_the_files_listed(name: str, tmp_path: Path) -> None:
    samples = [seen(name, index) for index in range(4)]
    files = write(name, tmp_path, samples)
    assert sorted(files) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    for found, written in zip(find_format(name).read(tmp_path), samples, strict=True):
        assert_close(found, written)


@pytest.mark.parametrize("name", NAMES)
def test_a_sequence_stays_together(name: str, tmp_path: Path) -> None:
    one = seen(name, 5)
    samples = [
        replace(
            one,
            key=f"00000005_{i:03d}",
            provenance=replace(one.provenance, index=5 + i),
            sequence="walk/001-00000-00003",
            frame=i,
        )
        for i in range(3)
    ]
    if name != "coco":
        poses = [np.array(one.camera.world_from_camera) for _ in samples if one.camera]
        for step, pose in enumerate(poses):
            pose[0, 3] += 0.1 * step
        samples = [
            replace(s, camera=replace(s.camera, world_from_camera=pose))
            for s, pose in zip(samples, poses, strict=True)
            if s.camera
        ]
    files = write(name, tmp_path, samples)
    for found, written in zip(find_format(name).read(tmp_path), samples, strict=True):
        assert_close(found, written)
    describing = {"visionsim": "transforms.json", "visionsim-npy": "metasim.json", "freesplatter": "zip"}
    describing |= {"freesplatter-torch": "torch", "coco": "instances_train.json", "bop": "scene_camera.json"}
    assert len([file for file in files if file.name.endswith(describing[name])]) == 1


def backwards(values: Mapping[K, V]) -> dict[K, V]:
    return dict(reversed(list(values.items())))


@pytest.mark.parametrize("name", NAMES)
def test_equal_samples_give_equal_bytes(name: str, tmp_path: Path) -> None:
    first = [seen(name, index) for index in range(2)]
    again = []
    for sample in (seen(name, index) for index in range(2)):  # equal, but no object or order is shared
        nodes = (replace(n, attributes=backwards(n.attributes)) for n in sample.graph.nodes)
        graph = replace(sample.graph, nodes=tuple(nodes))
        images = backwards(sample.images)
        again.append(replace(sample, key="".join(sample.key), graph=graph, images=images))
    one, other = write(name, tmp_path / "a", first), write(name, tmp_path / "b", again)
    assert [f.relative_to(tmp_path / "a") for f in one] == [f.relative_to(tmp_path / "b") for f in other]
    for a, b in zip(one, other, strict=True):
        assert a.read_bytes() == b.read_bytes(), a


@pytest.mark.parametrize("name", NAMES)
def test_a_failing_part_leaves_nothing(name: str, tmp_path: Path) -> None:
    def write_half() -> None:
        with find_format(name).open(tmp_path, Part("train", 0, (0, 1))) as writer:
            writer.add(seen(name))
            raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        write_half()
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("name", NAMES)
def test_what_a_format_needs_is_asked_for_in_one_line(name: str, tmp_path: Path) -> None:
    for modality in find_format(name).required:  # pyright: ignore
        with pytest.raises(InputError, match=f"no {modality}.*{name}") as refusal:
            write(name, tmp_path, [lean(seen(name), find_format(name).modalities - {modality})])
        assert "\n" not in str(refusal.value)
    if name in CAMERAS:
        with pytest.raises(InputError, match="without a camera"):
            write(name, tmp_path, [replace(seen(name), camera=None)])


@pytest.mark.parametrize("name", ["visionsim", "visionsim-npy", "freesplatter-torch"])
def test_a_camera_beyond_the_format_is_refused(name: str, tmp_path: Path) -> None:
    skewed = lean(ball_sample(0, skew=0.7), find_format(name).modalities)
    with pytest.raises(MetasimError, match="skew"):
        write(name, tmp_path, [skewed])


@pytest.mark.parametrize("name", NAMES)
@DERANDOMIZED
@given(data=st.data())
def test_damage_is_told_in_one_line(name: str, tmp_path: Path, data: st.DataObject) -> None:
    written = seen(name)
    files = write(name, fresh(tmp_path / "out"), [written])
    unread = {"dataset_info.md", "index.json"}  # they are for other readers
    read_again = [file for file in files if file.name not in unread and "models" not in file.parts]
    path = data.draw(st.sampled_from(read_again))
    kind = data.draw(st.sampled_from(["cut", "other", "lost"]))
    if kind == "lost":
        path.unlink()
    elif kind == "other":
        path.write_bytes(data.draw(st.binary(max_size=64)))
    else:
        path.write_bytes(path.read_bytes()[: data.draw(st.integers(0, path.stat().st_size - 1))])
    found, told = read(name, tmp_path / "out")
    if told:
        assert "\n" not in told
        assert str(tmp_path) in told
    else:  # the last bytes of an image may say nothing; a lost table of contents leaves nothing to read
        assert kind == "cut" or (kind == "lost" and found == [])
        for sample in found:
            assert_close(sample, written)


def read(name: str, out: Path) -> tuple[list[Sample], str]:
    """The samples, or what is told instead."""
    try:
        return list(find_format(name).read(out)), ""
    except InputError as error:
        return [], str(error)


@pytest.mark.parametrize("name", ["visionsim", "visionsim-npy", "coco"])
@pytest.mark.parametrize("path", ["../secret.png", "/etc/hostname", "a/../../b.npy"])
def test_paths_in_files_do_not_lead_out(name: str, path: str, tmp_path: Path) -> None:
    files = write(name, tmp_path, [seen(name)])
    tables = ("transforms.json", "instances_train.json")
    (table,) = (f for f in files if f.name in tables and f.parent.name != "masks")
    content = json.loads(table.read_text())
    entry, key = {
        "visionsim": lambda: (content["frames"][0], "file_path"),
        "visionsim-npy": lambda: (content, "file_path"),
        "coco": lambda: (content["images"][0], "file_name"),
    }[name]()
    entry[key] = path
    table.write_text(json.dumps(content))
    with pytest.raises(InputError, match="leads out"):
        list(find_format(name).read(tmp_path))


@pytest.mark.parametrize("name", CLOUDS)
@pytest.mark.parametrize("index", range(4))
def test_points_by_the_formats_own_document_lie_on_the_scene(name: str, index: int, tmp_path: Path) -> None:
    written = seen(name, index, (24, 32))
    write(name, tmp_path, [written])
    points = CLOUDS[name](tmp_path)
    surface = np.isfinite(written.images[Modality.DEPTH])
    assert surface.any()
    np.testing.assert_array_equal(np.isfinite(points).all(axis=-1), surface)
    # depths err by half a step at most, along a ray that is at most 1.3 times as long as deep
    assert on_surface(points[surface]).max() < 1.3 * DEPTH_ERROR + POSE_ERROR
