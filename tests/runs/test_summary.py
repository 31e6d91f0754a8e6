from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from metasim.base.errors import InputError
from metasim.runs.summary import Summary

ATTRIBUTE: dict[str, Any] = {
    "unit": "deg",
    "range": [0.0, 360.0],
    "periodic": True,
    "identifiable": True,
    "spread_identifiable": True,
    "classes_not_identifiable": ["bowl"],
    "prior": {"mean": 180.0, "std": 30.0},
    "generated": {"mean": 91.0, "std": 9.0},
    "mean_error": 0.5,
    "std_error": 0.4,
    "target": None,
    "w1_prior": None,
    "w1": None,
    "w1_floor": None,
}
EVIDENCE: dict[str, Any] = {
    "n_target": 5,
    "n_generated": 6,
    "mmd2": -1e-3,
    "mmd2_floor": 1e-3,
    "p_value": 0.2,
    "c2st": 0.5,
    "c2st_ci": [0.4, 0.6],
    "p_values": [0.1, 0.3],
    "null_p_values": [0.5],
    "null_c2st": 0.49,
}
SHIFT: dict[str, Any] = {"difference": -1.5, "error": 0.5, "p_value": 0.003, "smallest": 1.6, "power": 1.0}
SUMMARY: dict[str, Any] = {
    "experiment": "tyol/yaw",
    "seed": 0,
    "renders": 10,
    "wall_seconds": 1.5,
    "render_seconds": 0.5,
    "verdict": {
        **EVIDENCE,
        "finding": "attributes",
        "words": "The attributes differ.",
        "produces_target": True,
        "novelty": 0.01,
        "bank_novelty": 0.0,
        "spread_p_value": 0.5,
        "features": {"inverse": EVIDENCE},
        "shifts": {"object.yaw": SHIFT},
        "readings": {"object.yaw": {"error": 1.0, "explained": {"mug": 0.9, "bowl": -0.1}}},
        "false_alarms": {"mmd": 0.05},
    },
    "attributes": {"object.yaw": ATTRIBUTE},
    "correlations": [{"a": "object.x", "b": "object.z", "target": None, "generated": 0.5, "error": 0.1}],
    "classes": {"object": {"mug": {"target": None, "generated": 1.0}}},
    "counts": {"object": {"1": {"target": 1.0, "generated": 1.0}}},
}


def write(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_the_contract_is_read_and_written_without_loss(tmp_path: Path) -> None:
    path = write(tmp_path / "summary.json", SUMMARY)
    Summary.load(path).save(path)
    assert json.loads(path.read_text()) == SUMMARY


FAULTS: list[tuple[tuple[str, ...], object]] = [
    (("renders",), -1),
    (("verdict", "p_value"), 1.5),
    (("verdict", "c2st_ci"), [0.1]),
    (("attributes", "object.yaw", "generated", "std"), -1.0),
    (("attributes", "object.yaw", "range"), [0.0]),
    (("attributes", "object.yaw", "surplus"), 1),
    (("seed",), None),
]


@pytest.mark.parametrize(("place", "value"), FAULTS)
def test_a_breach_is_named(tmp_path: Path, place: tuple[str, ...], value: object) -> None:
    content = copy.deepcopy(SUMMARY)
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    with pytest.raises(InputError, match=r"summary\.json: " + r"\.".join(place).replace("[", r"\[")):
        Summary.load(write(tmp_path / "summary.json", content))


def test_evidence_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    first = list(EVIDENCE)[:7]
    old = {**SUMMARY, "verdict": {key: EVIDENCE[key] for key in first}}
    verdict = Summary.load(write(tmp_path / "summary.json", old)).verdict
    assert verdict.finding is None
    assert json.loads(verdict.model_dump_json())["c2st_ci"] == [0.4, 0.6]


@pytest.mark.parametrize("key", [key for key in ATTRIBUTE if not key.endswith("_error")])
def test_every_entry_of_an_attribute_is_needed(tmp_path: Path, key: str) -> None:
    content = copy.deepcopy(SUMMARY)
    del content["attributes"]["object.yaw"][key]
    with pytest.raises(InputError, match=key):
        Summary.load(write(tmp_path / "summary.json", content))
