"""Material: drawn scenes count whole, those of the bank by how likely the law makes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matching_scenes import digits_grammar, propose, scenes  # pyright: ignore[reportMissingImports]

from metasim.matching.bank import Bank
from metasim.matching.mixture import Law, Mixture
from metasim.matching.task.material import Material
from metasim.rendering.pool import RenderPool

SPREAD = 0.02


def test_scenes_of_the_bank_count_where_the_law_is_and_never_more_than_drawn_ones(tmp_path: Path) -> None:
    with RenderPool("sprites") as pool:
        of = scenes(digits_grammar(), pool)
        bank = Bank(tmp_path, of)
        bank.grow(lambda: propose(of), 300, lambda _: None)
        drawn = of.render([of.draw(propose(of), "drawn", i) for i in range(10)], "drawn")
    middle = np.array([0.5, 0.5, 0.25])
    even = (np.full((1, 3), 1 / 3),)
    law = Law(
        Mixture(np.ones(1), middle[None], SPREAD * np.eye(3)[None], even, True),
        np.zeros(3),
        of.layout.periodic,
    )
    found = Material.of([drawn], bank, law)
    assert found.weights.sum() == np.float64(1) or abs(found.weights.sum() - 1) < 1e-12
    own, others = found.weights[:10], found.weights[10:]
    assert (own == own[0]).all()
    assert others.max() <= own[0]
    far = np.abs(bank.renders.units - middle).max(1) > 0.35
    assert others[far].max() < 1e-3 * own[0]
    assert others[~far].sum() > 0
