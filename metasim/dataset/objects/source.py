"""ObjectSource: the scenes of views of assets, and what is known of them before they are rendered."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from metasim.base.errors import InputError
from metasim.dataset.formats.record import sorted_json
from metasim.dataset.objects.gate import Gate, Measures
from metasim.dataset.objects.looks import Looks
from metasim.dataset.record import FileRecord
from metasim.dataset.sample import Origin
from metasim.rendering.asset import Asset
from metasim.scene.graph import SceneGraph, SceneNode


@dataclass(frozen=True)
class Subject:
    """An asset to be seen.

    Attributes:
        asset: The asset.
        number: Its place among those of its class, in alphabetical order.
        file: Hash and size of its file.
    """

    asset: Asset
    number: int
    file: FileRecord

    @property
    def identifier(self) -> str:
        """Where it comes from, or its name."""
        return self.asset.identifier or self.asset.name

    @property
    def uid(self) -> str:
        """The name of its views, as Objaverse-XL derives it from the identifier."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, self.identifier))


def subjects_of(assets: Sequence[Asset]) -> tuple[Subject, ...]:
    """Reads the files of assets.

    Args:
        assets: All assets of a catalogue, in alphabetical order.

    Raises:
        InputError: If two of them have one identifier, or a file cannot be read.
    """
    of_class: Counter[str] = Counter()
    known: dict[str, Subject] = {}
    for asset in assets:
        try:
            subject = Subject(asset, of_class[asset.cls], FileRecord.of(asset.path))
        except OSError as error:
            raise InputError(str(asset.path), error.strerror or str(error), "a readable file") from error
        if (other := known.setdefault(subject.uid, subject)) is not subject:
            names = f"{other.asset.name} and {asset.name}"
            raise InputError(f"assets: {names}", f"one identifier, {subject.identifier}", "one for each")
        of_class[asset.cls] += 1
    return tuple(known.values())


@dataclass(frozen=True)
class ObjectSource:
    """Scenes of one asset each; those of asset ``a`` have the indices from ``a * views`` on.

    Attributes:
        subjects: The assets.
        looks: How they are seen.
        gate: What a view must show.
        views: Views an asset.
        engine: What else the pictures depend on, as JSON data.
    """

    subjects: tuple[Subject, ...]
    looks: Looks
    gate: Gate
    views: int
    engine: Mapping[str, Any]

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """All classes, those of assets first."""
        classes = sorted({subject.asset.cls for subject in self.subjects})
        return (*classes, *(name for name in ("scene", *self.looks.classes) if name not in classes))

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All that the views depend on, as JSON data."""
        assets = [[s.asset.name, s.identifier, s.asset.cls, s.file.sha256] for s in self.subjects]
        return {
            "engine": dict(self.engine),
            "variation": dict(self.looks.settings),
            "gate": asdict(self.gate),
            "views": self.views,
            "assets": assets,
        }

    @property
    def origin(self) -> Origin:
        """The hash of the settings stands for the config."""
        digest = hashlib.sha256(sorted_json(self.settings)).hexdigest()
        return replace(self.looks.origin, config_sha256=digest)

    def subject(self, index: int) -> Subject:
        """The asset that the scene of an index shows."""
        return self.subjects[index // self.views]

    def scene(self, index: int, attempt: int = 0) -> SceneGraph:
        """The scene of an index.

        Args:
            index: Its index.
            attempt: How many viewpoints have been found wanting before.
        """
        subject = self.subject(index)
        return SceneGraph(
            (
                SceneNode("scene", "scene", "scene", None, {}),
                SceneNode("object", "object", subject.asset.cls, 0, {"asset": subject.number}),
                *self.looks.nodes(subject.asset.name, index % self.views, self.views, attempt),
            )
        )

    def facts(self, index: int, told: Mapping[str, Any], measures: Measures, attempt: int) -> dict[str, Any]:
        """What is known of a view, as JSON data.

        Args:
            index: Index of its scene.
            told: What the engine tells of the asset.
            measures: What the view shows.
            attempt: How many viewpoints were found wanting before.
        """
        subject = self.subject(index)
        file = {
            "file_identifier": subject.identifier,
            "file_size": subject.file.size,
            "save_uid": subject.uid,
            "sha256": subject.file.sha256,
        }
        seen = dict(self.looks.told(subject.asset.name, index % self.views, self.views))
        settings = {**seen.pop("ranges"), "engine": self.engine.get("name")}
        view = {**asdict(measures), "attempt": attempt, **seen}
        asset = {**told["asset"], **file}
        return {**told, "asset": asset, "render_settings": settings, "view": view}
