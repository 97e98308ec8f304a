"""Lines that are paid as billed: drugs and devices, beside what the year's lists say; money.

docs/pricing-other-care.md. Nothing here has a market forces factor.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tariff.engine.other_outcome import BIT, OUTCOMES, Money, OtherPrices, Rows
from tariff.engine.other_prices import PodCodes, year_prices
from tariff.engine.other_table import billed
from tariff.engine.records import Records
from tariff.engine.words import per_value
from tariff.engine.year_tables import folded, rows_of
from tariff.packs.compile import NULL64, Rulebook
from tariff.packs.grouping import NULL32
from tariff.packs.load import LoadedPack
from tariff.report import safe, text

# What a line says of its list: the columns that leave, and the name of a line that is in none.
COLUMNS = (
    "listed_as", "listed_group", "listed_commissioner", "national_programme", "fixed_element",
)  # fmt: skip
NOT_MATCHED = "not_matched"
SHOWN, LENGTH = 5, 20  # unknown points of delivery in a notice, and letters of each
# By table of a price list: the columns with a name, and what each entry is listed as.
NAMES = {
    "drugs": ("drug",),
    "advanced_therapies": ("name", "brand"),
    "devices": ("device",),
    "innovative_products": ("product",),
}
LISTED_AS = {
    "drugs": "drug",
    "advanced_therapies": "advanced_therapy",
    "devices": "device",
    "innovative_products": "innovative_product",
}
REMOVED, PLAIN = "removed", "listed"

Listing = dict[str, str]


def pass_through(
    records: Records, rulebook: Rulebook, pods: PodCodes, out: OtherPrices, rows: Rows
) -> None:
    """Pay drugs and devices at cost: units times their price, else what was billed."""
    quantity = records.numbers("quantity")[rows].astype(np.int64)
    unit, price = records.money("unit_price")[rows], billed(records)[rows]
    out.basis[rows] = out.names.id_of("cost")
    counted = (quantity != NULL32) & (unit != NULL64)
    as_billed = (price != NULL64) & (~counted | (quantity == 0))  # some send no units of a drug
    out.say(rows[(quantity == NULL32) & ~as_billed], "no_quantity")
    out.say(rows[(unit == NULL64) & ~as_billed], "no_unit_price")
    cost = np.where(as_billed, price, np.where(counted, quantity, 0) * np.where(counted, unit, 0))
    out.outcome[rows[counted | as_billed]] = OUTCOMES.index("passed_through")
    _keep(out, rows[counted | as_billed], cost[counted | as_billed])
    _look_up(records, rulebook, pods, out, rows)


def money_only(records: Records, out: OtherPrices, rows: Rows) -> None:
    """Keep the money of lines that are no activity: what was billed, else the price of the line."""
    out.outcome[rows] = OUTCOMES.index("money_only")
    out.say(rows, "money_only")
    quantity = records.numbers("quantity")[rows].astype(np.int64)
    unit, amount = records.money("unit_price")[rows], billed(records)[rows]
    times = np.where((quantity == NULL32) | (quantity == 0), 1, quantity)
    own = np.where(unit == NULL64, NULL64, times * np.where(unit == NULL64, 0, unit))
    amount = np.where(amount == NULL64, own, amount)
    known = amount != NULL64
    out.say(rows[~known], "no_unit_price")
    _keep(out, rows[known], amount[known])


def _keep(out: OtherPrices, rows: Rows, amount: Money) -> None:
    out.base[rows] = out.pre_mff[rows] = out.total[rows] = amount
    out.best_practice[rows] = out.unbundled[rows] = 0


def pods_unknown(records: Records, out: OtherPrices) -> list[str]:
    """Name the points of delivery of lines that are neither a national code nor an alias."""
    rows = np.flatnonzero(out.reasons & BIT["pod_unknown"])
    if not len(rows):
        return []
    ids, values = records.codes("point_of_delivery")
    money = billed(records)[rows]
    shown = []
    for of in np.unique(ids[rows]):
        mine = money[ids[rows] == of]
        pounds = text.pounds(int(mine[mine != NULL64].sum()))
        shown.append(f"{safe.printable(values[of])[:LENGTH]} ({len(mine):,}, {pounds} billed)")
    more = ", ..." if len(shown) > SHOWN else ""
    return [
        "Points of delivery that are neither a national code nor another spelling of one, by "
        f"record: {', '.join(sorted(shown)[:SHOWN])}{more}. Lines of a contract cannot select them."
    ]


# ---------------------------------------------------------------- what the lists say


def _look_up(
    records: Records, rulebook: Rulebook, pods: PodCodes, out: OtherPrices, rows: Rows
) -> None:
    """Find the code or the name of each line in the lists of its year, letter by letter."""
    out.listed = {name: np.full(len(out), -1, np.int64) for name in COLUMNS}
    for index, year in enumerate(out.year_names):
        of_year = rows[out.year[rows] == index]
        prices = year_prices(rulebook, year) if len(of_year) else None
        if prices is None:
            continue
        for pod, tables in pods.manifest.listed.items():
            held = [name for name in tables if name in prices.tariff.tables]
            at = of_year[out.pod[of_year] == out.names.id_of(pod)]
            if held and len(at):
                out.tariff[at] = out.names.id_of(prices.tariff.manifest.id)
                out.used[prices.tariff.manifest.id] = prices.tariff
                _of_lists(records, out, at, listings(prices.tariff, held))


def _of_lists(records: Records, out: OtherPrices, rows: Rows, known: dict[str, Listing]) -> None:
    entries = [{"listed_as": NOT_MATCHED}, *known.values()]
    place = {name: number for number, name in enumerate(known, 1)}
    found = np.zeros(len(rows), np.int64)
    for column in ("item_name", "tariff_code"):  # a code that is listed goes before a name
        ids, values = records.codes(column)
        of = per_value(values, lambda text: place.get(folded(text), 0), np.int64)[ids[rows]]
        found = np.where(of == 0, found, of)
    for name in COLUMNS:
        words = out.names.ids_of(entry.get(name) for entry in entries)
        out.listed[name][rows] = words[found]
    out.say(rows[found == 0], "not_listed")


def listings(tariff: LoadedPack, tables: Iterable[str]) -> dict[str, Listing]:
    """Give what lists say by name; of a name that stands twice, each thing that is said."""
    found: dict[str, Listing] = {}
    for table in tables:
        for row in rows_of(tariff, table):
            entry = _entry(table, row)
            for name in {folded(row[column]) for column in NAMES[table]} - {""}:
                found[name] = _both(found.get(name, {}), entry)
    return found


def _entry(table: str, row: dict[str, str]) -> Listing:
    part = row.get("part", PLAIN)
    plain = LISTED_AS[table]
    return {
        "listed_as": part if part == REMOVED else row.get("listed_as") or plain,
        "listed_group": row.get("group") or ("" if part in (PLAIN, REMOVED) else part),
        "listed_commissioner": row.get("commissioner", ""),
        "national_programme": row.get("national_programme", ""),
        "fixed_element": row.get("fixed_element", ""),
    }


def _both(one: Listing, other: Listing) -> Listing:
    said = {name: [one.get(name, ""), other[name]] for name in COLUMNS}
    return {name: "; ".join(sorted({*words} - {""})) for name, words in said.items()}
