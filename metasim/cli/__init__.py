"""The command ``metasim``: one verb a module, each a frozen dataclass of its options with a ``run`` method.

A verb's fields are its options, its docstring's first line stands in ``metasim --help`` and the docstring's
``Attributes`` are the options' help, all read by tyro:

* a repeated option: ``Annotated[UseAppendAction[tuple[Path, ...]], arg(name="run", metavar="DIR")]``
* a positional one: ``Annotated[Positional[Path], arg(metavar="DIR")]``
* verbs below a verb: a field of ``Annotated[Objects, subcommand("objects")] | ...``

Modules of verbs import nothing heavy at their top: ``metasim --help`` imports all of them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes, OmitSubcommandPrefixes
from tyro.extras import subcommand_cli_from_dict

from metasim.base.errors import MetasimError

VERBS = {
    "train": "Train",
    "sample": "Sample",
    "render": "Render",
    "export": "Export",
    "verify": "Verify",
    "compare": "Compare",
    "runs": "Runs",
    "inspect": "Inspect",
    "bench": "Bench",
    "doctor": "Doctor",
}
"""Verb (a module of this package) to its class, in the order of the help text."""

INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it


class Verb(Protocol):
    """A parsed command line, ready to run."""

    def run(self) -> int:
        """Does the work; returns the exit status."""
        ...


def parse(arguments: Sequence[str] | None = None) -> Verb:
    """Reads a command line; leaves with status 2 and a usage message where it is wrong."""
    return subcommand_cli_from_dict(
        {name: getattr(import_module(f"{__name__}.{name}"), verb) for name, verb in VERBS.items()},
        prog="metasim",
        description="Learn a scene generator whose rendered images follow a target's distribution.",
        args=arguments,
        config=(OmitArgPrefixes, OmitSubcommandPrefixes, FlagCreatePairsOff),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line, by default the process's own.

    Returns:
        Exit status: 0 on success, 2 on bad input, 130 when interrupted, 1 otherwise.
    """
    verb = parse(arguments)
    try:
        return verb.run()
    except MetasimError as error:
        sys.stderr.write(f"metasim: {error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
