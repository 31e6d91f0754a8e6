"""A process that writes in a loop is killed at arbitrary moments; what it leaves is always whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from metasim.base.streams import stream
from metasim.runs.checkpoint import load_checkpoint
from metasim.runs.folder import RunFolder
from metasim.runs.log import RunLog
from metasim.runs.manifest import Manifest
from metasim.runs.metrics import read_metrics
from metasim.runs.session import run_session

WRITER = """
import sys
from pathlib import Path
import torch
from metasim.runs.checkpoint import save_checkpoint
from metasim.runs.folder import RunFolder
from metasim.runs.log import RunLog
from metasim.runs.manifest import Manifest
folder = RunFolder(Path(sys.argv[1]))
log = RunLog(folder, tensorboard=False)
manifest = Manifest(experiment="kill", seed=0, digest="0")
step = int(sys.argv[2])
while True:
    weights = torch.full((200_000,), float(step))
    save_checkpoint(folder.checkpoints / "last.pt", {"step": step, "weights": weights})
    log.scalars("refine", step, step, loss=float(step), note=float(step) / 3)
    manifest.renders = {"learning": step}
    manifest.save(folder.manifest)
    if step == int(sys.argv[2]) + 1:
        print("writing", flush=True)
    step += 1
"""
KILLS = 3


def kill_while_writing(folder: RunFolder, first_step: int, wait: float) -> None:
    command = [sys.executable, "-c", WRITER, str(folder.path), str(first_step)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    time.sleep(wait)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_files_are_whole_after_kill_9(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    waits = stream(0, "kill").uniform(0.0, 0.25, KILLS)
    step, killed_between = 0, set[int]()
    for wait in waits:
        kill_while_writing(folder, step, float(wait))
        kept = load_checkpoint(folder.checkpoints / "last.pt")
        assert (kept["weights"] == kept["step"]).all()
        assert kept["step"] >= step + 1
        assert Manifest.load(folder.manifest).renders["learning"] in (kept["step"], kept["step"] - 1)
        step = kept["step"] + 1
        with RunLog(folder, tensorboard=False) as log:
            log.rewind("refine", step)
        lines = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
        assert lines == read_metrics(folder.metrics)
        logged = [line["step"] for line in lines]
        assert logged == sorted(set(logged))
        killed_between.add(step - 1)  # saved, perhaps not logged any more
        assert set(range(step)) - set(logged) <= killed_between
    with run_session(folder):
        assert not list(tmp_path.rglob(".*.partial"))
