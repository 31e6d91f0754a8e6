"""Inversion: the inverse network learns from the bank and reads the target."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from metasim.base.precision import reduced_precision
from metasim.base.streams import seeded_layers, stream, torch_stream
from metasim.base.threads import abreast, ahead
from metasim.matching.appearance import vary_appearance
from metasim.matching.averages import Averages
from metasim.matching.bank import Bank, Renders
from metasim.matching.calibration import calibrate
from metasim.matching.look import Images, Look
from metasim.matching.population import Posteriors
from metasim.matching.recorder import Record
from metasim.model.halves import Halves, Seen
from metasim.model.inverse import BINS, InverseNetwork, Reading, View
from metasim.model.readout import Readout
from metasim.model.trunk import coordinates
from metasim.scene.layout import SceneLayout
from metasim.stats.reading import multiple_means

BATCH = 48
AT_ONCE = 250  # images that are read at a time
HELD_OUT = 10  # every tenth render tells when to stop and calibrates the posterior
DRAWS = 96
LARGEST_CROP = 36
LOOK_JITTER = 0.02  # of the image: the close look must not rely on a perfect centre
TRUST = (0.3, 0.6)  # of the steps: from there on rivals are looked at where they are seen, then always
BLUR = 0.7  # cells of the objects' maps
EMPHASIS = 2.0  # of each round over the one before
DOUBT = 3.0  # factor on changes of light where the target's look is an estimate
CHECKS = 8
WEIGHTS = {"bins": 1.0, "classes": 3.0, "posterior": 0.5, "centres": 4.0, "places": 1.0}


class Labels(NamedTuple):
    """What is true of renders.

    Attributes:
        units: (n, D) attributes on [0, 1].
        classes: (n, C) class indices.
        centres: (n, V, 2) where the objects are, on [0, 1]; NaN where they are not seen.
    """

    units: Tensor
    classes: Tensor
    centres: Tensor


Batch = tuple[npt.NDArray[np.intp], Tensor, torch.Generator]  # rows, their images, what is drawn after these


def view_of(layout: SceneLayout, renders: Renders) -> View:
    """Which nodes are objects (something is learnt of them and they are seen), and how large they are."""
    learnt = {c.node for c in layout.columns} | {c.node for c in layout.choices}
    seen = np.isfinite(renders.boxes[..., 0]).mean(0) > 0.5
    size = renders.boxes[..., 2:] - renders.boxes[..., :2]
    names = [n for i, n in enumerate(layout.node_names) if n in learnt and seen[i]]
    if not names:
        return View((), (1.0, 1.0), 0)
    rows = [layout.node_names.index(name) for name in names]
    share = float(np.nanquantile(size[:, rows].max(-1), 0.98)) * 1.25
    height, width = renders.images.shape[1:3]
    side = min(share * max(height, width), max(height, width))
    pixels = int(np.clip(4 * round(side / 4), 12, LARGEST_CROP))
    return View(tuple(names), (side / width, side / height), pixels)


def held_out_rows(count: int) -> npt.NDArray[np.intp]:
    """Which of a bank's renders the network is not trained on."""
    return np.arange(HELD_OUT - 1, count, HELD_OUT)


def held_out_by_round(sizes: Sequence[int]) -> list[npt.NDArray[np.intp]]:
    """For each round of a bank, given how many renders it has, those that the network is not trained on."""
    held, starts = held_out_rows(sum(sizes)), np.cumsum([0, *sizes])
    return [held[(held >= start) & (held < end)] - start for start, end in pairwise(starts)]


def place_loss(maps: Tensor, centres: Tensor) -> Tensor:
    """Cross entropy of (B, V, h, w) maps with (B, V, 2) centres, blurred by a cell, summed over the objects.

    Objects that are not seen, whose centre is NaN, do not count.
    """
    size = torch.tensor(maps.shape[:1:-1], device=maps.device)
    cells = coordinates((maps.shape[2], maps.shape[3]), maps.device).movedim(0, -1)
    offset = (cells - centres.nan_to_num(0.5)[:, :, None, None]) * size
    labels = (-offset.square().sum(-1) / (2 * BLUR**2)).flatten(2).softmax(-1)
    entropies = -(labels * maps.flatten(2).log_softmax(-1)).sum(-1)
    seen = torch.isfinite(centres).all(-1)
    return maps.shape[1] * entropies[seen].mean()


