"""ExpansionPolicy: the mask, and derivations in batches."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from metasim.base.streams import seeded_layers
from metasim.model.policy import ExpansionPolicy

SIZES = (3, 2, 4)


def policy(seed: int) -> ExpansionPolicy:
    with seeded_layers(seed, "test"):
        return ExpansionPolicy(SIZES, width=8)


@given(st.integers(0, 1000), st.integers(0, 2), st.integers(0, 8))
def test_nothing_beyond_the_slot_is_ever_chosen(seed: int, slot: int, last: int) -> None:
    network = policy(seed)
    state, _ = network.begin(1)
    logs, _ = network.step(state, torch.tensor([last]), torch.tensor([slot]))
    first = sum(SIZES[:slot])
    own = torch.zeros(sum(SIZES), dtype=torch.bool)
    own[first : first + SIZES[slot]] = True
    torch.testing.assert_close(logs[0, own].exp().sum(), torch.tensor(1.0))
    assert torch.isneginf(logs[0, ~own]).all()


@given(st.integers(0, 1000))
def test_what_follows_the_end_of_a_derivation_changes_nothing(seed: int) -> None:
    network = policy(seed)
    slots, choices = torch.tensor([[0, 2, -1], [0, 1, 2]]), torch.tensor([[2, 3, -1], [1, 0, 2]])
    together = network.log_prob(slots, choices)
    alone = network.log_prob(slots[:1, :2], choices[:1, :2])
    torch.testing.assert_close(together[:1], alone)


def test_a_choice_depends_on_those_before_it() -> None:
    network = policy(0)
    slots = torch.tensor([[0, 2]]).expand(3, -1)
    choices = torch.tensor([[k, 1] for k in range(3)])
    joint, first = network.log_prob(slots, choices), network.log_prob(slots[:, :1], choices[:, :1])
    assert len({round(float(p), 5) for p in (joint - first).detach()}) == 3


def test_a_levelled_policy_makes_options_as_likely_as_they_are_frequent() -> None:
    network, generator = policy(0), torch.Generator().manual_seed(0)
    slots = torch.tensor([[0, 2]]).expand(400, -1)
    kinds = torch.multinomial(torch.tensor([0.7, 0.25, 0.05]), 400, replacement=True, generator=generator)
    choices = torch.stack([kinds, torch.randint(4, (400,), generator=generator)], dim=1)
    network.level(slots, choices, rounds=30)
    logs, _ = network.step(*network.begin(1), torch.tensor([0]))
    frequent = torch.bincount(kinds, minlength=3) / 400
    torch.testing.assert_close(logs[0, :3].exp(), frequent, atol=3e-3, rtol=0)
