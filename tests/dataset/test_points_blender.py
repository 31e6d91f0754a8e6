"""Points of every format, by its own document, land on what Blender says it has rendered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clouds import CLOUDS
from exchange import write

from metasim.dataset.formats import find_format
from metasim.dataset.modality import Modality
from metasim.dataset.sample import Origin, Provenance, Sample, make_sample
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame
from metasim.scene.graph import SceneGraph, SceneNode

pytestmark = pytest.mark.blender

CLASSES = ("scene", "camera", "cube")
OPTIONS = {"scene": "cube_scene:CubeScene", "samples": 1, "size": 48, "classes": list(CLASSES)}
HELD = frozenset().union(*(find_format(name).modalities for name in CLOUDS)) - {
    Modality.FLOW_FORWARD,
    Modality.FLOW_BACKWARD,
}
HALF = 0.5  # of the cube's edge, metres


@pytest.fixture(scope="module")
def cube() -> Sample:
    """A cube that stands turned on a floor without a node, hence without an instance."""
    graph = SceneGraph(
        (
            SceneNode("scene", "scene", "scene", None, {}),
            SceneNode("camera", "camera", "camera", 0, {"height": 4.0}),
            SceneNode("cube", "cube", "cube", 0, {"x": 0.3, "yaw": 25.0}),
        )
    )
    passes = frozenset().union(*(m.sources for m in HELD))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "renderers"))
        with RenderPool("blender", OPTIONS, workers=1) as pool:
            (frame,) = pool.render([graph], passes, [0])
    assert isinstance(frame, Frame), frame
    made = Provenance(Origin("cubes/0", "", ""), 0, 0, 0)
    return make_sample(graph, frame, HELD, CLASSES, "train", made)


@pytest.mark.parametrize("name", CLOUDS)
def test_points_lie_on_the_cube(cube: Sample, name: str, tmp_path: Path) -> None:
    held = find_format(name).modalities
    images = {m: image for m, image in cube.images.items() if m in held}
    write(name, tmp_path, [Sample(**{**vars(cube), "images": images})])
    on_cube = cube.images[Modality.INSTANCE] > 0
    assert on_cube.sum() > 50
    points = CLOUDS[name](tmp_path)[on_cube] - [0.3, 0.0, HALF]
    yaw = np.deg2rad(25.0)
    x, y = (
        points[:, 0] * np.cos(yaw) + points[:, 1] * np.sin(yaw),
        points[:, 1] * np.cos(yaw) - points[:, 0] * np.sin(yaw),
    )
    largest = np.abs([x, y, points[:, 2]]).max(axis=0)
    np.testing.assert_allclose(largest, HALF, atol=1e-4)
