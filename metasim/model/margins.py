"""Margins: monotone maps that give each single attribute exactly the law of a population."""

from __future__ import annotations

import torch
from torch import Tensor, nn

KNOTS = 65
LEAST = 200  # values from which a law is told
LEAST_STEP = 1e-6  # of the range, between knots


class Margins(nn.Module):
    """Quantile maps on [0, 1], one for each symbol, class and attribute; at first they change nothing.

    What a network has learnt of how attributes go together stays, since each map is monotone; what it got
    wrong of a single attribute is undone. Periodic attributes are cut where the population is emptiest.
    The map is that of optimal transport on a line (Villani, "Topics in Optimal Transportation", 2003,
    section 2.2), linear between quantiles, with slope 1 beyond the outermost.

    Args:
        symbols: Number of symbols.
        classes: Number of classes.
        periodic: (symbols, A) which attributes wrap.
    """

    periodic: Tensor
    cut: Tensor
    source: Tensor
    goal: Tensor

    def __init__(self, symbols: int, classes: int, periodic: Tensor) -> None:
        super().__init__()
        shape = (symbols, classes, periodic.shape[1])
        knots = torch.linspace(0, 1, KNOTS).expand(*shape, KNOTS)
        self.register_buffer("periodic", periodic, persistent=False)
        self.register_buffer("cut", torch.zeros(shape))
        self.register_buffer("source", knots.clone())
        self.register_buffer("goal", knots.clone())

    def reset(self) -> None:
        """Forgets all laws: the maps change nothing again."""
        self.cut.zero_()
        for knots in (self.source, self.goal):
            knots.copy_(torch.linspace(0, 1, KNOTS))

    def fit(
        self, symbol: int, attribute: int, ours: tuple[Tensor, Tensor], wanted: tuple[Tensor, Tensor]
    ) -> None:
        """Fits the maps of an attribute, for each class by itself where enough is known of it.

        The other classes are taken together, so that all classes together have the population's law too.

        Args:
            symbol: The symbol that it is of.
            attribute: The attribute.
            ours: (n,) values on [0, 1] before the map, and the class of each.
            wanted: (m,) values of the population, and the class of each.
        """
        periodic, classes = self.periodic[symbol, attribute], wanted[1].unique()
        enough = torch.stack([_least(ours, wanted, cls[None]) >= LEAST for cls in classes])
        rare = classes[~enough]
        for group in [*classes[enough][:, None], *([rare] if len(rare) else [])]:
            if _least(ours, wanted, group) >= LEAST:
                ours_of, wanted_of = (values[torch.isin(of, group)] for values, of in (ours, wanted))
            else:
                ours_of, wanted_of = ours[0], wanted[0]
            if min(len(ours_of), len(wanted_of)) < LEAST:
                continue
            cut = _emptiest(wanted_of) if periodic else torch.zeros(())
            self.cut[symbol, group, attribute] = cut
            for knots, values in ((self.source, ours_of), (self.goal, wanted_of)):
                knots[symbol, group, attribute] = _quantiles(self._uncut(values, cut, periodic))

    def forward(self, units: Tensor, symbol: Tensor, cls: Tensor, attribute: Tensor) -> Tensor:
        """(n,) mapped values on [0, 1], each of an attribute of a node with a symbol and a class (n,)."""
        place = symbol, cls, attribute
        periodic, cut = self.periodic[symbol, attribute], self.cut[place]
        source, goal = self.source[place], self.goal[place]
        x = self._uncut(units, cut, periodic)
        right = torch.searchsorted(source, x.detach()[..., None]).clamp(1, KNOTS - 1)
        left_x, right_x, left_y, right_y = (
            knots.gather(-1, at)[..., 0] for knots in (source, goal) for at in (right - 1, right)
        )
        inside = left_y + (x - left_x) * (right_y - left_y) / (right_x - left_x)
        first, last = source[..., 0], source[..., -1]
        y = torch.where(x < first, goal[..., 0] + x - first, inside)
        y = torch.where(x > last, goal[..., -1] + x - last, y)
        moved = y + cut
        return torch.where(periodic, moved - moved.floor().detach(), y)

    @staticmethod
    def _uncut(units: Tensor, cut: Tensor, periodic: Tensor) -> Tensor:
        away = units - cut
        return torch.where(periodic, away - away.floor().detach(), units)


def _least(ours: tuple[Tensor, Tensor], wanted: tuple[Tensor, Tensor], group: Tensor) -> Tensor:
    """How many values of some classes there are, on the side that has fewer."""
    return torch.stack([torch.isin(classes, group).sum() for _, classes in (ours, wanted)]).min()


def _quantiles(values: Tensor) -> Tensor:
    """(KNOTS,) strictly increasing quantiles."""
    knots = torch.quantile(values, torch.linspace(0, 1, KNOTS))
    steps = torch.arange(KNOTS) * LEAST_STEP
    return (knots - steps).cummax(0).values + steps


def _emptiest(values: Tensor) -> Tensor:
    """Where a circle of circumference 1 is emptiest: the middle of its largest gap."""
    ordered = values.sort().values
    gaps = torch.diff(ordered, append=ordered[:1] + 1)
    widest = gaps.argmax()
    return (ordered[widest] + gaps[widest] / 2) % 1.0
