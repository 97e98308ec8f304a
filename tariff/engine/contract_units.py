"""Priced records as the ledger of a contract: which line, which month, how much, at what price."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.engine.contract import Contract, Record
from tariff.engine.contract_exact import beside_pence
from tariff.engine.contract_ledger import EXACT, UNKNOWN_MONTH, Cell, Ledger
from tariff.engine.price import times
from tariff.packs.compile import NULL64
from tariff.packs.contract_select import YEAR_MONTHS
from tariff.packs.load import PackSet
from tariff.packs.model import TariffPack
from tariff.schemas import MFF_UNIT

Behaviour = Callable[[str], Hashable]
Basis = Literal["tariff", "billed"]

# the day that decides the month, and the identifier, of the records of a dataset
DAYS = {
    "episodes": ("discharge_date", "spell_id"),
    "attendances": ("attendance_date", "attendance_id"),
    "emergency": ("arrival_date", "attendance_id"),
    "lines": ("start_date", "line_id"),
}
# of care that is not admitted; the totals of spells are rounded by the engine (terms_under)
COMPONENTS = ("base_pence", "best_practice_pence", "unbundled_pence")
Pence = NDArray[np.int64]
PLACED = (
    "provider", "commissioner", "site", "point_of_delivery", "treatment_function", "code", "month",
)  # fmt: skip
KEYS = (*PLACED, "alone", "state", "factor")
FIGURES = ("activity", "pence", "parts", "withheld", "records", "billed")
POUND = 100
PRICED, INCOMPLETE, UNPRICED, EXCLUDED, NOT_DUE = range(5)  # of a record
# no price is due for these at all, not even a local one
NEVER_DUE = "not_attended|administrative_event|private_patient"
SPELL_EXCLUDED = r"\bexcluded\b"  # in the reasons of a spell, beside part_excluded
NONE: Mapping[str, Collection[str]] = MappingProxyType({})


def money_only(packs: PackSet) -> frozenset[str]:
    """Give the points of delivery that are money without activity."""
    return frozenset(
        code
        for pack in packs.by_kind("pod_codes")
        for code, setting in zip(
            pack.tables["codes"].columns["code"],
            pack.tables["codes"].columns["setting"],
            strict=True,
        )
        if setting in ("money", "passed_through")
    )


def top_ups_also_on(packs: PackSet) -> dict[str, tuple[str, ...]]:
    """Give what a top-up is taken on beside base and short stay, by price list."""
    return {
        pack.id: tuple(rule.also_on)
        for pack in packs.by_kind("tariff")
        if isinstance(pack.manifest, TariffPack) and (rule := pack.manifest.top_up_rule)
    }


def ledger_of(contract: Contract, table: pa.Table, dataset: str, **how: Any) -> Ledger:
    """Put priced records (tariff.schemas) under a contract; `how` is that of `ledgers_of`."""
    every = pa.repeat(pa.scalar(""), table.num_rows)
    return ledgers_of(contract, table, dataset, every, **how).get("") or Ledger(datasets={dataset})


def ledgers_of(
    contract: Contract,
    table: pa.Table,
    dataset: str,
    by: pa.Array,
    *,
    no_activity: Collection[str] = (),
    basis: Basis = "tariff",
    deductions: pa.Array | None = None,
    also_on: Mapping[str, Collection[str]] = NONE,
    year: str | None = None,
) -> dict[str, Ledger]:
    """Put priced records (tariff.schemas) under a contract, a ledger for each text of `by`.

    `deductions` are pence per record that are withheld before the formula, such as for
    readmissions. On the basis `billed`, what was billed stands before the price. `no_activity` are
    points of delivery that are money alone, `also_on` what top-ups are taken on (for a contract
    that does not round). With a `year` records are of their month in it, whatever their own.
    """
    ledgers: dict[str, Ledger] = {}
    if not table.num_rows:
        return ledgers
    frame = _frame(contract, table, dataset, basis, no_activity, also_on)
    frame = _told_apart(contract, frame, year).append_column("by", by)
    withheld = pa.repeat(pa.scalar(0, pa.int64()), table.num_rows)
    if deductions is not None and contract.manifest.switches.readmissions:
        withheld = pc.fill_null(deductions, 0)
    frame = frame.append_column("withheld", withheld)
    summed = frame.group_by([*KEYS, "by"], use_threads=False).aggregate(
        [(name, "sum") for name in FIGURES]
    )
    for row in summed.to_pylist():
        ledger = ledgers.setdefault(row["by"], Ledger(datasets={dataset}))
        _add(contract, ledger, dataset, row, basis)
    return ledgers


def lines_of(
    contract: Contract, table: pa.Table, dataset: str, *, year: str | None = None
) -> pa.Array:
    """Give the line that each record is of, empty outside the contract."""
    frame = _told_apart(contract, _selecting(table, dataset), year).select(PLACED)
    texts = [column.combine_chunks().cast(pa.string()) for column in frame.columns]
    kinds = pc.binary_join_element_wise(*texts, "\x1f").dictionary_encode()
    first = np.unique(np.asarray(kinds.indices), return_index=True)[1]
    records = (Record(dataset, **row) for row in frame.take(pa.array(first)).to_pylist())
    lines = pa.array([contract.place(record)[0] for record in records], pa.string())
    return lines.take(kinds.indices)


def _told_apart(contract: Contract, frame: pa.Table, year: str | None) -> pa.Table:
    """Put one text for all that the contract does not tell apart, and months in a year."""
    for name, behaviour in _behaviours(contract).items():
        place = frame.schema.get_field_index(name)
        frame = frame.set_column(place, name, _alike(frame[name], behaviour))
    if year is not None:
        april = int(year[:4]) * YEAR_MONTHS + 3
        months = _numbers(frame["month"])
        brought = np.where(months < 0, months, april + (months - 3) % YEAR_MONTHS)
        frame = frame.set_column(frame.schema.get_field_index("month"), "month", pa.array(brought))
    return frame


def _add(
    contract: Contract, ledger: Ledger, dataset: str, row: dict[str, object], basis: Basis
) -> None:
    """Add one kind of record to the ledger."""
    record = Record(dataset, *(row[key] for key in KEYS[:7]))  # type: ignore[arg-type]
    line, month, reason = contract.place(record)
    if reason:
        month = record.month if record.month >= 0 else UNKNOWN_MONTH
    activity, records = int(row["activity_sum"]), int(row["records_sum"])  # type: ignore[call-overload]
    money = int(row["pence_sum"]) * int(row["factor"])  # type: ignore[call-overload]
    money += int(row["parts_sum"])  # type: ignore[call-overload]
    state = row["state"]
    cell = Cell(activity, money, 0, records)
    cell.withheld = int(row["withheld_sum"]) * EXACT  # type: ignore[call-overload]
    cell.billed = int(row["billed_sum"])  # type: ignore[call-overload]
    alone = bool(row["alone"])
    may_be_local = basis == "tariff" and not reason and not alone and state != NOT_DUE
    local = contract.local.of(record) if may_be_local else None
    if local is not None:
        cell.money, cell.local = local * activity * EXACT, records
    elif state in (EXCLUDED, NOT_DUE):
        cell.activity, cell.excluded = 0, records
    elif state == UNPRICED:
        cell.unpriced = records
    elif state == INCOMPLETE:
        cell.incomplete = records
    if alone:
        cell.alone = cell.money
    elif local is not None or state in (PRICED, INCOMPLETE):
        cell.priced_units, cell.priced_money = cell.activity, cell.money
    ledger.at(line, month, reason).add(cell)


def _behaviours(contract: Contract) -> dict[str, Behaviour]:
    """Say what of each text a contract can tell apart; all else of it is one."""
    manifest, local = contract.manifest, contract.local.cells
    selects = [line.select for line in manifest.lines]
    prefixes = sorted({prefix for select in selects for prefix in select.hrgs})

    def among(values: Iterable[str], *, blank: bool = False) -> Behaviour:
        """`blank` tells a blank from what the contract does not name."""
        told = frozenset(values)
        return lambda value: value if value in told else ("", blank and not value)

    def of_code(code: str) -> Hashable:
        told = code if code in local["tariff_code"] else ""
        return (told, *(code.startswith(prefix) for prefix in prefixes))

    pods = {code for select in selects for code in select.points_of_delivery}
    functions = {code for select in selects for code in select.treatment_functions}
    return {
        "provider": among([manifest.provider, *local["provider"]]),
        "commissioner": among([*manifest.commissioners, *local["commissioner"]], blank=True),
        "site": among(code for select in selects for code in select.sites),
        "point_of_delivery": among(pods | local["point_of_delivery"]),
        "treatment_function": among(functions | local["treatment_function"]),
        "code": of_code,
    }


def _alike(column: pa.ChunkedArray, behaviour: Behaviour) -> pa.Array:
    """Put one text for all that a contract does not tell apart, so that few kinds are left."""
    found = column.combine_chunks().dictionary_encode()
    first: dict[Hashable, str] = {}
    names = [first.setdefault(behaviour(name), name) for name in found.dictionary.to_pylist()]
    return pa.array(names, pa.string()).take(found.indices)


# ---------------------------------------------------------------- columns


def _selecting(table: pa.Table, dataset: str) -> pa.Table:
    """Give the columns that decide the line (PLACED), one row a record."""
    codes = ("tariff_code", "priced_hrg") if dataset == "lines" else ("priced_hrg",)
    return pa.table(
        {
            "provider": text_of(table, "provider"),
            "commissioner": text_of(table, "commissioner"),
            "site": text_of(table, "site"),
            "point_of_delivery": text_of(table, "point_of_delivery", "billed_point_of_delivery"),
            "treatment_function": text_of(table, "treatment_function"),
            "code": text_of(table, *codes),
            "month": _months(table, dataset),
        }
    )


def _frame(
    contract: Contract,
    table: pa.Table,
    dataset: str,
    basis: Basis,
    no_activity: Collection[str],
    also_on: Mapping[str, Collection[str]],
) -> pa.Table:
    """Give the columns that decide the line, and the figures, one row a record."""
    frame = _selecting(table, dataset)
    rows, pod = table.num_rows, frame["point_of_delivery"].combine_chunks()
    activity = pa.repeat(pa.scalar(1, pa.int64()), rows)
    if dataset == "lines":
        activity = pc.fill_null(table["quantity"].combine_chunks().cast(pa.int64()), 1)
    money_alone = pc.is_in(pod, pa.array(sorted(no_activity), pa.string()))
    activity = pc.if_else(money_alone, pa.scalar(0, pa.int64()), activity)
    pence, factor, known = _money(contract, table, dataset, basis)
    parts = pa.repeat(pa.scalar(0, pa.int64()), rows)
    if contract.manifest.rounding == "none" and basis == "tariff" and dataset == "episodes":
        parts = beside_pence(table, also_on)
    copies = table["duplicate_billed"] if "duplicate_billed" in table.column_names else None
    if copies is not None:
        pence = pc.add(pence, copies.combine_chunks())
        activity = pc.add(activity, pc.not_equal(copies.combine_chunks(), 0).cast(pa.int64()))
    figures = {
        "alone": money_alone,
        "billed": pc.fill_null(table["billed_pence"].combine_chunks(), 0),
        "state": _states(table, known, basis),
        "factor": factor,
        "activity": activity,
        "pence": pence,
        "parts": parts,
        "records": pa.repeat(pa.scalar(1, pa.int64()), rows),
    }
    for name, column in figures.items():
        frame = frame.append_column(name, column)
    return frame


def text_of(table: pa.Table, *names: str) -> pa.Array:
    """Give the first of some columns that is there, as text; empty where none is."""
    out = pa.nulls(table.num_rows, pa.string())
    for name in names:
        if name in table.column_names:
            out = pc.coalesce(out, table[name].combine_chunks().cast(pa.string()))
    return pc.fill_null(out, "")


def _months(table: pa.Table, dataset: str) -> pa.Array:
    """Give calendar months, counted from year 0; -1 where there is neither a day nor a month."""
    days = table[DAYS[dataset][0]].combine_chunks()
    if dataset == "lines":
        days = pc.coalesce(days, table["end_date"].combine_chunks())
    months = pc.add(pc.multiply(pc.year(days), 12), pc.subtract(pc.month(days), 1))
    if "activity_month" in table.column_names:
        text = table["activity_month"].combine_chunks().cast(pa.string())
        year = pc.utf8_slice_codeunits(text, 0, 4).cast(pa.int64())
        month = pc.utf8_slice_codeunits(text, 5, 7).cast(pa.int64())
        months = pc.coalesce(months, pc.add(pc.multiply(year, 12), pc.subtract(month, 1)))
    return pc.fill_null(months, -1)


def _money(
    contract: Contract, table: pa.Table, dataset: str, basis: Basis
) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Give pence, the parts of a penny that one of them counts, and whether they are known."""
    total = table["total_pence"].combine_chunks()
    policy = contract.manifest.rounding
    whole = pa.repeat(pa.scalar(EXACT, pa.int64()), table.num_rows)
    if basis == "billed":
        total = pc.coalesce(table["billed_pence"].combine_chunks(), total)
    elif policy == "none" or (policy != "pence_final" and dataset != "episodes"):
        return _rounded(policy, table, total)
    return pc.fill_null(total, 0), whole, pc.is_valid(total)


