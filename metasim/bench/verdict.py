"""The verdict's own test: how often it errs where nothing differs, how often it sees what does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.config import load_experiment
from metasim.matching.bank import Bank, Scenes
from metasim.matching.changes import CHANGES, PRODUCED, Images
from metasim.matching.features import RandomConvolutions
from metasim.matching.inversion import Inversion, view_of
from metasim.matching.resume import Checkpoint
from metasim.pipeline import Experiment
from metasim.rendering.pool import RenderPool
from metasim.runs.folder import RunFolder
from metasim.runs.progress import Progress
from metasim.scene.layout import Array, SceneLayout
from metasim.verdict.alarms import VERDICT, Sample, p_values
from metasim.verdict.evidence import standardised
from metasim.verdict.finding import FOREIGN, unlike
from metasim.verdict.shifts import DEGREES, LEVEL, SHARE, Readings, shifts

EXPERIMENT = "digits_rotation_translation"
SIZE = 500  # images of a sample
PAIRS = 200  # where nothing differs; half as many for each law that does
POOL = 4000  # renders of a law, of which samples are drawn
PERMUTATIONS = 199
LOOKED_AT = 1500  # renders that a target's looks are compared with, as in a run of three draws
FALSE_ALARMS = (0.02, 0.08)  # of the verdict; single tests are shown beside it
LEAST_POWER = 0.9
NARROWED = 2 / 3
CORRELATION = 0.99
SAME, PRIOR = "same", "prior"
LOCATION = "location + 2 % of the range"
YAW, FAR_YAW = "yaw + 5 degrees", "yaw + 10 degrees"
SPREAD, DESTROYED = "spread of a location x 2/3", "correlation 0.99 destroyed"


@dataclass(frozen=True)
class Law:
    """Two laws to tell apart.

    Attributes:
        target: (k, D) scenes of the target on [0, 1].
        fresh: (k, D) scenes of the generator; the same array where nothing differs.
    """

    target: Array
    fresh: Array


def laws(layout: SceneLayout, base: Array, prior: Array) -> dict[str, Law]:
    """What is told apart: the target's law from itself, from changes of itself, and from the prior.

    Args:
        layout: Columns; two locations and an angle among them.
        base: (k, D) scenes of the target.
        prior: (k, D) scenes of the grammar.

    Raises:
        InputError: If there is no angle, or fewer than two other attributes.
    """
    angles, others = np.flatnonzero(layout.periodic), np.flatnonzero(~layout.periodic)
    if len(angles) < 1 or len(others) < 2:
        raise InputError("--run", "attributes " + ", ".join(layout.names), "two locations and an angle")
    x, y = others[:2]
    yaw = angles[0]
    moved, turned, further, narrowed, tied = (base.copy() for _ in range(5))
    moved[:, x] += SHARE
    for times, table in enumerate((turned, further), start=1):
        table[:, yaw] = (table[:, yaw] + times * DEGREES / layout.columns[yaw].spec.span) % 1.0
    narrowed[:, x] = base[:, x].mean() + NARROWED * (base[:, x] - base[:, x].mean())
    scores = (base - base.mean(0)) / base.std(0)
    mixed = CORRELATION * scores[:, x] + (1 - CORRELATION**2) ** 0.5 * scores[:, y]
    tied[:, y] = base[:, y].mean() + base[:, y].std() * mixed
    return {
        SAME: Law(base, base),
        LOCATION: Law(base, moved),
        YAW: Law(base, turned),
        FAR_YAW: Law(base, further),
        SPREAD: Law(base, narrowed),
        DESTROYED: Law(tied, base),
        PRIOR: Law(base, prior),
    }


@dataclass(frozen=True)
class VerdictBench:
    """Tests on renders seen through the inverse network of a finished run.

    Attributes:
        folder: The run.
        pairs: Pairs of samples where nothing differs.
    """

    folder: RunFolder
    pairs: int = PAIRS

    @classmethod
    def of(
        cls, run: Path | None, experiments: Path, out: Path, progress: Progress, pairs: int = PAIRS
    ) -> VerdictBench:
        """The bench on a finished run, or on one that is trained first.

        Raises:
            InputError: If the run is not finished.
        """
        if run is None:
            config = load_experiment(experiments / f"{EXPERIMENT}.yaml")
            trained = Experiment.prepare(config).run(out / "inversion", resume=True, progress=progress)
            return cls(trained, pairs)
        folder = RunFolder(run)
        if not folder.summary.exists():
            raise InputError(f"--run {run}", "no summary", "the folder of a finished run")
        return cls(folder, pairs)

    def run(self, progress: Progress) -> Iterator[dict[str, Any]]:
        """Yields a line a law, then the summary.

        Pools of renders are drawn once, and each pair of samples without replacement from halves of its own;
        pairs share renders with other pairs. Given the pool the permutation test of a pair is exact, so
        that the level of the approximate tests is measured for these renders, not for all there could be.
        """
        experiment = Experiment.prepare(load_experiment(self.folder.config))
        options = experiment.config.renderer.options
        with RenderPool(experiment.config.renderer.kind, options) as pool:
            samples, strangers = self._samples(experiment, pool, progress)
        yield {"bench": "verdict", "novelty": strangers}
        rejected: dict[str, dict[str, float]] = {}
        for name, (target, fresh) in samples.items():
            pairs = self.pairs if name == SAME else max(self.pairs // 2, 1)
            progress.start(name, pairs)
            counts: dict[str, int] = {}
            for pair in range(pairs):
                rng = stream(experiment.config.seed, f"bench/{name}", pair)
                parts = _pair(target, fresh, rng)
                for test, p in p_values(experiment.layout, *parts, rng, PERMUTATIONS).items():
                    counts[test] = counts.get(test, 0) + (p <= LEVEL)
                progress.advance()
            rejected[name] = {test: count / pairs for test, count in counts.items()}
            yield {"bench": "verdict", "law": name, "n": SIZE, "pairs": pairs, "rejected": rejected[name]}
        smallest = _smallest(experiment.layout, samples[SAME])
        yield summarise(rejected, strangers, self.pairs) | {"smallest_shift": smallest}

    def _samples(
        self, experiment: Experiment, pool: RenderPool, progress: Progress
    ) -> tuple[dict[str, tuple[Sample, Sample]], dict[str, float]]:
        """Pools of every law's target and generator, and how new changed targets look."""
        layout, seed = experiment.layout, experiment.config.seed
        if experiment.target_grammar is None:
            raise InputError(f"{self.folder.path}: target", "photographs", "a simulated target")
        scenes = Scenes(experiment.grammar, layout, pool, seed)
        graphs = [experiment.grammar.sample(stream(seed, "bench/prior", i)) for i in range(POOL)]
        truth = [experiment.target_grammar.sample(stream(seed, "bench/target", i)) for i in range(POOL)]
        told = laws(layout, layout.units(truth), layout.units(graphs))
        rows = {id(units): units for law in told.values() for units in (law.target, law.fresh)}
        progress.start("render", len(rows))
        images = []
        for k, units in enumerate(rows.values()):
            placed = layout.place(graphs, units, layout.classes(truth))
            images.append(scenes.images(placed, f"bench/{k}"))
            progress.advance()
        inversion = self._inversion(experiment, scenes)
        readouts = inversion.readouts(images)
        others = standardised([torch.cat(RandomConvolutions(seed)(part), 1).numpy() for part in images])
        seen = {
            key: Sample(readout.moments, readout.means, units, {"other": other})
            for (key, units), readout, other in zip(rows.items(), readouts, others, strict=True)
        }
        strange = _novelties(images[0][:SIZE], readouts[0].look[SIZE:], inversion, seed)
        return {name: (seen[id(law.target)], seen[id(law.fresh)]) for name, law in told.items()}, strange

    def _inversion(self, experiment: Experiment, scenes: Scenes) -> Inversion:
        bank = Bank(self.folder.bank, scenes)
        bank.load()
        view = view_of(experiment.layout, bank.rounds[0].renders)
        inversion = Inversion(experiment.layout, view, experiment.device, experiment.config.seed)
        checkpoint = Checkpoint.load(self.folder.checkpoints / "last.pt")
        checkpoint.restore(inversion.network, checkpoint.inverse)
        return inversion


