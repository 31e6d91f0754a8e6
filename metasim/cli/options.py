"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from tyro.conf import UseAppendAction, arg

from metasim.base.errors import InputError

Overrides = Annotated[UseAppendAction[tuple[tuple[str, ...], ...]], arg(name="set", metavar="KEY=VALUE ...")]
"""``--set matching.steps=10 seed=3``, once or repeated."""


def parse_overrides(groups: Iterable[Iterable[str]]) -> dict[str, Any]:
    """Reads ``--set`` options as ``{"path.to.key": value}``, each value as YAML.

    Raises:
        InputError: Where an entry is no ``path.to.key=value`` or its value no YAML.
    """
    import yaml

    overrides: dict[str, Any] = {}
    for entry in (entry for group in groups for entry in group):
        key, equals, value = entry.partition("=")
        if not (key and equals):
            raise InputError(f"--set {entry}", "no path or no value", "path.to.key=value")
        try:
            overrides[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InputError(f"--set {entry}", " ".join(str(error).split()), "a value in YAML") from error
    return overrides
