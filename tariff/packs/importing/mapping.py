"""The mapping of a code to group workbook: which sheet and columns hold which table.

A mapping is one YAML file, decoded like a manifest. Sheets and columns are named by their text,
in any case; a column that the mapping does not name is not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tariff.errors import PackError
from tariff.packs.load import shipped_folder
from tariff.packs.model import Code
from tariff.packs.nodes import decode_file

_ROW = {"pattern": "[1-9][0-9]{0,5}", "form": "the number of a row, from 1"}
_HEADER = {"pattern": r"(?s).*\S.*", "form": "the text of a header"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RootColumns:
    """The headers of a table that leads from codes to roots."""

    code: str = field(metadata=_HEADER)
    root: str = field(metadata=_HEADER)
    rank: str = field(metadata=_HEADER)
    root_child: str = ""  # blank: the table has none


@dataclass(frozen=True, slots=True, kw_only=True)
class RootSheet:
    """A sheet with one row a code. `best_rank` says which of two ranks wins."""

    sheet: str
    header_row: int = field(default=1, metadata=_ROW)
    columns: RootColumns
    best_rank: Literal["highest", "lowest"] = "highest"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureSheet(RootSheet):
    """A sheet of procedures. Those with a rank of `never_drives` count as interventions only."""

    never_drives: list[int] = field(default_factory=lambda: [0])


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeColumns:
    """The header of a list of codes."""

    code: str = field(metadata=_HEADER)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSheet:
    """A sheet that lists codes."""

    sheet: str
    header_row: int = field(default=1, metadata=_ROW)
    columns: CodeColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class CcColumns:
    """The headers of the CC lists."""

    code: str = field(metadata=_HEADER)
    subchapters: str = ""
    score: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CcSheet:
    """The sheet of the CC lists.

    Either each row has a score and the subchapters it is of, or (`subchapter_columns`) each
    subchapter has a column of scores, with its two letters as the header.
    """

    sheet: str
    header_row: int = field(default=1, metadata=_ROW)
    columns: CcColumns
    subchapter_columns: bool = False

    def check(self) -> Iterator[tuple[str, str]]:
        """Say where the two shapes are mixed up."""
        given = [name for name in ("subchapters", "score") if getattr(self.columns, name)]
        if self.subchapter_columns and given:
            yield "columns", f"subchapter_columns stands in place of {' and '.join(given)}"
        elif not self.subchapter_columns and len(given) < 2:
            yield "columns", "subchapters and score are needed, or subchapter_columns: true"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeToGroupMapping:
    """Where the tables of a code to group workbook stand: docs/importing.md."""

    id: str
    title: str = ""
    procedures: ProcedureSheet
    diagnoses: RootSheet
    cc_lists: CcSheet
    non_driving: CodeSheet | None = None
    left_out: list[Code] = field(default_factory=list)


def default_mapping() -> Path:
    """The mapping that ships: a guess, as the layout of the national workbook is not public."""
    return shipped_folder() / "mappings" / "code-to-group.yaml"


def read_mapping(path: Path | None = None) -> CodeToGroupMapping:
    """Read a mapping, the one that ships without a path. `PackError` with all its problems."""
    mapping, problems = decode_file(path or default_mapping(), CodeToGroupMapping)
    if mapping is None:
        raise PackError(
            problems, hint="`tariff pack import code-to-group --print-mapping` shows one"
        )
    return mapping
