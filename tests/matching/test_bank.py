"""Laws of the bank: only ever added to, a function of seed and index, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import matching_scenes as tests
import numpy as np
import pytest
from matching_scenes import CHUNK, digits_grammar, faulty_grammar, grow, propose, scenes

from metasim.base.errors import MetasimError
from metasim.base.streams import stream
from metasim.matching import rounds
from metasim.matching.bank import Bank, Renders
from metasim.matching.inversion import view_of
from metasim.matching.proposal import Proposal
from metasim.rendering.pool import RenderPool


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "CHUNK", CHUNK)


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def same(a: Renders, b: Renders) -> bool:
    return all(
        np.array_equal(getattr(a, f.name), getattr(b, f.name), equal_nan=f.name == "boxes")
        for f in fields(Renders)
    )


def never() -> Proposal:
    raise AssertionError("the proposal of a round that was begun is kept")


def test_a_lost_file_is_rendered_again_to_the_same_bytes(tmp_path: Path) -> None:
    grow(tmp_path, 50)
    before = content(tmp_path)
    assert sorted(before) == [f"round_00/{name}.npz" for name in ("000000", "000020", "000040", "proposal")]
    times = {p.name: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npz")}
    (tmp_path / "round_00/000020.npz").unlink()
    grow(tmp_path, 50)
    assert content(tmp_path) == before
    changed = {p.name for p in tmp_path.rglob("*.npz") if p.stat().st_mtime_ns != times[p.name]}
    assert changed == {"000020.npz"}


def test_a_killed_writer_costs_one_file(tmp_path: Path) -> None:
    calm, folder = tmp_path / "calm", tmp_path / "killed"
    grow(calm, 60)
    paths = os.pathsep.join(sys.path)
    writer = subprocess.Popen(
        [sys.executable, str(tests.FOLDER / "matching_scenes.py"), str(folder), "60"],
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )
    try:
        while not (folder / "round_00/000020.npz").exists():
            assert writer.poll() is None
            time.sleep(0.01)
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    whole = {name: data for name, data in content(folder).items() if "partial" not in name}
    assert set(content(calm)) - set(whole) == {"round_00/000040.npz"}
    grow(folder, 60)
    assert {name: data for name, data in content(folder).items() if "partial" not in name} == content(calm)


def test_scenes_depend_on_seed_and_index_alone(tmp_path: Path) -> None:
    """In one go or in two, the same scenes."""
    bank = grow(tmp_path / "twice", 40)
    assert len(bank) == 40
    assert same(grow(tmp_path / "twice", 80).renders, grow(tmp_path / "once", 80).renders)


def test_a_round_is_only_ever_added_to(tmp_path: Path) -> None:
    with RenderPool("sprites") as pool:
        of = scenes(digits_grammar(), pool)
        bank = Bank(tmp_path, of)
        seen: list[int] = []
        bank.grow(lambda: propose(of), 30, seen.append)
        first, before = bank.renders, content(tmp_path)
        bank.grow(lambda: propose(of), 25, seen.append)
        assert seen == [20, 10, 20, 5]
        assert len(bank) == 55
        assert content(tmp_path).items() >= before.items()
        assert same(bank.rounds[0].renders, first)
        assert not np.array_equal(bank.rounds[1].renders.units[:20], first.units[:20])
        again = Bank(tmp_path, of)
        for count in (30, 25):
            again.grow(never, count, lambda _: None)
        assert same(again.renders, bank.renders)
        assert content(tmp_path).keys() == {*before} | {
            f"round_01/{name}.npz" for name in ("000000", "000020", "proposal")
        }


def test_labels_are_those_of_the_images(tmp_path: Path) -> None:
    """Rendering the labelled scenes anew gives the images; boxes hold the digit's ink."""
    with RenderPool("sprites") as pool:
        of = scenes(digits_grammar(), pool)
        bank = Bank(tmp_path, of)
        bank.grow(lambda: propose(of), 30, lambda _: None)
        renders = bank.renders
        graphs = [of.draw(bank.rounds[0].proposal, "bank/0", i) for i in range(30)]
        lights = {g.by_name["light"].attributes["intensity"] for g in graphs}
        assert len(lights) == 30  # what is not learnt varies as the grammar says
        assert 0.5 <= min(lights) <= max(lights) <= 1
        np.testing.assert_allclose(of.layout.units(graphs), renders.units)
        again = of.render(of.layout.place(graphs, renders.units, renders.classes), "other")
    assert np.array_equal(again.images, renders.images)
    assert sorted(np.unique(renders.classes)) == [0, 1, 2]
    for image, box in zip(renders.images, renders.boxes[:, 1], strict=True):
        if np.isfinite(box).all():
            left, top, right, bottom = np.round(box * 32).astype(int)
            inside = np.zeros((32, 32), bool)
            inside[top:bottom, left:right] = True
            assert image[inside].max() > 60
            assert image[~inside].max(initial=0) <= 0.51 * 255
    assert np.isnan(renders.boxes[:, [0, 2]]).all()
    view = view_of(of.layout, renders)
    assert view.objects == ("digit",)
    seen = renders.boxes[:, 1]
    assert view.extent[0] > np.nanmedian(seen[:, 2] - seen[:, 0])


