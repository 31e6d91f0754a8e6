from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metasim.base.errors import InputError
from metasim.runs.checkpoint import load_checkpoint, save_checkpoint

plain = st.recursive(
    st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.booleans()
    | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=25, deadline=None)
@given(data=plain, size=st.integers(0, 9))
def test_round_trip(data: object, size: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("checkpoint") / "last.pt"
    save_checkpoint(path, {"weights": torch.arange(size), "plain": data})
    back = load_checkpoint(path)
    assert torch.equal(back["weights"], torch.arange(size))
    assert back["plain"] == data


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_damaged_file_is_named(tmp_path: Path, share: float) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"weights": torch.zeros(1000)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=r"last\.pt: not readable") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_objects_that_would_run_code_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    torch.save({"path": Path("x")}, path)
    with pytest.raises(InputError, match="not readable"):
        load_checkpoint(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"best\.pt: no such file"):
        load_checkpoint(tmp_path / "best.pt")


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"step": 1})
    with pytest.raises(Exception, match="pickle"):
        save_checkpoint(path, {"step": lambda: 2})
    assert load_checkpoint(path) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]
