"""The errors a user can meet, by the exit status they end a command with."""

from __future__ import annotations


class MetasimError(Exception):
    """A run cannot go on for a reason that is not the user's input; exit status 1."""

    exit_status = 1


class InputError(MetasimError):
    """The user's input is wrong: one line that says what, where and what was expected; exit status 2.

    Args:
        where: File, key path or option at fault, for example ``tyol.yaml: renderer.samples``.
        got: What stands there.
        expected: The rule it breaks.
    """

    exit_status = 2

    def __init__(self, where: str, got: str, expected: str) -> None:
        super().__init__(f"{where}: {got}; expected {expected}")
        self.where, self.got, self.expected = where, got, expected

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str]]:
        """Pickles by fields, so that a worker process can hand the error to its parent."""
        return type(self), (self.where, self.got, self.expected)
