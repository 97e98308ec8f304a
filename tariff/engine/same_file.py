"""A file that is given twice would make every record of it a duplicate."""

from __future__ import annotations

from collections.abc import Iterable

from tariff.errors import UsageError
from tariff.extract import Extract
from tariff.extract.source import InputFile


def refuse_same_file(extract: Extract) -> None:
    """Raise where one file of an extract is given twice."""
    refuse_same(("", item) for item in extract.inputs)


def refuse_same(read: Iterable[tuple[str, InputFile]]) -> None:
    """Raise where two inputs are one file. Each comes with what it is given as."""
    seen: dict[str, tuple[str, InputFile]] = {}
    for role, item in read:
        if not item.sha256:
            continue
        if item.sha256 not in seen:
            seen[item.sha256] = role, item
            continue
        other, first = seen[item.sha256]
        if role != other:
            told = f"{item.name} is given as {other} and as {role}"
        elif item.name == first.name:
            told = f"{item.name} is given twice"
        else:
            told = f"{item.name} and {first.name} are the same file"
        raise UsageError(told, hint="give each file once")
