"""The tables of the oracle for care that is not admitted: plain dicts built from loaded packs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tariff.packs.model import MffPack, OtherCarePack, PodCodesPack, TariffPack
from tariff.reference.tables import PackLike, date_of_year, of_kind, pence, side_table
from tariff.reference.values import half_up
from tariff.schemas import MFF_UNIT

COLUMNS = ("first_single", "first_multi", "follow_up_single", "follow_up_multi")


@dataclass(frozen=True, slots=True)
class YearOfPrices:
    """What one tariff year pays, money in pence, and the rules it pays by."""

    pack_id: str
    rounding: str
    rules: OtherCarePack
    attendances: dict[str, dict[str, int]]  # by function and HRG
    procedures: dict[str, int]  # outpatient procedures by HRG
    emergency: dict[str, tuple[int, int]]  # by HRG: types 1 and 2, type 3
    unbundled: dict[str, int]
    treatment: dict[str, str]  # of an unbundled HRG: rebundled, priced or local
    direct_access: dict[str, int]
    dialysis: dict[str, int]
    best_practice: dict[tuple[str, str, str], tuple[int | None, int | None]]


@dataclass(frozen=True, slots=True)
class OtherTables:
    """Years of prices, points of delivery, factors by provider and year."""

    years: dict[str, YearOfPrices]
    pods: PodCodesPack
    settings: dict[str, str]  # of a point of delivery
    aliases: dict[str, str]
    pod_of_prefix: dict[str, str]
    factors: dict[str, dict[str, int]]  # units of 1e-9


def other_tables(packs: Sequence[PackLike]) -> OtherTables:
    """Build the tables from every pack given. A year is held where its list and rules are."""
    years: dict[str, YearOfPrices] = {}
    for manifest, pack in of_kind(packs, TariffPack):
        found = _rules_of(packs, manifest.year)
        if manifest.attendances and manifest.emergency and manifest.unbundled and found:
            years[manifest.year] = _year(manifest, pack, *found)
    factors: dict[str, dict[str, int]] = {}
    for _, pack in of_kind(packs, MffPack):
        for row in side_table(pack, "factors"):
            factor = half_up(Fraction(row["mff"]) * MFF_UNIT)
            factors.setdefault(row["provider"], {})[row["year"]] = factor
    pods, pod_pack = of_kind(packs, PodCodesPack)[0]
    return OtherTables(
        years=years,
        pods=pods,
        settings={row["code"]: row["setting"] for row in side_table(pod_pack, "codes")},
        aliases={row["alias"]: row["code"] for row in side_table(pod_pack, "aliases")},
        pod_of_prefix={row["prefix"]: row["code"] for row in side_table(pod_pack, "hrgs")},
        factors=factors,
    )


def _rules_of(packs: Sequence[PackLike], year: str) -> tuple[OtherCarePack, PackLike] | None:
    day = date_of_year(year)
    for manifest, pack in of_kind(packs, OtherCarePack):
        first, last = manifest.applies.from_, manifest.applies.to
        if (first is None or first <= day) and (last is None or day <= last):
            return manifest, pack
    return None


def _year(
    manifest: TariffPack, pack: PackLike, rules: OtherCarePack, rules_pack: PackLike
) -> YearOfPrices:
    def priced(of: PackLike, table: str, column: str) -> dict[str, int]:
        rows = [r for r in side_table(of, table) if r.get("year", manifest.year) == manifest.year]
        found = {row["hrg"]: pence(row[column]) for row in rows}
        return {hrg: amount for hrg, amount in found.items() if amount is not None}

    attendances: dict[str, dict[str, int]] = {}
    for row in side_table(pack, "attendances"):
        prices = {rules.attendance_hrgs[name]: pence(row[name]) for name in COLUMNS}
        attendances[row["treatment_function"]] = {
            str(hrg): amount for hrg, amount in prices.items() if amount is not None
        }
    return YearOfPrices(
        pack_id=manifest.id,
        rounding=manifest.rounding,
        rules=rules,
        attendances=attendances,
        procedures=priced(pack, "prices", "outpatient_procedure"),
        emergency={
            row["hrg"]: (pence(row["type_1_and_2"]) or 0, pence(row["type_3"]) or 0)
            for row in side_table(pack, "emergency")
        },
        unbundled=priced(pack, "unbundled", "price"),
        treatment={
            row["hrg"]: row["treatment"]
            for row in side_table(rules_pack, "unbundled")
            if row["year"] == manifest.year
        },
        direct_access=priced(rules_pack, "direct_access", "price"),
        dialysis=priced(rules_pack, "dialysis", "price"),
        best_practice={
            (row["treatment_function"], row["hrg"], row["criteria"]): (
                pence(row["price"]),
                pence(row["addition"]),
            )
            for row in side_table(rules_pack, "best_practice")
            if row["year"] == manifest.year
        },
    )
