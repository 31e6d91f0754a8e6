"""A target that looks otherwise: renders are made to look like it where they are read, never on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_runs import SMALL, train

from metasim.runs.summary import Summary

pytestmark = pytest.mark.usefixtures("brief_reports")

CHANGED = (*SMALL, "matching.renders=200", "target.changed=looks")


def test_renders_are_made_to_look_like_the_target(tmp_path: Path) -> None:
    folder = train("digits_rotation", tmp_path, CHANGED)
    verdict = Summary.load(folder.summary).verdict
    assert "made to look like it first: blur" in verdict.words
    for file in folder.bank.rglob("*.npz"):
        with np.load(file, allow_pickle=False) as rows:
            if "images" in rows:
                assert (np.median(rows["images"], axis=(1, 2)) == 0).all()
