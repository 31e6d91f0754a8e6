from __future__ import annotations

from pathlib import Path

import pytest

from metasim.base.errors import InputError
from metasim.runs.published import published_logs, read_published


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def test_published_tables_become_logs_of_one_run(tmp_path: Path) -> None:
    progress = tmp_path / "1_attr" / "experiment4" / "progress"
    mmd = write(
        progress / "mmd.csv",
        "epoch,mmd_loss,dataset_gen_time,epoch_runtime",
        "0,18.76,30.5,90.25",
        "1,15.99,31.0,89.75",
    )
    gcn = write(progress / "gcn.csv", "rec_epoch,batch,class_loss,cont_loss,loss", "0,0,1.5,0.25,0.4")
    (name,) = logs = published_logs([gcn, mmd])
    assert name == "published 1_attr/experiment4"
    first, *epochs = logs[name]
    assert first["stage"] == "reconstruct"
    assert (first["step"], first["loss"], first["class_loss"], first["content_loss"]) == (0, 0.4, 1.5, 0.25)
    assert [line["mmd2"] for line in epochs] == [18.76, 15.99]
    assert [line["step"] for line in epochs] == [0, 1]
    assert [line["seconds"] for line in epochs] == [90.25, 180.0]


def test_digit_runs_have_a_task_besides(tmp_path: Path) -> None:
    path = write(
        tmp_path / "mmd_mnist.csv",
        "epoch,mmd_loss,task_loss,loss,task_acc,dataset_gen_time,epoch_runtime",
        "0,1.8,2.3,4.1,0.35,1.0,2.0",
    )
    (line,) = read_published(path)
    assert (line["mmd2"], line["task_loss"], line["accuracy"]) == (1.8, 2.3, 0.35)


@pytest.mark.parametrize(
    "lines", [(), ("a,b", "1,2"), ("epoch,mmd_loss", "0,much"), ("mmd_loss", "1.0"), ("epoch,mmd_loss", "0")]
)
def test_other_tables_are_refused(tmp_path: Path, lines: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"mmd\.csv"):
        read_published(write(tmp_path / "mmd.csv", *lines))
    with pytest.raises(InputError):
        read_published(tmp_path / "nowhere.csv")
