"""Makes data/objects: ten meshes of five classes with a manifest, as a user might have collected them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import trimesh
import yaml
from trimesh import Scene, Trimesh, creation
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

FOLDER = Path(__file__).parents[1] / "data" / "objects"
AFFORDANCES = {
    "ball": ["roll"],
    "block": ["stack"],
    "bowl": ["contain"],
    "can": ["grasp", "roll"],
    "mug": [],
}
PARTS = {"mug": {"body": ["contain"], "handle": ["grasp"]}}
GLAZE = {"body": (0.75, 0.72, 0.65, 1.0), "handle": (0.2, 0.35, 0.55, 1.0)}


def main() -> None:
    """Writes the folder, or the one named on the command line."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    assets = {}
    for name, mesh in _meshes():
        mesh.export(folder / name)
        cls = name.partition("_")[0]
        assets[name] = {"class": cls, "affordances": AFFORDANCES[cls], "licence": "CC0-1.0"}
        assets[name] |= {"parts": PARTS[cls]} if cls in PARTS else {}
    (folder / "manifest.yaml").write_text(yaml.safe_dump({"assets": assets}))


def _meshes() -> Iterator[tuple[str, Trimesh | Scene]]:
    """Two meshes a class, z up but for those of glb files, where y is."""
    yield "ball_round.ply", creation.icosphere(subdivisions=3)
    yield "ball_long.stl", creation.icosphere(subdivisions=3).apply_scale((1.0, 1.0, 1.4))
    yield "block_long.stl", creation.box((1.0, 2.0, 3.0))
    yield "block_flat.ply", creation.box((2.0, 2.0, 0.7))
    yield "bowl_deep.stl", _bowl(0.8)
    yield "bowl_flat.ply", _bowl(0.35)
    yield "can_high.ply", creation.cylinder(0.4, 1.2)
    yield "can_low.stl", creation.cylinder(0.6, 0.5)
    yield "mug_high.glb", _mug(1.2)
    yield "mug_low.glb", _mug(0.8)


def _bowl(height: float) -> Trimesh:
    outline = [(0.0, 0.0), (0.5, 0.0), (1.0, height), (0.92, height), (0.45, 0.1), (0.0, 0.1)]
    return creation.revolve(outline, sections=32)


def _mug(height: float) -> Scene:
    """A body and a handle, each of a material by its name."""
    outline = [(0.0, 0.0), (0.5, 0.0), (0.5, height), (0.44, height), (0.44, 0.08), (0.0, 0.08)]
    handle = creation.torus(0.25, 0.06).apply_transform(
        trimesh.transformations.rotation_matrix(1.5708, (1.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    )
    handle.apply_translation((0.62, 0.0, height / 2.0))
    scene = Scene()
    for name, part in (("body", creation.revolve(outline, sections=32)), ("handle", handle)):
        part.visual = TextureVisuals(material=PBRMaterial(name=name, baseColorFactor=GLAZE[name]))
        scene.add_geometry(part, geom_name=name)
    return scene.apply_transform(trimesh.transformations.rotation_matrix(-1.5708, (1.0, 0.0, 0.0)))


if __name__ == "__main__":
    main()
