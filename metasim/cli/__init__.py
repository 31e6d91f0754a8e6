"""The command ``metasim``: one verb a module, each a frozen dataclass of its options with a ``run`` method.

A verb's fields are its options, its docstring's first line stands in ``metasim --help`` and the docstring's
``Attributes`` are the options' help, all read by tyro:

* a repeated option: ``Annotated[UseAppendAction[tuple[Path, ...]], arg(name="run", metavar="DIR")]``
* a positional one: ``Annotated[Positional[Path], arg(metavar="DIR")]``
* verbs below a verb: a field of ``Annotated[Objects, subcommand("objects")] | ...``

Modules of verbs import nothing heavy at their top: ``metasim --help`` imports all of them.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
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

SIGNALLED = 128  # and the signal's number, as a shell reports it


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
        Exit status: 0 on success, 2 on bad input, 130 when interrupted, 143 when terminated, 1 otherwise.
    """
    verb = parse(arguments)
    try:
        with _stopped_cleanly():
            return verb.run()
    except MetasimError as error:
        sys.stderr.write(f"metasim: {error}\n")
        return error.exit_status
    except KeyboardInterrupt as stop:
        return SIGNALLED + (stop.args[0] if stop.args else signal.SIGINT)


@contextmanager
def _stopped_cleanly() -> Iterator[None]:
    """Lets what ends a service or a terminal end the work as Ctrl-C does: workers and their files go too."""

    def stop(number: int, _: FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    alone = threading.current_thread() is threading.main_thread()  # no other may say what a signal does
    ends = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_DFL and alone]
    for number in ends:  # without those that nohup has silenced
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in ends:
            signal.signal(number, signal.SIG_DFL)
