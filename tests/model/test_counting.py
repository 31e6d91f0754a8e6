"""Numbers of uncertain things: the law of the number, and what the set network makes of it."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from metasim.base.streams import seeded_layers
from metasim.model.counting import number_law
from metasim.model.sets import Makeup, SetNetwork

chances = st.lists(st.floats(0, 1), min_size=1, max_size=5)
TALLIES = torch.tensor(list(product(range(3), range(2))))
MAKEUP = Makeup(torch.tensor([0, 1, 1]), TALLIES)  # one kind of the first symbol, two of the second


@settings(max_examples=20)
@given(chances)
def test_the_law_of_a_number_adds_up_all_ways_to_have_it(given_chances: list[float]) -> None:
    law = number_law(torch.tensor(given_chances, dtype=torch.float64))
    wanted = torch.zeros_like(law)
    for there in product((0, 1), repeat=len(given_chances)):
        way = 1.0
        for is_there, chance in zip(there, given_chances, strict=True):
            way *= chance if is_there else 1 - chance
        wanted[sum(there)] += way
    torch.testing.assert_close(law, wanted)


def test_equal_chances_are_binomial_and_batches_keep_apart() -> None:
    law = number_law(torch.tensor([[0.3] * 10, [0.8] * 10], dtype=torch.float64))
    wanted = torch.from_numpy(np.stack([binom.pmf(range(11), 10, p) for p in (0.3, 0.8)]))
    torch.testing.assert_close(law, wanted)


def network(makeup: Makeup | None) -> SetNetwork:
    with seeded_layers(0, "test"):
        return SetNetwork(3, [False], len(TALLIES), makeup=makeup).eval()


def test_objects_of_one_symbol_are_counted_as_ever_and_others_at_first_too() -> None:
    images = torch.randint(0, 255, (5, 32, 32, 3), generator=torch.Generator().manual_seed(0))
    alone, several = network(None), network(MAKEUP)
    assert set(several.state_dict()) - set(alone.state_dict()) == {"trust"}
    for name, weights in alone.state_dict().items():
        assert torch.equal(weights, several.state_dict()[name])
    with torch.no_grad():
        assert torch.equal(alone(images).tallies, several(images).tallies)


def test_what_is_counted_is_the_product_of_the_laws_of_each_symbol() -> None:
    net = network(MAKEUP)
    images = torch.randint(0, 255, (5, 32, 32, 3), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = net(images)
        net.trust.fill_(2.0)
        added = (net(images).tallies - before.tallies) / 2
        surest, queries = before.presence.topk(16, dim=1)
        for i in range(5):
            kinds, _ = net.read(before, torch.full((16,), i), queries[i])
            shares = kinds.softmax(1)
            first, second = (
                number_law(surest[i].sigmoid() * share) for share in (shares[:, 0], shares[:, 1:].sum(1))
            )
            wanted = torch.stack([first[a] * second[b] for a, b in TALLIES.tolist()])
            sure = (first[TALLIES[:, 0]] > 1e-4) & (second[TALLIES[:, 1]] > 1e-4)
            torch.testing.assert_close(added[i][sure], wanted[sure].log(), atol=1e-3, rtol=1e-3)
            assert sure.any()
