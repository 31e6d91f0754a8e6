"""StructureTrainer: the stages of matching where scenes differ in their nodes, each logged and resumable."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from metasim.base.errors import MetasimError
from metasim.base.streams import seeded_layers, stream
from metasim.config import MatchingConfig
from metasim.matching.bank import Scenes
from metasim.matching.extractors import Extractor
from metasim.matching.generator import Generator
from metasim.matching.inversion import EMPHASIS, held_out_by_round, held_out_rows
from metasim.matching.plan import LEAST_STEPS
from metasim.matching.population import Untold
from metasim.matching.recorder import Record, recorder
from metasim.matching.refinement import image_target
from metasim.matching.resume import Checkpoint, Weights
from metasim.matching.safeguard import guarded
from metasim.matching.showcase import SHOWN, Showcase
from metasim.matching.structure.bank import SetBank, SetProposal, SetRenders, render_sets
from metasim.matching.structure.derivation import derive, fit_policy
from metasim.matching.structure.draws import SetDraws, draw_sets
from metasim.matching.structure.inventory import Inventory
from metasim.matching.structure.known import Found, Known
from metasim.matching.structure.law import Confusion, StructureLaw, corrected, fit_law, shown_derivations
from metasim.matching.structure.objects import Inferred, infer_objects, infer_scenery
from metasim.matching.structure.plan import structure_plan
from metasim.matching.structure.proposals import Believed, focused_sets, wide_sets
from metasim.matching.structure.reader import SetReader, asked_for
from metasim.matching.structure.readings import Readings
from metasim.matching.structure.refinement import refine_structure
from metasim.matching.structure.rehearsal import Studied
from metasim.matching.structure.transfer import Wanted, transfer_objects
from metasim.matching.target import Images
from metasim.matching.trainer import RATES
from metasim.matching.transfer import new_network
from metasim.model.policy import ExpansionPolicy
from metasim.runs.folder import RunFolder
from metasim.runs.log import RunLog
from metasim.runs.progress import Progress
from metasim.scene.graph import SceneGraph
from metasim.scene.layout import Array, Drawn

PRIOR_SCENES = 1024
TRANSFER_SCENES = 4096  # what they have by chance is carried over to those that the generator meets
DERIVATIONS = 12000
POLICY_STEPS = 300  # beyond them combinations of single images are learnt by heart


@dataclass
class StructureCheckpoint(Checkpoint):
    """The state between two stages, that of the policy besides."""

    policy: Weights = field(default_factory=dict)


@dataclass
class StructureTrainer:
    """Learns a generator of scenes with varying nodes from images.

    Attributes:
        scenes: How scenes are rendered; its layout is that of the inventory.
        inventory: What scenes may hold.
        images: (M, H, W, 3) target images to learn from.
        config: Matching section of the experiment.
        folder: The run.
        log: Its log.
        progress: What the spectator sees.
        device: Where the set predictor lives.
        extract: Features of the image MMD.
        untold: Finds what the images do not tell.
    """

    scenes: Scenes
    inventory: Inventory
    images: Images
    config: MatchingConfig
    folder: RunFolder
    log: RunLog
    progress: Progress
    device: torch.device
    extract: Extractor
    untold: Untold

    def __post_init__(self) -> None:
        self.seed, self.grammar = self.scenes.seed, self.scenes.grammar
        self.plan = structure_plan(self.inventory, self.config)
        self.bank = SetBank(self.folder.bank, self.scenes, self.inventory)
        self.reader = SetReader(self.inventory, self.device, self.seed)
        self.network = new_network(self.grammar, self.seed)
        self.policy = ExpansionPolicy(self.inventory.expansion.sizes)
        self.renders = 0
        self.readings: Readings | None = None
        self.draws: SetDraws | None = None
        self.weights: Array = np.zeros(0)
        self.law: StructureLaw | None = None
        self.objects: list[Inferred | None] = []
        self.scenery: Inferred | None = None
        self.studied: list[Studied] = []
        streams = [stream(self.seed, "prior", i) for i in range(PRIOR_SCENES)]
        self.prior_graphs = [self.grammar.sample(rng) for rng in streams]
        self.showcase = Showcase(self.scenes, self.images, self.folder, self.log)
        self.checkpoint = StructureCheckpoint.load(self.folder.checkpoints / "last.pt")

    def fit(self) -> Generator:
        """Runs all stages; returns the tuned generator, which is saved as ``best.pt``."""
        if not self.checkpoint.done:
            self._show(0, "prior", self.prior_graphs)
            self.checkpoint.keep("prior")
        for number in range(len(self.plan.rounds)):
            self.render(number)
            self.invert(number)
        self.rehearse()
        self.derive()
        self.transfer()
        if self.config.refine == "score":
            self.refine()
        generator = self.generator()
        generator.save(self.folder.checkpoints / "best.pt")
        return generator

    def render(self, number: int) -> None:
        """The bank grows by a round: first from the wide prior, then around what was read of the target."""
        count = self.plan.rounds[number]
        self.progress.start(f"render {number + 1}", count)
        self.bank.grow(self._proposal if number else self._wide, count, self.progress.advance)
        self.renders += count
        asked = torch.isfinite(asked_for(self.bank.renders, len(self.inventory.kinds))[..., 0]).numpy()
        seen = set(self.inventory.symbol_of[self.bank.renders.kinds[asked]].tolist())
        if missing := [s for i, s in enumerate(self.inventory.symbols) if i not in seen]:
            raise MetasimError(f"no {missing[0]} is ever seen in a render: its number cannot be learnt")

    def invert(self, number: int) -> None:
        """The set predictor learns the bank and reads the target, and the law of its sets is fitted."""
        stage = f"invert/{number}"
        done = self.checkpoint.done
        if f"invert/{number + 1}" in done:
            return  # a later round has replaced what this one found
        if stage not in done:
            steps = self.plan.steps[number]
            self.reader.fit(self.bank, steps, RATES[number > 0], self._recorder(stage, steps))
        else:
            self.checkpoint.restore(self.reader.network, self.checkpoint.inverse)
        self.readings = self.reader.read(self.images, stage)
        self.draws = self._draw(self.readings, stage)
        kept_out = self.bank.renders.take(held_out_rows(len(self.bank.renders)))
        believed, self.weights = fit_law(self.draws, self._bank_law(), self.inventory)
        confusion = Confusion.of(kept_out, *self._found(kept_out), self.inventory)
        self.law = confusion.undo(self.readings, believed, self.inventory)
        rng = stream(self.seed, f"{stage}/objects")
        self.objects = [
            infer_objects(self.readings, self.bank, self.inventory, s, self.seed, rng)
            for s in range(len(self.inventory.symbols))
        ]
        self.scenery = infer_scenery(self.readings, self.bank, self.inventory, self.seed)
        if stage not in done:
            self._show(number + 1, stage, self._believed(SHOWN, f"{stage}/shown"))
            self.checkpoint.keep(stage, inverse=self.reader.network.state_dict())

    def rehearse(self) -> None:
        """Scenes of the inferred law are rendered and read; what they are taken for corrects its parts."""
        assert self.readings is not None
        assert self.draws is not None
        assert self.law is not None
        kept, count = self.folder.bank / "rehearsal.npz", self.plan.rehearsal
        if not kept.exists():
            self.progress.start("rehearse", count)
            graphs = self._believed(count, "rehearse")
            render_sets(self.scenes, self.inventory, graphs, "rehearse").save(kept)
            self.progress.advance(len(graphs))
        self.renders += count
        held = held_out_by_round([len(r.renders) for r in self.bank.rounds])
        rounds = [r.renders.take(rows) for r, rows in zip(self.bank.rounds, held, strict=True)]
        parts = [*rounds, SetRenders.load(kept)]
        known = SetRenders.joined(parts)
        readings, found = self._found(known)
        ends = np.cumsum([0, *map(len, parts)]).tolist()
        near = np.arange(ends[1], ends[-1])  # all but the first round, which lies anywhere
        told = known.take(near), readings.take(near), found.among(range(ends[1], ends[-1]))
        confusion = Confusion.of(*told, self.inventory)
        self.law = confusion.undo(self.readings, self.law, self.inventory)
        self.weights = corrected(self.draws, self.weights, self.law, self.inventory)
        *kept_out, again = (
            self._known(part, readings.take(np.arange(a, b)), found.among(range(a, b)))
            for part, (a, b) in zip(parts, pairwise(ends), strict=True)
        )
        self._study(kept_out, again)
        self.log.rewind("rehearse")
        tallies = {f"tally/{'+'.join(map(str, t))}": float(p) for t, p in self._tallies(self.law)}
        self.log.scalars("rehearse", 0, self.renders, **tallies)

    def _known(self, renders: SetRenders, readings: Readings, found: Found) -> list[Known | None]:
        """Objects of each symbol in known renders, then the scenery if any is learnt."""
        symbols = range(len(self.inventory.symbols))
        given = renders, readings, found, self.bank, self.inventory
        objects = [Known.objects(*given, symbol) for symbol in symbols]
        return [*objects, Known.scenery(renders, readings, self.bank) if self.scenery else None]

    def _study(self, kept_out: list[list[Known | None]], rehearsed: list[Known | None]) -> None:
        """Frees the laws of all parts that are seen well enough of what reading adds to them."""
        inventory, sets = self.inventory, self.inventory.sets(self.prior_graphs)
        symbols = range(len(inventory.symbols))
        layouts = [*map(inventory.part, symbols), inventory.scenery]
        no_class = np.zeros((len(sets.scenery), 0), dtype=np.int64)
        priors = [*(inventory.objects_of(s, sets) for s in symbols), Drawn(sets.scenery, no_class)]
        parts = [*self.objects, self.scenery]
        for i, (inferred, again) in enumerate(zip(parts, rehearsed, strict=True)):
            before = [of_round[i] for of_round in kept_out]
            if inferred is not None and again is not None and before[0] is not None:
                before = [known for known in before if known is not None]
                given = before, again, priors[i], self.untold, self.seed
                self.studied.append(Studied.of(layouts[i], inferred, *given))
                parts[i] = self.studied[-1].inferred
        *self.objects, self.scenery = parts

    def derive(self) -> None:
        """The policy learns to make the nodes that the target's images show."""
        assert self.draws is not None
        assert self.law is not None
        if "derive" in self.checkpoint.done:
            self.checkpoint.restore(self.policy, self.checkpoint.policy)
            return
        rng = stream(self.seed, "derive")
        shown = shown_derivations(self.draws, self.weights, self.law, self.inventory, DERIVATIONS, rng)
        steps = max(round(POLICY_STEPS * self.config.effort), LEAST_STEPS)
        record = self._recorder("derive", steps)
        sizes = self.inventory.expansion.sizes
        self.policy = fit_policy(sizes, *shown, steps, self.seed, record)
        self.checkpoint.keep("derive", policy=self.policy.state_dict())

    def transfer(self) -> None:
        """The attribute network learns to give objects the attributes that were read."""
        if "transfer" in self.checkpoint.done:
            self.checkpoint.restore(self.network, self.checkpoint.network)
            return
        streams = [stream(self.seed, "transfer/scenes", i) for i in range(TRANSFER_SCENES)]
        if not any(self.objects):
            raise MetasimError("no object is read in the target's images: more renders or steps are needed")
        inventory, sets = self.inventory, self.inventory.sets(self.prior_graphs)
        laws = [
            inventory.objects_of(s, sets) if inferred is None else inferred.population
            for s, inferred in enumerate(self.objects)
        ]
        wanted = [Wanted.objects(inventory, s, law, self.seed) for s, law in enumerate(laws)]
        if self.scenery is not None:
            wanted.append(Wanted.scenery(self.inventory, self.scenery.population, self.seed))
        graphs = derive(self.grammar, self.policy, streams)
        record = self._recorder("transfer", self.plan.transfer)
        with seeded_layers(self.seed, "transfer/dropout"):
            transfer_objects(
                self.network, graphs, wanted, self.inventory, self.plan.transfer, self.seed, record
            )
        self._show(len(self.bank.rounds) + 1, "transfer", self.generator().scenes(SHOWN, "shown"))
        self.checkpoint.keep("transfer", network=self.network.state_dict())

    def refine(self) -> None:
        """Policy and attribute network follow the image MMD of fresh renders, as far as that helps."""
        if "refine" in self.checkpoint.done:
            self.renders += self.checkpoint.renders
            return
        start, networks = self.renders, [self.policy, self.network]
        given = self._follow_images, networks, self.seed, self.progress
        guarded(self.images, self._fresh, self.extract, *given)
        weights = {"policy": self.policy.state_dict(), "network": self.network.state_dict()}
        self.checkpoint.keep("refine", renders=self.renders - start, **weights)

    def _fresh(self, count: int, stage: str) -> Images:
        return self._images(self.generator().scenes(count, stage), stage)

    def _follow_images(self, images: Images) -> None:
        def embed(graphs: list[SceneGraph], stage: str) -> Tensor:
            return torch.cat(self.extract(self._images(graphs, stage)), 1)

        steps = self.config.refine_steps
        target = image_target(self.extract(images), self.config.frequencies, self.seed)
        given = self.grammar, self.policy, self.network, target, embed
        refine_structure(*given, steps, self.seed, self._recorder("refine", steps))
        self._show(len(self.bank.rounds) + 2, "refine", self.generator().scenes(SHOWN, "shown"))

    def _images(self, graphs: list[SceneGraph], stage: str) -> Images:
        self.renders += len(graphs)
        return self.scenes.images(graphs, stage)

    def generator(self) -> Generator:
        """The generator as it stands."""
        return Generator(self.grammar, self.network, self.seed, self.policy)

    def _wide(self) -> SetProposal:
        return wide_sets(self.inventory, self.prior_graphs)

    def _proposal(self) -> SetProposal:
        assert self.law is not None
        return focused_sets(self._wide(), self.law, self.objects, self.scenery, self.inventory, self.seed)

    def _believed(self, count: int, stage: str) -> list[SceneGraph]:
        """Scenes of the law as it stands."""
        assert self.law is not None
        believed = Believed(self.law, tuple(self.objects), self.scenery, self._wide())
        return [believed.scene(self.inventory, stream(self.seed, stage, i)) for i in range(count)]

    def _draw(self, readings: Readings, stage: str) -> SetDraws:
        renders = self.bank.renders
        asked = torch.isfinite(asked_for(renders, len(self.inventory.kinds))[..., 0]).numpy()
        hidden = 1 - asked.sum() / (renders.kinds >= 0).sum()
        rng = stream(self.seed, f"{stage}/sets")
        return draw_sets(readings, self.inventory, max(float(hidden), 1e-3), rng)

    def _bank_law(self) -> StructureLaw:
        shares = self.bank.shares(EMPHASIS)
        return StructureLaw(self.bank.tally_law(shares), self.bank.kind_law(shares))

    def _found(self, renders: SetRenders) -> tuple[Readings, Found]:
        """What is read of known renders, and which of their objects are found."""
        readings = self.reader.read(renders.images, "confusion")
        return readings, Found.of(renders, readings, self.inventory)

    def _tallies(self, law: StructureLaw) -> list[tuple[tuple[int, ...], float]]:
        return list(zip(self.inventory.tallies, law.tallies.tolist(), strict=True))

    def _show(self, epoch: int, stage: str, graphs: list[SceneGraph]) -> None:
        rows = self.inventory.rows(self.inventory.sets(graphs))
        self.showcase.keep(epoch, stage, self.renders, self.scenes.layout.values(rows), graphs[:SHOWN])

    def _recorder(self, stage: str, steps: int) -> Record:
        return recorder(self.log, self.progress, stage, steps, lambda: self.renders)