class Inversion:
    """The inverse network in training.

    Args:
        layout: Columns and choices of the scenes.
        view: How objects appear.
        device: Where the network lives.
        seed: Root seed.

    Attributes:
        look: What renders undergo before the network sees them, if the target looks otherwise.
    """

    def __init__(self, layout: SceneLayout, view: View, device: torch.device, seed: int) -> None:
        self.layout, self.device, self.seed = layout, device, seed
        self.look: Look | None = None
        with seeded_layers(seed, "invert/weights"):
            self.network = InverseNetwork(layout, view).to(device)

    def fit(self, bank: Bank, steps: int, rate: float, record: Record) -> dict[str, float]:
        """Trains on the whole bank, later rounds more, and keeps the weights best on held-out renders.

        Args:
            bank: The rounds; every tenth scene is held out.
            steps: Optimiser steps.
            rate: Peak learning rate of the one-cycle schedule.
            record: Told the step and the losses now and then.

        Returns:
            How much held-out renders widened each attribute's posterior.
        """
        renders = self._seen(bank)
        self._train(bank, renders, steps, rate, record, f"invert/{len(bank.rounds)}")
        return self._calibrate(renders)

    def seen(self, images: Images, stage: str) -> Images:
        """(n, H, W, 3) renders as the network is shown them: as if they were target images."""
        return self.look.dress(images, stream(self.seed, f"{stage}/look")) if self.look else images

    def _seen(self, bank: Bank) -> Renders:
        return replace(bank.renders, images=self.seen(bank.renders.images, "bank"))

    def polish(self, bank: Bank, steps: int, rate: float, record: Record) -> bool:
        """Trains what is made of the features once more, on renders in their own light.

        In :meth:`fit` gain and offset change, so that light that varies no more than they do is not
        learnt. Convolutions stay as they are: without those changes they would memorise the bank.

        Args:
            bank: The rounds.
            steps: Optimiser steps.
            rate: Peak learning rate.
            record: Told the step and the losses now and then.

        Returns:
            Whether held-out renders are read better than before; otherwise nothing has changed.
        """
        renders, weights = self._seen(bank), copy.deepcopy(self.network.state_dict())
        before = self._held_out_loss(renders)
        seeing = self.network.seeing()
        for weight in seeing:
            weight.requires_grad_(False)
        self._train(bank, renders, steps, rate, record, "polish", light=0.0)
        for weight in seeing:
            weight.requires_grad_(True)
        self._calibrate(renders)
        better = self._held_out_loss(renders) < before
        if not better:
            self.network.load_state_dict(weights)
        return better

    def _train(
        self,
        bank: Bank,
        renders: Renders,
        steps: int,
        rate: float,
        record: Record,
        stage: str,
        light: float = 1.0,
    ) -> None:
        chance = np.concatenate(
            [
                np.full(len(r.renders), s / len(r.renders))
                for r, s in zip(bank.rounds, bank.shares(EMPHASIS), strict=True)
            ]
        )
        chance[held_out_rows(len(renders))] = 0.0
        if self.look:  # a polish does not trust the renderer's light either
            light = DOUBT
        weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=1e-2, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.2)
        averages = Averages()
        best, best_loss = copy.deepcopy(self.network.state_dict()), np.inf
        chance /= chance.sum()

        def batch(step: int) -> Batch:
            rows = stream(self.seed, stage, step).choice(len(renders), BATCH, p=chance)
            generator = torch_stream(self.seed, stage, step)
            shown = torch.from_numpy(renders.images[rows])
            return rows, vary_appearance(shown, generator, light=light), generator

        for step, (rows, images, generator) in enumerate(ahead(batch, steps)):
            self.network.train()
            trust = np.interp(step / steps, TRUST, (0.0, 1.0)) if self.rivals else 0.0
            labels = self._labels(renders, rows)
            look = self._close_look(labels.centres, float(trust), generator)
            halves = Halves(self._see, images.to(self.device), look)
            losses = self._losses(halves.seen, labels)
            averages.add(losses)
            total = sum(WEIGHTS[name] * loss for name, loss in losses.items())
            assert isinstance(total, Tensor)
            optimiser.zero_grad()
            total.backward()
            halves.carry_back(weights)
            nn.utils.clip_grad_norm_(weights, 5.0)
            optimiser.step()
            schedule.step()
            if (step + 1) % max(steps // CHECKS, 1) == 0 or step + 1 == steps:
                loss = self._held_out_loss(renders)
                record(step, {"loss": loss} | averages.take())
                if loss < best_loss:
                    best, best_loss = copy.deepcopy(self.network.state_dict()), loss
        self.network.load_state_dict(best)

    @property
    def rivals(self) -> bool:
        """Whether there are several objects, of which each can be taken for another."""
        return len(self.network.view.objects) > 1

    def _close_look(self, centres: Tensor, trust: float, generator: torch.Generator) -> Tensor:
        """(B, V, 2) where the close look is to be, NaN where the trunk is to find the object itself."""
        # It follows the true centre: early on the trunk's idea of it is noise.
        look = centres.nan_to_num(0.5)
        look = look + LOOK_JITTER * torch.randn(look.shape, generator=generator).to(self.device)
        # A posterior that always looks at the right object never learns how often it will not.
        if trust:
            own = torch.rand(len(look), generator=generator).to(self.device) < trust
            look = look.masked_fill(own[:, None, None], torch.nan)
        return look

    def _see(self, images: Tensor, look: Tensor) -> Seen:
        with reduced_precision(self.device):  # which holds for a thread
            return self.network.see(images, look)

    def _losses(self, seen: Seen, labels: Labels) -> dict[str, Tensor]:
        units, classes, centres = labels
        with reduced_precision(self.device):
            reading = self.network.read(seen)
        log_probs = self.network.posterior.log_probs(
            units, [c.float() for c in reading.columns], self.network.one_hot(classes)
        )
        losses = {"bins": self._bin_loss(reading, units), "posterior": -log_probs.sum(1).mean()}
        if reading.class_logits:
            entropies = [
                nn.functional.cross_entropy(logits, classes[:, i])
                for i, logits in enumerate(reading.class_logits)
            ]
            losses["classes"] = torch.stack(entropies).sum()
        visible = torch.isfinite(centres)
        if self.rivals and visible.any():
            losses["places"] = place_loss(reading.maps.float(), centres)
        elif visible.any():
            losses["centres"] = nn.functional.huber_loss(
                reading.centres.float()[visible] * 10, centres[visible] * 10, delta=1.0
            )
        return losses

    def _labels(self, renders: Renders, rows: npt.NDArray[np.intp]) -> Labels:
        nodes = [self.layout.node_names.index(name) for name in self.network.view.objects]
        boxes = renders.boxes[rows][:, nodes]
        centres = torch.from_numpy((boxes[..., :2] + boxes[..., 2:]) / 2)
        units = torch.from_numpy(renders.units[rows]).float()
        classes = torch.from_numpy(renders.classes[rows])
        return Labels(units.to(self.device), classes.to(self.device), centres.to(self.device))

    def _bin_loss(self, reading: Reading, units: Tensor) -> Tensor:
        """Cross entropy with soft labels of one bin's spread, wrapped where the attribute is."""
        middle = (torch.arange(BINS, device=units.device) + 0.5) / BINS
        distance = units[..., None] - middle
        wraps = torch.from_numpy(self.layout.periodic).to(units.device)[None, :, None]
        distance = torch.where(wraps, distance - distance.round(), distance)
        labels = torch.softmax(-0.5 * (distance * BINS) ** 2, dim=-1)
        return -(labels * reading.bins.log_softmax(-1)).sum(-1).sum(1).mean()

    def _read(self, images: npt.NDArray[np.uint8]) -> list[Reading]:
        self.network.eval()
        parts = np.array_split(images, max(1, len(images) // AT_ONCE))
        return abreast(self._read_part, parts)

    @torch.no_grad()
    def _read_part(self, images: npt.NDArray[np.uint8]) -> Reading:
        return self.network(torch.from_numpy(images).to(self.device))

    @torch.no_grad()
    def _held_out_loss(self, renders: Renders) -> float:
        """Mean negative log likelihood of attributes and classes of the renders held out, in nats."""
        rows, total, first = held_out_rows(len(renders)), 0.0, 0
        for reading in self._read(renders.images[rows]):
            part = rows[first : first + len(reading.bins)]
            first += len(part)
            units, classes, _ = self._labels(renders, part)
            log_probs = self.network.posterior.log_probs(
                units, reading.columns, self.network.one_hot(classes)
            )
            total -= float(log_probs.sum())
            for i, logits in enumerate(reading.class_logits):
                total += float(nn.functional.cross_entropy(logits, classes[:, i], reduction="sum"))
        return total / len(rows)

    @torch.no_grad()
    def _calibrate(self, renders: Renders) -> dict[str, float]:
        """Widens each attribute's posterior, and raises its even share, as held-out renders ask for.

        Returns:
            The factors by column name; far above 1 says that the bank is too small.
        """
        rows = held_out_rows(len(renders))
        units, classes, _ = self._labels(renders, rows)
        readings = self._read(renders.images[rows])
        features = [torch.cat([r.columns[j] for r in readings]) for j in range(units.shape[1])]
        hot = self.network.one_hot(classes)
        posterior = self.network.posterior
        chosen = calibrate(posterior, lambda: posterior.log_probs(units, features, hot).mean(0))
        return dict(zip(self.layout.names, chosen, strict=True))

    @torch.no_grad()
    def posteriors(
        self, images: npt.NDArray[np.uint8], bank: Bank, stage: str, count: int = DRAWS
    ) -> Posteriors:
        """Draws of each image's posterior, with the density of the bank that the network has learnt from."""
        generator = torch_stream(self.seed, f"{stage}/draws")
        draws = [self.network.sample(reading, count, generator) for reading in self._read(images)]
        units = torch.cat([u for u, _ in draws]).cpu().numpy().astype(np.float64)
        classes = torch.cat([c for _, c in draws]).cpu().numpy()
        return Posteriors(units, classes, bank.log_density(units, classes, bank.shares(EMPHASIS)))

    @torch.no_grad()
    def readouts(self, sets: Sequence[npt.NDArray[np.uint8]]) -> list[Readout]:
        """What the network makes of several sets of images, all with one stream of posterior draws."""
        generator = torch_stream(self.seed, "readouts")
        found = []
        for images in sets:
            parts = [self._readout(reading, generator) for reading in self._read(images)]
            found.append(Readout.joined(parts))
        return found

    def _readout(self, reading: Reading, generator: torch.Generator) -> Readout:
        units, _ = self.network.sample(reading, DRAWS, generator)
        wraps = torch.from_numpy(self.layout.periodic).to(self.device)
        turn = 2 * np.pi * units[..., wraps]
        c, s = turn.cos().mean(1), turn.sin().mean(1)
        linear = units[..., ~wraps]
        spread = (linear - linear.mean(1, keepdim=True)).square().mean(1).sqrt()
        classes = [logits.softmax(-1) for logits in reading.class_logits]
        moments = torch.cat([linear.mean(1), spread, c, s, (c**2 + s**2).sqrt(), *classes], dim=1)
        return Readout(
            moments.cpu().numpy(),
            multiple_means(units.cpu().numpy().astype(np.float64), self.layout.periodic),
            reading.summary.cpu().numpy(),
        )
