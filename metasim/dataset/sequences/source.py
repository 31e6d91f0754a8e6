"""SequenceSource: the scene graphs of all frames of all sequences."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from metasim.dataset.formats.record import sorted_json
from metasim.dataset.sample import Origin
from metasim.dataset.sequences.timeline import sequence_id
from metasim.rendering.footage import Footage
from metasim.rendering.trajectory import Trajectory
from metasim.scene.graph import SceneGraph, SceneNode


@dataclass(frozen=True, eq=False)
class Reel:
    """A scene file and the sequences that are taken from it.

    Attributes:
        name: Name of the scene.
        file: The file.
        sha256: Hash of the file.
        footage: What it shows.
        sequences: Frames of each sequence, of the stretched timeline.
        way: Where the camera goes, by frames of the file; ``None`` for the file's own.
    """

    name: str
    file: Path
    sha256: str
    footage: Footage
    sequences: tuple[range, ...]
    way: Trajectory | None = None

    @cached_property
    def graph(self) -> SceneGraph:
        """The scene at frame 0: a root, and a node for each thing."""
        root = "scene"
        while root in {thing.name for thing in self.footage.things}:
            root += "_"
        things = (SceneNode(t.name, "object", t.cls, 0, {}) for t in self.footage.things)
        return SceneGraph((SceneNode(root, "scene", "scene", None, {"frame": 0.0}), *things))


@dataclass(frozen=True, eq=False)
class SequenceSource:
    """The frames of some scenes, all sequences as long as each other.

    Frame ``f`` of sequence ``s`` of scene ``r`` has the index ``(r * sequences + s) * frames + f``.

    Attributes:
        reels: The scenes.
        multiplier: Frames for each frame of a file.
        settings: What else the pictures depend on, as JSON data.
    """

    reels: tuple[Reel, ...]
    multiplier: float
    settings: Mapping[str, Any]

    @property
    def sequences(self) -> int:
        """Sequences a scene."""
        return len(self.reels[0].sequences)

    @property
    def frames(self) -> int:
        """Frames a sequence."""
        return len(self.reels[0].sequences[0])

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """All classes: what things are, by their names."""
        found = {thing.cls for reel in self.reels for thing in reel.footage.things}
        return ("scene", *sorted(found - {"scene"}))

    @cached_property
    def origin(self) -> Origin:
        """The hash of the files and settings stands for the generator."""
        scenes = [
            [reel.name, reel.sha256, [[f.start, f.stop] for f in reel.sequences], _poses(reel.way)]
            for reel in self.reels
        ]
        data = {"scenes": scenes, "keyframe_multiplier": self.multiplier, **self.settings}
        return Origin("sequences", hashlib.sha256(sorted_json(data)).hexdigest(), "")

    def reel(self, index: int) -> Reel:
        """The scene that a frame shows."""
        return self.reels[index // (self.sequences * self.frames)]

    def sequence(self, index: int) -> str:
        """``scene/sequence`` that a frame is of."""
        return f"{self.reel(index).name}/{sequence_id(self._range(index), self.multiplier)}"

    def place(self, index: int) -> int:
        """The place of a frame in its sequence, from 0."""
        return index % self.frames

    def graph(self, index: int) -> SceneGraph:
        """The scene of a frame."""
        root, *things = self.reel(index).graph.nodes
        frame = self._range(index)[self.place(index)]
        return SceneGraph((replace(root, attributes={"frame": float(frame)}), *things))

    def facts(self, index: int) -> dict[str, Any]:
        """What is known of a frame beside its labels."""
        reel = self.reel(index)
        rate = reel.footage.frame_rate * self.multiplier
        frame = self._range(index)[self.place(index)]
        return {
            "name": reel.name,
            "sha256": reel.sha256,
            "frame_rate": rate,
            "seconds": self.place(index) / rate,
            "frame_of_file": frame / self.multiplier,
        }

    def _range(self, index: int) -> range:
        return self.reel(index).sequences[index // self.frames % self.sequences]


def _poses(way: Trajectory | None) -> str:
    if way is None:
        return ""
    return hashlib.sha256(way.frames.tobytes() + way.poses.tobytes()).hexdigest()
