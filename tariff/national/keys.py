"""The made-up spell numbers under which records that do not exist are put to the grouper."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from tariff.errors import DataError, UsageError
from tariff.national.text import ENCODING

# one line a part; `Without` is the code that is left out
COLUMNS = ("PROCODET", "PROVSPNO", "Without", "Part", "PartPROCODET", "PartPROVSPNO")


@dataclass(frozen=True)
class Key:
    """A made-up record: its provider and number, its spells in order, the code left out."""

    provider: str
    spell: str
    parts: tuple[tuple[str, str], ...]
    without: str = ""


@dataclass(frozen=True)
class Keys:
    """The made-up records of a file."""

    name: str
    keys: tuple[Key, ...]


def read_keys(path: Path) -> Keys:
    """Read the OUT.keys.csv that --for-national wrote."""
    found: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    try:
        with path.open(encoding=ENCODING, newline="") as file:
            reader = csv.reader(file, quoting=csv.QUOTE_NONE)
            header = next(reader, [])
            if tuple(header) != COLUMNS:
                raise DataError(
                    f"{path}: the columns are not {', '.join(COLUMNS)}",
                    hint="give the .keys.csv that --for-national wrote",
                )
            for row in reader:
                if len(row) != len(COLUMNS):
                    raise DataError(
                        f"{path}:{reader.line_num}: the row has {len(row)} columns, not "
                        f"{len(COLUMNS)}",
                        hint="give the .keys.csv as --for-national wrote it",
                    )
                found.setdefault((row[0], row[1], row[2]), []).append((row[4], row[5]))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be opened ({error.strerror or 'unreadable'})",
            hint="give the .keys.csv that --for-national wrote",
        ) from None
    except (UnicodeError, csv.Error):
        raise DataError(
            f"{path}: is not a text of {ENCODING}", hint="give the file as --for-national wrote it"
        ) from None
    keys = [
        Key(provider, spell, tuple(parts), without)
        for (provider, spell, without), parts in found.items()
    ]
    return Keys(path.name, tuple(keys))
