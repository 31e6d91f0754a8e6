"""A rendered scene through the Hypersim format: its files fit together as those of Hypersim do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypersim_files import HELD, array, images_of, matrix, write
from test_export import Stop, Stopping, digest
from trimesh.proximity import closest_point_naive

from metasim.dataset.export import Export
from metasim.dataset.formats.hypersim import HypersimFormat
from metasim.dataset.modality import Modality
from metasim.dataset.plan import ExportPlan
from metasim.dataset.sample import Origin, Provenance, Sample, make_sample
from metasim.dataset.store import local_copy
from metasim.dataset.verify import verify
from metasim.rendering.pool import RenderPool
from metasim.rendering.protocol import Frame
from metasim.scene.graph import SceneGraph, SceneNode
from metasim.scene.schema import SceneSchema, SymbolSpec
from renderers.blender.tyol.objects import make_prop
from renderers.blender.tyol.pose import DEFAULTS, object_matrix

pytestmark = pytest.mark.blender

SIZE = 40
ORIGIN = Origin("tyol/0", "a" * 64, "b" * 64)
OBJECT = 6  # instance id
CLASSES = ("image", "scene", "camera", "light", "table", "shoe")

SCHEMA = SceneSchema(tuple(SymbolSpec(name, (name,)) for name in CLASSES))


def tyol_scene() -> SceneGraph:
    nodes = [SceneNode("image", "image", "image", None, {}), SceneNode("scene", "scene", "scene", 0, {})]
    for symbol in ("camera", "light", "table", "object"):
        cls = "shoe" if symbol == "object" else symbol
        nodes.append(
            SceneNode(
                symbol, symbol, cls, 1, dict(DEFAULTS[symbol]) | ({"yaw": 35.0} if cls == "shoe" else {})
            )
        )
    return SceneGraph(tuple(nodes))


@dataclass(frozen=True)
class TurnedShoes:
    """The default scene with the shoe turned to a yaw of each index."""

    schema: SceneSchema = SCHEMA
    origin: Origin = ORIGIN

    def scene(self, index: int) -> SceneGraph:
        return tyol_scene().with_attributes({"object": {"yaw": 40.0 * index}})


@pytest.fixture(scope="module")
def pool() -> Iterator[RenderPool]:
    with RenderPool("blender", {"size": SIZE, "samples": 8}, workers=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def rendered(pool: RenderPool) -> Sample:
    """The default scene with every modality that Hypersim holds."""
    graph, given = tyol_scene(), pool.capabilities.passes
    wanted = [m for m in Modality if m in HELD and m.sources <= given]
    (frame,) = pool.render([graph], frozenset().union(*(m.sources for m in wanted)), [3])
    assert isinstance(frame, Frame), frame
    made = Provenance(ORIGIN, 0, 0, 3)
    return make_sample(graph, frame, wanted, CLASSES, "train", made)


@pytest.fixture(scope="module")
def scene(rendered: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hypersim")
    write(out, rendered)
    return out / "ai_000_000"


def test_everything_hypersim_holds_is_rendered(rendered: Sample) -> None:
    assert set(rendered.images) == HELD - {Modality.BBOX3D}
    assert rendered.solids


def test_colour_is_reflectance_times_illumination_plus_residual(scene: Path) -> None:
    (found,) = HypersimFormat().read(scene.parent)
    parts = (Modality.HDR, Modality.REFLECTANCE, Modality.ILLUMINATION, Modality.RESIDUAL)
    colour, reflectance, illumination, residual = (found.images[m] for m in parts)
    assert np.abs(colour - (reflectance * illumination + residual)).max() <= 2e-3
    assert np.ptp(colour) > 0.1


def test_points_from_its_own_depth_and_camera_lie_on_the_object(scene: Path) -> None:
    edges = np.linspace(-1 + 1 / SIZE, 1 - 1 / SIZE, SIZE)
    u, v = np.meshgrid(edges, edges[::-1])
    rays = np.stack([u, v, np.ones_like(u)], axis=-1) @ matrix(scene, "M_cam_from_uv", 3).T
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    images, cameras = images_of(scene, "geometry"), scene / "_detail/cam_00"
    local = rays * images["depth_meters"].astype(float)[..., None]
    points = local @ array(cameras / "camera_keyframe_orientations.hdf5")[0].T
    points += array(cameras / "camera_keyframe_positions.hdf5")[0]

    seen = images["semantic_instance"] == OBJECT
    assert seen.mean() > 0.05
    mesh = make_prop("shoe").mesh
    pose = object_matrix(tyol_scene().by_name["object"].attributes, mesh.vertices)
    shoe = trimesh.Trimesh(mesh.vertices @ pose[:3, :3].T + pose[:3, 3], mesh.faces, process=False)
    _, away, _ = closest_point_naive(shoe, points[seen])
    resolution = np.nanmax(images["depth_meters"].astype(float)) * 2.0**-11
    assert away.max() < resolution + 1e-4


def test_an_interrupted_export_and_one_far_away_end_as_the_same_files(
    pool: RenderPool, tmp_path: Path
) -> None:
    held = tuple(m for m in Modality if m in HELD)
    plan = ExportPlan("hypersim", 5, held, {"train": 0.6, "val": 0.4}, 0, (SIZE, SIZE), part_samples=2)
    address = "memory://hypersim/shoes"
    Export(plan, TurnedShoes(), pool, tmp_path / "whole").run()
    Export(plan, TurnedShoes(), pool, address).run()
    with pytest.raises(Stop):
        Export(plan, TurnedShoes(), pool, tmp_path / "torn", progress=Stopping(after=3)).run()
    Export(plan, TurnedShoes(), pool, tmp_path / "torn").run(resume=True)

    whole = digest(tmp_path / "whole")
    with local_copy(address) as copy:
        for place, found in ((address, digest(copy)), (tmp_path / "torn", digest(tmp_path / "torn"))):
            assert verify(place) == []
            assert found.keys() == whole.keys()
            assert all(path.startswith("costs/") for path in whole if whole[path] != found[path])
