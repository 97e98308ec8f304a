"""Prices one spell again, step by step, keeping every figure it looked at (docs/pricing.md).

Only for telling: `tariff.explain.agree` compares what it comes to with the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from tariff.engine.run import Options
from tariff.explain.rows import Row
from tariff.explain.words import codes, days, decimal
from tariff.packs.compile import NULL64, MarketForces, financial_year
from tariff.packs.model import PodGroup
from tariff.reference.group import episode_duration
from tariff.reference.price import base_price, reduced_price, rounded_total
from tariff.reference.tables import PriceList, PriceRow
from tariff.reference.values import day, number, text
from tariff.report.text import DASH, pounds

PRICE_NAMES = {
    "day_case": "day case price",
    "ordinary_elective": "ordinary elective price",
    "non_elective": "non-elective price",
}
ROUNDINGS = {
    "pence_final": "half up to the penny",
    "pound_final": "half up to the pound",
    "pound_pre_mff": "to whole pounds before MFF, then half up to the penny",
    "pound_per_component": "each part to the pound",
}
TAKEN_OFF = ("critical_care_days", "rehabilitation_days", "palliative_care_days")

Step = tuple[str, str, str]  # what, figure, note


@dataclass(frozen=True)
class Tables:
    """What a price rests on: the list of the year where one is held, groups, factors."""

    held: PriceList | None
    groups: tuple[PodGroup, ...]
    factors: MarketForces


@dataclass
class Repriced:
    """What pricing the spell again came to (None is missing), and its steps as on paper."""

    days: list[Step] = field(default_factory=list)
    groups: list[tuple[str, str, str]] = field(default_factory=list)  # code, title, outcome
    short_stay_tests: list[tuple[str, str, str]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    year: str | None = None
    spell_days: int | None = None
    adjusted: int | None = None
    group: PodGroup | None = None
    base: int | None = None
    short_stay: int | None = None
    trim: int | None = None
    excess: int | None = None
    per_day: int | None = None
    long_stay: int | None = None
    pre_mff: int | None = None
    mff: int | None = None
    mff_year: str | None = None
    total: int | None = None


def year_of(rows: Sequence[Row], options: Options) -> str | None:
    """Give the tariff year of a spell: that of its discharge, else the one given."""
    discharged = _last_date(rows, "discharge_date")
    return options.year if discharged is None else financial_year(discharged)


def reprice(tables: Tables, rows: Sequence[Row], hrg: str | None, options: Options) -> Repriced:
    """Price a spell at an HRG."""
    out = Repriced(year=year_of(rows, options))
    _days(out, rows)
    method, class_ = text(rows[0], "admission_method"), text(rows[0], "patient_classification")
    _group(out, tables.groups, method, class_)
    if out.year is None:
        out.reasons.add("no_year")
    elif tables.held is None:
        out.reasons.add("tariff_not_held")
    row = None
    if hrg is None:
        out.reasons.add("no_hrg")
    elif tables.held is not None:
        row = tables.held.rows.get(hrg)
        if row is None:
            out.reasons.add("hrg_not_in_tariff")
    if out.group is None:
        out.reasons.add("no_point_of_delivery")
    elif out.group.price == "none":
        out.reasons.add("no_national_price")
    if tables.held is not None and row is not None and out.group and out.group.price != "none":
        out.base = base_price(row, out.group)
        if out.base is None:
            out.reasons.add("no_national_price")
        else:
            pack = tables.held.pack_id
            name = PRICE_NAMES[out.group.price]
            out.steps.append(("Base price", pounds(out.base), f"{name} of {hrg}, {pack}"))
            paid = _short_stay(out, tables.held, row, method, number(rows[0], "age"))
            _long_stay(out, tables.held, row, paid)
    _factor(out, tables, rows, options)
    _sum(out, tables.held, tables.factors.pack.id)
    return out


# ---------------------------------------------------------------- days and setting


def _first_date(rows: Sequence[Row], name: str) -> date | None:
    return next((found for row in rows if (found := day(row, name)) is not None), None)


def _last_date(rows: Sequence[Row], name: str) -> date | None:
    return _first_date(rows[::-1], name)


def _days(out: Repriced, rows: Sequence[Row]) -> None:
    admitted, discharged = (
        _first_date(rows, "admission_date"),
        _last_date(rows, "discharge_date"),
    )
    if admitted is not None and discharged is not None:
        out.spell_days = (discharged - admitted).days
        how = f"{discharged.isoformat()} less {admitted.isoformat()}"
        if out.spell_days < 0:
            how += ": discharged before admitted"
    else:
        durations = [episode_duration(row, alone=len(rows) == 1) for row in rows]
        if None not in durations:
            out.spell_days = sum(d or 0 for d in durations)
        how = "no dates: sum of the episode durations" if None not in durations else "not known"
    if out.spell_days is not None and out.spell_days < 0:
        out.reasons.add("negative_stay")
    out.days.append(("Spell days", _number(out.spell_days), how))
    off = 0
    for name in TAKEN_OFF:
        taken = sum(number(row, name) or 0 for row in rows)
        off += taken
        if taken:
            label = name.removesuffix("_days").replace("_", " ")
            out.days.append((f"less {label}", f"{taken:,}", "counts of the episodes, summed"))
    if out.spell_days is not None:
        out.adjusted = max(0, out.spell_days - off)
    floor = "not below 0" if out.spell_days is not None and out.spell_days < off else ""
    out.days.append(("Adjusted days", _number(out.adjusted), floor))


def _number(value: int | None) -> str:
    return DASH if value is None else f"{value:,}"


def _group(
    out: Repriced, groups: Sequence[PodGroup], method: str | None, class_: str | None
) -> None:
    """Test the points of delivery in order; the first that fits is the spell's."""
    for group in groups:
        limit = group.max_adjusted_days
        if out.group is not None:
            outcome = "not reached"
        elif method not in group.admission_methods:
            outcome = (
                f"no: admission method {method or 'blank'} is not {codes(group.admission_methods)}"
            )
        elif group.patient_classifications and class_ not in group.patient_classifications:
            wanted = codes(group.patient_classifications)
            outcome = f"no: patient classification {class_ or 'blank'} is not {wanted}"
        elif limit is not None and out.adjusted is None:
            outcome = f"no: the stay is not known, {days(limit)} at most"
        elif limit is not None and out.adjusted is not None and out.adjusted > limit:
            outcome = f"no: {days(out.adjusted)} adjusted, {days(limit)} at most"
        else:
            out.group = group
            outcome = "yes"
        out.groups.append((group.code, group.title, outcome))


