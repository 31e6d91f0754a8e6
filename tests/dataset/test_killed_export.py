"""An export killed five times, then resumed, has the bytes of one that was left alone."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
import time
from pathlib import Path

import numpy as np
from digits import export

from metasim.dataset.verify import verify

NUM = 300
KILLS = 5
PER_PART = 20


def digest(folder: Path) -> dict[str, str]:
    """Hash of every file by path, except what was measured."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name != "costs")
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_five_kills_change_no_byte(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    whole, out = tmp_path / "whole", tmp_path / "killed"
    export(whole, NUM, part_samples=PER_PART)
    parts = len(list(whole.glob("*/*.tar")))
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["digits"])  # its imports are done once, not with every process
    for kill in range(KILLS):
        process = processes.Process(target=export, args=(out, NUM, True, 0, PER_PART))
        process.start()
        goal = min((kill + 1) * parts // (KILLS + 1) + int(rng.integers(0, 3)), parts - 1)
        while process.is_alive() and len(list(out.glob("*/*.tar"))) < goal:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not (out / "manifest.json").exists()
    export(out, NUM, resume=True, part_samples=PER_PART)
    assert verify(out) == []
    assert digest(out) == digest(whole)
    flipped = out / "train/00003.tar"
    data = bytearray(flipped.read_bytes())
    data[int(rng.integers(len(data)))] ^= 1
    flipped.write_bytes(data)
    assert verify(out) == ["train/00003.tar: other content than was written"]
