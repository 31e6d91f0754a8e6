"""The surface's own normal as a layer: a node that each material writes it with."""

from __future__ import annotations

from typing import Any

from renderers.blender.ids import SURFACES
from renderers.blender.native import load_bpy

TRUE_NORMAL = "TrueNormal"
"""The layer; Cycles' own draws shading normals, bent by bump maps and smooth shading."""

PLAIN = "metasim plain"


def write_true_normals(view_layer: Any) -> None:
    """Lets a view layer have ``TRUE_NORMAL`` and every material write it; colours stay as they are.

    Done before each render that wants it, since a scene may bring new materials; those done already
    cost next to nothing. The layer stays, since Cycles only looks for it when it compiles a material.
    """
    data = load_bpy().data
    if TRUE_NORMAL not in view_layer.aovs:
        view_layer.aovs.add().name = TRUE_NORMAL
    for shape in data.objects:
        if shape.type in SURFACES:
            _dress(shape)
    for material in data.materials:
        if not material.use_nodes and not material.is_grease_pencil:
            _node_form(material)
        if material.node_tree is not None and TRUE_NORMAL not in material.node_tree.nodes:
            _add_node(material.node_tree)


def _dress(shape: Any) -> None:
    """Gives an object without a material one that looks like none."""
    slots = shape.material_slots
    if not slots and hasattr(shape.data, "materials"):
        shape.data.materials.append(_plain())
    for slot in slots:
        if slot.material is None:
            slot.material = _plain()


def _plain() -> Any:
    """What Cycles shows where no material is: matte, albedo 0.8."""
    materials = load_bpy().data.materials
    if (held := materials.get(PLAIN)) is not None:
        return held
    made = materials.new(PLAIN)
    made.diffuse_color = (0.8, 0.8, 0.8, 1.0)
    return made


def _node_form(material: Any) -> None:
    """The nodes that Cycles stands in for a material without any."""
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    surface, output = nodes.new("ShaderNodeBsdfDiffuse"), nodes.new("ShaderNodeOutputMaterial")
    surface.inputs["Color"].default_value = material.diffuse_color
    links.new(surface.outputs["BSDF"], output.inputs["Surface"])


def _add_node(tree: Any) -> None:
    geometry, output = tree.nodes.new("ShaderNodeNewGeometry"), tree.nodes.new("ShaderNodeOutputAOV")
    output.name = output.aov_name = TRUE_NORMAL
    tree.links.new(geometry.outputs["True Normal"], output.inputs["Color"])
