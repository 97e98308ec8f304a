"""Prices one spell again, step by step, keeping every figure it looked at (docs/pricing.md).

Only for telling: `tariff.explain.agree` compares what it comes to with the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from tariff.engine.run import Options
from tariff.explain.beside import (
    BestPractice,
    Sources,
    Step,
    best_practice,
    payments,
    shown,
    specialised,
    spell_of,
)
from tariff.explain.excluded import reasons as excluded_for
from tariff.explain.rows import Row
from tariff.explain.words import codes, days, decimal
from tariff.packs.compile import financial_year
from tariff.packs.load import LoadedPack
from tariff.packs.market_forces import MarketForces
from tariff.packs.model import PodGroup
from tariff.reference.best_practice import prints_short_stays, short_stay_row
from tariff.reference.exclusions import ALL, exclusion_of
from tariff.reference.flags import known_age
from tariff.reference.periods import KINDS, Days, Period, days_of
from tariff.reference.price import base_price, rounded_total
from tariff.reference.price_tables import PriceList, PriceRow, PriceTables
from tariff.reference.spells import Spell
from tariff.reference.stays import reduced_price
from tariff.reference.values import text
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


@dataclass(frozen=True)
class Tables:
    """What a price rests on: the list of the year where one is held, groups, factors."""

    held: PriceList | None
    rules: PriceTables  # points of delivery and exclusions
    factors: MarketForces
    sources: Sources
    settings: LoadedPack  # the pack of the points of delivery


@dataclass
class Repriced:
    """What pricing the spell again came to (None is missing), and its steps as on paper."""

    days: list[Step] = field(default_factory=list)
    groups: list[tuple[str, str, str]] = field(default_factory=list)  # code, title, outcome
    short_stay_tests: list[tuple[str, str, str]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    year: str | None = None
    exclusion: int = 0
    spell_days: int | None = None
    deducted: int = 0
    adjusted: int | None = None
    delayed: int = 0
    group: PodGroup | None = None
    listed: int | None = None
    best: BestPractice | None = None
    base: int | None = None
    short_stay: int | None = None
    trim: int | None = None
    excess: int | None = None
    per_day: int | None = None
    long_stay: int | None = None
    top_up: Fraction | int | None = None
    payments: int | None = None
    pre_mff: int | None = None
    mff: int | None = None
    mff_year: str | None = None
    mff_source: str = ""
    total: int | None = None


def reprice(
    tables: Tables,
    rows: Sequence[Row],
    fields: frozenset[str],
    hrg: str | None,
    options: Options,
    periods: Sequence[Period] = (),
) -> Repriced:
    """Price a spell at an HRG. `fields` are the columns of the extract."""
    spell, held = spell_of(rows, fields), tables.held
    discharged = spell.discharge_date
    out = Repriced(year=options.year if discharged is None else financial_year(discharged))
    counted = days_of(spell, periods, home_leave=tables.rules.home_leave)
    _days(out, spell, counted, {period.kind for period in periods})
    method, class_ = text(rows[0], "admission_method"), text(rows[0], "patient_classification")
    _group(out, tables.rules.groups, method, class_)
    if out.year is None:
        out.reasons.add("no_year")
    elif held is None:
        out.reasons.add("tariff_not_held")
    row = None
    if hrg is None:
        out.reasons.add("no_hrg")
    elif held is not None:
        row = held.rows.get(hrg)
        if row is None:
            out.reasons.add("hrg_not_in_tariff")
    if out.group is None:
        out.reasons.add("no_point_of_delivery")
    elif out.group.price == "none":
        out.reasons.add("no_national_price")
    elif held is not None and row is not None:
        out.listed = None if hrg in held.local else base_price(row, out.group)
        if out.listed is None:
            out.reasons.add("no_national_price")
    _exclude(out, tables, spell)
    if held is not None and row is not None and hrg is not None and out.listed is not None:
        _parts(out, tables, held, row, spell, hrg, options)
    _factor(out, tables, rows, options)
    _sum(out, held, options)
    return out


def _exclude(out: Repriced, tables: Tables, spell: Spell) -> None:
    """Say which episodes are excluded; without any other the spell has no price."""
    out.exclusion = exclusion_of(tables.rules, spell, out.year)
    if not out.exclusion:
        return
    why = "; ".join(excluded_for(tables.settings, tables.rules, spell, out.year))
    where = tables.settings.id + " excluded"
    if out.exclusion == ALL:
        out.reasons.add("excluded")
        out.listed = None
        out.steps.append(("Exclusion", "every episode", f"{why}: the local price path; {where}"))
    else:
        out.reasons.add("part_excluded")
        out.steps.append(("Exclusion", "some episodes", f"{why}: priced like any other; {where}"))


def _parts(
    out: Repriced,
    tables: Tables,
    held: PriceList,
    row: PriceRow,
    spell: Spell,
    hrg: str,
    options: Options,
) -> None:
    """Tell the list price and what is added to it, step by step."""
    assert out.group is not None and out.listed is not None
    sources = tables.sources
    table = sources.table_of(hrg)
    best = best_practice(held, spell, hrg, out.group, out.adjusted, out.listed, sources)
    out.best = best
    out.base = out.listed if best.found is None else best.found.row.price
    name = PRICE_NAMES[out.group.price]
    label = "Base price" if best.found is None else "List price"
    out.steps.append((label, pounds(out.listed), f"{name} of {hrg}, {sources.of(table)}"))
    out.steps += best.steps
    if best.by_stay:
        out.reasons.add("stay_unknown")
    first = spell.first
    paid = _short_stay(out, held, row, text(first, "admission_method"), known_age(spell), sources)
    delayed = out.delayed if options.terms.delayed_discharge else 0
    _long_stay(out, held, row, paid, delayed, sources.of(table))
    found = best.found
    out.payments, steps = payments(held, spell, hrg, found, out.reasons, sources)
    assert out.short_stay is not None
    taken_on = {
        "core": out.base + out.short_stay,
        "long_stay": out.long_stay or 0,
        "best_practice": out.payments,
    }
    top_up, lines = specialised(held, spell, taken_on, out.reasons, sources)
    out.top_up = top_up.amount
    out.steps += [*lines, *steps]


# ---------------------------------------------------------------- days and setting


def _days(out: Repriced, spell: Spell, found: Days, dated: set[str]) -> None:
    admitted, discharged = spell.admission_date, spell.discharge_date
    out.spell_days, out.deducted, out.adjusted = found.spell, found.deducted, found.adjusted
    out.delayed = found.delayed
    if admitted is not None and discharged is not None:
        how = f"{discharged.isoformat()} less {admitted.isoformat()}"
        if found.spell is not None and found.spell < 0:
            how += ": discharged before admitted"
    else:
        how = "not known" if found.spell is None else "no dates: sum of the episode durations"
    if found.spell is not None and found.spell < 0:
        out.reasons.add("negative_stay")
    out.days.append(("Spell days", _number(found.spell), how))
    for kind in KINDS:
        taken = found.by_kind[kind]
        if taken:
            how = (
                "calendar days of its periods"
                if kind in dated
                else "counts of the episodes, summed"
            )
            out.days.append((f"less {kind.replace('_', ' ')}", f"{taken:,}", how))
    if found.home_leave:
        out.days.append(("less home leave", f"{found.home_leave:,}", "counts of the episodes"))
    if dated:
        how = "a day counts once, whatever kinds cover it"
        out.days.append(("Days taken off", f"{found.deducted:,}", how))
    floor = "not below 0" if found.spell is not None and found.spell < found.deducted else ""
    if found.adjusted is None:
        floor = "the stay is not known"
    out.days.append(("Adjusted days", _number(found.adjusted), floor))


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
    out: Repriced,
    held: PriceList,
    row: PriceRow,
    method: str | None,
    age: int | None,
    sources: Sources,
) -> bool:
    """Test the reduced short stay price; say whether it is paid."""
    out.short_stay = 0
    rule = held.short_stay_rule
    assert out.group is not None and out.base is not None and out.listed is not None
    if rule is None:
        out.short_stay_tests.append(("rule of the year", "none", f"{held.pack_id} has no rule"))
        return False
    least, most = rule.min_age, rule.max_adjusted_days
    flag, figure, how = _reduced(out, held, row)
    tests: list[tuple[str, str, bool | None]] = [
        ("priced as non-elective", out.group.code, out.group.price == "non_elective"),
        ("emergency admission method", method or "blank", method in rule.admission_methods),
        (f"age {least} or over", _number(age), age is not None and age >= least),
        (
            f"adjusted days at most {most}",
            _number(out.adjusted),
            None if out.adjusted is None else out.adjusted <= most,
        ),
        flag,
    ]
    for name, value, outcome in tests:
        words = {True: "holds", False: "fails", None: "not known"}[outcome]
        out.short_stay_tests.append((name, value, words))
    outcomes = [outcome for *_, outcome in tests]
    if False in outcomes:
        return False
    if flag[2] is None or figure is None:
        out.reasons.add("short_stay_not_held")
        out.short_stay_tests.append(("the reduced price", DASH, "not held: price incomplete"))
        return False
    if out.adjusted is None:
        return False  # stay_unknown is said of the long stay payment
    out.short_stay = figure - out.base
    out.short_stay_tests.append(("the reduced price", pounds(figure), how))
    table = "prices" if flag[0].startswith("HRG") else "best_practice_prices"
    out.steps.append(
        (
            "Reduced short stay",
            pounds(out.short_stay),
            f"{pounds(figure)} in place of {pounds(out.base)}, {sources.of(table)}",
        )
    )
    return True


def _reduced(
    out: Repriced, held: PriceList, row: PriceRow
) -> tuple[tuple[str, str, bool | None], int | None, str]:
    """Give the test of the HRG or its best practice area, the reduced price, and whence it is."""
    assert out.listed is not None and out.best is not None
    found = out.best.found
    if found is not None:
        area = found.area.area
        if not found.area.short_stay:
            return (f"short stays go on in {area}", "no", False), None, ""
        printed = short_stay_row(held.best_practice, found)
        if printed is not None or prints_short_stays(held.best_practice, area):
            told = "none" if printed is None else pounds(printed.price)
            test = (f"reduced price printed in {area}", told, printed is not None)
            return test, None if printed is None else printed.price, "as printed for the area"
    how = "as published"
    if row.short_stay_price is None and row.short_stay_share is not None:
        how = f"{decimal_share(row)}% of the list price, half up to the pound"
    flagged = (f"HRG flagged in {held.pack_id}", _flag(row.short_stay), row.short_stay)
    return flagged, reduced_price(row, out.listed), how


def decimal_share(row: PriceRow) -> str:
    """Give the published share in per cent."""
    assert row.short_stay_share is not None
    share = row.short_stay_share * 100
    return str(share.numerator) if share.denominator == 1 else f"{float(share):g}"


def _flag(flag: bool | None) -> str:
    return {True: "yes", False: "no", None: DASH}[flag]


# ---------------------------------------------------------------- long stay


def _long_stay(
    out: Repriced, held: PriceList, row: PriceRow, paid: bool, delayed: int, source: str
) -> None:
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
        out.excess = max(0, out.adjusted - out.trim - delayed)
    borrowed = bool(held.borrowed & {f"{out.group.trim}_trim", "per_day"})
    if out.listed == 0 and out.per_day is None:
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
    source += ", restated from another year" if borrowed else ""
    less = f", less {days(delayed)} delayed" if delayed else ""
    out.steps.append(("Trim point", _number(out.trim), f"{kind} trim point, {source}"))
    out.steps.append(
        ("Excess days", _number(out.excess), f"adjusted days {_number(out.adjusted)}{less}")
    )
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
    provider = str(rows[0]["provider"])
    found = tables.factors.find(provider, wanted)
    if found.pack is not None:
        out.mff, out.mff_year = found.value, found.year
        out.mff_source = f"of {found.year}, {found.pack.id}"
        if found.year != wanted:
            out.mff_source = f"of {found.year}, the nearest year held, {found.pack.id}"
        for merger in tables.factors.successions(provider, wanted):
            out.mff_source += f"; of {merger.new}, its successor from {merger.day}"
    if out.base is not None:
        if found.pack is None:
            out.reasons.add("mff_unknown")
        elif found.year != wanted:
            out.reasons.add("mff_of_other_year")
        if tables.factors.is_of_successor(provider, wanted):
            out.reasons.add("mff_of_successor")


def _sum(out: Repriced, held: PriceList | None, options: Options) -> None:
    if out.base is None or out.short_stay is None or held is None:
        return
    parts: list[Fraction | int] = [
        out.base + out.short_stay,
        out.long_stay or 0,
        out.top_up or 0,
        out.payments or 0,
    ]
    out.pre_mff = sum(shown(part) for part in parts)
    missing = "" if out.long_stay is not None else ", the long stay payment missing"
    out.steps.append(("Price before MFF", pounds(out.pre_mff), f"sum of the parts{missing}"))
    if out.mff is None:
        out.steps.append(("Market forces factor", DASH, "the provider is in no table"))
        return
    rounding = options.terms.rounding or held.rounding
    out.total = rounded_total(rounding, parts, out.mff)
    source = out.mff_source or "given on the command line"
    out.steps.append(("Market forces factor", decimal(out.mff), source))
    how = ROUNDINGS[rounding] + (", as asked" if options.terms.rounding else "")
    out.steps.append(("Total", pounds(out.total), how))
