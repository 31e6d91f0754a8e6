"""SetReader: a set has no order, hidden objects are not asked for, and a calibrated reader stays a reader."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from structure_scenes import INVENTORY, rendered  # pyright: ignore[reportMissingImports]

from metasim.matching.structure.bank import SetRenders
from metasim.matching.structure.inventory import ABSENT
from metasim.matching.structure.reader import SetReader, asked_for

ROWS = np.arange(8)


@pytest.fixture(scope="module")
def renders() -> SetRenders:
    return rendered(60)


def losses(renders: SetRenders) -> dict[str, float]:
    reader = SetReader(INVENTORY, torch.device("cpu"), 0)
    reader.network.eval()
    centres = asked_for(renders, len(INVENTORY.kinds))
    with torch.no_grad():
        found = reader._losses(torch.from_numpy(renders.images[ROWS]), renders, ROWS, centres)
    return {name: float(loss) for name, loss in found.items()}


def test_the_loss_does_not_depend_on_the_order_of_the_objects(renders: SetRenders) -> None:
    back = {name: getattr(renders, name)[:, ::-1] for name in ("kinds", "units", "boxes", "pixels")}
    turned = replace(renders, **back)
    assert losses(turned) == pytest.approx(losses(renders), rel=1e-5)


def test_only_objects_of_which_enough_is_seen_are_asked_for(renders: SetRenders) -> None:
    asked = torch.isfinite(asked_for(renders, len(INVENTORY.kinds))).all(-1).numpy()
    assert (renders.kinds[asked] != ABSENT).all()
    assert 0.8 < asked.sum() / (renders.kinds != ABSENT).sum() <= 1
    covered = replace(renders, pixels=np.where(np.arange(INVENTORY.most) == 0, 1, renders.pixels))
    assert not torch.isfinite(asked_for(covered, len(INVENTORY.kinds))[:, 0]).any()


def test_readings_are_probabilities_and_draws_lie_in_range(renders: SetRenders) -> None:
    reader = SetReader(INVENTORY, torch.device("cpu"), 0)
    with torch.no_grad():
        reader.network.answer[1].bias[0] = 0.5  # pyright: ignore[reportIndexIssue, reportArgumentType]
    reader.calibrate(renders)
    read = reader.read(renders.images, "test")
    np.testing.assert_allclose(read.tallies.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(read.kinds.sum(2), 1, rtol=1e-5)
    drawn = read.drawn_units[read.seen]
    assert len(drawn)
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert np.isnan(read.drawn_units[~read.seen]).all()
    assert np.isfinite(read.moments).all()
