"""The tables of the oracle for care that is not admitted: plain dicts built from loaded packs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tariff.packs.model import OtherCarePack, PodCodesPack, TariffPack
from tariff.reference.currencies import FactorsOfPathways, Payment, payments
from tariff.reference.editions import in_order
from tariff.reference.factors import Factors, factors_of
from tariff.reference.tables import PackLike, date_of_year, of_kind, pence, side_table

COLUMNS = ("first_single", "first_multi", "follow_up_single", "follow_up_multi")


@dataclass(frozen=True, slots=True)
class YearOfPrices:
    """What one tariff year pays, money in pence, and the rules it pays by."""

    pack_id: str
    rounding: str
    partial: bool
    rules: OtherCarePack
    attendances: dict[str, dict[str, int]]  # by function and HRG
    procedures: dict[str, int]  # outpatient procedures by HRG
    emergency: dict[str, tuple[int, int]]  # by HRG: types 1 and 2, type 3
    unbundled: dict[str, int]
    treatment: dict[str, str]  # of an unbundled HRG: rebundled, priced or local
    direct_access: dict[str, int]
    dialysis: dict[str, int]
    best_practice: dict[tuple[str, str, str], tuple[int | None, int | None]]
    payments: dict[str, Payment]  # that are no HRG, by code
    factors: FactorsOfPathways
    kinds: dict[tuple[str, str], dict[str, str]]  # by what and code: of each figure, its kind
    listed: dict[str, list[dict[str, str]]]  # drugs, devices and the like: rows of each list


@dataclass(frozen=True, slots=True)
class OtherTables:
    """Years of prices, points of delivery, factors by provider and year."""

    years: dict[str, YearOfPrices]
    pods: PodCodesPack
    settings: dict[str, str]  # of a point of delivery
    aliases: dict[str, str]
    pod_of_prefix: dict[str, str]
    factors: Factors


def other_tables(
    packs: Sequence[PackLike], editions: Mapping[str, str] | None = None
) -> OtherTables:
    """Build the tables from every pack given. A year is held where its list and rules are.

    The first list of a year, in the order of `editions.in_order`, that has prices of such care
    serves it.
    """
    years: dict[str, YearOfPrices] = {}
    serving: dict[str, PackLike] = {}
    for manifest, pack in in_order(packs, editions or {}):
        serving.setdefault(manifest.year, pack)
        found = _rules_of(packs, manifest.year)
        holds = manifest.attendances or manifest.emergency or manifest.unbundled
        if holds and found and manifest.year not in years:
            years[manifest.year] = _year(manifest, pack, *found)
    pods, pod_pack = of_kind(packs, PodCodesPack)[0]
    return OtherTables(
        years=years,
        pods=pods,
        settings={row["code"]: row["setting"] for row in side_table(pod_pack, "codes")},
        aliases={row["alias"]: row["code"] for row in side_table(pod_pack, "aliases")},
        pod_of_prefix={row["prefix"]: row["code"] for row in side_table(pod_pack, "hrgs")},
        factors=factors_of(packs, list(serving.values())),
    )


def _rules_of(packs: Sequence[PackLike], year: str) -> tuple[OtherCarePack, PackLike] | None:
    day = date_of_year(year)
    for manifest, pack in of_kind(packs, OtherCarePack):
        first, last = manifest.applies.from_, manifest.applies.to
        if (first is None or first <= day) and (last is None or day <= last):
            return manifest, pack
    return None


def _rows(pack: PackLike, manifest: TariffPack, table: str) -> list[dict[str, str]]:
    """The rows of a table that a tariff pack may have."""
    return list(side_table(pack, table)) if getattr(manifest, table) else []


def _year(
    manifest: TariffPack, pack: PackLike, rules: OtherCarePack, rules_pack: PackLike
) -> YearOfPrices:
    def priced(table: str, column: str) -> dict[str, int]:
        found = {row["hrg"]: pence(row[column]) for row in _rows(pack, manifest, table)}
        return {hrg: amount for hrg, amount in found.items() if amount is not None}

    attendances: dict[str, dict[str, int]] = {}
    for row in _rows(pack, manifest, "attendances"):
        prices = {rules.attendance_hrgs[name]: pence(row[name]) for name in COLUMNS}
        attendances[row["treatment_function"]] = {
            str(hrg): amount for hrg, amount in prices.items() if amount is not None
        }
    of_areas = _rows(pack, manifest, "best_practice_prices")
    others = _rows(pack, manifest, "other_prices")
    maternity = _rows(pack, manifest, "maternity")
    unbundled = priced("unbundled", "price")
    full_list = {row["hrg"]: row for row in _rows(pack, manifest, "unbundled_list")}
    return YearOfPrices(
        pack_id=manifest.id,
        rounding=manifest.rounding,
        partial=manifest.partial,
        rules=rules,
        attendances=attendances,
        procedures=priced("prices", "outpatient_procedure"),
        emergency={
            row["hrg"]: (pence(row["type_1_and_2"]) or 0, pence(row["type_3"]) or 0)
            for row in _rows(pack, manifest, "emergency")
        },
        unbundled=unbundled,
        treatment={
            hrg: _treatment(rules, hrg, full_list.get(hrg))
            for hrg in {*unbundled, *full_list} - set(rules.empty_cores)
        },
        direct_access=_amounts(
            (row["code"], row["value"])
            for row in others
            if row["area"] == rules.direct_access_area and row["code_type"] == "hrg"
        ),
        dialysis=_amounts(
            (row["code"], row["price"])
            for row in of_areas
            if row["code_type"] == "hrg" and row["per"]
        ),
        best_practice=_best_practice(rules, of_areas),
        payments=payments(
            side_table(rules_pack, "currencies") if rules.currencies else [],
            {"maternity": maternity, "other_prices": others, "best_practice_prices": of_areas},
        ),
        factors=FactorsOfPathways(
            _rows(pack, manifest, "maternity_factors"),
            side_table(rules_pack, "maternity_words") if rules.maternity_words else [],
            side_table(rules_pack, "maternity_edges") if rules.maternity_edges else [],
        ),
        kinds=_kinds(_rows(pack, manifest, "price_types")),
        listed={
            name: _rows(pack, manifest, name)
            for name in ("drugs", "advanced_therapies", "devices", "innovative_products")
            if getattr(manifest, name)
        },
    )


def _amounts(cells: Iterable[tuple[str, str]]) -> dict[str, int]:
    found = ((code, pence(cell)) for code, cell in cells)
    return {code: amount for code, amount in found if amount is not None}


def _treatment(rules: OtherCarePack, hrg: str, row: dict[str, str] | None) -> str:
    """How an unbundled HRG is paid beside what it belongs to, by the full list of its year."""
    if row is None:  # priced, and the list is silent
        return "rebundled" if hrg.startswith(tuple(rules.rebundled_services)) else "priced"
    if row["rebundled"] == "yes":
        return "rebundled"
    return "priced" if row["priced"] in ("national", "unit") else "local"


def _best_practice(
    rules: OtherCarePack, rows: list[dict[str, str]]
) -> dict[tuple[str, str, str], tuple[int | None, int | None]]:
    """By function, attendance HRG and whether the criteria are met: a price, or an addition."""
    out: dict[tuple[str, str, str], tuple[int | None, int | None]] = {}
    for row in rows:
        if row["code_type"] != "treatment_function" or row["setting"] not in COLUMNS:
            continue
        hrg = str(rules.attendance_hrgs[row["setting"]])
        if row["payment"] == "not_best_practice":
            out[row["code"], hrg, "not_met"] = (pence(row["price"]), None)
        for other in rows:
            same = other["area"] == row["area"] and other["payment"] == "additional"
            if same and row["payment"] == "price":
                out[row["code"], hrg, "met"] = (None, pence(other["price"]))
    return out


def _kinds(rows: list[dict[str, str]]) -> dict[tuple[str, str], dict[str, str]]:
    out: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        figures = out.setdefault((row["of"], row["code"]), {})
        told = [kind for kind in ("national", "unit", "guide", "benchmark") if row[kind]]
        for kind in told:
            for figure in row[kind].split():
                figures[figure] = kind
        if len(told) == 1:
            figures[""] = told[0]  # of every figure of the code
    return out
