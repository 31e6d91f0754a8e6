"""ExportPlan: which scene stands in which split and part, decided before anything is rendered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from metasim.base.errors import InputError
from metasim.base.streams import stream
from metasim.dataset.affordance import Affordances
from metasim.dataset.modality import Modality
from metasim.rendering.protocol import Pass

PART_SAMPLES = 1000
PART_BYTES = 256 * 2**20
FOLDERS = {"annotations", "costs", "journal", "logs", "models", "previews", "trajectories"}
"""Of a dataset, beside those of its splits."""
_PIXEL_BYTES = 16  # of the largest modality, a float32 vector image with its ids


@dataclass(frozen=True)
class Part:
    """The scenes that are written together: a part is there whole or not at all.

    Attributes:
        split: Its split.
        number: Its place in the split.
        indices: Its scenes, ascending.
    """

    split: str
    number: int
    indices: tuple[int, ...]

    @property
    def name(self) -> str:
        """``split/00000``."""
        return f"{self.split}/{self.number:05d}"


@dataclass(frozen=True)
class ExportPlan:
    """What is exported. Two exports of equal plans and generators have equal bytes.

    Attributes:
        format: Name of the format.
        num: Scenes to draw, a multiple of ``views`` times ``siblings``.
        modalities: What each sample carries.
        split: Share of each split; the shares sum to one.
        seed: Root seed, also that of the source of scenes.
        size: Height and width of the images.
        part_samples: Scenes a part at most.
        part_bytes: Bytes a part at most, reckoned before they are compressed.
        affordances: What can be done with which class, for ``Modality.AFFORDANCE``.
        part_names: Names of the part ids 1, 2 and so on; greater ids have none.
        views: Scenes in a row that show the same; they stay in one split and one part.
        siblings: How many such rows one after the other stay in one split.
        independent_draws: Whether scenes are independent draws of one generator, so that the first few tell
            of all. Otherwise they show things that were given, of which a bad one says nothing of others.
    """

    format: str
    num: int
    modalities: tuple[Modality, ...]
    split: Mapping[str, float]
    seed: int
    size: tuple[int, int]
    part_samples: int | None = None
    part_bytes: int = PART_BYTES
    affordances: Affordances | None = None
    part_names: tuple[str, ...] = ()
    views: int = 1
    siblings: int = 1
    independent_draws: bool = True

    @property
    def passes(self) -> frozenset[Pass]:
        """What is rendered of each scene."""
        words = self.affordances if Modality.AFFORDANCE in self.modalities else None
        extra = {Pass.PART} if words is not None and words.needs_parts else set()
        return frozenset(extra).union(*(modality.sources for modality in self.modalities))

    def parts(self) -> tuple[Part, ...]:
        """All parts, in the order of writing."""
        families = self.num // (self.views * self.siblings)
        dealt = {
            split: tuple(self._scenes(chosen))
            for split, chosen in split_scenes(families, self.split, self.seed).items()
        }
        return tuple(
            Part(split, number, scenes[start : start + self.per_part])
            for split, scenes in dealt.items()
            for number, start in enumerate(range(0, len(scenes), self.per_part))
        )

    @property
    def per_part(self) -> int:
        """Scenes a part at most: what is asked for, or what its bytes allow if that is less.

        It is a multiple of ``views``, and never less.
        """
        pixel = sum(self._pixel_bytes(modality) for modality in self.modalities)
        fitting = max(1, self.part_bytes // max(self.size[0] * self.size[1] * pixel, 1))
        most = min(self.part_samples or PART_SAMPLES, fitting)
        return max(most // self.views, 1) * self.views

    def _scenes(self, families: Iterable[int]) -> Iterator[int]:
        each = self.views * self.siblings
        for family in families:
            yield from range(family * each, (family + 1) * each)

    def _pixel_bytes(self, modality: Modality) -> int:
        words = self.affordances
        return len(words.names) if words and modality is Modality.AFFORDANCE else _PIXEL_BYTES


def split_scenes(num: int, shares: Mapping[str, float], seed: int) -> dict[str, list[int]]:
    """Deals scenes to splits at random; each split has its share to within one scene.

    Returns:
        Ascending scene indices by split, every index in exactly one.
    """
    order = stream(seed, "export/split").permutation(num)
    ends = np.rint(np.cumsum([*shares.values()]) * num).astype(int)
    dealt = np.split(order, ends[:-1])
    return {name: sorted(chosen.tolist()) for name, chosen in zip(shares, dealt, strict=True)}


def parse_split(text: str) -> dict[str, float]:
    """Reads ``train=0.8,val=0.1,test=0.1``.

    Raises:
        InputError: If it is not of that form, or the shares do not sum to one.
    """
    shares: dict[str, float] = {}
    for entry in text.split(","):
        name, _, share = entry.partition("=")
        if not name.isidentifier() or name in shares or not _is_share(share):
            raise InputError("--split", repr(entry), "name=share with unlike names and shares in (0, 1]")
        if name in FOLDERS:
            raise InputError("--split", name, f"none of {', '.join(sorted(FOLDERS))}, folders of their own")
        shares[name] = float(share)
    if not math.isclose(sum(shares.values()), 1.0, abs_tol=1e-9):
        raise InputError("--split", f"shares that sum to {sum(shares.values()):g}", "a sum of 1")
    return shares


def _is_share(text: str) -> bool:
    try:
        return 0.0 < float(text) <= 1.0
    except ValueError:
        return False
