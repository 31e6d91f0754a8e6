"""Completeness: whether all is read of a dataset that its manifest says was written.

Most readers begin with what they find in a folder, and a tar archive ends quietly at a damaged header, so
that a lost file or half a shard looks like a smaller dataset. Only the manifest tells them apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from metasim.base.errors import InputError
from metasim.base.validation import closest
from metasim.dataset.formats.record import carried
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Sample


class Promise:
    """What the manifest of a dataset promises of a split, or of all.

    Args:
        where: The dataset, for messages.
        manifest: Its manifest.
        split: The split; all if ``None``.

    Raises:
        InputError: If the dataset has no such split.
    """

    def __init__(self, where: str, manifest: Mapping[str, Any], split: str | None) -> None:
        self._where = where
        splits: Mapping[str, int] = manifest["counts"]["splits"]
        if split not in (None, *splits):
            raise InputError(where, f"unknown split {split!r}", closest(str(split), splits))
        self._written = {name: num for name, num in splits.items() if split in (None, name)}
        self._modalities = frozenset(map(Modality, manifest["export"]["modalities"]))

    def kept(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """The same samples; nothing is told before the last of them unless one lacks a label.

        Raises:
            InputError: If they are not as many as were written, or one is not all that was written of it.
        """
        found: Counter[str] = Counter()
        for sample in samples:
            found[sample.split] += 1
            yield self.whole(sample)
        self.count(found)

    def whole(self, sample: Sample) -> Sample:
        """The same sample.

        Raises:
            InputError: If it lacks a modality of the dataset.
        """
        if lost := self._modalities - carried(sample):
            names = ", ".join(m for m in Modality if m in lost)
            where = f"{self._where}: sample {sample.key} of {sample.split}"
            raise InputError(where, f"no {names}", "every modality that the manifest names")
        return sample

    def count(self, found: Mapping[str, int]) -> None:
        """Compares the samples that there are of each split with those that were written.

        Raises:
            InputError: If the numbers differ.
        """
        unlike = [
            name
            for name in dict.fromkeys([*self._written, *found])
            if found.get(name, 0) != self._written.get(name, 0)
        ]
        if unlike:
            there, written = (
                ", ".join(f"{numbers.get(name, 0)} of {name}" for name in unlike)
                for numbers in (found, self._written)
            )
            raise InputError(self._where, f"samples: {there}", f"{written}, as its manifest says")
