"""The key of a planted extract, and the journal that undoes it.

NAME.key.csv has one line for each fault or near miss; NAME.undo.jsonl has, in the same order, what
must be taken out and put back. Both are written beside the extract and renamed with it.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, get_args

from tariff.errors import UsageError
from tariff.simulate.faults.model import Kind, Planted, Undo

COLUMNS = (
    "planted",
    "rule",
    "way",
    "provider",
    "records",
    "value_pence",
    "change_pence",
    "also",
    "how",
)
ENDINGS = (".csv.gz", ".csv", ".parquet")
KEY, UNDO = ".key.csv", ".undo.jsonl"


def row_id(provider: str, spell_id: str, number: int) -> str:
    """Name a row: the n-th of its spell in the planted file."""
    return f"{provider}:{spell_id}:{number}"


def text_of(value: Any) -> str | None:
    """Return a value of a row as the journal has it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def stem(path: Path) -> Path:
    """Return the path of an extract without its ending."""
    for ending in ENDINGS:
        if path.name.lower().endswith(ending):
            return path.with_name(path.name[: -len(ending)])
    return path


def undo_path(key: Path) -> Path:
    """Return the journal that belongs to a key."""
    name = key.name
    base = name[: -len(KEY)] if name.endswith(KEY) else name.rsplit(".", 1)[0]
    return key.with_name(base + UNDO)


def line_of(planted: Planted) -> tuple[str, ...]:
    """Return a line of the key."""
    return (
        planted.kind,
        planted.rule,
        planted.way,
        planted.provider,
        " ".join(planted.records),
        str(planted.value_pence),
        str(planted.change_pence),
        " ".join(planted.also),
        planted.how,
    )


class KeyFiles:
    """Writes a key and its journal; both appear when the block ends well, neither otherwise."""

    def __init__(self, key: Path) -> None:
        self.key, self.undo = key, undo_path(key)
        self._open: list[tuple[IO[str], Path]] = []

    def __enter__(self) -> KeyFiles:
        try:
            for target in (self.key, self.undo):
                handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
                stream = os.fdopen(handle, "w", encoding="utf-8", newline="")
                self._open.append((stream, Path(name)))
        except OSError as error:
            self._close(keep=False)
            raise UsageError(
                f"{self.key} cannot be written: {error.strerror}.", hint="Choose another place."
            ) from error
        self._lines = csv.writer(self._open[0][0], lineterminator="\n")
        self._lines.writerow(COLUMNS)
        return self

    def write(self, planted: Planted) -> None:
        """Write a line of the key and one of the journal."""
        self._lines.writerow(line_of(planted))
        undo = {"remove": planted.undo.remove, "put": planted.undo.put}
        self._open[1][0].write(json.dumps(undo, separators=(",", ":")) + "\n")

    def __exit__(self, kind: object, *_: object) -> None:
        self._close(keep=kind is None)

    def _close(self, *, keep: bool) -> None:
        mask = os.umask(0)
        os.umask(mask)
        for stream, _ in self._open:
            stream.close()
        for (_, temporary), target in zip(self._open, (self.key, self.undo), strict=False):
            if keep:
                temporary.chmod(0o666 & ~mask)
                temporary.replace(target)
            else:
                temporary.unlink(missing_ok=True)


def read_key(path: Path) -> list[Planted]:
    """Read a key, without its journal."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            lines = csv.DictReader(stream)
            if tuple(lines.fieldnames or ()) != COLUMNS:
                raise UsageError(
                    f"{path} is not a key: its columns are not {', '.join(COLUMNS)}.",
                    hint="Give the .key.csv that was written beside the planted extract.",
                )
            return [_planted(path, number, line) for number, line in enumerate(lines, 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"{path} cannot be read: {error}", hint="Give the .key.csv of a planted extract."
        ) from error


def _planted(path: Path, number: int, line: dict[str, str]) -> Planted:
    try:
        if line["planted"] not in get_args(Kind):
            raise ValueError(f"{line['planted']!r} is neither fault nor near_miss")
        return Planted(
            kind="fault" if line["planted"] == "fault" else "near_miss",
            rule=line["rule"],
            way=line["way"],
            provider=line["provider"],
            records=tuple(line["records"].split()),
            value_pence=int(line["value_pence"]),
            change_pence=int(line["change_pence"]),
            also=tuple(line["also"].split()),
            how=line["how"],
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}:{number}: not a line of a key: {error}", hint="Write the key again."
        ) from error


def read_undo(path: Path) -> Iterator[Undo]:
    """Read a journal."""
    try:
        with path.open(encoding="utf-8") as stream:
            for number, text in enumerate(stream, 1):
                try:
                    undo = json.loads(text)
                    put = tuple(
                        (str(row), str(column), value) for row, column, value in undo["put"]
                    )
                    yield Undo(tuple(undo["remove"]), put)
                except (ValueError, KeyError, TypeError) as error:
                    raise UsageError(
                        f"{path}:{number}: not a line of a journal: {error}",
                        hint="Give the .undo.jsonl that was written with the key.",
                    ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}",
            hint="Undoing needs the .undo.jsonl that was written beside the key.",
        ) from error
