"""The errors a user can meet, each with its exit code.

Every message says what is wrong, where, why, and what to do. Exit codes: 0 ran; 1 something at
or above `--fail-on`; 2 usage or configuration; 3 a pack is invalid; 4 the data was rejected;
5 our bug; 130 interrupted.
"""

from __future__ import annotations

from dataclasses import dataclass


class TariffError(Exception):
    """A mistake the user can mend. `hint` says how."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class UsageError(TariffError):
    """Wrong options or configuration (exit 2)."""


class PackError(TariffError):
    """One or more packs are invalid (exit 3). `problems` holds every one found."""

    exit_code = 3

    def __init__(self, problems: list[Problem], *, hint: str = "") -> None:
        self.problems = problems
        lines = "\n".join(str(problem) for problem in problems)
        super().__init__(lines, hint=hint)


class DataError(TariffError):
    """The extract cannot be used (exit 4)."""

    exit_code = 4


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem in a pack file, printed as `path:line:column: CODE message`."""

    path: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    severity: str = "error"  # or "warning"

    def __str__(self) -> str:
        text = f"{self.path}:{self.line}:{self.column}: {self.code} {self.message}"
        return f"{text}\n  hint: {self.hint}" if self.hint else text
