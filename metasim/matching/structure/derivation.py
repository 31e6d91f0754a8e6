"""Derivations by a policy: scenes whose nodes it chooses, and the policy that given nodes ask for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from metasim.base.streams import seeded_layers, torch_stream
from metasim.grammar.expansion import Expansion, Nodes, Step
from metasim.grammar.grammar import SceneGrammar
from metasim.matching.averages import Averages
from metasim.model.policy import ExpansionPolicy
from metasim.scene.graph import SceneGraph

BATCH = 256
RATE = 5e-3
CHECKS = 10


class Derived(NamedTuple):
    """n scenes, and the choices that have made the nodes of each."""

    graphs: list[SceneGraph]
    steps: list[list[Step]]


def derive(
    grammar: SceneGrammar, policy: ExpansionPolicy, streams: Sequence[np.random.Generator]
) -> list[SceneGraph]:
    """One scene for each stream: nodes by the policy, values by the grammar."""
    return derived(grammar, policy, streams).graphs


@torch.no_grad()
def derived(
    grammar: SceneGrammar, policy: ExpansionPolicy, streams: Sequence[np.random.Generator]
) -> Derived:
    """One scene for each stream, with its derivation.

    Derivations go on side by side, a choice at a time, so that the network sees them as a batch.
    """
    policy.eval()
    expansion = Expansion(grammar.rules)
    walks = [expansion.unfold() for _ in streams]
    found: list[Nodes] = [[] for _ in streams]
    taken: list[list[Step]] = [[] for _ in streams]
    asked = [_advance(walk, None, found, i) for i, walk in enumerate(walks)]
    state, last = policy.begin(len(streams))
    while any(slot is not None for slot in asked):
        slots = torch.tensor([0 if slot is None else slot for slot in asked])
        logs, state = policy.step(state, last, slots)
        edges = logs.double().exp().cumsum(1).numpy()
        for i, slot in enumerate(asked):
            if slot is None:
                continue
            first, size = int(policy.first[slot]), expansion.sizes[slot]
            own = edges[i, first : first + size]
            choice = min(int((streams[i].random() * own[-1] > own).sum()), size - 1)
            last[i] = first + choice
            taken[i].append((slot, choice))
            asked[i] = _advance(walks[i], choice, found, i)
    graphs = [
        grammar.furnish([place for place, _ in nodes], [cls for _, cls in nodes], rng)
        for nodes, rng in zip(found, streams, strict=True)
    ]
    return Derived(graphs, taken)


def _advance(
    walk: Generator[int, int, Nodes], choice: int | None, found: list[Nodes], index: int
) -> int | None:
    """The next slot of a walk, or ``None`` at its end, when its nodes are kept."""
    try:
        return next(walk) if choice is None else walk.send(choice)
    except StopIteration as end:
        found[index] = end.value
        return None


def as_tensors(derivations: Sequence[Sequence[Step]]) -> tuple[Tensor, Tensor]:
    """(n, T) slots and choices of derivations, -1 after the end of each."""
    longest = max(map(len, derivations))
    table = np.full((len(derivations), longest, 2), -1, dtype=np.int64)
    for row, steps in enumerate(derivations):
        table[row, : len(steps)] = np.array(steps, dtype=np.int64).reshape(-1, 2)
    slots, choices = torch.from_numpy(table).unbind(-1)
    return slots, choices


def fit_policy(
    sizes: Sequence[int],
    derivations: Sequence[Sequence[Step]],
    held: npt.NDArray[np.bool_],
    steps: int,
    seed: int,
    record: Callable[[int, dict[str, float]], None],
) -> ExpansionPolicy:
    """The policy under which given derivations are likeliest.

    Args:
        sizes: Number of options of each slot.
        derivations: n derivations, equally weighty.
        held: (n,) which of them only tell when to stop.
        steps: Optimiser steps.
        seed: Root seed.
        record: Told the step and the losses now and then.
    """
    with seeded_layers(seed, "policy/weights"):
        policy = ExpansionPolicy(sizes)
    slots, choices = as_tensors(derivations)
    shown, hidden = (torch.from_numpy(np.flatnonzero(part)) for part in (~held, held))
    optimiser = torch.optim.AdamW(policy.parameters(), lr=RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    averages, best, best_loss = Averages(), copy.deepcopy(policy.state_dict()), np.inf
    for step in range(steps):
        rows = shown[torch.randint(len(shown), (BATCH,), generator=torch_stream(seed, "policy", step))]
        loss = -policy.log_prob(slots[rows], choices[rows]).mean()
        averages.add({"shown": loss})
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if (step + 1) % max(steps // CHECKS, 1) == 0 or step + 1 == steps:
            with torch.no_grad():
                score = -float(policy.log_prob(slots[hidden], choices[hidden]).mean())
            record(step, {"loss": score} | averages.take())
            if score < best_loss:
                best, best_loss = copy.deepcopy(policy.state_dict()), score
    policy.load_state_dict(best)
    policy.level(slots, choices)
    return policy
