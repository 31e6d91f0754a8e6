"""Materials: matte ones for meshes that bring none, and a tint by the object's colour for all."""

from __future__ import annotations

import colorsys
from typing import Any

from metasim.base.streams import stream
from renderers.blender.native import load_bpy
from renderers.blender.tyol.datablocks import image
from renderers.blender.tyol.paint import Image

UVS = "UVMap"
COLOURS = "Col"
"""Names of the layers of a mesh that hold texture coordinates and vertex colours."""

_TINTED = {"BSDF_PRINCIPLED": "Base Color", "BSDF_DIFFUSE": "Color"}
_SATURATION, _VALUE = 0.5, 0.6


def matte_coloured(name: str, layer: str = COLOURS) -> Any:
    """A matte material in the colours of a mesh's layer."""
    material, surface = _matte(name)
    colours = material.node_tree.nodes.new("ShaderNodeAttribute")
    colours.attribute_name = layer
    material.node_tree.links.new(colours.outputs["Color"], surface.inputs["Color"])
    return material


def matte_textured(name: str, texture: Image) -> Any:
    """A matte material of a texture (H, W, 3), sRGB, row 0 on top."""
    material, surface = _matte(name)
    picture = material.node_tree.nodes.new("ShaderNodeTexImage")
    picture.image = image(name, texture)
    material.node_tree.links.new(picture.outputs["Color"], surface.inputs["Color"])
    return material


def colour_of(name: str) -> tuple[float, ...]:
    """A colour, RGBA, that is drawn from a name alone."""
    hue = stream(0, f"assets/colour/{name}").uniform()
    return (*colorsys.hsv_to_rgb(hue, _SATURATION, _VALUE), 1.0)


def matte_plain(name: str) -> Any:
    """A matte material of a colour that is drawn from its name alone."""
    material, surface = _matte(name)
    surface.inputs["Color"].default_value = colour_of(name)
    return material


def dress(mesh: Any, name: str) -> tuple[float, ...] | None:
    """Gives a mesh without any material its vertex colours if it has some, else a colour of its name.

    Returns:
        That colour.
    """
    if any(material is not None for material in mesh.materials):
        return None
    layer = mesh.color_attributes.active_color
    mesh.materials.clear()
    mesh.materials.append(matte_plain(name) if layer is None else matte_coloured(name, layer.name))
    return colour_of(name) if layer is None else None


def make_tintable(material: Any) -> None:
    """Multiplies the surface colours of a material by the colour of the object that it is on."""
    tree = material.node_tree
    for surface in [node for node in tree.nodes if node.type in _TINTED] if tree else []:
        socket = surface.inputs[_TINTED[surface.type]]
        own, product = tree.nodes.new("ShaderNodeObjectInfo"), tree.nodes.new("ShaderNodeMix")
        product.data_type, product.blend_type = "RGBA", "MULTIPLY"
        product.inputs["Factor"].default_value = 1.0
        # A mix node has an A, a B and a result for each data type, told apart by position only.
        if socket.is_linked:
            tree.links.new(socket.links[0].from_socket, product.inputs[6])
        else:
            product.inputs[6].default_value = socket.default_value
        tree.links.new(own.outputs["Color"], product.inputs[7])
        tree.links.new(product.outputs[2], socket)


def missing_images(mesh: Any) -> list[str]:
    """The files of the images that a mesh's materials ask for and that could not be read."""
    trees = [material.node_tree for material in mesh.materials if material and material.node_tree]
    images = [node.image for tree in trees for node in tree.nodes if node.type == "TEX_IMAGE" and node.image]
    return sorted({picture.filepath for picture in images if not all(picture.size)})


def _matte(name: str) -> tuple[Any, Any]:
    """A new matte material and its surface's node."""
    material = load_bpy().data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    surface, output = tree.nodes.new("ShaderNodeBsdfDiffuse"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(surface.outputs["BSDF"], output.inputs["Surface"])
    return material, surface
