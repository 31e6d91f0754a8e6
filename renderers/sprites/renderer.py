"""SpritesRenderer: digits on a canvas, for scenes that need no engine outside this process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.options import image_size
from metasim.rendering.protocol import Capabilities, Frame, Pass
from metasim.scene.graph import SceneGraph
from renderers.sprites.compose import Layout, Values, attribute_defaults, compose, role_of
from renderers.sprites.exemplars import BUNDLED_LICENCE, DIGITS, Split, load_exemplars

_PASSES = frozenset({Pass.RGB, Pass.INSTANCE, Pass.CLASS})
_BATCH_PIXELS = 2**19  # keeps a batch's canvases within the processor's caches, or near


class SpritesRenderer:
    """Draws handwritten digits in grey on a flat canvas, batched.

    A node is drawn by its class, whatever its symbol: ``0`` to ``9`` are digits, later ones over earlier
    ones by their ink, with attributes ``loc_x``, ``loc_y`` (centre in pixels, x right, y down; the canvas's
    centre by default), ``yaw`` (degrees, counter-clockwise as the image is seen), ``scale`` (1: sprite
    pixels are canvas pixels), ``brightness`` (1: white ink) and ``instance`` (in [0, 1): which exemplar of
    its class). ``background`` has ``level`` (0 black, 1 white), ``texture`` (standard deviation of a smooth
    pattern added to it) and ``phase`` (which pattern); ``light`` has ``intensity``, a gain on all. Nodes of
    other classes draw nothing. Frames do not depend on the seed.

    Args:
        size: Side of the square canvas in pixels, or height and width.
        digits: idx files as MNIST has them (a folder, or the file of images beside its labels); the
            set bundled with scikit-learn by default.
        split: Which exemplars of each class to draw from.
        classes: The scene schema's class names in order, which class ids count; the digits by default.

    Raises:
        InputError: If an option is out of its range or the files are not as expected.
    """

    in_process = True

    def __init__(
        self,
        size: int | Sequence[int] = 32,
        digits: Path | str | None = None,
        split: Split = "all",
        classes: Sequence[str] = DIGITS,
    ) -> None:
        self._size = image_size(size)
        self._exemplars = load_exemplars(None if digits is None else Path(digits), split)
        self._licences = BUNDLED_LICENCE if digits is None else {}
        self._class_ids = {name: number for number, name in enumerate(classes, start=1)}
        self._defaults = attribute_defaults(self._size)
        self._closed = False

    @property
    def capabilities(self) -> Capabilities:
        """RGB and ids, in this process, differentiable."""
        return Capabilities(
            passes=_PASSES,
            size=self._size,
            in_process=self.in_process,
            noiseless=True,
            differentiable=True,
            attributes={role: frozenset(names) for role, names in self._defaults.items()},
            licences=self._licences,
        )

    def render(self, scenes: Sequence[SceneGraph], passes: frozenset[Pass], seed: int) -> list[Frame]:
        """Renders scenes, one frame each, in order; the seed changes nothing.

        Raises:
            InputError: If a pass or an attribute's value is beyond the engine.
        """
        self._check_open()
        if beyond := passes - _PASSES:
            raise InputError("passes", ", ".join(sorted(beyond)), f"among {', '.join(sorted(_PASSES))}")
        frames: dict[int, Frame] = {}
        for layout, indices in self._batches(scenes):
            batch = [scenes[index] for index in indices]
            frames.update(zip(indices, self._frames(layout, batch, passes), strict=True))
        return [frames[index] for index in range(len(scenes))]

    def render_tensor(
        self, scenes: Sequence[SceneGraph], values: Mapping[tuple[str, str], torch.Tensor]
    ) -> torch.Tensor:
        """Renders scenes of one layout with gradients to attribute values.

        Args:
            scenes: B scenes whose nodes have the same names and are drawn alike.
            values: (B,) values by node name and attribute, in place of the scenes' own. Gradients reach
                all but ``instance``; the type of the values is the type of the image.

        Returns:
            (B, 3, H, W) in [0, 1]: the RGB pass before it is rounded to bytes.

        Raises:
            InputError: If the scenes are not alike or a value is not one of theirs.
        """
        self._check_open()
        if not scenes or len({tuple((node.name, role_of(node.cls)) for node in s.nodes) for s in scenes}) > 1:
            raise InputError("scenes", f"{len(scenes)} scenes, not alike", "scenes with the same nodes")
        dtype = next(iter(values.values())).dtype if values else torch.float32
        layout = _layout(scenes[0])
        merged = {**self._values(layout, scenes, dtype)}
        for (name, attribute), value in values.items():
            key = (scenes[0].index(name) if name in scenes[0].by_name else -1, attribute)
            if key not in merged or value.shape != (len(scenes),):
                got = f"a value of shape {tuple(value.shape)}"
                raise InputError(f"{name}.{attribute}", got, f"({len(scenes)},) for a node that is drawn")
            merged[key] = value
        canvas = torch.zeros(len(scenes), *self._size, dtype=dtype)
        image, _ = compose(layout, merged, self._sprites(layout, scenes, dtype), canvas)
        return image[:, None].expand(-1, 3, -1, -1)

    def close(self) -> None:
        """Makes later calls an error; there is nothing to free."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise MetasimError("the sprites renderer is closed")

    def _batches(self, scenes: Sequence[SceneGraph]) -> Iterator[tuple[Layout, list[int]]]:
        """Scene indices by layout, in portions of bounded memory."""
        alike: dict[Layout, list[int]] = defaultdict(list)
        for index, scene in enumerate(scenes):
            alike[_layout(scene)].append(index)
        portion = max(1, _BATCH_PIXELS // (self._size[0] * self._size[1]))
        for layout, indices in alike.items():
            for start in range(0, len(indices), portion):
                yield layout, indices[start : start + portion]

    def _frames(
        self, layout: Layout, scenes: Sequence[SceneGraph], passes: frozenset[Pass]
    ) -> Iterator[Frame]:
        with torch.no_grad():
            values = self._values(layout, scenes, torch.float32)
            canvas = torch.zeros(len(scenes), *self._size)
            image, inks = compose(layout, values, self._sprites(layout, scenes, torch.float32), canvas)
            grey = (image * 255).round().to(torch.uint8).numpy()
        rgb = np.repeat(grey[..., None], 3, axis=-1)
        instance = np.zeros(grey.shape, np.int32)
        for node, ink in zip(layout.digits, inks, strict=True):
            instance[ink.numpy() > 0.5] = node + 1
        for scene, colours, ids in zip(scenes, rgb, instance, strict=True):
            found = {Pass.RGB: colours, Pass.INSTANCE: ids}
            if Pass.CLASS in passes:
                found[Pass.CLASS] = self._classes_of(scene)[ids]
            yield Frame({name: found[name] for name in passes})

    def _classes_of(self, scene: SceneGraph) -> np.ndarray:
        """Class ids (int32) by instance id."""
        drawn = [node.cls for node in scene.nodes if role_of(node.cls) == "digit"]
        if unknown := set(drawn) - set(self._class_ids):
            raise InputError("renderer.classes", f"no {', '.join(sorted(unknown))}", "every class drawn")
        return np.array([0, *(self._class_ids.get(node.cls, 0) for node in scene.nodes)], np.int32)

    def _values(self, layout: Layout, scenes: Sequence[SceneGraph], dtype: torch.dtype) -> Values:
        values = {
            (index, name): torch.tensor(
                [s.nodes[index].attributes.get(name, default) for s in scenes], dtype=dtype
            )
            for index, role in enumerate(layout.roles)
            if role is not None
            for name, default in self._defaults[role].items()
        }
        for (index, name), value in values.items():
            if name == "scale" and not bool((value > 0).all()):
                raise InputError(f"{scenes[0].nodes[index].name}.scale", f"{value.min():g}", "above 0")
        return values

    def _sprites(
        self, layout: Layout, scenes: Sequence[SceneGraph], dtype: torch.dtype
    ) -> list[torch.Tensor]:
        """Ink (B, h, w) in [0, 1] of each digit."""
        return [
            self._exemplars.images[
                [
                    self._exemplars.index(s.nodes[node].cls, s.nodes[node].attributes.get("instance", 0.0))
                    for s in scenes
                ]
            ].to(dtype)
            / 255
            for node in layout.digits
        ]


def _layout(scene: SceneGraph) -> Layout:
    return Layout(tuple(role_of(node.cls) for node in scene.nodes))
