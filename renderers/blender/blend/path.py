"""DataPath: a place in a Blender file, in a small language of our own that is read and never run.

::

    objects["Mug"].rotation_euler[2]
    materials["Paint"].node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value[0]
    objects["Face"].data.shape_keys.key_blocks["Smile"].value
    objects["Mug"]["size"]                          # a custom property
    scene.frame_current                             # the timeline
    object.location[0]                              # of the object that stands for the node
    not objects["Mug"].hide_render                  # a switch the other way round

A path starts at ``scene``, at ``object`` or at a named data-block of a kind; then come fields and, in
brackets, names in quotes or whole numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from metasim.base.errors import InputError
from metasim.base.validation import closest

KINDS = (
    "objects",
    "lights",
    "materials",
    "cameras",
    "worlds",
    "collections",
    "meshes",
    "curves",
    "armatures",
    "lattices",
    "metaballs",
    "node_groups",
    "particles",
    "shape_keys",
    "textures",
    "volumes",
)
"""Kinds of data-blocks that a path may start at."""

SINGLES = ("scene", "object")
"""Starts of a path that need no name: the file's scene, and the object that stands for the node."""

LONGEST = 1000
EXAMPLE = 'a path like objects["Mug"].rotation_euler[2]'

_STEP = re.compile(
    r"""\.(?P<field>[A-Za-z][A-Za-z0-9_]*)
      | \[(?P<index>0|[1-9][0-9]{0,8})\]
      | \["(?P<double>(?:[^"\\]|\\["\\])*)"\]
      | \['(?P<single>(?:[^'\\]|\\['\\])*)'\]""",
    re.VERBOSE,
)
_START = re.compile(r"(?P<negated>not +)?(?P<root>[a-z_]+)")


@dataclass(frozen=True)
class Field:
    """A step to a named property."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


@dataclass(frozen=True)
class Item:
    """A step to an element, by number, or to a named one or a custom property, by name."""

    key: str | int

    def __str__(self) -> str:
        if isinstance(self.key, int):
            return f"[{self.key}]"
        return '["{}"]'.format(self.key.replace("\\", "\\\\").replace('"', '\\"'))


Step = Field | Item


@dataclass(frozen=True)
class DataPath:
    """A place in a Blender file; ``str`` gives its spelling, which ``parse`` reads back.

    Attributes:
        root: One of ``KINDS``, whose first step is a name, or of ``SINGLES``.
        steps: The way from there.
        negated: Whether a switch is meant the other way round.
    """

    root: str
    steps: tuple[Step, ...] = ()
    negated: bool = False

    def __str__(self) -> str:
        return f"{'not ' if self.negated else ''}{self.root}{''.join(map(str, self.steps))}"

    @classmethod
    def parse(cls, text: str, where: str) -> DataPath:
        """Reads a path.

        Args:
            text: Its spelling.
            where: What messages call it.

        Raises:
            InputError: If it is no path.
        """
        start = _START.match(text)
        if start is None or len(text) > LONGEST:
            raise InputError(where, _quote(text), EXAMPLE)
        root = start["root"]
        if root not in KINDS + SINGLES:
            raise InputError(where, _quote(text), f"a path that starts at {closest(root, KINDS + SINGLES)}")
        steps = tuple(_steps(text, start.end(), where))
        if root in KINDS and not (steps and isinstance(steps[0], Item) and isinstance(steps[0].key, str)):
            raise InputError(where, _quote(text), f'{root}["Name"]')
        return cls(root, steps, start["negated"] is not None)


def _steps(text: str, position: int, where: str) -> Iterator[Step]:
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise InputError(where, _quote(text), f"{EXAMPLE}; it fails at {_quote(text[position:])}")
        position = step.end()
        if step["field"] is not None:
            yield Field(step["field"])
        elif step["index"] is not None:
            yield Item(int(step["index"]))
        else:
            quoted = step["double"] if step["double"] is not None else step["single"]
            yield Item(re.sub(r"\\(.)", r"\1", quoted))


def _quote(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:80]}..."
