"""The command line as a process: fast help, exit statuses, one line an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metasim import cli
from metasim.base.errors import InputError, MetasimError

HEAVY = {"torch", "numpy", "scipy", "sklearn", "matplotlib", "bpy", "mlagents_envs"}


def metasim(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("metasim")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


class Failing:
    """A verb that ends as it is told to."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def run(self) -> int:
        raise self.error


def status_of(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(cli, "parse", lambda arguments: Failing(error))
    return cli.main([])


def test_help_answers_within_a_second() -> None:
    done = metasim("--help")  # warms the disk cache
    seconds: list[float] = []
    for _ in range(3):
        start = time.perf_counter()
        done = metasim("--help")
        seconds.append(time.perf_counter() - start)
    assert done.returncode == 0
    assert min(seconds) < 1.0


def test_help_lists_every_verb() -> None:
    listed = metasim("--help").stdout
    for verb in cli.VERBS:
        assert verb in listed


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main([verb, "--help"])
    assert left.value.code in (None, 0)
    assert f"metasim {verb}" in capsys.readouterr().out


def test_reading_a_command_line_imports_nothing_heavy() -> None:
    program = f"""
import sys
from metasim import cli
try:
    cli.parse(["--help"])
except SystemExit:
    pass
sys.exit(sorted({HEAVY!r} & set(sys.modules)) or 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_verb_module_is_listed() -> None:
    folder = Path(cli.__file__).parent
    verbs = {path.stem for path in folder.glob("*.py") if "def run(self) -> int:" in path.read_text()}
    alone = {verb for verb in verbs if verb.partition("_")[0] not in cli.VERBS or "_" not in verb}
    assert alone - {"__init__"} == set(cli.VERBS)


@pytest.mark.parametrize("arguments", [["no-such-verb"], ["doctor", "--no-such-option"], []])
def test_wrong_command_lines_end_with_status_2(arguments: list[str]) -> None:
    done = metasim(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_bad_input_is_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = InputError("tyol.yaml: seed", "-1", "at least 0")
    assert status_of(error, monkeypatch) == 2
    assert capsys.readouterr().err == f"metasim: {error}\n"


def test_a_run_that_cannot_go_on_is_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    assert status_of(MetasimError("disk full"), monkeypatch) == 1


def test_an_interrupted_run_is_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    assert status_of(KeyboardInterrupt(), monkeypatch) == 130


class Waiting:
    """A verb that is stopped by a signal, or waits."""

    def __init__(self, number: signal.Signals) -> None:
        self.number = number

    def run(self) -> int:
        os.kill(os.getpid(), self.number)
        time.sleep(10)
        return 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_ends_a_service_or_a_terminal_ends_the_work_cleanly(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "parse", lambda _: Waiting(number))
    before = signal.signal(number, signal.SIG_DFL)  # the tests may run under nohup themselves
    try:
        began = time.monotonic()
        assert cli.main([]) == 128 + number
        assert time.monotonic() - began < 5
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        status_of(ZeroDivisionError(), monkeypatch)


@pytest.mark.parametrize(
    "script", sorted((Path(__file__).parents[2] / "scripts").glob("*.py")), ids=lambda p: p.stem
)
def test_scripts_are_verbs_from_any_directory(script: Path, tmp_path: Path) -> None:
    if script.stem not in cli.VERBS:
        pytest.skip(f"no verb {script.stem} yet")
    command = [sys.executable, str(script), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0
    assert f"metasim {script.stem}" in done.stdout


def test_bench_takes_what_to_measure_as_a_word() -> None:
    from metasim.cli import parse
    from metasim.cli.bench import Bench, Match

    assert parse(["bench", "match", "--quick"]) == Bench(Match(quick=True))
    with pytest.raises(SystemExit) as left:
        parse(["bench"])
    assert left.value.code == 2
