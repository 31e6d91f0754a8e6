"""Sections of user files: immutable pydantic models whose faults are one-line ``InputError``."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from metasim.base.errors import InputError

_LONGEST_QUOTE = 60
_OPENINGS = ("Value error, ", "Input should be ", "String should ")  # of pydantic's messages


class Section(BaseModel):
    """A mapping of a user's file: immutable, finite numbers only, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    short_forms: ClassVar[tuple[str, ...]] = ()  # further keys, which the model spells out itself

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        fields = (field.alias or name for name, field in cls.model_fields.items())
        known = [*cls.short_forms, *fields]
        for key in data if isinstance(data, Mapping) else ():
            if key not in known:
                context = {"key": key, "expected": closest(str(key), known)}
                raise PydanticCustomError("unknown_key", "unknown key", context)
        return data


AnySection = TypeVar("AnySection", bound=BaseModel)


def validated(model: type[AnySection], data: Any, where: str) -> AnySection:
    """Reads data as a model.

    Args:
        model: What the data should be.
        data: Data of a user's file.
        where: Name of the file, for messages.

    Raises:
        InputError: At the first fault, with the path of its key in the data.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _input_error(error.errors()[0], data, where) from None


def closest(name: str, known: Iterable[str]) -> str:
    """What to expect in place of an unknown name: the nearest known one, and all if they are few."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    choice = f"one of {', '.join(known)}" if len(known) <= 12 else f"one of {len(known)} known names"
    return f"{near[0]!r} perhaps, {choice}" if near else choice


def _input_error(error: ErrorDetails, data: Any, where: str) -> InputError:
    context = error.get("ctx", {})
    path = _path(error["loc"], data)
    if error["type"] == "unknown_key":
        path = [*path, str(context["key"])]
        return InputError(_join(where, path), "unknown key", str(context["expected"]))
    if error["type"] == "union_tag_invalid":
        known = [tag.strip(" '") for tag in str(context["expected_tags"]).split(",")]
        return InputError(_join(where, path), repr(context["tag"]), closest(str(context["tag"]), known))
    if error["type"] == "missing":
        return InputError(_join(where, [*path, str(error["loc"][-1])]), "nothing", "a value")
    return InputError(_join(where, path), _quote(error["input"]), in_our_words(error["msg"]))


def in_our_words(message: str) -> str:
    """What pydantic expected, from its message."""
    for opening in _OPENINGS:
        message = message.removeprefix(opening)
    return " ".join(message.split())


def _path(location: tuple[int | str, ...], data: Any) -> list[str]:
    """The part of a model's path that stands in the file too: short forms lack some of the steps."""
    path: list[str] = []
    for step in location:
        steps: Any = dict(enumerate(data)) if isinstance(data, list) else data
        if isinstance(steps, Mapping) and step in steps:
            data = steps[step]
            path.append(str(step))
    return path


def _join(where: str, path: list[str]) -> str:
    return f"{where}: {'.'.join(path)}" if path else where


def _quote(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."