# ---------------------------------------------------------------- short stay


def _short_stay(
    out: Repriced, held: PriceList, row: PriceRow, method: str | None, age: int | None
) -> bool:
    """Test the reduced short stay price; say whether it is paid."""
    out.short_stay = 0
    rule = held.short_stay_rule
    assert out.group is not None and out.base is not None
    if rule is None:
        out.short_stay_tests.append(("rule of the year", "none", f"{held.pack_id} has no rule"))
        return False
    least, most = rule.min_age, rule.max_adjusted_days
    figure = reduced_price(row, out.base)
    tests: list[tuple[str, str, bool | None]] = [
        ("priced as non-elective", out.group.code, out.group.price == "non_elective"),
        ("emergency admission method", method or "blank", method in rule.admission_methods),
        (f"age {least} or over", _number(age), age is not None and age >= least),
        (
            f"adjusted days at most {most}",
            _number(out.adjusted),
            None if out.adjusted is None else out.adjusted <= most,
        ),
        (f"HRG flagged in {held.pack_id}", _flag(row.short_stay), row.short_stay),
    ]
    for name, value, outcome in tests:
        words = {True: "holds", False: "fails", None: "not known"}[outcome]
        out.short_stay_tests.append((name, value, words))
    outcomes = [outcome for *_, outcome in tests]
    if False in outcomes:
        return False
    if row.short_stay is None or figure is None:
        out.reasons.add("short_stay_not_held")
        out.short_stay_tests.append(("the reduced price", DASH, "not held: price incomplete"))
        return False
    if out.adjusted is None:
        return False  # stay_unknown is said of the long stay payment
    out.short_stay = figure - out.base
    how = "as published"
    if row.short_stay_price is None and row.short_stay_share is not None:
        how = f"{decimal_share(row)}% of the base, half up to the pound"
    out.short_stay_tests.append(("the reduced price", pounds(figure), how))
    out.steps.append(
        (
            "Reduced short stay",
            pounds(out.short_stay),
            f"{pounds(figure)} in place of {pounds(out.base)}, {held.pack_id}",
        )
    )
    return True


