"""What a grouper answered, read from files in the national layout or from the folder of a run."""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tariff.engine.reasons import PROCEDURE_FLAGS
from tariff.errors import DataError, UsageError
from tariff.national.text import CHUNK, ENCODING

LAYOUT = "national-grouper-output"
SEPARATOR = "\x1f"  # between the parts of a key; no code holds it
_SPELL = {
    "hrg": "SpellHRG",
    "flag": "SpellGroupingMethodFlag",
    "procedure": "SpellDominantProcedure",
    "diagnosis": "SpellPDiag",
    "episodes": "SpellEpisodeCount",
}
_EPISODE = {
    "hrg": "FCE_HRG",
    "flag": "GroupingMethodFlag",
    "procedure": "DominantProcedure",
    "diagnosis": "DIAG_01",
    "reports": "SpellReportFlag",
}
_SUFFIXES = ("_FCE.csv", "_spell.csv")
SPELL_COLUMNS = ("PROCODET", "PROVSPNO", *_SPELL.values())
FCE_COLUMNS = ("PROCODET", "PROVSPNO", "EPIORDER", *_EPISODE.values(), *_SPELL.values())


@dataclass(frozen=True)
class Source:
    """A file that was read."""

    file: str
    bytes: int
    sha256: str
    rows: int


@dataclass(frozen=True)
class Answer:
    """What a grouper said, one row a key, all text; None where there is no file of it.

    Spells: key, hrg, flag, procedure, diagnosis, episodes. Episodes: key, hrg, flag, procedure,
    diagnosis (the primary, as given), reports (1 on the one that drives the spell).
    """

    name: str
    spells: pa.Table | None
    episodes: pa.Table | None
    sources: tuple[Source, ...] = ()

    def inputs(self) -> list[dict[str, object]]:
        """Give the files as inputs of a run's manifest."""
        return [{**asdict(source), "layout": LAYOUT} for source in self.sources]


def spell_keys(provider: pa.Array, spell: pa.Array) -> pa.Array:
    """Give the keys of spells."""
    return pc.binary_join_element_wise(pc.utf8_upper(provider), spell, SEPARATOR)


def episode_keys(provider: pa.Array, spell: pa.Array, order: pa.Array) -> pa.Array:
    """Give the keys of episodes; a number may have leading zeros."""
    order = pc.fill_null(pc.utf8_ltrim(order, "0"), "")
    return pc.binary_join_element_wise(spell_keys(provider, spell), order, SEPARATOR)


# ---------------------------------------------------------------- files in the national layout


def read_files(fce: Path | None, spell: Path | None) -> Answer:
    """Read a grouper's _FCE file, its _spell file, or both; the first tells of spells too."""
    episodes = spells = None
    sources = []
    if fce is not None:
        table, source = _read(fce, FCE_COLUMNS)
        sources.append(source)
        keys = [table[name] for name in FCE_COLUMNS[:3]]
        episodes = _one_a_key(episode_keys(*keys), table, _EPISODE)
        spells = _one_a_key(spell_keys(*keys[:2]), table, _SPELL)
    if spell is not None:
        table, source = _read(spell, SPELL_COLUMNS)
        sources.append(source)
        keys = [table[name] for name in SPELL_COLUMNS[:2]]
        spells = _one_a_key(spell_keys(*keys), table, _SPELL)
    return Answer(str(fce or spell), spells, episodes, tuple(sources))


def _one_a_key(keys: pa.Array, table: pa.Table, names: dict[str, str]) -> pa.Table:
    """Give the first row of each key, its columns renamed."""
    if isinstance(keys, pa.ChunkedArray):
        keys = keys.combine_chunks()
    ids = keys.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    first = pa.array(np.sort(np.unique(ids, return_index=True)[1]))
    columns = {name: table[column].take(first).combine_chunks() for name, column in names.items()}
    return pa.table({"key": keys.take(first), **columns})


def _read(path: Path, wanted: tuple[str, ...]) -> tuple[pa.Table, Source]:
    """Give the wanted columns of a file as text, blanks around a cell left out."""
    try:
        with path.open("rb") as raw:
            digest = hashlib.file_digest(raw, "sha256").hexdigest()
            raw.seek(0)
            start = raw.read(4096)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start:
            raise _not_its_encoding(path)
        encoding = "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else ENCODING
        with path.open(encoding=encoding, newline="") as file:
            rows = _rows(path, file, wanted)
            blocks = []
            while block := list(islice(rows, CHUNK)):
                arrays = [pa.array(column, pa.string()) for column in zip(*block, strict=True)]
                trimmed = map(pc.utf8_trim_whitespace, arrays)
                blocks.append(pa.RecordBatch.from_arrays(list(trimmed), names=list(wanted)))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be opened ({error.strerror or 'unreadable'})",
            hint="give a file of the national grouper's output, such as april_FCE.csv",
        ) from None
    except UnicodeError:
        raise _not_its_encoding(path) from None
    except csv.Error as error:
        raise DataError(f"{path}: {error}", hint="give the file as the grouper left it") from None
    if not blocks:
        raise DataError(f"{path}: there are no rows below the header", hint="is it the right file?")
    table = pa.Table.from_batches(blocks)
    return table, Source(path.name, path.stat().st_size, digest, table.num_rows)


