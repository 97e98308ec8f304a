"""The same from Python: check an extract, open the folder of a run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tariff.engine.pipeline import PriceAt
from tariff.engine.price import MffChoice, Terms
from tariff.engine.run import Options, Run
from tariff.engine.run import check as run_check
from tariff.engine.run_inputs import Given
from tariff.errors import UsageError
from tariff.extract import Extract, from_arrow, open_extract
from tariff.extract.registers import read_registers
from tariff.extract.several import open_several
from tariff.packs.editions import Editions
from tariff.report.write import read_run

if TYPE_CHECKING:
    from tariff.whatif.run import Comparison

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
    editions: Mapping[str, str] | None = None,
    grouped: StrPath | None = None,
    grouped_spells: StrPath | None = None,
    national_keys: StrPath | None = None,
    contract: StrPath | None = None,
    history: Any = None,
    against: Mapping[str, Any] | None = None,
    registers: Mapping[str, Any] | None = None,
    rounding: str | None = None,
    delayed_discharge: bool = False,
    periods: StrPath | Sequence[StrPath] = (),
) -> Run:
    """Check an extract: the main job, without files.

    Parameters
    ----------
    extract
        A path, a list of paths of any datasets, or any dataframe or table of episodes that speaks
        Arrow (pyarrow, polars, pandas, DuckDB) in canonical columns; or a mapping from datasets
        (`episodes`, `attendances`, `emergency`, `critical_care`, `lines`) to these.
    mff
        One market forces factor for all, e.g. `1.0425`.
    editions
        Which edition of a year's prices serves it, e.g. `{"2025/26": "april"}`.
    grouped, grouped_spells
        The national grouper's own output for the extract, its _FCE and its _spell file.
    national_keys
        What the records that `--for-national` made up stand for in that output.
    contract
        The id of a contract, or its folder: findings are valued through it too.
    history
        Earlier months, as `extract`: matched against and counted in the year to date of the
        contract, never challenged.
    against
        `national` and `earlier`: the national record and an earlier snapshot, as `extract`.
    registers
        Registers by name (docs/registers.md): a path or a dataframe each.
    rounding, delayed_discharge
        How totals are rounded, and whether delayed days come off, whatever the price list says.
    periods
        Files of dated periods that come off the days of the spells.

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

    snapshots = dict(against or {})
    for name in snapshots:
        if name not in ("national", "earlier"):
            raise UsageError(f"against: there is no '{name}'", hint="one of national, earlier")
    given = Given(
        open_several(extract, layout, max_bad_rows),
        history={} if history is None else open_several(history, layout, max_bad_rows),
        registers=read_registers((registers or {}).items()),
        **{name: open_several(what, layout, max_bad_rows) for name, what in snapshots.items()},
    )
    options = Options(
        packs=tuple(Path(pack) for pack in packs),
        editions=Editions(tuple((editions or {}).items())),
        year=year,
        mff=MffChoice(factor(None if mff is None else str(mff)), mff_year),
        price_at=price_at,
        select=tuple(select),
        level=level,
        threads=threads,
        grouped=None if grouped is None else Path(grouped),
        grouped_spells=None if grouped_spells is None else Path(grouped_spells),
        national_keys=None if national_keys is None else Path(national_keys),
        contract=None if contract is None else os.fspath(contract),
        terms=Terms(delayed_discharge, rounding),
        periods=_paths(periods),
    )
    return run_check(given, options, keep=keep)


def _opened(extract: Any, layout: StrPath | None, max_bad_rows: float) -> Extract:
    """Open paths, or take a table that speaks Arrow."""
    paths = isinstance(extract, str | os.PathLike) or (
        isinstance(extract, Sequence) and all(isinstance(p, str | os.PathLike) for p in extract)
    )
    if paths:
        return open_extract(extract, layout=layout, max_bad_rows=max_bad_rows)
    if layout is None:
        return from_arrow(extract, max_bad_rows=max_bad_rows)
    raise UsageError(
        "a layout is for files", hint="name the columns of a dataframe as docs/fields.md does"
    )


def compare(
    extract: Any,
    *,
    a: str = "own",
    b: str = "own",
    contracts: tuple[StrPath, StrPath] | None = None,
    history: Any = None,
    layout: StrPath | None = None,
    packs: Sequence[StrPath] = (),
    editions: Mapping[str, str] | None = None,
    year: str | None = None,
    mff: float | str | None = None,
    mff_year: str | None = None,
    price_at: PriceAt = "billed",
    max_bad_rows: float = 0.05,
    threads: int = 2,
    rounding: str | None = None,
    delayed_discharge: bool = False,
    periods: StrPath | Sequence[StrPath] = (),
) -> Comparison:
    """Price the same activity under `a` and under `b`, and split what moves (docs/compare.md).

    Parameters
    ----------
    extract
        As for `check`.
    a, b
        A tariff year, an edition of it (`2025/26=pay-award`), the id of a price list, a folder of
        packs, or `own` for each record's own year.
    contracts
        Two contracts, by id or folder, that of `a` and that of `b`: what they pay is split too.
    history
        Earlier months, as `extract`: they count in the year to date of the contracts.
    rounding, delayed_discharge, periods
        As for `check`, on both sides.

    Returns
    -------
    Comparison
        `.levels` (sums by level and key), `.records` (a row a record) and `.manifest`; with
        contracts, `.contracts.table` (what they pay, by level).
    """
    from tariff.cli.options import factor
    from tariff.whatif.run import Options as Choices
    from tariff.whatif.run import compare as run_compare

    options = Choices(
        packs=tuple(Path(pack) for pack in packs),
        editions=Editions(tuple((editions or {}).items())),
        year=year,
        mff=MffChoice(factor(None if mff is None else str(mff)), mff_year),
        price_at=price_at,
        threads=threads,
        terms=Terms(delayed_discharge, rounding),
        periods=_paths(periods),
        contracts=tuple(os.fspath(contract) for contract in contracts or ()),
    )
    earlier = None if history is None else _opened(history, layout, max_bad_rows)
    return run_compare(_opened(extract, layout, max_bad_rows), a, b, options, history=earlier)


def _paths(given: StrPath | Sequence[StrPath]) -> tuple[Path, ...]:
    """Give one path or several as paths."""
    return tuple(Path(p) for p in ([given] if isinstance(given, str | os.PathLike) else given))


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
