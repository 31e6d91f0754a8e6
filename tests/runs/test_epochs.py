from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metasim.base.errors import InputError
from metasim.runs.epochs import Epoch, load_epochs


def test_epochs_come_back_in_their_order(tmp_path: Path) -> None:
    kept = [Epoch(n, f"stage {n}", 100 * n, np.full((5, 2), n / 4)) for n in (11, 0, 2)]
    kept[1].values[0, 0] = np.nan
    for epoch in kept:
        epoch.save(tmp_path)
    found = load_epochs(tmp_path)
    assert [e.number for e in found] == [0, 2, 11]
    for epoch in kept:
        (same,) = (e for e in found if e.number == epoch.number)
        assert (same.stage, same.renders) == (epoch.stage, epoch.renders)
        assert np.array_equal(same.values, epoch.values, equal_nan=True)


def test_no_folder_has_no_epochs(tmp_path: Path) -> None:
    assert load_epochs(tmp_path / "epochs") == []


def test_a_damaged_epoch_is_named(tmp_path: Path) -> None:
    (tmp_path / "epoch_0003.npz").write_bytes(b"PK no")
    with pytest.raises(InputError, match="epoch_0003"):
        load_epochs(tmp_path)