def test_scenes_that_fail_are_left_out(tmp_path: Path) -> None:
    with RenderPool(tests.FAULTS, workers=1) as pool:
        of = scenes(faulty_grammar(0.2), pool)
        graphs = [of.grammar.sample(stream(0, "test/scene", i)) for i in range(30)]
        good = np.array([g.nodes[0].cls == "none" for g in graphs])
        assert 15 < good.sum() < 30
        renders = of.render(graphs, "test")
        np.testing.assert_array_equal(renders.units, of.layout.units(graphs)[good])
        assert not renders.classes.any()
        shade = renders.images.mean((1, 2, 3))  # 127 times the value and a noise of mean 1 / 2
        assert np.abs(shade - 127 * (renders.units[:, 0] + 0.5)).max() < 127 * 5 / np.sqrt(12 * 48)
        bad = [g for g, ok in zip(graphs, good, strict=True) if not ok]
        with pytest.raises(MetasimError, match=r"3 of 4 scenes failed: .*not finite"):
            of.render([*bad[:3], graphs[int(np.flatnonzero(good)[0])]], "test")


def test_a_bank_with_failures_is_the_same_again(tmp_path: Path) -> None:
    tame = Proposal(np.ones(1), np.ones((1, 1, 64)), (np.array([[0.9, 0.1]]),), np.array([0.1]))
    found = []
    with RenderPool(tests.FAULTS, workers=1) as pool:
        of = scenes(faulty_grammar(0.5), pool)
        for name in ("once", "again"):
            bank = Bank(tmp_path / name, of)
            bank.grow(lambda: tame, 40, lambda _: None)
            found.append(content(tmp_path / name))
            assert 20 < len(bank) < 40
    assert found[0] == found[1]


def test_the_density_of_the_bank_is_that_of_its_rounds(tmp_path: Path) -> None:
    with RenderPool("sprites") as pool:
        of = scenes(digits_grammar(), pool)
        bank = Bank(tmp_path, of)
        bank.grow(lambda: propose(of), 20, lambda _: None)
        narrow = Proposal(np.ones(1), propose(of).histograms, (np.array([[1.0, 0, 0]]),), np.array([0.1]))
        bank.grow(lambda: narrow, 60, lambda _: None)
    even, late = bank.shares(1.0), bank.shares(2.0)
    np.testing.assert_allclose(even, [0.25, 0.75])
    np.testing.assert_allclose(late, [20 / 140, 120 / 140])
    rng = stream(0, "test/points")
    units, classes = rng.random((7, 5, 3)), rng.integers(3, size=(7, 5, 1))
    rows = [np.exp(r.proposal.log_density(units[2], classes[2])) for r in bank.rounds]
    expected = np.log(late[0] * rows[0] + late[1] * rows[1])
    np.testing.assert_allclose(bank.log_density(units, classes, late)[2], expected)