def _rounded(policy: str, table: pa.Table, total: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Round as the contract says, where there are a price and a factor; else leave the total."""
    pre_mff = _numbers(table["pre_mff_pence"])
    factor = _factors(table["mff"])
    known = (pre_mff != NULL64) & (factor != NULL64)
    totals = _numbers(total)
    if policy == "none":
        pence = np.where(known, pre_mff, totals)
        unit = np.where(known, factor, EXACT)
    else:
        unit = np.full(len(pre_mff), EXACT, np.int64)
        pence = np.where(known, _in_pounds(policy, table, pre_mff, factor), totals)
    missing = pence == NULL64
    return pa.array(np.where(missing, 0, pence)), pa.array(unit), pa.array(~missing)


def _in_pounds(policy: str, table: pa.Table, pre_mff: Pence, factor: Pence) -> Pence:
    """Give totals with a rounding to the pound."""
    if policy == "pound_pre_mff":
        return times(_pounds(pre_mff), factor)
    if policy == "pound_final":
        return _product_in_pounds(pre_mff, factor)
    out = np.zeros(len(pre_mff), np.int64)
    for name in COMPONENTS:
        if name in table.column_names:
            part = _numbers(table[name])
            out += np.where(part == NULL64, 0, _product_in_pounds(part, factor))
    return out


def _product_in_pounds(pence: Pence, factor: Pence) -> Pence:
    """Give pence x factor, half up to the pound, without rounding to the penny before."""
    usable = (pence != NULL64) & (factor != NULL64)
    p, f = np.where(usable, np.abs(pence), 0), np.where(usable, factor, 0)
    high, low = np.divmod(p, MFF_UNIT)
    more, rest = np.divmod(low * f, MFF_UNIT)  # below 1e18
    whole = high * f + more  # pence, and `rest` parts of one
    pounds, part = np.divmod(whole, POUND)
    up = part * MFF_UNIT + rest >= POUND * MFF_UNIT // 2
    out = (pounds + up) * POUND
    return np.where(usable, np.where(pence < 0, -out, out), NULL64)


def _pounds(pence: Pence) -> Pence:
    rounded = (np.abs(np.where(pence == NULL64, 0, pence)) + POUND // 2) // POUND * POUND
    return np.where(pence == NULL64, NULL64, np.where(pence < 0, -rounded, rounded))


def _numbers(column: pa.Array | pa.ChunkedArray) -> Pence:
    numbers: Pence = np.asarray(pc.fill_null(column, NULL64)).astype(np.int64)
    return numbers


def _factors(column: pa.ChunkedArray) -> Pence:
    """Give factors in units of 1e-9."""
    found = column.combine_chunks().dictionary_encode()
    units = [int(value * MFF_UNIT) for value in found.dictionary.to_pylist()]
    ids = np.asarray(pc.fill_null(found.indices, len(units)))
    factors: Pence = np.array([*units, NULL64], np.int64)[ids]
    return factors


def _states(table: pa.Table, known: pa.Array, basis: Basis) -> pa.Array:
    """Say of each record whether its price is whole, in part, missing, or none is due."""
    state = pc.if_else(table["complete"].combine_chunks(), PRICED, INCOMPLETE)
    if basis == "billed":
        billed = pc.is_valid(table["billed_pence"].combine_chunks())
        state = pc.if_else(billed, PRICED, state)
    state = pc.if_else(known, state, UNPRICED)
    reasons = text_of(table, "price_reasons")
    if "outcome" not in table.column_names:
        excluded = pc.and_not(pc.match_substring_regex(reasons, SPELL_EXCLUDED), known)
        state = pc.if_else(excluded, EXCLUDED, state)
    if "outcome" in table.column_names and basis == "tariff":
        excluded = pc.equal(table["outcome"].combine_chunks(), "excluded")
        state = pc.if_else(pc.fill_null(excluded, False), EXCLUDED, state)
        state = pc.if_else(pc.match_substring_regex(reasons, NEVER_DUE), NOT_DUE, state)
    return state.cast(pa.int64())


def without(table: pa.Table, dataset: str, newer: pa.Table) -> pa.Table:
    """Leave out of earlier records those that stand in newer ones too: nothing counts twice."""
    keys = ["provider", DAYS[dataset][1]]
    mine = table.select(keys).append_column("place", pa.array(np.arange(table.num_rows)))
    places = mine.join(newer.select(keys), keys, join_type="left anti")["place"]
    if len(places) == table.num_rows:
        return table
    return table.take(pa.array(np.sort(np.asarray(places)), pa.int64()))
