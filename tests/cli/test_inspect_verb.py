"""The verb inspect and experiments on .blend files: what is listed can be bound, the starter runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from small_runs import EXPERIMENTS, SMALL, told

from metasim.base.errors import InputError
from metasim.cli import main
from metasim.config import load_experiment
from metasim.rendering.pool import RenderPool
from metasim.runs.configuration import config_digest
from metasim.runs.summary import Summary

pytestmark = pytest.mark.blender

BLEND = EXPERIMENTS / "own_blend.blend"
SMALLER = (*SMALL, "output.keep_images=8", "renderer.size=16", "renderer.samples=1")
YAW = 'objects["Mug"].rotation_euler[2]'


def experiment(folder: Path, **bind: Any) -> Path:
    """An experiment whose .blend file is named relative to it."""
    attribute = {
        "unit": "deg",
        "range": [0, 360],
        "periodic": True,
        "mutable": True,
        "law": {"uniform": [0, 9]},
    }
    symbols = {"scene": {"children": ["mug"]}, "mug": {"attributes": {"yaw": attribute}}}
    grammar = {"start": "scene", "symbols": symbols}
    renderer = {"kind": "blender", "scene": "files/mug.blend", "bind": bind}
    (folder / "files").mkdir()
    (folder / "files" / "mug.blend").write_bytes(BLEND.read_bytes())
    file = folder / "mug.yaml"
    file.write_text(
        yaml.safe_dump({"grammar": grammar, "target": {"grammar": grammar}, "renderer": renderer})
    )
    return file


@pytest.mark.usefixtures("brief_reports")
def test_what_is_listed_can_be_bound_and_the_starter_trains(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deeper" / "starter.yaml"
    assert main(["inspect", str(BLEND), "--out", str(out)]) == 0
    listed = dict(line.rsplit("  ", 1) for line in capfd.readouterr().out.splitlines() if '["' in line)
    listed = {path.strip(): value for path, value in listed.items()}
    assert listed[YAW] == "0 deg"
    assert listed['lights["Key"].energy'] == "10"
    assert listed['cameras["Camera"].lens'] == "85 mm"
    bind = load_experiment(out).renderer.options["bind"]
    assert {target["path"] for target in bind.values()} <= set(listed)
    assert main(["train", "--exp", str(out), "--out", str(tmp_path), *told(SMALLER)]) == 0
    run = tmp_path / "starter" / "0"
    assert Summary.load(run / "summary.json").attributes.keys() == bind.keys()
    looks = [file.read_bytes() for file in (run / "images" / "target").glob("*.png")]
    assert len(set(looks)) == len(looks) > 1


@pytest.mark.parametrize(
    ("name", "message"),
    [("no.blend", "no such file"), ("a.obj", "expected a .blend"), ("b.blend", "b.blend: ")],
)
def test_a_file_that_cannot_be_read_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    (tmp_path / "b.blend").write_bytes(b"no Blender file")
    assert main(["inspect", str(tmp_path / name)]) == 2
    (line,) = capfd.readouterr().err.splitlines()  # of whichever process
    assert message in line


def test_an_experiment_that_exists_is_kept(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("mine")
    assert main(["inspect", str(BLEND), "--out", str(mine)]) == 2
    assert mine.read_text() == "mine"


def test_the_file_is_found_beside_the_experiment_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = experiment(tmp_path, **{"mug.yaw": YAW})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    options = load_experiment(Path("../mug.yaml")).renderer.options
    assert Path(options["scene"]) == file.parent / "files" / "mug.blend"
    assert options["bind"]["mug.yaw"] == {"path": YAW, "unit": "deg", "range": [0.0, 360.0]}


def test_a_file_that_has_changed_is_another_experiment(tmp_path: Path) -> None:
    file = experiment(tmp_path, **{"mug.yaw": YAW})
    before = load_experiment(file)
    with (tmp_path / "files" / "mug.blend").open("ab") as changed:
        changed.write(b"more")
    assert config_digest(load_experiment(file)) != config_digest(before)
    with (
        RenderPool("blender", before.renderer.options, workers=1) as pool,
        pytest.raises(InputError, match=r"mug\.blend has changed"),
    ):
        _ = pool.capabilities


def test_a_missing_file_or_binding_is_told_as_the_experiment_is_read(tmp_path: Path) -> None:
    file = experiment(tmp_path, **{"mug.yow": YAW})
    with pytest.raises(InputError, match=r"mug.yaml: renderer.bind.mug.yow: nothing of that name"):
        load_experiment(file)
    with pytest.raises(InputError, match=r"renderer.scene: no file .*gone.blend"):
        load_experiment(file, ["renderer.scene=gone.blend"])


def test_train_ends_with_status_2_at_a_path_that_leads_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = experiment(tmp_path, **{"mug.yaw": YAW.replace("Mug", "Mgu")})
    assert main(["train", "--exp", str(file), "--out", str(tmp_path / "results")]) == 2
    assert capfd.readouterr().err.splitlines()[-1].endswith(f"no such thing; expected {YAW}")
    assert not (tmp_path / "results").exists()