def _pair(target: Sample, fresh: Sample, rng: np.random.Generator) -> tuple[Sample, Sample]:
    """Samples of different scenes: changed laws are changes of the same scenes."""
    rows = rng.permutation(len(target))
    return target.take(rows[:SIZE]), fresh.take(rows[SIZE : 2 * SIZE])


def _novelties(
    target: Images, renders: npt.NDArray[np.float32], inversion: Inversion, seed: int
) -> dict[str, float]:
    """Share of target images unlike any render: as they are, and changed."""
    changed = {name: change(target, stream(seed, f"bench/{name}")) for name, change in CHANGES.items()}
    readouts = inversion.readouts([target, *changed.values()])
    looks = zip((SAME, *changed), readouts, strict=True)
    return {name: unlike(readout.look, renders[:LOOKED_AT]) for name, readout in looks}


def _smallest(layout: SceneLayout, same: tuple[Sample, Sample]) -> dict[str, float | None]:
    """What one pair of samples promises to see nine times in ten, in each attribute's unit."""
    target, fresh = _pair(*same, stream(0, "bench/smallest"))
    found = shifts(layout, Readings(target.means, fresh.means, fresh.truth))
    return {name: shift.smallest for name, shift in found.items()}


def summarise(
    rejected: Mapping[str, Mapping[str, float]], strangers: Mapping[str, float], pairs: int
) -> dict[str, Any]:
    """The last line: levels, powers, how new changed targets look, and whether all is as it should be."""
    alarms = rejected[SAME]
    low, high = FALSE_ALARMS
    seen = {name: shares[VERDICT] for name, shares in rejected.items() if name != SAME}
    power = min(seen[LOCATION], seen[YAW]) >= LEAST_POWER and seen[PRIOR] == 1.0
    known = all((share <= FOREIGN) == (name in (SAME, *PRODUCED)) for name, share in strangers.items())
    return {
        "bench": "verdict",
        "n": SIZE,
        "pairs": pairs,
        "false_alarms": dict(alarms),
        "power": {name: dict(shares) for name, shares in rejected.items() if name != SAME},
        "novelty": dict(strangers),
        "passed": bool(low <= alarms[VERDICT] <= high and power and known),
    }
