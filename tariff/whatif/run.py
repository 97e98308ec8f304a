"""Prices an extract under A and under B and compares record by record, and contract by contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.engine.contract import Contract, terms_under
from tariff.engine.manifest import input_entry, inputs_of, used_packs
from tariff.engine.other_care import records_of
from tariff.engine.other_outcome import PriceOptions
from tariff.engine.other_table import BILLED, priced_table
from tariff.engine.periods import Periods, read_periods
from tariff.engine.pipeline import PriceAt, Stages, check_year, read_frame, run_stages
from tariff.engine.price import MffChoice, Terms
from tariff.engine.price_other_care import check_factor_year, dataset_of
from tariff.engine.same_file import refuse_same_file
from tariff.engine.tables import spells_table
from tariff.errors import UsageError
from tariff.extract import Extract
from tariff.packs.compile import NULL64, Rulebook
from tariff.packs.editions import Editions
from tariff.packs.load import LoadedPack
from tariff.schemas import MFF_UNIT
from tariff.whatif import effects
from tariff.whatif.contracts import (
    ContractsCompared,
    check_years,
    open_contracts,
    under_contracts,
)
from tariff.whatif.contracts import (
    Priced as PricedUnder,
)
from tariff.whatif.levels import (
    COMPARED,
    NOT_AN_HRG,
    levels_table,
    subchapters_of,
)
from tariff.whatif.manifest import manifest_of
from tariff.whatif.sides import OWN, Side, sides

COMPONENTS = {  # effect: column of the priced table, beside list price and base
    "short_stay": "short_stay_pence",
    "best_practice": "best_practice_pence",
    "top_up": "top_up_pence",
    "unbundled": "unbundled_pence",
}
SHOWN = ("tariff", "priced_hrg", "pre_mff_pence", "mff", "total_pence", "complete", "price_reasons")


@dataclass(frozen=True)
class Options:
    """Options of a comparison; the command line has one for each."""

    packs: tuple[Path, ...] = ()
    editions: Editions = field(default_factory=Editions)
    year: str | None = None
    mff: MffChoice = field(default_factory=MffChoice)
    price_at: PriceAt = "billed"
    threads: int = 2
    terms: Terms = field(default_factory=Terms)
    periods: tuple[Path, ...] = ()
    contracts: tuple[str, ...] = ()  # id or folder: that of A and that of B


@dataclass
class Comparison:
    """What a comparison gives: sums by level, the records, and what was done."""

    levels: pa.Table  # tariff.whatif.levels.COMPARE
    records: pa.Table  # COMPARED
    rejects: pa.Table
    manifest: dict[str, Any]
    contracts: ContractsCompared | None = None


Priced = tuple[pa.Table, list[LoadedPack]]


def compare(
    extract: Extract,
    a: str = OWN,
    b: str = OWN,
    options: Options | None = None,
    *,
    history: Extract | None = None,
    stage: Callable[[str], None] | None = None,
) -> Comparison:
    """Price under A and B; split every difference. Raises `TariffError` for a user's mistakes.

    With contracts, what they pay is compared too; `history` holds earlier months of their year.
    """
    options = options or Options()
    started = datetime.now(UTC)
    check_year(options.year)
    check_year(options.mff.year)
    contracts = open_contracts(options.contracts, options.packs)
    if history is not None and contracts is None:
        raise UsageError(
            "earlier months count in the year to date of contracts, and none is given",
            hint="give both contracts with --contract",
        )
    both = _on_terms(sides(a, b, options.packs, options.editions), contracts, options.terms)
    for each in both:
        check_factor_year(options.mff, each.rulebook)
    say = stage or (lambda text: None)
    episodes = extract.dataset == "episodes"
    for letter, each in zip("AB", both, strict=True):
        if episodes:
            each.check_admitted(letter)
    periods = read_periods(options.periods) if options.periods else None
    priced = _priced(extract, options, both, periods, say)
    compared = None
    if contracts is not None:
        before = None if history is None else _priced(history, options, both, periods, say)
        compared = _under(extract, contracts, both, priced, before)
    say("comparing")
    key = "spell_id" if episodes else dataset_of(extract).key
    records = compared_table(priced[0][0], priced[1][0], key)
    levels = levels_table(records, _names(both[0].rulebook), subchapters_of(both[0].rulebook.packs))
    manifest = manifest_of(extract, options, both, priced, (levels, records), started)
    if compared is not None:
        manifest["contracts"] = compared.section
        manifest["notices"] = [*compared.section["notices"], *manifest["notices"]]
    if history is not None:
        manifest["history"] = inputs_of(history)
    if periods is not None:
        manifest["inputs"] += [input_entry(item, "periods") for item in periods.inputs]
        manifest["notices"] = [*periods.notices, *manifest["notices"]]
    return Comparison(levels, records, extract.rejects, manifest, compared)


def _on_terms(
    both: tuple[Side, Side], contracts: tuple[Contract, Contract] | None, terms: Terms
) -> tuple[Side, Side]:
    """Give both sides the terms that were asked for, or those of their contracts."""
    a, b = both
    if contracts is None:
        return replace(a, terms=terms), replace(b, terms=terms)
    check_years(contracts, both)
    one, other = (
        replace(side, terms=terms_under(contract, terms), contract=contract.pack.id)
        for side, contract in zip(both, contracts, strict=True)
    )
    return one, other


def _priced(
    extract: Extract,
    options: Options,
    both: tuple[Side, Side],
    periods: Periods | None,
    say: Callable[[str], None],
) -> list[Priced]:
    """Price an extract under both sides; once where they price alike."""
    episodes = extract.dataset == "episodes"
    price = _episodes(extract, options, periods) if episodes else _others(extract, options)
    refuse_same_file(extract)
    a, b = both
    say("pricing under A")
    found = [price(a)]
    if a.rulebook is b.rulebook and (a.year, a.terms) == (b.year, b.terms):
        return found * 2
    say("pricing under B")
    return [*found, price(b)]


def _under(
    extract: Extract,
    contracts: tuple[Contract, Contract],
    both: tuple[Side, Side],
    priced: list[Priced],
    before: list[Priced] | None,
) -> ContractsCompared:
    under = [
        PricedUnder(table, None if before is None else before[n][0], side.rulebook.packs, side.year)
        for n, (side, (table, _)) in enumerate(zip(both, priced, strict=True))
    ]
    return under_contracts(contracts, under, extract.dataset)


def _episodes(
    extract: Extract, options: Options, periods: Periods | None
) -> Callable[[Side], Priced]:
    frame = read_frame(extract.batches(), extract.fields)

    def price(of: Side) -> Priced:
        stages = Stages(
            options.year,
            options.mff,
            options.price_at,
            options.threads,
            as_year=of.year,
            terms=of.terms,
            periods=periods,
        )
        columns = run_stages(of.rulebook, frame, stages).columns
        return spells_table(columns), used_packs(of.rulebook, columns)

    return price


def _others(extract: Extract, options: Options) -> Callable[[Side], Priced]:
    dataset = dataset_of(extract)
    if options.price_at != "billed":
        raise UsageError(
            f"records of {extract.dataset} cannot be priced at '{options.price_at}'",
            hint="the HRG that was billed is priced",
        )
    if options.terms != Terms() or options.periods:
        raise UsageError(
            f"rounding, delayed discharge and periods are for admitted care, and the files hold "
            f"{extract.dataset}",
            hint="leave them out",
        )
    records = records_of(extract, (*dataset.columns, *BILLED), dataset.families)

    def price(of: Side) -> Priced:
        how = PriceOptions(options.year, options.mff, as_year=of.year)
        out = dataset.price(records, of.rulebook, how)
        table = priced_table(records, out, dataset.schema, ("provider", dataset.key))
        return table, [pack for _, pack in sorted(out.used.items())]

    return price


# ---------------------------------------------------------------- record by record


def compared_table(a: pa.Table, b: pa.Table, key: str) -> pa.Table:
    """Give the records under both sides with every effect (COMPARED).

    Both are tables of one kind that leave a run, with the same records in the same order.
    """
    for name in ("provider", key):
        if not a[name].equals(b[name]):
            raise AssertionError("the two sides priced other records")
    one, other = _side(a, b), _side(b, a)
    columns: dict[str, Any] = {"provider": a["provider"], "record_id": a[key]}
    for name, source in (("point_of_delivery", "point_of_delivery"), ("hrg", "priced_hrg")):
        columns[name] = pc.coalesce(a[source], b[source])
    for letter, table in (("a", a), ("b", b)):
        columns |= {f"{name}_{letter}": table[name] for name in SHOWN}
    columns["difference_pence"] = pa.array(effects.difference(one, other))
    for name, amounts in effects.split(one, other).items():
        columns[f"{name}_pence"] = pa.array(amounts)
    arrays = [columns[item.name].cast(item.type) for item in COMPARED]
    return pa.table(arrays, schema=COMPARED)


def _side(table: pa.Table, beside: pa.Table) -> effects.Side:
    hrgs = pc.unique(pa.chunked_array([*table["priced_hrg"].chunks, *beside["priced_hrg"].chunks]))
    known = sorted(hrgs.drop_null().to_pylist())
    ids = pc.index_in(table["priced_hrg"], value_set=pa.array(known, pa.string()))
    long_stay = "long_stay_pence" in table.column_names
    return effects.Side(
        parts=_parts(table),
        pre_mff=_numbers(table["pre_mff_pence"]),
        mff=_factors(table["mff"]),
        total=_numbers(table["total_pence"]),
        hrg=_numbers(ids),
        **(
            {
                "long_stay": _numbers(table["long_stay_pence"]),
                "excess": _numbers(table["excess_days"]),
                "per_day": _numbers(table["per_day_pence"]),
            }
            if long_stay
            else {}
        ),
    )


def _parts(table: pa.Table) -> dict[str, effects.Money]:
    """Give the parts of the price before MFF by their effect.

    The base stands in place of the list price where best practice is paid: what that changes is a
    part of its own. Care that is not admitted has the base alone.
    """
    held = set(table.column_names)
    parts = {
        effect: _numbers(table[column]) for effect, column in COMPONENTS.items() if column in held
    }
    base = _numbers(table["base_pence"])
    parts["base_price"] = base
    if "list_pence" in held:
        listed = _numbers(table["list_pence"])
        parts["base_price"] = listed
        parts["best_practice_price"] = np.where(listed == NULL64, NULL64, base - listed)
    return parts


def _numbers(column: pa.ChunkedArray) -> effects.Money:
    filled = pc.fill_null(column.cast(pa.int64()), int(NULL64))
    return np.asarray(filled, dtype=np.int64)


def _factors(column: pa.ChunkedArray) -> effects.Money:
    """Give factors in units of 1e-9; one that is missing as 0, as there is no total then."""
    found = column.combine_chunks().dictionary_encode()
    units = [0 if text is None else int(text * MFF_UNIT) for text in found.dictionary.to_pylist()]
    table = np.array([*units, 0], np.int64)
    out: effects.Money = table[np.asarray(pc.fill_null(found.indices, len(units)))]
    return out


def _names(rulebook: Rulebook) -> dict[str, dict[str, str]]:
    """Titles of the keys of each level."""
    titles: dict[str, dict[str, str]] = {
        level: {"": NOT_AN_HRG} for level in ("chapter", "subchapter")
    }
    for pack in rulebook.packs.by_kind("labels"):
        for level in titles:
            columns = pack.tables[f"{level}s"].columns
            for key, title in zip(columns[level], columns["title"], strict=True):
                titles[level].setdefault(key, title)
    codes = rulebook.packs.by_kind("pod_codes")[0].tables["codes"].columns
    points = dict(zip(codes["code"], codes["title"], strict=True))
    points |= {group.code: group.title for group in rulebook.points_of_delivery.groups}
    return {
        **titles,
        "all": {"": "All records"},
        "provider": rulebook.mff.names,
        "point_of_delivery": points,
        "hrg": rulebook.labels,
    }
