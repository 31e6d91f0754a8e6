"""Laws of the labels derived from instance ids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from metasim.base.errors import MetasimError
from metasim.dataset import labels
from metasim.scene.graph import SceneGraph, SceneNode

CLASSES = ("room", "cup", "bowl")
GRAPH = SceneGraph(
    (
        SceneNode("room", "room", "room", None, {}),
        *(SceneNode(f"thing_{i}", "thing", CLASSES[1 + i % 2], 0, {}) for i in range(4)),
    )
)
TABLE = labels.class_ids(GRAPH, CLASSES)
instance_masks = arrays(
    np.int32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 5)
)


@given(instance_masks)
def test_a_box_is_the_extent_of_its_pixels(instance: np.ndarray) -> None:
    boxes = labels.boxes(instance, TABLE)
    assert [box.instance for box in boxes] == sorted(set(instance.ravel().tolist()) - {0})
    for box in boxes:
        y, x = np.nonzero(instance == box.instance)
        assert (box.x, box.y) == (x.min(), y.min())
        assert (box.x + box.width, box.y + box.height) == (x.max() + 1, y.max() + 1)
        assert box.class_id == TABLE[box.instance]


@given(instance_masks)
def test_semantic_ids_are_the_classes_of_the_instances(instance: np.ndarray) -> None:
    semantic = labels.semantic(instance, TABLE)
    for node, class_id in zip(GRAPH.nodes, TABLE[1:], strict=True):
        assert CLASSES[class_id - 1] == node.cls
        assert np.all(semantic[instance == GRAPH.index(node.name) + 1] == class_id)
    assert np.array_equal(semantic == 0, ~labels.foreground(instance))


@pytest.mark.parametrize("stray", [-1, len(GRAPH.nodes) + 1])
def test_an_instance_that_is_no_node_is_an_error(stray: int) -> None:
    with pytest.raises(MetasimError, match="instance ids"):
        labels.semantic(np.array([[0, stray]], np.int32), TABLE)


def test_a_class_without_an_id_is_an_error() -> None:
    with pytest.raises(MetasimError, match="cup"):
        labels.class_ids(GRAPH, ("room", "bowl"))
