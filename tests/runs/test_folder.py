from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from metasim.base.errors import InputError
from metasim.config import ExperimentConfig, RendererConfig, TargetConfig
from metasim.runs.configuration import config_digest
from metasim.runs.folder import RunFolder, find_runs
from metasim.runs.manifest import Manifest
from metasim.runs.session import run_session


def config(**changes: object) -> ExperimentConfig:
    whole = ExperimentConfig(
        grammar={"root": "scene"},
        target=TargetConfig(images=Path("photos")),
        renderer=RendererConfig(kind="sprites"),
    )
    return whole.model_copy(update=changes)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_fresh_folder_holds_config_and_manifest(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "tyol/yaw", 3, config())
    assert folder.path == tmp_path / "tyol" / "yaw" / "3"
    assert ExperimentConfig.model_validate(yaml.safe_load(folder.config.read_text())) == config()
    assert Manifest.load(folder.manifest).experiment == "tyol/yaw"


def test_without_resume_nothing_is_touched(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "a", 0, config())
    with run_session(folder):
        pass
    before = content(folder.path)
    with pytest.raises(InputError, match=r"--resume.*--out.*--seed"):
        RunFolder.create(tmp_path, "a", 0, config())
    assert content(folder.path) == before


def test_resume_continues_the_same_configuration_only(tmp_path: Path) -> None:
    first = RunFolder.create(tmp_path, "a", 0, config())
    assert RunFolder.create(tmp_path, "a", 0, config(), resume=True) == first
    with pytest.raises(InputError, match="different configuration"):
        RunFolder.create(tmp_path, "a", 0, config(seed=1), resume=True)


def test_resume_may_move_to_another_machine() -> None:
    engine = RendererConfig(kind="sprites", workers=7, timeout_s=1.0)
    assert config_digest(config(device="cuda", renderer=engine)) == config_digest(config())
    other = RendererConfig.model_validate({"kind": "sprites", "size": 8})
    assert config_digest(config(renderer=other)) != config_digest(config())


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a" / "0").mkdir(parents=True)
    (tmp_path / "a" / "0" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="something that is no run"):
        RunFolder.create(tmp_path, "a", 0, config(), resume=True)


@pytest.mark.parametrize(
    ("name", "text"), [("g.yaml", "symbols: {object: 1}"), ("g.json", '{"symbols": {"object": 1}}')]
)
def test_grammar_files_are_inlined(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    folder = RunFolder.create(tmp_path / "results", "a", 0, config(grammar=tmp_path / name))
    (tmp_path / name).unlink()
    assert yaml.safe_load(folder.config.read_text())["grammar"] == {"symbols": {"object": 1}}


def test_a_changed_grammar_file_is_another_configuration(tmp_path: Path) -> None:
    grammar = tmp_path / "g.yaml"
    grammar.write_text("a: 1")
    before = config_digest(config(grammar=grammar))
    grammar.write_text("a: 2")
    assert config_digest(config(grammar=grammar)) != before


HOLD = """
import sys, time
from pathlib import Path
from metasim.runs.folder import RunFolder
from metasim.runs.session import run_session
with run_session(RunFolder(Path(sys.argv[1]))) as session:
    session.count_renders("learning", 5)
    print("held", flush=True)
    time.sleep(60)
"""


def hold(folder: RunFolder) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(folder.path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_one_process_at_a_time_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "a", 0, config())
    process = hold(folder)
    try:
        assert folder.status() == "running"
        with pytest.raises(InputError, match="in progress"), run_session(folder):
            pass
        with pytest.raises(InputError, match="in progress"):
            RunFolder.create(tmp_path, "a", 0, config(), resume=True)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert folder.status() == "interrupted"
    with run_session(folder) as session:
        assert session.renders == {"learning": 5}
        session.count_renders("learning", 2)
        session.count_renders("verdict", 1)
    assert folder.status() == "finished"
    assert Manifest.load(folder.manifest).renders == {"learning": 7, "verdict": 1}


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, "interrupted"), (ValueError, "failed")])
def test_how_a_session_ended(tmp_path: Path, error: type[BaseException], status: str) -> None:
    folder = RunFolder.create(tmp_path, "a", 0, config())
    with pytest.raises(error), run_session(folder):
        raise error
    assert folder.status() == status


def test_the_time_of_sessions_adds_up(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "a", 0, config())
    seconds = []
    for _ in range(3):
        with run_session(folder):
            pass
        seconds.append(Manifest.load(folder.manifest).seconds)
    assert 0 < seconds[0] < seconds[1] < seconds[2]


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "a", 0, config())
    folder.manifest.write_text(json.dumps({"experiment": "a"}))
    with pytest.raises(InputError, match=r"manifest\.json: seed"):
        folder.status()


def test_all_runs_are_found(tmp_path: Path) -> None:
    made = [RunFolder.create(tmp_path, name, seed, config()) for name in ("a", "b/c") for seed in (0, 1)]
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "manifest.json").write_text("{}")
    assert find_runs(tmp_path) == made
    assert find_runs(made[0].path) == made[:1]
