"""The verb ``train`` on wrong input: one line, status 2, and nothing written anywhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from small_runs import told

from metasim.cli import main
from metasim.config import load_experiment
from metasim.runs.folder import RunFolder
from metasim.runs.summary import Summary

ROOT = Path(__file__).parents[2]
PATIENCE = 270  # seconds: a minute on a slow machine with nothing else running, more beside other tests
Tree = dict[str, Any]


def grammar(mean: float = 0.0, **digit: Any) -> Tree:
    law = {"normal": {"mean": mean, "std": 10}}
    yaw = {"unit": "deg", "range": [0, 360], "periodic": True, "mutable": True, "law": law}
    symbols = {
        "image": {"children": ["digit"]},
        "digit": {"classes": [0, 1], "attributes": {"yaw": yaw}, **digit},
    }
    return {"start": "image", "symbols": symbols}


def experiment() -> Tree:
    """A sound experiment."""
    return {
        "grammar": grammar(),
        "target": {"grammar": grammar(90.0), "num": 60},
        "renderer": {"kind": "sprites", "size": 16},
    }


def changed(tree: Tree, path: str, value: Any) -> Tree:
    *steps, last = path.split(".")
    for step in steps:
        tree = tree[step]
    if value is None:
        del tree[last]
    else:
        tree[last] = value
    return tree


def pictures(folder: Path, number: int = 40, side: int = 16) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(number):
        level = np.full((side, side, 3), index, np.uint8)
        Image.fromarray(level).save(folder / f"{index:03d}.png")
    return folder


@dataclass
class Desk:
    """A folder with an experiment file beside other things."""

    path: Path
    capsys: pytest.CaptureFixture[str]

    def tree(self) -> dict[str, tuple[int, bytes]]:
        return {
            str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in self.path.rglob("*")
        }

    def refused(self, *options: str, content: Tree | bytes | None = None) -> str:
        """What is said of an experiment that must be refused and must leave no trace."""
        file = self.path / "mine.yaml"
        if not isinstance(content, bytes):
            content = yaml.safe_dump(experiment() if content is None else content).encode()
        file.write_bytes(content)
        before = self.tree()
        status = main(["train", "--exp", str(file), "--out", str(self.path / "out"), *options])
        said = self.capsys.readouterr()
        assert status == 2, said.err
        assert said.err.count("\n") == 1, said.err
        assert said.err.startswith("metasim: ")
        assert "; expected " in said.err
        assert not said.out
        assert self.tree() == before
        return said.err


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


ATTRIBUTE = "grammar.symbols.digit.attributes.yaw"
NORMAL = {"normal": {"mean": 0, "std": 10}}


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("grammar", None, "mine.yaml: grammar: nothing"),
        ("target", None, "mine.yaml: target: nothing"),
        ("renderer", None, "mine.yaml: renderer: nothing"),
        ("renderer.kind", None, "mine.yaml: renderer.kind: nothing"),
        ("matching", {"rendres": 5}, "matching.rendres: unknown key; expected 'renders' perhaps"),
        ("trget", {}, "mine.yaml: trget: unknown key; expected 'target' perhaps"),
        ("matching", {"renders": 5}, "matching.renders: 5"),
        ("matching", {"effort": 0}, "matching.effort: 0"),
        ("seed", -1, "seed: -1"),
        ("name", "../elsewhere", "name: '../elsewhere'"),
        ("name", "/tmp/elsewhere", "name: '/tmp/elsewhere'"),
        ("target", 5, "mine.yaml: target: 5"),
        ("target.images", "photos", "give either images or grammar"),
        ("target.num", 20, "target.num: 20"),
        ("target.held_out", 0.01, "target.held_out: 0.01"),
        ("target.grammar", "none.yaml", "none.yaml: No such file"),
        ("grammar", "none.json", "none.json: No such file"),
        ("grammar", ".", "Is a directory"),
        ("renderer.kind", "spritse", "renderer.kind: spritse; expected sprites"),
        ("renderer.kind", "os:path", "renderer.kind: os:path"),
        ("renderer.kind", "..os:path", "renderer.kind: ..os:path"),
        ("renderer.sizes", 16, "renderer.sizes: unknown option; expected size"),
        ("renderer.size", -3, "renderer.size: -3"),
        ("renderer.split", "third", "renderer.split: 'third'"),
        ("renderer.digits", "nowhere", "nowhere"),
        ("renderer.workers", 0, "renderer.workers: 0"),
        ("target.renderer", {"splitt": "odd"}, "target.renderer.splitt: unknown option; expected split"),
        ("target.renderer", {"size": 20}, "target.renderer: images of 20 x 20 pixels"),
        (f"{ATTRIBUTE}.law", {"normal": {"mean": 0, "std": -1}}, "yaw.law.normal.std: -1"),
        (f"{ATTRIBUTE}.range", [5, 5], "attributes.yaw: "),
        (f"{ATTRIBUTE}.range", [9, 5], "attributes.yaw: "),
        (f"{ATTRIBUTE}.law", {"nrmal": {"mean": 0}}, "law"),
        (
            "grammar.symbols.digit.attributes.loc_x",
            {"range": [0, 16], "law": {"fixed": 99}},
            "loc_x.law.fixed",
        ),
        (
            "grammar.symbols.digit.attributes.loc_x",
            {"range": [0, 16], "law": {"uniform": [3, 99]}},
            "loc_x.law",
        ),
        ("grammar.symbols.digit.children", ["digit"], "so that scenes end"),
        ("grammar.symbols.image.children", ["digits"], "unknown symbol 'digits'; expected 'digit'"),
        ("grammar.start", "root", "start: 'root'"),
        (f"{ATTRIBUTE}.mutable", False, "no mutable attribute"),
        (
            "grammar.symbols.image.children",
            [{"symbol": "digit", "count": {"uniform": [2, 3]}}],
            "target.grammar: scenes of 1 digit; expected numbers that can be made",
        ),
        (
            "target.grammar.symbols.image.children",
            [{"symbol": "digit", "count": 2}],
            "target.grammar: scenes of image, digit, digit_2; expected scenes of image, digit,",
        ),
        (
            "target.grammar.symbols.image.children",
            [{"symbol": "digit", "count": {"uniform": [1, 3]}}],
            "target.grammar: productions or counts that vary",
        ),
        (
            "target.grammar.symbols.digit.attributes",
            {"loc_x": {"range": [0, 16], "law": {"fixed": 9}}},
            "target.grammar: digit.yaw: no such attribute",
        ),
        (
            "target.grammar.symbols.digit.attributes.yaw",
            {"unit": "px", "range": [0, 16], "law": {"fixed": 9}},
            "target.grammar: digit.yaw: unit px; expected unit deg",
        ),
        (
            "target.grammar.symbols.digit.classes",
            [0, 7],
            "target.grammar: digit: class 7; expected one of 0, 1",
        ),
    ],
)
def test_a_wrong_experiment_is_refused(desk: Desk, path: str, value: Any, fault: str) -> None:
    content = experiment()
    changed(content, path, value)
    assert fault in desk.refused(content=content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"- a\n- b\n",
        b"grammar: {start: image\n",
        b"just words",
        bytes(range(256)),
        b"a: [1, 2",
        b"\0\0\0",
    ],
)
def test_what_is_no_experiment_is_refused(desk: Desk, content: bytes) -> None:
    assert "mine.yaml" in desk.refused(content=content)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("matching.step=5", "matching.step: unknown key"),
        ("nonsense.key=5", "nonsense: unknown key"),
        ("seed", "--set: seed; expected path.to.key=value"),
        ("seed=[", "--set seed: ["),
        ("seed.more=3", "--set seed.more: "),
        ("renderer.kind=blunder", "renderer.kind: blunder; expected blender"),
    ],
)
def test_a_wrong_change_is_refused(desk: Desk, change: str, fault: str) -> None:
    content = experiment()
    content["seed"] = 0
    assert fault in desk.refused("--set", change, content=content)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_device_that_is_not_there_is_refused(desk: Desk) -> None:
    assert "device: cuda" in desk.refused("--set", "device=cuda")


def empty(folder: Path) -> None:
    folder.mkdir()


def few(folder: Path) -> None:
    pictures(folder, 29)


def a_file(folder: Path) -> None:
    folder.write_text("no folder")


def of_two_sizes(folder: Path) -> None:
    pictures(folder)
    Image.new("RGB", (17, 16)).save(folder / "020.png")


def cut_short(folder: Path) -> None:
    pictures(folder)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(folder / "020.png")
    (folder / "020.png").write_bytes((folder / "020.png").read_bytes()[:2000])


def no_image(folder: Path) -> None:
    pictures(folder)
    (folder / "020.png").write_bytes(b"no image at all")


def no_data(folder: Path) -> None:
    pictures(folder)
    (folder / "020.png").write_bytes(b"")


@pytest.mark.parametrize(
    ("lay", "fault"),
    [
        (lambda folder: None, "photos: no such folder"),
        (a_file, "photos: a file; expected a folder"),
        (empty, "photos: 0 images; expected at least 30"),
        (few, "photos: 29 images; expected at least 30"),
        (of_two_sizes, "020.png: 17 x 16 pixels; expected 16 x 16"),
        (cut_short, "020.png: not readable"),
        (no_image, "020.png: not readable"),
        (no_data, "020.png: not readable"),
    ],
)
def test_wrong_photographs_are_refused(desk: Desk, lay: Callable[[Path], Any], fault: str) -> None:
    lay(desk.path / "photos")
    content = experiment()
    content["target"] = {"images": "photos"}
    said = desk.refused(content=content)
    assert "target.images" in said
    assert fault in said


def test_a_folder_of_anything_else_is_refused(desk: Desk) -> None:
    run = desk.path / "out" / "mine" / "0"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text("mine: true\n")
    for options in ((), ("--resume",)):
        assert "something that is no run" in desk.refused(*options)


@pytest.mark.parametrize("blocked", ["out", "out/mine", "out/mine/0"])
def test_a_file_in_the_place_of_a_folder_is_refused(desk: Desk, blocked: str) -> None:
    place = desk.path / blocked
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("a file")
    assert "out" in desk.refused()


def test_a_run_of_another_experiment_is_refused(desk: Desk) -> None:
    desk.refused("--set", "nonsense=1")  # leaves the file
    config = load_experiment(desk.path / "mine.yaml", ["verdict.draws=7"])
    RunFolder.create(desk.path / "out", "mine", 0, config)
    for options in ((), ("--resume",)):
        assert "a run of a different configuration" in desk.refused(*options)


def test_paths_of_an_experiment_are_relative_to_its_file(desk: Desk) -> None:
    desk.refused("--set", "nonsense=1")  # leaves the file
    (desk.path / "weights.pth").touch()
    config = load_experiment(desk.path / "mine.yaml", ["inception_weights=weights.pth"])
    assert config.inception_weights == desk.path / "weights.pth"
    assert load_experiment(desk.path / "mine.yaml").inception_weights is None


def train_from(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    script = [sys.executable, str(ROOT / "scripts" / "train.py"), *options]
    return subprocess.run(script, capture_output=True, text=True, cwd=folder, timeout=PATIENCE)


def test_the_process_says_one_line_too(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("grammar: none.yaml\n")
    done = train_from(tmp_path, "--exp", "mine.yaml")
    assert done.returncode == 2
    assert done.stderr == "metasim: mine.yaml: target: nothing; expected a value\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


@pytest.mark.slow
def test_photographs_are_learnt_from_any_directory(tmp_path: Path) -> None:
    home = tmp_path / "experiments"
    photos = pictures(home / "photos", side=20)
    Image.new("RGBA", (20, 20), (9, 9, 9, 128)).save(photos / "005.png")
    Image.new("L", (20, 20), 7).save(photos / "007.jpg")
    content = experiment()
    content["target"] = {"images": "photos"}
    (home / "mine.yaml").write_text(yaml.safe_dump(content))
    done = train_from(tmp_path / "elsewhere", "--exp", "../experiments/mine.yaml", *told())
    assert done.returncode == 0, done.stderr
    run = tmp_path / "results" / "mine" / "0"
    assert done.stdout == f"report: {run / 'report.html'}\n"
    assert "resized to the renderer's 16 x 16" in done.stderr
    assert "made RGB" in done.stderr
    summary = Summary.load(run / "summary.json")
    assert summary.verdict.n_target == 20
    assert summary.attributes["digit.yaw"].target is None
    assert not list((tmp_path / "elsewhere").iterdir())
