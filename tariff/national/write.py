"""What a run grouped, in the national grouper's output layout (docs/national-grouper.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.reasons import PROCEDURE_FLAGS
from tariff.errors import UsageError
from tariff.national.layouts import (
    FCE,
    QUALITY,
    QUALITY_REL,
    SPELL,
    SUMMARY,
    UNBUNDLED_REL,
    unbundled_of,
)
from tariff.national.messages import messages
from tariff.national.records import Records, diagnosis_texts
from tariff.national.text import chunks, fit, line, lines, named, repeated, whole
from tariff.packs.grouping import NULL32

Writer = Callable[[Path], None]
_OF_PROCEDURE = [ord(letter) for letter in PROCEDURE_FLAGS]


def national_files(columns: SpellColumns, manifest: dict[str, Any], name: str) -> dict[str, Writer]:
    """Give the files of a run by name, each with what writes it."""
    check_name(name)
    output = Output(columns)
    return {
        f"{name}_FCE.csv": lambda path: _write(path, output.episodes()),
        f"{name}_spell.csv": lambda path: _write(path, output.spells()),
        f"{name}_quality.csv": lambda path: _write(path, output.quality()),
        f"{name}_quality_rel.csv": lambda path: _write(path, output.quality_rel()),
        f"{name}_ub_rel.csv": lambda path: _write(path, output.unbundled_rel()),
        f"{name}_summary.csv": lambda path: _write(path, output.summary(manifest, name)),
    }


def check_name(name: str) -> None:
    """Raise where a name cannot begin the names of files."""
    if not name or name.startswith(".") or Path(name).name != name or "\\" in name or "," in name:
        raise UsageError(
            f"'{name}' cannot begin the names of files",
            hint="--national takes a plain name such as april: april_FCE.csv, april_spell.csv, ...",
        )


def _write(path: Path, parts: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(parts)


class Output:
    """Turns a run into the lines of each file. Rows are numbered from 1 after sorting."""

    def __init__(self, columns: SpellColumns) -> None:
        self.columns = columns
        self.records = Records(columns)
        self.perm = columns.spells.perm
        self.spell_of_place = columns.spells.spell_of_rows()
        self.messages = messages(columns)
        self._procedures = fit(columns.frame.procedures.values)
        self._diagnoses = diagnosis_texts(columns)
        self._dominant = np.maximum(columns.groups.episode - 1, 0)  # place in the spell
        self._stays = columns.spells.stays()
        self._unbundled = self._by_row()

    # -- the files

    def episodes(self) -> Iterable[bytes]:
        """Lines of _FCE: the input, the episode as grouped, and its spell again on each row."""
        yield line([*self.records.names, *FCE])
        for part in chunks(len(self.perm)):
            rows, spell = self.perm[part], self.spell_of_place[part]
            yield lines(
                [
                    *self.records.cells(rows),
                    _numbers_from(part),
                    *self._episode_fields(rows, spell, part),
                    *self._spell_fields(spell),
                    self._unbundled_cells(rows),
                ]
            )

    def spells(self) -> Iterable[bytes]:
        """Lines of _spell, numbered as the first episode."""
        yield line(SPELL)
        spells = self.columns.spells
        for part in chunks(len(spells)):
            which = np.arange(part.start, part.stop)
            count = len(which)
            provider, spell_id = self.records.cells(spells.first[which])[:2]
            retired = [repeated("0", count), *[repeated("", count)] * 7]
            yield lines(
                [
                    whole(spells.start[which] + 1, 0),
                    provider,
                    spell_id,
                    *self._spell_fields(which),
                    *retired * 3,
                    self._unbundled_of_spells(which),
                ]
            )

    def quality(self) -> Iterable[bytes]:
        """Lines of _quality: the input of each episode with an error, and its errors."""
        yield line([*self.records.names, *QUALITY])
        places = self._places_with_errors()
        for part in chunks(len(places)):
            rows = self.perm[places[part]]
            told = [",".join(map(str, self.messages[int(row)])) for row in rows]
            numbers = whole(places[part] + 1, 0)
            yield lines([*self.records.cells(rows), numbers, pa.array(told, pa.string())])

    def quality_rel(self) -> Iterable[bytes]:
        """Lines of _quality_rel: one an error."""
        yield line(QUALITY_REL)
        for place in self._places_with_errors():
            for iteration, message in enumerate(self.messages[int(self.perm[place])], 1):
                yield line([place + 1, iteration, *message])

    def unbundled_rel(self) -> Iterable[bytes]:
        """Lines of _ub_rel: one an unbundled HRG."""
        yield line(UNBUNDLED_REL)
        place_of = np.zeros(self.columns.frame.rows, np.int64)
        place_of[self.perm] = np.arange(len(self.perm))
        for row in sorted(self._unbundled, key=lambda row: int(place_of[row])):
            for iteration, code in enumerate(self._unbundled[row], 1):
                yield line([place_of[row] + 1, iteration, code])

    def summary(self, manifest: dict[str, Any], name: str) -> Iterable[bytes]:
        """Lines of _summary. Times stand in the manifest only, so that the same bytes come out."""
        groups = self.columns.groups
        groupers = [self.columns.rulebook.groupers[int(i)] for i in np.unique(groups.grouper)]
        cells = [
            f"tariff {manifest['tariff']['version']}",
            " ".join(f"{g.pack.id} {g.pack.manifest.version}" for g in groupers),
            str(len(self.perm)),
            str(len(self.columns)),
            str(int((groups.row_category[self.perm] != 0).sum())),
            str(int((groups.category != 0).sum())),
            "",
            "",
            " ".join(item["file"] for item in manifest["inputs"]),
            name,
            " ".join(dict.fromkeys(str(item["layout"]) for item in manifest["inputs"])),
        ]
        yield line(SUMMARY)
        yield line(fit(cells))

    # -- columns

    def _episode_fields(
        self, rows: NDArray[np.int64], spell: NDArray[np.int64], part: slice
    ) -> list[pa.Array]:
        groups, start = self.columns.groups, self.columns.spells.start
        place = np.arange(part.start, part.stop) - start[spell]
        blank = repeated("", len(rows))
        return [
            named(self.columns.hrgs, groups.row_hrg[rows]),
            _flags(groups.row_flag[rows]),
            self._procedure(groups.row_flag[rows], groups.row_code[rows]),
            blank,  # programme budgeting
            whole(self._stays[rows], NULL32),
            *[blank] * 3,
            whole((place == self._dominant[spell]).astype(np.int64), -1),
            repeated("0", len(rows)),
            *[blank] * 7,
        ]

    def _spell_fields(self, which: NDArray[np.int64]) -> list[pa.Array]:
        columns, spells = self.columns, self.columns.spells
        groups, frame = columns.groups, columns.frame
        dominant = spells.perm[spells.start[:-1] + self._dominant][which]
        second = frame.diag[dominant, 1] if frame.diag.shape[1] > 1 else np.zeros(len(which))
        critical = columns.number("critical_care_days")[which]
        blank = repeated("", len(which))
        return [
            named(columns.hrgs, groups.hrg[which]),
            _flags(groups.flag[which]),
            self._procedure(groups.flag[which], groups.code[which]),
            named(self._diagnoses, frame.diag[dominant, 0]),
            named(self._diagnoses, second),
            whole(spells.episodes[which], 0),
            whole(self._stay_of_spells()[which], NULL32),
            *[blank] * 3,
            whole(critical, NULL32),
            blank,  # programme budgeting
        ]

    def _stay_of_spells(self) -> NDArray[np.int32]:
        spells = self.columns.spells
        unknown = np.logical_or.reduceat((self._stays == NULL32)[spells.perm], spells.start[:-1])
        return np.where(unknown, NULL32, spells.total(self._stays)).astype(np.int32)

    def _procedure(self, flag: NDArray[np.uint8], code: NDArray[np.uint16]) -> pa.Array:
        """The dominant procedure, a blank where none drove."""
        return named(self._procedures, np.where(np.isin(flag, _OF_PROCEDURE), code, 0))

    def _places_with_errors(self) -> NDArray[np.int64]:
        wrong = np.zeros(self.columns.frame.rows, bool)
        wrong[list(self.messages)] = True
        return np.flatnonzero(wrong[self.perm])

    # -- unbundled HRGs

    def _by_row(self) -> dict[int, list[str]]:
        held = unbundled_of(self.columns.groups)
        out: dict[int, list[str]] = {}
        if held is not None:
            for row, hrg, days in zip(held.row, held.hrg, held.days, strict=True):
                out.setdefault(int(row), []).append(f"{hrg}*{days}" if days > 0 else hrg)
        return out

    def _unbundled_cells(self, rows: NDArray[np.int64]) -> pa.Array:
        """As many columns as a row needs, which its last cell holds."""
        if not self._unbundled:
            return repeated("", len(rows))
        return pa.array([",".join(self._unbundled.get(int(row), ())) for row in rows], pa.string())

    def _unbundled_of_spells(self, which: NDArray[np.int64]) -> pa.Array:
        if not self._unbundled:
            return repeated("", len(which))
        spells = self.columns.spells
        return pa.array(
            [
                ",".join(
                    code
                    for row in spells.perm[spells.start[s] : spells.start[s + 1]]
                    for code in self._unbundled.get(int(row), ())
                )
                for s in which
            ],
            pa.string(),
        )


def _numbers_from(part: slice) -> pa.Array:
    return whole(np.arange(part.start + 1, part.stop + 1), 0)


def _flags(flag: NDArray[np.uint8]) -> pa.Array:
    """Flags as letters: P, D, B, M, G, U."""
    letters: Sequence[str] = ["", *(chr(code) for code in range(1, 128))]
    return named(letters, flag)