def decimal_share(row: PriceRow) -> str:
    """Give the published share in per cent."""
    assert row.short_stay_share is not None
    share = row.short_stay_share * 100
    return str(share.numerator) if share.denominator == 1 else f"{float(share):g}"


def _flag(flag: bool | None) -> str:
    return {True: "yes", False: "no", None: DASH}[flag]


# ---------------------------------------------------------------- long stay


def _long_stay(out: Repriced, held: PriceList, row: PriceRow, paid: bool) -> None:
    assert out.group is not None and out.base is not None
    if out.group.trim == "none" or paid:
        out.excess = out.long_stay = 0
        why = "a short stay" if paid else f"none for {out.group.title.lower()}"
        out.steps.append(("Long stay payment", pounds(0), why))
        return
    elective = out.group.trim == "elective"
    out.trim = row.elective_trim if elective else row.non_elective_trim
    out.per_day = row.per_day
    if out.adjusted is not None and out.trim is not None:
        out.excess = max(0, out.adjusted - out.trim)
    borrowed = bool(held.borrowed & {f"{out.group.trim}_trim", "per_day"})
    if out.base == 0 and out.per_day is None:
        out.long_stay, note = 0, "priced at nothing, without a rate"
    elif out.adjusted is None or out.trim is None:
        unknown = {"stay_unknown": out.adjusted, "trim_unknown": out.trim}
        out.reasons |= {reason for reason, figure in unknown.items() if figure is None}
        note = "the stay is not known" if out.adjusted is None else "the trim point is not known"
    else:
        out.reasons |= {"trim_of_other_edition"} if borrowed else set()
        if out.excess and out.per_day is None:
            out.reasons.add("rate_unknown")
            note = "the per-day rate is not known"
        else:
            out.long_stay = (out.excess or 0) * (out.per_day or 0)
            note = "no days above the trim point"
            if out.excess:
                note = f"{days(out.excess)} x {pounds(out.per_day or 0)}"
    kind = "elective" if elective else "non-elective"
    source = held.pack_id + (", restated from another year" if borrowed else "")
    out.steps.append(("Trim point", _number(out.trim), f"{kind} trim point, {source}"))
    out.steps.append(("Excess days", _number(out.excess), f"adjusted days {_number(out.adjusted)}"))
    out.steps.append(("Per-day rate", _money(out.per_day), source))
    out.steps.append(("Long stay payment", _money(out.long_stay), note))


def _money(pence: int | None) -> str:
    return DASH if pence is None else pounds(pence)


# ---------------------------------------------------------------- factor and total


def _factor(out: Repriced, tables: Tables, rows: Sequence[Row], options: Options) -> None:
    choice = options.mff
    if choice.factor is not None:
        out.mff, out.mff_year = choice.factor, "given"
        return
    if out.year is None:
        return
    wanted = choice.year or out.year
    factor, year = tables.factors.factor(str(rows[0]["provider"]), wanted)
    if factor != NULL64:
        out.mff, out.mff_year = factor, year
    if out.base is not None:
        if factor == NULL64:
            out.reasons.add("mff_unknown")
        elif year != wanted:
            out.reasons.add("mff_of_other_year")


def _sum(out: Repriced, held: PriceList | None, pack: str) -> None:
    if out.base is None or out.short_stay is None or held is None:
        return
    parts = [out.base, out.short_stay, out.long_stay or 0]
    out.pre_mff = sum(parts)
    missing = "" if out.long_stay is not None else ", the long stay payment missing"
    out.steps.append(("Price before MFF", pounds(out.pre_mff), f"sum of the parts{missing}"))
    if out.mff is None:
        out.steps.append(("Market forces factor", DASH, "the provider is in no table"))
        return
    out.total = rounded_total(held.rounding, parts, out.mff)
    source = "given on the command line"
    if out.mff_year != "given":
        nearest = "" if "mff_of_other_year" not in out.reasons else ", the nearest year held"
        source = f"of {out.mff_year}{nearest}, {pack}"
    out.steps.append(("Market forces factor", decimal(out.mff), source))
    out.steps.append(("Total", pounds(out.total), ROUNDINGS[held.rounding]))
