"""ExpansionPolicy: a network that chooses each rule of a derivation, given all those chosen before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

WIDTH = 64


class ExpansionPolicy(nn.Module):
    r"""A law of derivations, :math:`p(d) = \prod_t p(o_t \mid s_t, o_{<t})`, slot by slot.

    Every slot of a grammar (a production, a number, a class) has options of its own; a mask keeps all
    others out, so whatever is drawn is grammatical. A recurrent state carries the partial derivation: a
    number may depend on a class that was chosen before it, a class on the number.

    References:
        Devaranjan, Kar and Fidler, "Meta-Sim2: Unsupervised Learning of Scene Structure for Synthetic
        Data Generation", ECCV 2020, section 3.1.

    Args:
        sizes: Number of options of each slot.
        width: Width of the state.
    """

    mask: Tensor
    first: Tensor

    def __init__(self, sizes: Sequence[int], width: int = WIDTH) -> None:
        super().__init__()
        total = sum(sizes)
        first = torch.tensor([0, *sizes]).cumsum(0)
        places = torch.arange(total)
        mask = (places >= first[:-1, None]) & (places < first[1:, None])
        self.register_buffer("first", first[:-1], persistent=False)
        self.register_buffer("mask", mask, persistent=False)
        self.options = nn.Embedding(total + 1, width)  # the last one: nothing has been chosen
        self.slots = nn.Embedding(len(sizes), width)
        self.cell = nn.GRUCell(width, width)
        self.write = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, total))

    def begin(self, count: int) -> tuple[Tensor, Tensor]:
        """State (count, width) and last choice (count,) of derivations in which nothing is chosen yet."""
        return torch.zeros(count, self.cell.hidden_size), torch.full((count,), self.mask.shape[1])

    def step(self, state: Tensor, last: Tensor, slots: Tensor) -> tuple[Tensor, Tensor]:
        """Goes on by one choice.

        Args:
            state: (n, width).
            last: (n,) what was chosen last, as an index over the options of all slots.
            slots: (n,) the slots to fill next.

        Returns:
            (n, options of all slots) log-probabilities, ``-inf`` beyond the slot, and the new state.
        """
        state = self.cell(self.options(last), state)
        logits = self.write(torch.cat([state, self.slots(slots)], dim=1))
        return logits.masked_fill(~self.mask[slots], -torch.inf).log_softmax(1), state

    def log_prob(self, slots: Tensor, choices: Tensor) -> Tensor:
        """(n,) log-probabilities of derivations.

        Args:
            slots: (n, T) slots in order, -1 after the end.
            choices: (n, T) which option of its slot each took.
        """
        total = torch.zeros(len(slots))
        for going, logs, taken in self._walk(slots, choices):
            total = total + torch.where(going, logs.gather(1, taken[:, None])[:, 0], 0.0)
        return total

    @torch.no_grad()
    def level(self, slots: Tensor, choices: Tensor, rounds: int = 10) -> None:
        """Turns the last biases until every option is as likely, over derivations, as it is frequent.

        These are the score equations of the biases, which a network that stops early does not meet.
        """
        last = self.write[-1]
        assert isinstance(last, nn.Linear)
        for _ in range(rounds):
            frequent, likely = torch.full((2, self.mask.shape[1]), 0.5)  # half an example: rare ones stay
            for going, logs, taken in self._walk(slots, choices):
                frequent += torch.bincount(taken[going], minlength=len(frequent))
                likely += logs[going].exp().sum(0)
            last.bias.add_((frequent / likely).log())

    def _walk(self, slots: Tensor, choices: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Step by step: who is not at the end yet, log-probabilities, and what is taken of all options."""
        state, last = self.begin(len(slots))
        for t in range(slots.shape[1]):
            slot = slots[:, t].clamp(min=0)
            logs, state = self.step(state, last, slot)
            last = self.first[slot] + choices[:, t].clamp(min=0)
            yield slots[:, t] >= 0, logs, last
