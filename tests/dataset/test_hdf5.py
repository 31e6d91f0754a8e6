"""Laws of the HDF5 format: the layout that others read, and what is written is read back."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from ball_scene import AFFORDANCES, BALL, CLASSES, FLOOR, assert_same, ball_sample, on_surface
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metasim.base.errors import InputError
from metasim.dataset.formats import find_format
from metasim.dataset.formats.hdf5 import Hdf5Format
from metasim.dataset.modality import TABLES, Modality
from metasim.dataset.plan import Part
from metasim.dataset.sample import Sample

PART = Part("train", 0, (0, 1, 2))
PICTURES = [m for m in Modality if m not in TABLES]


def write(folder: Path, *samples: Sample) -> Path:
    with Hdf5Format().open(folder, PART) as writer:
        for item in samples:
            writer.add(item)
    return folder / writer.files[0]


def array(file: h5py.File, path: str) -> np.ndarray:
    found = file[path]
    assert isinstance(found, h5py.Dataset), path
    return found[()]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 99),
    st.sets(st.sampled_from(PICTURES)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.booleans(),
)
def test_samples_survive(
    tmp_path: Path, index: int, kept: set[Modality], size: tuple[int, int], flat: bool
) -> None:
    full = ball_sample(index, size)
    images = {m: image for m, image in full.images.items() if m in kept}
    lean = replace(full, images=images, **({"camera": None, "boxes": None, "solids": None} if flat else {}))
    written = [lean, replace(full, key="another", sequence="walk", frame=3)]
    write(tmp_path, *written)
    found = list(Hdf5Format().read(tmp_path))
    for one, other in zip(found, written, strict=True):
        assert_same(one, other)


def test_the_layout_is_that_of_mops(tmp_path: Path) -> None:
    samples = [ball_sample(i) for i in (1, 2)]
    path = write(tmp_path, *samples)
    assert isinstance(find_format("hdf5"), Hdf5Format)
    assert path == tmp_path / "train/00000.hdf5"
    masks = ("semantic", "instance", "parts", "affordance", "is_partnet", "depth", "normal")
    with h5py.File(path) as file:
        assert set(file) == {"images", "masks", "labels", "class_names", "class_counts", "metadata"}
        for number, sample in enumerate(samples):
            name = f"image_{number:06d}"
            for group in ("images", *(f"masks/{mask}" for mask in masks)):
                assert file[group].attrs["convention"]
                assert array(file, f"{group}/{name}").shape[:2] == (12, 16)
            np.testing.assert_array_equal(array(file, f"images/{name}"), sample.images[Modality.RGB])
            depth = array(file, f"masks/depth/{name}")
            assert (depth.dtype, depth.shape) == (np.float32, (12, 16, 1))
            assert array(file, f"masks/normal/{name}").shape == (12, 16, 3)
            assert array(file, f"masks/affordance/{name}").shape == (12, 16, 56)
            info = json.loads(array(file, "metadata/image_info")[number])
            assert info["image_id"] == sample.key
            assert info["render_params"]["split"] == "train"
        names = [name.decode() for name in array(file, "class_names")]
        assert names == ["background", "", *CLASSES[1:]]  # no pixel shows the room
        labels = array(file, "labels/class_labels")
        assert labels.tolist() == [FLOOR, FLOOR]
        assert array(file, "class_counts").tolist() == np.bincount(labels, minlength=len(names)).tolist()


def test_points_from_its_own_depth_lie_on_the_scene(tmp_path: Path) -> None:
    written = ball_sample(0, (24, 32))
    with h5py.File(write(tmp_path, written)) as file:
        depth = array(file, "masks/depth/image_000000")[..., 0]
        camera = json.loads(array(file, "metadata/image_info")[0])["camera"]
        instance = array(file, "masks/instance/image_000000")
    k, pose = np.array(camera["intrinsics"]), np.array(camera["world_from_camera"])
    for y, x in np.argwhere(np.isfinite(depth)).tolist():
        view = np.linalg.solve(k, np.array([x + 0.5, y + 0.5, 1.0])) * depth[y, x]
        point: np.ndarray = pose @ np.array([view[0], -view[1], -view[2], 1.0])
        assert on_surface(point[:3]) < 1e-5
    assert set(np.unique(instance)) == {0, FLOOR, BALL}


def test_affordances_cost_less_than_two_percent(tmp_path: Path) -> None:
    written = ball_sample(0, (192, 256))
    image = written.images[Modality.AFFORDANCE]
    assert image.shape[-1] == len(AFFORDANCES.names) == 56
    assert 0.3 < image.any(axis=-1).mean() < 0.9
    with h5py.File(write(tmp_path, written)) as file:
        dataset = file["masks/affordance/image_000000"]
        assert isinstance(dataset, h5py.Dataset)
        assert dataset.id.get_storage_size() < 0.02 * image.nbytes


def test_equal_samples_give_equal_bytes_in_any_process(tmp_path: Path) -> None:
    here = write(tmp_path / "here", *(ball_sample(i) for i in range(3)))
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]);"
        "import numpy as np; waste = [np.random.bytes(10**5) for _ in range(50)]; del waste;"
        "from ball_scene import ball_sample; from test_hdf5 import write;"
        "write(Path(sys.argv[1]), *(ball_sample(i) for i in range(3)))"
    )
    there = tmp_path / "there"
    folder = str(Path(__file__).parent)
    subprocess.run([sys.executable, "-c", program, str(there), folder], check=True, timeout=60)
    assert here.read_bytes() == (there / "train/00000.hdf5").read_bytes()


def test_a_failing_part_leaves_nothing(tmp_path: Path) -> None:
    def write_half() -> None:
        with Hdf5Format().open(tmp_path, PART) as writer:
            writer.add(ball_sample(0))
            raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        write_half()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.floats(0, 1), st.binary(min_size=1, max_size=40), st.booleans())
def test_a_damaged_file_is_read_or_refused_in_one_line(
    tmp_path: Path, place: float, garbage: bytes, cut: bool
) -> None:
    path = tmp_path / "train/00000.hdf5"
    if not path.exists():
        write(tmp_path, ball_sample(0))
        (tmp_path / "whole").write_bytes(path.read_bytes())
    whole = (tmp_path / "whole").read_bytes()
    at = int(place * (len(whole) - 1))
    path.write_bytes(whole[:at] if cut else whole[:at] + garbage + whole[at + len(garbage) :])
    fault = None
    try:
        list(Hdf5Format().read(tmp_path))
    except InputError as error:
        fault = str(error)
    assert fault is None or ("\n" not in fault and "00000.hdf5" in fault)
    assert not cut or fault is not None
