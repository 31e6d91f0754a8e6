"""Blender's data from numpy's: objects, meshes, matte textured materials, images; by ``bpy.data`` only."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from renderers.blender.native import load_bpy
from renderers.blender.tyol.mesh import Mesh
from renderers.blender.tyol.paint import Floats, Image


def add_object(name: str, data: Any) -> Any:
    """A new object of the scene that shows a mesh, light or camera."""
    bpy = load_bpy()
    added = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(added)
    return added


def move(thing: Any, matrix: Floats) -> None:
    """Gives an object its world matrix (4, 4)."""
    thing.matrix_world = importlib.import_module("mathutils").Matrix(matrix.tolist())


def add_mesh(name: str, mesh: Mesh, texture: Image) -> Any:
    """A mesh with its texture as an object of the scene."""
    data = load_bpy().data.meshes.new(name)
    data.from_pydata(mesh.vertices.tolist(), [], mesh.faces.tolist())
    data.uv_layers.new(name="UVMap").data.foreach_set("uv", mesh.uvs.astype(np.float32).ravel())
    data.polygons.foreach_set("use_smooth", mesh.smooth)
    data.materials.append(matte(name, texture))
    data.validate()
    return add_object(name, data)


def matte(name: str, texture: Image) -> Any:
    """A matte material, cheap at few samples: the texture times the object's own colour."""
    material = load_bpy().data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    picture, own, product, surface, output = (
        tree.nodes.new(f"ShaderNode{kind}")
        for kind in ("TexImage", "ObjectInfo", "Mix", "BsdfDiffuse", "OutputMaterial")
    )
    picture.image = image(name, texture)
    product.data_type, product.blend_type = "RGBA", "MULTIPLY"
    product.inputs["Factor"].default_value = 1.0
    # A mix node has an A, a B and a result for each data type, told apart by position only.
    tree.links.new(picture.outputs["Color"], product.inputs[6])
    tree.links.new(own.outputs["Color"], product.inputs[7])
    tree.links.new(product.outputs[2], surface.inputs["Color"])
    tree.links.new(surface.outputs["BSDF"], output.inputs["Surface"])
    return material


def image(name: str, texture: Image) -> Any:
    """A Blender image of a texture; Blender stores rows from the bottom up, with alpha."""
    height, width = texture.shape[:2]
    made = load_bpy().data.images.new(name, width, height)
    opaque = np.dstack([texture, np.full((height, width), 255, np.uint8)])
    made.pixels.foreach_set(np.flipud(opaque).astype(np.float32).ravel() / 255.0)
    made.update()
    return made
