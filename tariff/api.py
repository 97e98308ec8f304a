"""The same from Python: check an extract, open the folder of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tariff.engine.pipeline import PriceAt
from tariff.engine.price import MffChoice
from tariff.engine.run import Options, Run
from tariff.engine.run import check as run_check
from tariff.errors import UsageError
from tariff.extract import from_arrow, open_extract
from tariff.report.write import read_run

StrPath = str | os.PathLike[str]


def check(
    extract: Any,
    *,
    layout: StrPath | None = None,
    packs: Sequence[StrPath] = (),
    year: str | None = None,
    mff: float | str | None = None,
    mff_year: str | None = None,
    price_at: PriceAt = "billed",
    select: Sequence[str] = (),
    level: str = "high",
    max_bad_rows: float = 0.05,
    threads: int = 2,
    keep: bool = False,
    grouped: StrPath | None = None,
    grouped_spells: StrPath | None = None,
    national_keys: StrPath | None = None,
) -> Run:
    """Check an extract: the main job, without files.

    Parameters
    ----------
    extract
        A path, a list of paths, or any dataframe or table that speaks Arrow (pyarrow, polars,
        pandas, DuckDB) in canonical columns.
    mff
        One market forces factor for all, e.g. `1.0425`.
    grouped, grouped_spells
        The national grouper's own output for the extract, its _FCE and its _spell file.
    national_keys
        What the records that `--for-national` made up stand for in that output.

    Returns
    -------
    Run
        `.spells`, `.findings`, `.rejects` (Arrow tables, tariff.schemas) and `.manifest`; with
        `keep`, `.episodes`.

    Raises
    ------
    TariffError
        For whatever the caller can mend: see tariff.errors.
    """
    from tariff.cli.options import factor

    paths = isinstance(extract, str | os.PathLike) or (
        isinstance(extract, Sequence) and all(isinstance(p, str | os.PathLike) for p in extract)
    )
    if paths:
        opened = open_extract(extract, layout=layout, max_bad_rows=max_bad_rows)
    elif layout is None:
        opened = from_arrow(extract, max_bad_rows=max_bad_rows)
    else:
        raise UsageError(
            "a layout is for files", hint="name the columns of a dataframe as docs/fields.md does"
        )
    options = Options(
        packs=tuple(Path(pack) for pack in packs),
        year=year,
        mff=MffChoice(factor(None if mff is None else str(mff)), mff_year),
        price_at=price_at,
        select=tuple(select),
        level=level,
        threads=threads,
        grouped=None if grouped is None else Path(grouped),
        grouped_spells=None if grouped_spells is None else Path(grouped_spells),
        national_keys=None if national_keys is None else Path(national_keys),
    )
    return run_check(opened, options, keep=keep)


class OpenRun:
    """A run read back from its folder."""

    def __init__(self, folder: StrPath) -> None:
        self._folder = Path(folder)
        self._run = read_run(self._folder)

    @property
    def spells(self) -> pa.Table:
        """One row a spell (tariff.schemas.SPELLS)."""
        return self._run.spells

    @property
    def findings(self) -> pa.Table:
        """One row a finding (tariff.schemas.FINDINGS)."""
        return self._run.findings

    def explain(self, finding_id: str) -> str:
        """The page of a finding: rule, records, evidence, working, legitimate reasons."""
        from tariff.explain.finding import finding_page
        from tariff.explain.page import plain

        return plain(finding_page(self._folder, finding_id))

    @property
    def manifest(self) -> dict[str, Any]:
        """What was read and with which packs (docs/architecture.md)."""
        return self._run.manifest


def open(folder: StrPath) -> OpenRun:
    """Open the folder that `tariff check ... -o DIR` wrote."""
    return OpenRun(folder)


__all__ = ["OpenRun", "Run", "check", "open"]
