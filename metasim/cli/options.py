"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import UseAppendAction, arg

from metasim.base.errors import InputError

if TYPE_CHECKING:
    from metasim.config import ExecutorConfig
    from metasim.rendering.executor import Executor

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


def open_executor(groups: Iterable[Iterable[str]]) -> Executor:
    """The executor that ``--set executor.kind=ray executor.workers=8`` asks for; by default the local one.

    Raises:
        InputError: If an entry is about anything else or wrong, or there is no such executor.
    """
    return executor_config(groups).open()


def executor_config(groups: Iterable[Iterable[str]]) -> ExecutorConfig:
    """The same, not opened yet.

    Raises:
        InputError: If an entry is about anything else or wrong.
    """
    from metasim.base.validation import validated
    from metasim.config import ExecutorConfig

    overrides = parse_overrides(groups)
    for key in overrides:
        if key != "executor" and not key.startswith("executor."):
            raise InputError(f"--set {key}", "no key of the executor", "executor.kind=ray or the like")
    section = {"kind": overrides.pop("executor")} if "executor" in overrides else {}
    section |= {key.removeprefix("executor."): value for key, value in overrides.items()}
    return validated(ExecutorConfig, section, "--set executor")
