"""Registers: lists kept elsewhere, read whole, with the rules of docs/registers.md.

A register is read as an extract is, one file and no layout. Where a row of an extract that cannot
be read is set aside, here it is an error: a missing row of a register would be a finding.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.errors import DataError, UsageError
from tariff.extract.columnar import ArrowSource
from tariff.extract.fields import ARROW_TYPE, REGISTERS, keys_of
from tariff.extract.layout import plain
from tariff.extract.read import Extract
from tariff.extract.resolve import (
    CANONICAL,
    OpenFile,
    canonical_columns,
    look,
    open_file,
    refuse_data,
)
from tariff.extract.source import InputFile, shown
from tariff.extract.values import Reading

# judgements: what a row says of its key, and no part of it
SAID = frozenset({"met", "outcome", "basis", "status", "use", "category"})
OWN_KEY = {
    "registrations": ("patient_id",),
    "approvals": ("approval_id",),
    "challenges": ("challenge_id",),
}
DAY_OF = {"referrals": "referral_date", "letters": "letter_date"}  # a row is of one day
FOR_EVER = np.iinfo(np.int64).max
VALUES: dict[str, dict[str, frozenset[str]]] = {
    register: {column: frozenset(words.split()) for column, words in columns.items()}
    for register, columns in {
        "approvals": {"kind": "procedure drug"},
        "practices": {"country": "E W S N", "kind": "civilian military prison"},
        "services": {"basis": "tariff local block pathway low_volume not_commissioned"},
        "devices": {"status": "in_tariff zero_cost"},
        "evidence": {"met": "Y N"},
        "criteria": {"met": "Y N"},
        "restricted": {"category": "never restricted"},
        "wards": {"use": "bed assessment decision_unit chair clinic lounge recovery"},
        "clinics": {"use": "consultant nurse preassessment diagnostic advice group ward"},
        "challenges": {"outcome": "upheld withdrawn open"},
    }.items()
}
HINT = "docs/registers.md has its columns"


@dataclass(frozen=True)
class Register:
    """A register as read: canonical types, and `_file` and `_line` of each row."""

    name: str
    table: pa.Table
    input: InputFile
    notices: list[str]


def check_name(name: str) -> None:
    """UsageError for a register that is none."""
    if name in REGISTERS:
        return
    near = difflib.get_close_matches(name, REGISTERS, 1)
    meant = f"'{near[0]}' is meant? " if near else ""
    raise UsageError(
        f"there is no register '{name}'", hint=f"{meant}registers: {', '.join(REGISTERS)}"
    )


def read_register(name: str, source: Any) -> Register:
    """Read a register from a CSV or Parquet file, or from anything that speaks Arrow.

    UsageError for an unknown name; DataError, with file, line and column, for what is in it.
    """
    check_name(name)
    extract, file = _opened(name, source)
    batches = list(extract.batches())
    _readable(extract, file)
    table = pa.Table.from_batches(batches, extract.schema).unify_dictionaries().combine_chunks()
    register = Register(name, table, extract.inputs[0], extract.notices)
    _check_values(register, file)
    _check_days(register, file)
    _check_keys(register, file)
    return register


def read_registers(given: Iterable[tuple[str, Any]]) -> tuple[Register, ...]:
    """Read registers by name, in the order of their dictionary; UsageError for one given twice."""
    found: dict[str, Register] = {}
    for name, source in given:
        if name in found:
            raise UsageError(
                f"the register {name} is given twice", hint="put its rows into one file"
            )
        found[name] = read_register(name, source)
    return tuple(found[name] for name in REGISTERS if name in found)


def _opened(name: str, source: Any) -> tuple[Extract, str]:
    if isinstance(source, str | os.PathLike):
        file = shown(source)
        candidate = look(Path(source), file)
        _check_header(name, candidate.header, file)
        opened = open_file(candidate, None, name)
    else:
        arrow = ArrowSource(source)
        file = f"{name} ({arrow.name})"
        _check_header(name, arrow.header, file)
        columns = canonical_columns(file, arrow.header, name)
        opened = OpenFile(arrow, CANONICAL, columns, Reading(), dataset=name)
    return Extract([opened], max_bad_rows=1.0), file


def _check_header(name: str, header: list[str], file: str) -> None:
    known = {field.name for field in REGISTERS[name]}
    given = [plain(label) for label in header]
    missing = [key for key in keys_of(name) if key not in given]
    if missing:
        refuse_data(file, header)
        raise DataError(
            f"{file}:1: a register of {name} needs the column{'s' if missing[1:] else ''} "
            f"{' and '.join(missing)}",
            hint=HINT,
        )
    strange = [label for label, column in zip(header, given, strict=True) if column not in known]
    if strange:
        raise DataError(
            f"{file}:1: a register of {name} has no column '{strange[0][:40]}'",
            hint=f"its columns: {', '.join(field.name for field in REGISTERS[name])}",
        )


def _readable(extract: Extract, file: str) -> None:
    rejects = extract.rejects
    if not rejects.num_rows:
        return
    first = rejects.slice(0, 1).to_pylist()[0]
    column = f" column '{first['column']}':" if first["column"] else ""
    more = f"; {extract.rows_rejected:,} rows cannot be read" if extract.rows_rejected > 1 else ""
    raise DataError(
        f"{file}:{first['line']}:{column} {first['reason']}{more}",
        hint="mend it: every row of a register counts",
    )


def _check_values(register: Register, file: str) -> None:
    for column, words in VALUES.get(register.name, {}).items():
        if column not in register.table.column_names:
            continue
        values = register.table[column].cast(pa.string())
        strange = pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, pa.array(sorted(words)))))
        if pc.any(strange).as_py():
            _refuse(
                register,
                file,
                column,
                int(np.argmax(strange)),
                "is not one of its values",
                f"one of {', '.join(sorted(words))}",
            )


def _check_days(register: Register, file: str) -> None:
    """Refuse a row that ends before it begins."""
    begin, end = _period(register)
    reversed_ = np.flatnonzero(end < begin)
    if len(reversed_):
        _refuse(
            register,
            file,
            "valid_to",
            int(reversed_[0]),
            "is before valid_from",
            "a row holds from valid_from to valid_to, both days included",
        )


def _check_keys(register: Register, file: str) -> None:
    """Refuse two rows of one key whose periods overlap."""
    columns = key_of(register.name)
    ids = [_ids(register.table, column) for column in columns]
    begin, end = _period(register)
    order = np.lexsort((end, begin, *ids))
    alike = np.ones(max(len(order) - 1, 0), bool)
    for values in ids:
        alike &= values[order][1:] == values[order][:-1]
    # in order of their begin: where no row overlaps the next of its key, none overlaps another
    both = np.flatnonzero(alike & (end[order][:-1] >= begin[order][1:]))
    if not len(both):
        return
    pairs = np.sort(np.stack((order[both], order[both + 1])), axis=0)
    earlier, later = pairs[:, np.lexsort((pairs[0], pairs[1]))[0]].tolist()
    line = register.table["_line"][earlier].as_py()
    told = f"has what line {line} has, and both rows hold on one day"
    hint = f"rows alike in {', '.join(columns)} may not overlap; keep one of them"
    _refuse(register, file, columns[0], later, told, hint)


def key_of(name: str) -> tuple[str, ...]:
    """Give the columns that tell one row of a register from another, beside its dates."""
    if name in OWN_KEY:
        return OWN_KEY[name]
    return tuple(
        field.name
        for field in REGISTERS[name]
        if field.type in ("identifier", "code") and field.name not in SAID
    )


def _ids(table: pa.Table, column: str) -> NDArray[np.int64]:
    if column not in table.column_names:
        return np.zeros(table.num_rows, np.int64)
    values = table[column].combine_chunks()
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    found: NDArray[np.int64] = pc.fill_null(values.indices, -1).to_numpy().astype(np.int64)
    return found


def _period(register: Register) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the first and the last day of each row; a blank end is open."""
    day = DAY_OF.get(register.name)
    return (
        _days(register.table, day or "valid_from", -FOR_EVER),
        _days(register.table, day or "valid_to", FOR_EVER),
    )


def _days(table: pa.Table, column: str, blank: int) -> NDArray[np.int64]:
    if column not in table.column_names:
        return np.full(table.num_rows, blank, np.int64)
    assert table.schema.field(column).type == ARROW_TYPE["date"]
    days = table[column].cast(pa.int32()).cast(pa.int64())
    found: NDArray[np.int64] = pc.fill_null(days, blank).to_numpy()
    return found


def _refuse(register: Register, file: str, column: str, row: int, why: str, hint: str) -> NoReturn:
    line = register.table["_line"][row].as_py()
    raise DataError(f"{file}:{line}: column '{column}' {why}", hint=hint)
