"""SetReader: the set predictor learns from the bank and reads the objects of images."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, huber_loss

from metasim.base.precision import reduced_precision
from metasim.base.streams import seeded_layers, stream, torch_stream
from metasim.base.threads import ahead
from metasim.matching.appearance import vary_appearance
from metasim.matching.averages import Averages
from metasim.matching.calibration import calibrate
from metasim.matching.inversion import CHECKS, EMPHASIS, held_out_rows
from metasim.matching.structure.bank import SetBank, SetRenders
from metasim.matching.structure.inventory import Inventory
from metasim.matching.structure.readings import Readings
from metasim.model.assignment import assign
from metasim.model.sets import TOP, Makeup, SetNetwork, Sight
from metasim.scene.layout import Array

BATCH = 32
CHUNK = 250
DRAWS = 16  # of each object's attributes
SCENERY_DRAWS = 64  # of each image's scenery
HIDDEN = 0.2  # of the pixels usual for its kind: an object of which less is seen is not asked for
WEIGHTS = {"presence": 1.0, "places": 1.0, "kinds": 1.0, "tallies": 0.5, "posterior": 0.5, "scenery": 0.5}
SHARPNESS = tuple(float(s) for s in np.geomspace(0.25, 2.0, 25))


class SetReader:
    """The set predictor in training.

    Args:
        inventory: What scenes may hold.
        device: Where the network lives.
        seed: Root seed.
    """

    def __init__(self, inventory: Inventory, device: torch.device, seed: int) -> None:
        self.inventory, self.device, self.seed = inventory, device, seed
        periodic, about = (
            [column.spec.periodic for column in layout.columns]
            for layout in (inventory.things, inventory.scenery)
        )
        sizes = len(inventory.kinds), periodic, len(inventory.tallies), about, _makeup(inventory)
        with seeded_layers(seed, "invert/weights"):
            self.network = SetNetwork(*sizes).to(device)

    def fit(
        self, bank: SetBank, steps: int, rate: float, record: Callable[[int, dict[str, float]], None]
    ) -> None:
        """Trains on the whole bank, later rounds more, and keeps the weights best on held-out renders.

        Args:
            bank: The rounds; every tenth scene is held out.
            steps: Optimiser steps.
            rate: Peak learning rate of the one-cycle schedule.
            record: Told the step and the losses now and then.
        """
        stage = f"invert/{len(bank.rounds)}"
        renders, chance = bank.renders, _chances(bank)
        held, centres = held_out_rows(len(renders)), asked_for(renders, len(self.inventory.kinds))
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=rate, weight_decay=1e-2, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.2)
        averages, best, best_loss = Averages(), copy.deepcopy(self.network.state_dict()), np.inf

        def batch(step: int) -> tuple[npt.NDArray[np.intp], Tensor]:
            rows = stream(self.seed, stage, step).choice(len(renders), BATCH, p=chance)
            generator = torch_stream(self.seed, stage, step)
            return rows, vary_appearance(torch.from_numpy(renders.images[rows]), generator, hide=False)

        for step, (rows, images) in enumerate(ahead(batch, steps)):
            self.network.train()
            with seeded_layers(self.seed, f"{stage}/{step}"):
                losses = self._losses(images, renders, rows, centres)
            averages.add(losses)
            optimiser.zero_grad()
            _total(losses).backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            if (step + 1) % max(steps // CHECKS, 1) == 0 or step + 1 == steps:
                loss = self._held_out_loss(renders, held, centres)
                record(step, {"loss": loss} | averages.take())
                if loss < best_loss:
                    best, best_loss = copy.deepcopy(self.network.state_dict()), loss
        self.network.load_state_dict(best)
        self.calibrate(renders)

    def _losses(
        self, images: Tensor, renders: SetRenders, rows: npt.NDArray[np.intp], centres: Tensor
    ) -> dict[str, Tensor]:
        with reduced_precision(self.device):
            sight = self.network(images.to(self.device))
        pairs = self._pairs(sight, centres[rows])
        image, query, thing = pairs
        presence = torch.zeros_like(sight.presence)
        presence[image, query] = 1.0
        logits, seen = self.network.read(sight, image, query)
        kinds, units, owned = self._labels(renders, rows, image, thing)
        log_probs = self.network.posterior.log_probs(
            units, [seen] * units.shape[1], self.network.one_hot(kinds)
        )
        apart = (sight.places[image, query] - centres[rows].to(self.device)[image, thing]) / (
            self.network.spacing(sight)
        )
        tallies = torch.from_numpy(renders.tallies[rows]).to(self.device)
        found = {
            "presence": binary_cross_entropy_with_logits(sight.presence, presence, reduction="sum")
            / len(rows),
            "places": huber_loss(apart, torch.zeros_like(apart)),
            "kinds": cross_entropy(logits, kinds),
            "tallies": cross_entropy(sight.tallies.float(), tallies),
            "posterior": -(log_probs * owned).sum(1).mean(),
        }
        if self.inventory.scenery.columns:
            found["scenery"] = -self._scenery_log_probs(sight.whole, renders, rows).sum(1).mean()
        return found

    def _scenery_log_probs(self, whole: Tensor, renders: SetRenders, rows: npt.NDArray[np.intp]) -> Tensor:
        """(n, E) log density of the true attributes of the scenery."""
        units = torch.from_numpy(renders.scenery[rows]).float().to(self.device)
        seen = [whole.float()] * units.shape[1]
        return self.network.scenery.log_probs(units, seen, units.new_zeros(len(units), 0))

    def _pairs(self, sight: Sight, centres: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        spacing = self.network.spacing(sight)
        found = assign(sight.presence, sight.places, centres, spacing)
        image, query, thing = (torch.from_numpy(index).to(self.device) for index in found)
        return image, query, thing

    def _labels(
        self, renders: SetRenders, rows: npt.NDArray[np.intp], image: Tensor, thing: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Kind and attributes of objects, and which attributes they have."""
        at = rows[image.cpu().numpy()], thing.cpu().numpy()
        kinds = renders.kinds[at]
        owned = self.inventory.owned[self.inventory.symbol_of[kinds]]
        units = torch.from_numpy(np.nan_to_num(renders.units[at])).float()
        return (
            torch.from_numpy(kinds).to(self.device),
            units.to(self.device),
            torch.from_numpy(owned).to(self.device),
        )

    @torch.no_grad()
    def _held_out_loss(self, renders: SetRenders, rows: npt.NDArray[np.intp], centres: Tensor) -> float:
        self.network.eval()
        total = 0.0
        for part in np.array_split(rows, max(1, len(rows) // CHUNK)):
            losses = self._losses(torch.from_numpy(renders.images[part]), renders, part, centres)
            total += float(_total(losses)) * len(part) / len(rows)
        return total

    @torch.no_grad()
    def calibrate(self, renders: SetRenders) -> None:
        """Widens posteriors and blunts numbers and kinds as held-out renders ask for."""
        self.network.eval()
        self.network.sharpness.fill_(1.0)
        rows, centres = held_out_rows(len(renders)), asked_for(renders, len(self.inventory.kinds))
        tallies, kinds, features, labels, whole = [], [], [], [], []
        for part in np.array_split(rows, max(1, len(rows) // CHUNK)):
            sight = self.network(torch.from_numpy(renders.images[part]).to(self.device))
            image, query, thing = self._pairs(sight, centres[part])
            logits, seen = self.network.read(sight, image, query)
            tallies.append(sight.tallies)
            whole.append(sight.whole)
            kinds.append(logits)
            features.append(seen)
            labels.append(self._labels(renders, part, image, thing))
        true_kinds, units, owned = (torch.cat(column) for column in zip(*labels, strict=True))
        wanted = torch.from_numpy(renders.tallies[rows]).to(self.device)
        for i, (logits, true) in enumerate(((torch.cat(tallies), wanted), (torch.cat(kinds), true_kinds))):
            scores = [float(cross_entropy(s * logits, true)) for s in SHARPNESS]
            self.network.sharpness[i] = SHARPNESS[int(np.argmin(scores))]
        posterior, seen, hot = self.network.posterior, torch.cat(features), self.network.one_hot(true_kinds)
        given = [seen] * units.shape[1]
        calibrate(posterior, lambda: (posterior.log_probs(units, given, hot) * owned).sum(0))
        if self.inventory.scenery.columns:
            about = torch.cat(whole)
            calibrate(self.network.scenery, lambda: self._scenery_log_probs(about, renders, rows).sum(0))

    @torch.no_grad()
    def read(self, images: npt.NDArray[np.uint8], stage: str) -> Readings:
        """Reads images, with one stream of draws for a stage."""
        self.network.eval()
        generator = torch_stream(self.seed, f"{stage}/draws")
        parts = np.array_split(images, max(1, len(images) // CHUNK))
        return Readings.joined([self._read(torch.from_numpy(part), generator) for part in parts])

    def _read(self, images: Tensor, generator: torch.Generator) -> Readings:
        sight = self.network(images.to(self.device))
        count, kept = len(images), min(TOP, sight.presence.shape[1])
        logits, queries = sight.presence.topk(kept, dim=1)
        image = torch.arange(count, device=self.device).repeat_interleave(kept)
        kinds, features = self.network.read(sight, image, queries.flatten())
        of_tallies, of_kinds = self.network.sharpness
        chances = (of_kinds * kinds).softmax(1)
        picked = torch.multinomial(chances.cpu(), DRAWS, replacement=True, generator=generator)
        picked = picked.to(self.device)
        seen = logits.flatten() > 0
        units = torch.full((len(seen), DRAWS, len(self.inventory.things.columns)), torch.nan)
        if seen.any():
            given = [features[seen]] * units.shape[2]
            hot = self.network.one_hot(picked[seen].flatten())
            drawn = self.network.posterior.sample(given, hot, generator)
            units[seen.cpu()] = drawn.unflatten(0, (-1, DRAWS)).cpu()
        places = sight.places.gather(1, queries[..., None].expand(-1, -1, 2))
        return Readings(
            tallies=_array((of_tallies * sight.tallies).softmax(1)),
            presence=_array(logits.sigmoid()),
            places=_array(places),
            kinds=_array(chances.unflatten(0, (count, kept))),
            drawn_kinds=picked.unflatten(0, (count, kept)).cpu().numpy(),
            drawn_units=_array(units.unflatten(0, (count, kept))),
            drawn_scenery=_array(self._scenery(sight.whole, generator)),
        )

    def _scenery(self, whole: Tensor, generator: torch.Generator) -> Tensor:
        """(n, S', E) draws."""
        width = len(self.inventory.scenery.columns)
        if not width:
            return whole.new_zeros(len(whole), SCENERY_DRAWS, 0)
        none = whole.new_zeros(len(whole) * SCENERY_DRAWS, 0)
        drawn = self.network.scenery.sample([whole] * width, none, generator)
        return drawn.unflatten(0, (-1, SCENERY_DRAWS))


def _makeup(inventory: Inventory) -> Makeup | None:
    """What the numbers consist of, where objects are of several symbols."""
    if len(inventory.symbols) < 2:
        return None
    return Makeup(torch.from_numpy(inventory.symbol_of), torch.tensor(inventory.tallies))


def asked_for(renders: SetRenders, kinds: int) -> Tensor:
    """(n, N, 2) centres of the objects that are asked for, NaN for those of which too little is seen."""
    usual = np.ones(kinds)
    for kind in np.unique(renders.kinds[renders.kinds >= 0]):
        usual[kind] = np.median(renders.pixels[(renders.kinds == kind) & (renders.pixels > 0)])
    enough = (renders.kinds >= 0) & (renders.pixels >= HIDDEN * usual[renders.kinds])
    centres = (renders.boxes[..., :2] + renders.boxes[..., 2:]) / 2
    return torch.from_numpy(np.where(enough[..., None], centres, np.nan)).float()


def _chances(bank: SetBank) -> Array:
    """(n,) how often each scene of the bank is trained on; never one that is held out."""
    parts = [
        np.full(len(r.renders), s / len(r.renders))
        for r, s in zip(bank.rounds, bank.shares(EMPHASIS), strict=True)
    ]
    chance = np.concatenate(parts)
    chance[held_out_rows(len(chance))] = 0.0
    return chance / chance.sum()


def _total(losses: dict[str, Tensor]) -> Tensor:
    return torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()


def _array(values: Tensor) -> Array:
    return values.cpu().numpy().astype(np.float64)
