"""Where renders are made: an option of every verb that renders, and of nothing that a run keeps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from metasim.base.errors import InputError
from metasim.cli import main
from metasim.cli.options import open_executor
from metasim.config import load_experiment
from metasim.rendering.executor import LocalExecutor
from metasim.runs.configuration import config_digest
from metasim.runs.folder import RunFolder

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
DIGITS = EXPERIMENTS / "digits_rotation.yaml"
RAY = ("--set", "executor.kind=ray")


@pytest.fixture
def _without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("ray", "ray.cluster_utils"):
        monkeypatch.setitem(sys.modules, module, None)  # importing it raises


@pytest.mark.usefixtures("_without_ray")
@pytest.mark.parametrize("verb", ["train", "export", "objects", "sequences"])
def test_without_ray_the_line_that_installs_it_is_said(
    verb: str, run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cube.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (tmp_path / "film.blend").touch()
    out = tmp_path / "out"
    words = {
        "train": ["train", "--exp", str(DIGITS)],
        "export": ["export", "--run", str(run.path), "--format", "webdataset", "--num", "9"],
        "objects": ["render", "objects", "--assets", str(tmp_path)],
        "sequences": ["render", "sequences", "--scenes", str(tmp_path)],
    }
    assert main([*words[verb], "--out", str(out), *RAY]) == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert "executor.kind: ray, which is not installed; expected pip install" in line
    assert not out.exists()


@pytest.mark.usefixtures("_without_ray")
@pytest.mark.parametrize("words", [["scale"], ["same"], ["export", *RAY], ["match", "--quick", *RAY]])
def test_benchmarks_say_it_too(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").symlink_to(EXPERIMENTS)
    assert main(["bench", *words]) == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert "executor.kind: ray, which is not installed; expected pip install" in line


@pytest.mark.usefixtures("_without_ray")
def test_without_ray_all_else_works(run: RunFolder, tmp_path: Path) -> None:
    words = ["export", "--run", str(run.path), "--format", "folder", "--num", "2", "--split", "train=1"]
    assert main([*words, "--out", str(tmp_path / "default")]) == 0
    assert main([*words, "--out", str(tmp_path / "said"), "--set", "executor=local"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("renderer.size=64",), "--set renderer.size: no key of the executor"),
        (("executor.kind=dask",), "--set executor: kind"),
        (("executor.knid=ray",), "--set executor: knid"),
        (("executor.workers=0",), "--set executor: workers"),
    ],
)
def test_other_words_are_refused(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_executor([words])


def test_a_kind_alone_stands_for_a_section() -> None:
    assert isinstance(open_executor([]), LocalExecutor)
    assert load_experiment(DIGITS, ["executor=ray"]).executor.kind == "ray"
    assert load_experiment(DIGITS, ["executor.kind=ray", "executor.workers=7"]).executor.workers == 7


def test_a_run_does_not_depend_on_it() -> None:
    here, there = (load_experiment(DIGITS, [f"executor={kind}"]) for kind in ("local", "ray"))
    assert config_digest(here) == config_digest(there)
    assert here.model_dump() == there.model_dump()