def _not_its_encoding(path: Path) -> DataError:
    return DataError(
        f"{path}: the text is not {ENCODING}, in which the national grouper writes",
        hint="give the file as the grouper left it, not one saved again by another program",
    )


def _rows(path: Path, file: IO[str], wanted: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    first = file.readline()
    header = [name.strip().upper() for name in next(csv.reader([first]), [])]
    pick = _picker(path, header, wanted)
    width = max(header.index(name.upper()) for name in wanted) + 1
    # the grouper writes no quotes; a file saved again may have them
    reader = csv.reader(file) if '"' in first else csv.reader(file, quoting=csv.QUOTE_NONE)
    for row in reader:
        if len(row) >= width:
            yield pick(row)
        elif any(row):
            raise DataError(
                f"{path}:{reader.line_num + 1}: the row has {len(row)} columns, at least {width} "
                "are needed",
                hint="was the file cut short, or changed by another program?",
            )


def _picker(
    path: Path, header: list[str], wanted: tuple[str, ...]
) -> Callable[[list[str]], tuple[str, ...]]:
    missing = [name for name in wanted if name.upper() not in header]
    if missing:
        hint = "give the _FCE or _spell file as the grouper wrote it"
        if len(missing) == len(wanted):
            hint = "the first line is not its header: run the grouper without -t"
        raise DataError(
            f"{path}: columns of the national grouper's output are missing: {', '.join(missing)}",
            hint=hint,
        )
    return itemgetter(*(header.index(name.upper()) for name in wanted))


# ---------------------------------------------------------------- ours or theirs, by a path


def read_answer(path: Path) -> Answer:
    """Read what a path names: the folder of a run, NAME_FCE.csv, NAME_spell.csv, or NAME."""
    if path.is_dir():
        if (path / "spells.parquet").is_file():
            return _read_run(path)
        stems = sorted(
            {
                found.name.removesuffix(suffix)
                for suffix in _SUFFIXES
                for found in path.glob(f"*{suffix}")
            }
        )
        if len(stems) != 1:
            raise UsageError(
                f"{path} is neither the folder of a run nor one with the files of one NAME",
                hint=f"name one of {', '.join(stems)}" if stems else "name the file",
            )
        return _read_stem(path / stems[0])
    for suffix in _SUFFIXES:
        if path.name.endswith(suffix):
            return _read_stem(path.with_name(path.name[: -len(suffix)]))
    return _read_stem(path)


def _read_stem(stem: Path) -> Answer:
    fce, spell = (stem.with_name(f"{stem.name}{suffix}") for suffix in _SUFFIXES)
    if not fce.is_file() and not spell.is_file():
        raise UsageError(
            f"there is neither {fce} nor {spell}",
            hint="name a file of the grouper's output, its NAME, or the folder of a run",
        )
    return read_files(fce if fce.is_file() else None, spell if spell.is_file() else None)


def _read_run(folder: Path) -> Answer:
    """Read the spells that a run left, and its episodes where it kept them."""
    table = _parquet(folder / "spells.parquet")
    spells = _one_a_key(
        spell_keys(table["provider"], table["spell_id"]),
        table,
        {
            "hrg": "hrg",
            "flag": "grouping_flag",
            "procedure": "procedure",
            "diagnosis": "primary_diagnosis",
            "episodes": "episodes",
        },
    )
    episodes = None
    if (folder / "episodes.parquet").is_file():
        table = _parquet(folder / "episodes.parquet")
        if not any(table["episode_order"].to_pylist()):  # the extract does not number them
            return Answer(str(folder), spells, None)
        keys = (table["provider"], table["spell_id"], table["episode_order"])
        episodes = _one_a_key(
            episode_keys(*keys),
            table,
            {
                "hrg": "hrg",
                "flag": "grouping_flag",
                "procedure": "procedure",
                "diagnosis": "diagnoses",
                "reports": "dominant",
            },
        )
    return Answer(str(folder), spells, episodes)


def _parquet(path: Path) -> pa.Table:
    """Give a table of a run as text, a null as a blank, of a list the first."""
    try:
        table = pq.read_table(path)
        columns = {}
        for name in table.column_names:
            column = table[name]
            if pa.types.is_list(column.type):
                column = pc.binary_join(pc.list_slice(column, 0, 1), "")
            columns[name] = pc.fill_null(column.cast(pa.string()), "")
        driven = pc.is_in(columns["grouping_flag"], value_set=pa.array(list(PROCEDURE_FLAGS)))
        columns["procedure"] = pc.if_else(driven, columns["dominant_code"], "")
        return pa.table(columns)
    except (OSError, KeyError, pa.ArrowException):
        raise DataError(
            f"{path}: cannot be read as a table of a run", hint="run it again"
        ) from None
