"""What every engine must keep to, as checks that any engine can be put through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import psutil

from metasim.base.errors import InputError, MetasimError
from metasim.rendering.agreement import check_agreement
from metasim.rendering.protocol import Frame, Pass, Renderer
from metasim.scene.graph import SceneGraph

SHAPES: dict[Pass, tuple[type[np.generic], tuple[int, ...]]] = {
    Pass.RGB: (np.uint8, (3,)),
    Pass.HDR: (np.float32, (3,)),
    Pass.DEPTH: (np.float32, ()),
    Pass.DISTANCE: (np.float32, ()),
    Pass.POSITION: (np.float32, (3,)),
    Pass.NORMAL: (np.float32, (3,)),
    Pass.NORMAL_GEOMETRIC: (np.float32, (3,)),
    Pass.INSTANCE: (np.int32, ()),
    Pass.CLASS: (np.int32, ()),
    Pass.PART: (np.int32, ()),
    Pass.REFLECTANCE: (np.float32, (3,)),
    Pass.ILLUMINATION: (np.float32, (3,)),
    Pass.RESIDUAL: (np.float32, (3,)),
    Pass.FLOW_FORWARD: (np.float32, (2,)),
    Pass.FLOW_BACKWARD: (np.float32, (2,)),
    Pass.UV: (np.float32, (2,)),
}
"""Type and channels of the passes that are images."""

OF_NODES: dict[Pass, type[np.generic]] = {Pass.AMODAL: np.bool_, Pass.BOX3D: np.float64}
"""Type of the passes that have an entry for each node."""

IMAGES = frozenset({Pass.RGB, Pass.HDR})
_RENDERS = 50
_GROWTH = 1.2


@dataclass(frozen=True)
class Push:
    """A change of one attribute that shows a node further to the right.

    Attributes:
        node: Name of the node, the same in all scenes.
        attribute: The attribute.
        step: What is added to it.
    """

    node: str
    attribute: str
    step: float


def check_renderer(
    make: Callable[[], Renderer], scenes: Sequence[SceneGraph], push: Push | None = None
) -> None:
    """Puts an engine through the checks of the renderer protocol.

    Args:
        make: Makes the engine, the same each time.
        scenes: Three or more different scenes that it can render.
        push: A change that must move what is seen to the right; not checked if ``None``.

    Raises:
        MetasimError: If the engine breaks the protocol; the text says which rule and where.
    """
    if len(scenes) < 3:
        raise ValueError(f"scenes: got {len(scenes)}, expected three or more")
    engine, twin = make(), make()
    try:
        check_arrays(engine, scenes)
        check_ids(engine, scenes)
        check_company(engine, scenes)
        check_twins(engine, twin, scenes)
        check_noise(engine, scenes)
        check_unknown_pass(engine, scenes)
        if push is not None:
            check_push(engine, scenes, push)
        check_memory(engine, scenes)
    finally:
        twin.close()
        engine.close()
    check_closing(engine)


def check_arrays(engine: Renderer, scenes: Sequence[SceneGraph]) -> None:
    """Every pass claimed is delivered with its type and shape, alone or with others, in agreement."""
    claimed = engine.capabilities.passes
    _demand(Pass.RGB in claimed, "capabilities: rgb is missing, every engine must give it")
    frames = engine.render(scenes, claimed, 0)
    _demand(len(frames) == len(scenes), f"render: {len(frames)} frames for {len(scenes)} scenes")
    for scene, frame in zip(scenes, frames, strict=True):
        absent = claimed - frame.passes.keys()
        _demand(not absent, f"render: claims {', '.join(sorted(absent))} but left it out")
        for name in claimed:
            _check_array(name, frame[name], engine.capabilities.size, len(scene.nodes))
        check_agreement(frame)
    for name in claimed:
        alone = engine.render(scenes[:1], frozenset({name}), 0)[0]
        _demand(_same(alone[name], frames[0][name]), f"{name}: other values alone than beside other passes")


def _check_array(name: Pass, image: npt.NDArray[np.generic], size: tuple[int, int], nodes: int) -> None:
    if name in OF_NODES:
        dtype, expected = OF_NODES[name], (nodes, *(size if name is Pass.AMODAL else (4, 4)))
    else:
        dtype, channels = SHAPES[name]
        expected = (*size, *channels)
    _demand(image.shape == expected, f"{name}: shape {image.shape}, expected {expected}")
    _demand(image.dtype == dtype, f"{name}: {image.dtype}, expected {np.dtype(dtype)}")
    if name in (Pass.DEPTH, Pass.DISTANCE):
        _demand(bool((image > np.float32(0)).all()), f"{name}: values of 0 or less, or NaN")
    if name in IMAGES:
        _demand(bool(np.isfinite(image).all()), f"{name}: values that are not finite")


def check_ids(engine: Renderer, scenes: Sequence[SceneGraph]) -> None:
    """Ids name nodes of the scene, and classes agree with instances."""
    claimed = engine.capabilities.passes
    if Pass.INSTANCE not in claimed:
        return
    wanted = claimed & {Pass.INSTANCE, Pass.CLASS}
    for scene, frame in zip(scenes, engine.render(scenes, wanted, 0), strict=True):
        ids = np.asarray(frame[Pass.INSTANCE], np.int64)
        found = set(np.unique(ids).tolist())
        expected = set(range(len(scene.nodes) + 1))
        _demand(found <= expected, f"instance: ids {sorted(found - expected)} name no node")
        _demand(bool(found - {0}), "instance: nothing is seen; give scenes that show something")
        if Pass.CLASS in wanted:
            _check_classes(scene, ids, np.asarray(frame[Pass.CLASS], np.int64))


def _check_classes(scene: SceneGraph, ids: npt.NDArray[np.int64], classes: npt.NDArray[np.int64]) -> None:
    _demand(bool(((ids > 0) == (classes > 0)).all()), "class: another background than instance has")
    numbers: dict[str, set[int]] = {}
    for instance in np.unique(ids[ids > 0]):
        numbers.setdefault(scene.nodes[instance - 1].cls, set()).update(classes[ids == instance].tolist())
    several = sorted(cls for cls, found in numbers.items() if len(found) > 1)
    _demand(not several, f"class: several ids for {', '.join(several)}")
    distinct = set().union(*numbers.values())
    _demand(len(distinct) == len(numbers), "class: one id for several classes")


def check_company(engine: Renderer, scenes: Sequence[SceneGraph]) -> None:
    """The frame of a (scene, seed) pair is the same in any batch, in any order, and again."""
    passes, seed = engine.capabilities.passes, 7
    together = engine.render(scenes, passes, seed)
    for index in reversed(range(len(scenes))):
        alone = engine.render([scenes[index]], passes, seed + index)[0]
        _compare(alone, together[index], f"scene {index} alone and in a batch")
    for start in (1, 0):
        again = engine.render(scenes[start:], passes, seed + start)
        for offset, frame in enumerate(again):
            _compare(frame, together[start + offset], f"scene {start + offset} in two batches")


def check_twins(engine: Renderer, twin: Renderer, scenes: Sequence[SceneGraph]) -> None:
    """Two engines made with the same options give the same bytes."""
    passes = engine.capabilities.passes
    _demand(engine.capabilities == twin.capabilities, "capabilities: differ between two engines made alike")
    both = (one.render(scenes, passes, 3) for one in (engine, twin))
    for index, (ours, theirs) in enumerate(zip(*both, strict=True)):
        _compare(ours, theirs, f"scene {index} of two engines made alike")


def check_noise(engine: Renderer, scenes: Sequence[SceneGraph]) -> None:
    """An engine that claims to be noiseless gives the same frames with any seed."""
    if not engine.capabilities.noiseless:
        return
    passes = engine.capabilities.passes
    both = (engine.render(scenes, passes, seed) for seed in (0, 12345))
    for index, (one, other) in enumerate(zip(*both, strict=True)):
        _compare(one, other, f"scene {index} with two seeds, though noiseless,")


def check_unknown_pass(engine: Renderer, scenes: Sequence[SceneGraph]) -> None:
    """A pass that is not claimed is refused, not left out."""
    missing = sorted(set(Pass) - engine.capabilities.passes)
    if not missing:
        return
    try:
        engine.render(scenes[:1], frozenset({missing[0]}), 0)
    except InputError:
        return
    raise MetasimError(f"renderer contract: {missing[0]}: not claimed, but no InputError")


def check_push(engine: Renderer, scenes: Sequence[SceneGraph], push: Push) -> None:
    """What is seen of a node moves to the right as its attribute grows."""
    for scene in scenes:
        value = scene.by_name[push.node].attributes[push.attribute]
        moved = scene.with_attributes({push.node: {push.attribute: value + push.step}})
        before, after = engine.render([scene, moved], frozenset({Pass.INSTANCE}), 0)
        columns = [_middle_column(frame, scene.index(push.node) + 1) for frame in (before, after)]
        where = f"{push.node}.{push.attribute} + {push.step:g}"
        _demand(
            columns[0] < columns[1], f"{where}: column {columns[0]:.1f} became {columns[1]:.1f}, not greater"
        )


def check_memory(engine: Renderer, scenes: Sequence[SceneGraph]) -> None:
    """Rendering again and again does not fill the memory of this process and its children."""
    engine.render(scenes, engine.capabilities.passes, 0)
    before = _resident()
    for index in range(_RENDERS):
        engine.render([scenes[index % len(scenes)]], engine.capabilities.passes, index)
    growth = _resident() / before
    _demand(growth < _GROWTH, f"memory: {growth:.2f} times as much after {_RENDERS} renders")


def check_closing(engine: Renderer) -> None:
    """Closing twice does no harm."""
    engine.close()
    engine.close()


def _middle_column(frame: Frame, instance: int) -> float:
    columns = np.nonzero(frame[Pass.INSTANCE] == instance)[1]
    _demand(columns.size > 0, "instance: the node to be moved is not seen")
    return float(columns.mean())


def _resident() -> int:
    """Bytes of memory held by this process and its children."""
    process = psutil.Process()
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


def _compare(one: Frame, other: Frame, where: str) -> None:
    for name in one.passes:
        _demand(_same(one[name], other[name]), f"{name}: {where} differ")


def _same(one: npt.NDArray[np.generic], other: npt.NDArray[np.generic]) -> bool:
    return one.shape == other.shape and one.tobytes() == other.tobytes()


def _demand(kept: bool, broken: str) -> None:
    if not kept:
        raise MetasimError(f"renderer contract: {broken}")
