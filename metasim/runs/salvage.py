"""Salvage: what can be read of files that another version of metasim wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from metasim.base.files import read_json

Model = TypeVar("Model", bound=BaseModel)


def salvaged(model: type[Model], path: Path) -> tuple[Model | None, list[str]]:
    """Reads a JSON file, leaving out fields that the model does not know.

    Returns:
        The content, or ``None`` if what is left is not what this version needs, and a line for every
        fault.

    Raises:
        InputError: If the file is missing or no JSON object.
    """
    data = read_json(path)
    try:
        return model.model_validate_json(path.read_bytes()), []
    except ValidationError as error:
        faults = error.errors()
    unknown = [fault["loc"] for fault in faults if fault["type"] == "extra_forbidden"]
    told = [f"{path.name}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults]
    for where in unknown:
        _remove(data, where)
    if len(unknown) < len(faults):
        return None, told
    return model.model_validate(data, strict=False), told


def _remove(data: Any, where: tuple[int | str, ...]) -> None:
    *parents, last = where
    for key in parents:
        data = data[key]
    del data[last]
