"""Prices care that is not admitted, as docs/pricing-other-care.md has it, one record at a time.

Money is worked in exact fractions of a penny and leaves as whole pence. A record that the national
rules pay nothing for has a price of nothing and says why; what is not known stays None.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from tariff.packs.model import OtherCarePack
from tariff.reference.other_tables import OtherTables, YearOfPrices
from tariff.reference.price import PriceOptions, rounded_total, year_of
from tariff.reference.values import Value, family, number, text
from tariff.reference.values import day as day_of

Row = Mapping[str, Value]

# In the order of the tables in docs/pricing-other-care.md.
NOT_KNOWN = (
    "no_year", "tariff_not_held", "no_hrg", "hrg_not_in_tariff", "function_unknown",
    "attendance_unknown", "department_unknown", "setting_unknown", "no_quantity", "no_unit_price",
    "unbundled_unknown", "mff_unknown",
)  # fmt: skip
SETTLED = (
    "not_attended", "administrative_event", "function_excluded", "private_patient", "marked_local",
    "walk_in_centre", "no_direct_access_price", "maternity_pathway", "not_consultant_led",
    "specialty_excluded", "remote", "function_without_price", "local_currency", "rebundled",
    "not_paid_in_setting", "money_only", "unbundled_local",
)  # fmt: skip
SECOND_HAND = ("setting_assumed", "mff_of_other_year")
REASONS = (*NOT_KNOWN, *SETTLED, *SECOND_HAND)


@dataclass
class OtherPrice:
    """The price of a record and how it came about; the names are those of the tables."""

    outcome: str | None = None
    priced_hrg: str | None = None
    point_of_delivery: str | None = None
    price_basis: str | None = None
    price_type: str | None = None
    tariff_year: str | None = None
    tariff: str | None = None
    base_pence: int | None = None
    best_practice_pence: int | None = None
    unbundled_pence: int | None = None
    pre_mff_pence: int | None = None
    mff: int | None = None
    mff_year: str | None = None
    total_pence: int | None = None
    complete: bool = True
    price_reasons: str | None = None
    reasons: set[str] = field(default_factory=set)

    def nothing(self, outcome: str, *reasons: str) -> None:
        """The national rules pay nothing, for these reasons."""
        self.outcome = outcome
        self.base_pence = self.best_practice_pence = 0
        self.reasons.update(reasons)

    def paid(self, outcome: str, base: int, best_practice: int = 0) -> None:
        """A published price, or one of nothing."""
        self.outcome = outcome if base + best_practice else "zero_price"
        self.base_pence, self.best_practice_pence = base, best_practice


# ---------------------------------------------------------------- the three settings


def price_attendance(
    tables: OtherTables,
    row: Row,
    options: PriceOptions | None = None,
    fields: Collection[str] = ("attended",),
) -> OtherPrice:
    """Price an outpatient attendance. `fields` are the columns that the extract has."""
    price, held = _begin(tables, row, options, "attendance_date")
    if held is not None:
        _attendance(tables, held, row, price, "attended" in fields)
    return _end(tables, held, row, price, options)


def price_emergency(
    tables: OtherTables, row: Row, options: PriceOptions | None = None
) -> OtherPrice:
    """Price an emergency attendance."""
    price, held = _begin(tables, row, options, "arrival_date")
    price.point_of_delivery = tables.pods.emergency
    if held is not None:
        _emergency(held, row, price)
    return _end(tables, held, row, price, options)


def price_line(tables: OtherTables, row: Row, options: PriceOptions | None = None) -> OtherPrice:
    """Price a line: an unbundled HRG, dialysis, what is passed through, money."""
    stated = text(row, "point_of_delivery")
    pod = tables.aliases.get(stated, stated) if stated is not None else None
    setting = tables.settings.get(pod) if pod is not None else None
    when = "start_date" if day_of(row, "end_date") is None else "end_date"
    if setting in ("passed_through", "money"):
        return _as_billed(tables, row, pod, setting, options, when)
    price, held = _begin(tables, row, options, when)
    price.point_of_delivery = pod if setting is not None else None
    if held is not None:
        _line(tables, held, row, price, setting)
    return _end(tables, held, row, price, options)


# ---------------------------------------------------------------- outpatients


def _attendance(
    tables: OtherTables, held: YearOfPrices, row: Row, price: OtherPrice, attended_known: bool
) -> None:
    rules = held.rules
    excluded = _excluded(rules, row)
    if attended_known and text(row, "attended") not in rules.seen:
        excluded.add("not_attended")
    if text(row, "first_attendance") in rules.administrative_events:
        excluded.add("administrative_event")
    if text(row, "treatment_function") in rules.excluded_functions:
        excluded.add("function_excluded")
    if excluded:
        price.nothing("excluded", *excluded)
        return
    core = _hrg(row, "billed_hrg")
    if text(row, "direct_access") == "Y":
        _direct_access(tables, held, row, price, core)
        return

    derived = _derived(rules, row)
    if core is None:
        procedures = family(row, "oper")
        if any(not code.startswith(tuple(rules.assessment_procedures)) for code in procedures):
            price.reasons.add("no_hrg")
            return
        core = derived
    if core is None:
        price.reasons.add("attendance_unknown")
        return
    function = text(row, "treatment_function")
    is_attendance = core in rules.attendance_hrgs.values()
    if (
        not is_attendance
        and core in held.procedures
        and function not in rules.attendance_only_functions
        and not core.startswith(tuple(rules.pathway_hrgs))
    ):
        side = _side(rules, row)
        name = f"procedure_{side}" if side is not None else "procedure"
        price.point_of_delivery = tables.pods.attendances[name]
        price.price_basis, price.priced_hrg = "procedure", core
        price.paid("priced", held.procedures[core])
        _items(held, row, price, "procedure", core)
        return

    hrg = core if is_attendance else derived
    if hrg is None:
        price.reasons.add("attendance_unknown")
        return
    kind = next(name for name, known in rules.attendance_hrgs.items() if known == hrg)
    specialty = text(row, "main_specialty")
    other_led = specialty in rules.not_consultant_led
    if kind.startswith("remote"):
        name = "remote_first" if "first" in kind else "remote_follow_up"
    else:
        name = f"{kind}_{'other' if other_led else 'led'}"
    price.point_of_delivery = tables.pods.attendances[name]
    price.price_basis, price.priced_hrg = "attendance", hrg
    listed = held.attendances.get(function or "", {}).get(hrg)
    staffed_out = is_attendance or rules.staff_exclusion_after_fallback
    if core.startswith(tuple(rules.pathway_hrgs)):
        price.nothing("not_priced", "maternity_pathway")
    elif other_led and staffed_out:
        price.nothing("excluded", "not_consultant_led")
    elif specialty in rules.excluded_specialties and staffed_out:
        price.nothing("excluded", "specialty_excluded")
    elif function in rules.pathway_functions:
        price.nothing("not_priced", "maternity_pathway")
    elif kind.startswith("remote"):
        price.nothing("local_price", "remote")
    elif function is None:
        price.reasons.add("function_unknown")
        return
    elif listed is None:
        price.nothing("local_price", "function_without_price")
    else:
        price.paid("priced", listed, _best_practice(held, row, function, hrg, listed))
    _items(held, row, price, "attendance", core)


def _excluded(rules: OtherCarePack, row: Row) -> set[str]:
    """What any record may say of itself: a private patient, a local price."""
    found = set()
    if text(row, "administrative_category") in rules.excluded_categories:
        found.add("private_patient")
    serial = text(row, "commissioning_serial_number") or ""
    if serial.startswith(rules.serial_mark) or serial.endswith(rules.serial_mark):
        found.add("marked_local")
    return found


def _hrg(row: Row, column: str) -> str | None:
    found = text(row, column)
    return None if found is None else found.upper()


def _side(rules: OtherCarePack, row: Row) -> str | None:
    code = text(row, "first_attendance")
    if code in rules.first:
        return "first"
    return "follow_up" if code in rules.follow_up else None


def _derived(rules: OtherCarePack, row: Row) -> str | None:
    """The attendance HRG that follows from the record where no procedure decides."""
    side = _side(rules, row)
    if side is None:
        return None
    stated = text(row, "multi_professional")
    together = [c for c in family(row, "oper") if c in rules.multi_professional_procedures]
    several = stated == "Y" if stated is not None else bool(together)
    remote = text(row, "first_attendance") in rules.remote
    remote = remote or text(row, "consultation_medium") in rules.remote_media
    name = f"{'remote_' if remote else ''}{side}_{'multi' if several else 'single'}"
    return str(rules.attendance_hrgs[name])


def _best_practice(held: YearOfPrices, row: Row, function: str, hrg: str, listed: int) -> int:
    """What known criteria add to the listed price, or take from it."""
    criteria = {"Y": "met", "N": "not_met"}.get(text(row, "best_practice_met") or "", "")
    price, addition = held.best_practice.get((function, hrg, criteria), (None, None))
    return (price - listed if price is not None else 0) + (addition or 0)


def _direct_price(held: YearOfPrices, hrg: str) -> int | None:
    """The price of a service that a GP may ask for directly: listed as such, or imaging."""
    if hrg in held.direct_access:
        return held.direct_access[hrg]
    return held.unbundled.get(hrg) if held.treatment.get(hrg) == "rebundled" else None


def _direct_access(
    tables: OtherTables, held: YearOfPrices, row: Row, price: OtherPrice, core: str | None
) -> None:
    listed = None if core is None else _direct_price(held, core)
    total, first = 0, None
    for hrg, count in _unbundled(row):
        each = _direct_price(held, hrg)
        if each is None:
            price.reasons.add("unbundled_local")
        else:
            total += each * count
            first = first or hrg
    named = core if listed is not None else first or core
    imaging = named is not None and held.treatment.get(named) == "rebundled"
    price.point_of_delivery = tables.pods.direct_access["imaging" if imaging else "other"]
    price.price_basis, price.priced_hrg = "direct_access", named
    if listed is None and first is None:
        price.nothing("no_tariff", "no_direct_access_price")
    else:
        price.outcome = "priced"
        price.base_pence, price.best_practice_pence = listed or 0, 0
    price.unbundled_pence = total


def _unbundled(row: Row) -> list[tuple[str, int]]:
    """The unbundled HRGs of a record and how many of each; an unreadable count is no HRG."""
    out = []
    for cell in family(row, "unbundled"):
        match = re.fullmatch(r"([A-Z0-9]+)(?:\*([0-9]{1,4}))?", cell.upper())
        out.append((match[1], int(match[2] or 1)) if match else ("", 1))
    return out


def _items(held: YearOfPrices, row: Row, price: OtherPrice, setting: str, core: str) -> None:
    """Price what is unbundled beside an attendance or a procedure."""
    rules = held.rules
    price.unbundled_pence = 0
    for hrg, count in _unbundled(row):
        treatment = held.treatment.get(hrg)
        if hrg in rules.empty_cores:
            continue
        if treatment is None:
            price.reasons.add("unbundled_unknown")
        elif treatment == "rebundled" and not _scan_is_paid(rules, setting, core):
            price.reasons.add("rebundled")
        elif treatment == "local" or hrg not in held.unbundled:
            price.reasons.add("unbundled_local")
        else:
            price.unbundled_pence += held.unbundled[hrg] * count


def _scan_is_paid(rules: OtherCarePack, setting: str, core: str | None) -> bool:
    """Imaging has a price beside an attendance, not inside what includes it."""
    if setting == "procedure":
        return rules.imaging_beside_empty_core and core in rules.imaging_cores
    return setting in ("attendance", "direct_access")


# ---------------------------------------------------------------- emergency care


def _emergency(held: YearOfPrices, row: Row, price: OtherPrice) -> None:
    rules = held.rules
    department = text(row, "department_type")
    excluded = _excluded(rules, row)
    if department in rules.department_types["excluded"]:
        excluded.add("walk_in_centre")
    hrg = _hrg(row, "billed_hrg")
    if excluded:
        price.nothing("excluded", *excluded)
        return
    price.price_basis, price.priced_hrg = "emergency", hrg
    if hrg is None:
        price.reasons.add("no_hrg")
        return
    if hrg in rules.empty_cores:
        price.paid("priced", 0)
        return
    of = hrg if hrg in held.emergency else str(rules.emergency_as.get(hrg, hrg))
    if of not in held.emergency:
        price.reasons.add("hrg_not_in_tariff")
        return
    major, minor = held.emergency[of]
    if department in rules.department_types["type_1_and_2"]:
        price.paid("priced", major)
    elif department in rules.department_types["type_3"]:
        price.paid("priced", minor)
    else:
        price.reasons.add("department_unknown")


# ---------------------------------------------------------------- lines


def _as_billed(
    tables: OtherTables,
    row: Row,
    pod: str | None,
    setting: str | None,
    options: PriceOptions | None,
    when: str,
) -> OtherPrice:
    """Drugs and devices are passed through at cost, without a factor; money has no price."""
    price = OtherPrice(point_of_delivery=pod, tariff_year=_year(row, options, when))
    if setting == "money":
        price.outcome = "money_only"
        price.reasons.add("money_only")
    else:
        price.outcome, price.price_basis = "passed_through", "cost"
        quantity, unit = number(row, "quantity"), number(row, "unit_price")
        if quantity is None:
            price.reasons.add("no_quantity")
        if unit is None:
            price.reasons.add("no_unit_price")
        if quantity is not None and unit is not None:
            price.base_pence = price.pre_mff_pence = price.total_pence = quantity * unit
            price.best_practice_pence = price.unbundled_pence = 0
    return _told(price)


def _line(
    tables: OtherTables, held: YearOfPrices, row: Row, price: OtherPrice, stated: str | None
) -> None:
    rules = held.rules
    code = _hrg(row, "tariff_code")
    if code is None:
        price.reasons.add("no_hrg")
        return
    price.priced_hrg = code
    known = code in held.treatment or code in held.dialysis
    if known and stated != "direct_access":
        prefixes = (code[:length] for length in range(len(code), 0, -1))
        found = [tables.pod_of_prefix[p] for p in prefixes if p in tables.pod_of_prefix]
        price.point_of_delivery = found[0] if found else price.point_of_delivery
    setting = "direct_access" if stated == "direct_access" else _setting(tables, row)
    each: int | None = None
    if code in rules.empty_cores:
        each = 0
    elif setting == "direct_access":
        price.price_basis = "direct_access"
        each = _direct_price(held, code)
        if each is None:
            price.nothing("no_tariff", "no_direct_access_price")
            return
    elif code in held.dialysis:
        price.price_basis = "dialysis"
        each = held.dialysis[code]
    elif code not in held.treatment:
        price.reasons.add("hrg_not_in_tariff")
        return
    elif held.treatment[code] == "local" or code not in held.unbundled:
        price.nothing("local_price", "local_currency")
        return
    else:
        price.price_basis = "unbundled"
        reason = _unpaid(held, code, setting, _hrg(row, "core_hrg"))
        if reason == "setting_unknown":
            price.reasons.add(reason)
            return
        if reason is not None:
            price.nothing("rebundled" if reason == "rebundled" else "not_paid", reason)
            return
        each = held.unbundled[code]
        if setting == "attendance" and _setting_given(tables, row) is None:
            price.reasons.add("setting_assumed")
    quantity = number(row, "quantity")
    if quantity is None:
        price.reasons.add("no_quantity")
        return
    price.paid("priced", each * quantity)
    if each:
        price.outcome = "priced"  # none of a thing that has a price


def _setting_given(tables: OtherTables, row: Row) -> str | None:
    stated = text(row, "core_point_of_delivery")
    return tables.settings.get(tables.aliases.get(stated, stated)) if stated is not None else None


def _setting(tables: OtherTables, row: Row) -> str | None:
    """The setting of what a line belongs to: as stated, else by what it is joined to."""
    given = _setting_given(tables, row)
    if given is not None:
        return given
    if text(row, "spell_id") is not None:
        return "admitted"
    return "attendance" if text(row, "attendance_id") is not None else None


def _unpaid(held: YearOfPrices, code: str, setting: str | None, core: str | None) -> str | None:
    """Why an unbundled HRG with a price is not paid in a setting; None where it is."""
    rules = held.rules
    if held.treatment[code] == "rebundled":
        if setting in ("day_case", "ordinary", "regular", "bed_days", "admitted"):
            return "rebundled"
        if setting not in ("attendance", "direct_access", "procedure"):
            return "setting_unknown"
        return None if _scan_is_paid(rules, setting, core) else "rebundled"
    if code.startswith(tuple(rules.empty_core_services)):
        if setting in rules.empty_core_settings_excluded:
            return "not_paid_in_setting"
        if setting in (None, "admitted"):
            return "setting_unknown"
    return None


# ---------------------------------------------------------------- year, factor, sums


def _year(row: Row, options: PriceOptions | None, column: str) -> str | None:
    when: date | None = day_of(row, column)
    if when is not None:
        return year_of(when)
    return None if options is None else options.year


def _begin(
    tables: OtherTables, row: Row, options: PriceOptions | None, column: str
) -> tuple[OtherPrice, YearOfPrices | None]:
    price = OtherPrice(tariff_year=_year(row, options, column))
    if price.tariff_year is None:
        price.reasons.add("no_year")
        return price, None
    held = tables.years.get(price.tariff_year)
    if held is None:
        price.reasons.add("tariff_not_held")
    else:
        price.tariff = held.pack_id
    return price, held


def factor_of(tables: OtherTables, provider: str, year: str) -> tuple[int | None, str | None]:
    """The factor of a provider in a year, else in the nearest; R1H00 is R1H written in full."""
    published = tables.factors.get(provider)
    if not published and re.fullmatch(r".{3}00", provider):
        published = tables.factors.get(provider[:3])
    if not published:
        return None, None
    start = int(year[:4])
    nearest = min(published, key=lambda held: (abs(int(held[:4]) - start), held))
    return published[nearest], nearest


def _end(
    tables: OtherTables,
    held: YearOfPrices | None,
    row: Row,
    price: OtherPrice,
    options: PriceOptions | None,
) -> OtherPrice:
    options = options or PriceOptions()
    if held is not None and price.outcome is not None:
        if price.outcome in ("priced", "zero_price"):
            price.price_type = _price_type(held.rules, price)
        price.unbundled_pence = price.unbundled_pence or 0
        assert price.base_pence is not None and price.best_practice_pence is not None
        parts = [price.base_pence, price.best_practice_pence, price.unbundled_pence]
        price.pre_mff_pence = sum(parts)
        price.mff, price.mff_year = options.mff, "given"
        if price.mff is None:
            assert price.tariff_year is not None
            wanted = options.mff_year or price.tariff_year
            provider = text(row, "provider") or ""
            price.mff, price.mff_year = factor_of(tables, provider, wanted)
            due = any(parts)
            if due and price.mff is None:
                price.reasons.add("mff_unknown")
            elif due and price.mff_year != wanted:
                price.reasons.add("mff_of_other_year")
        if not any(parts):
            price.total_pence = 0
        elif price.mff is not None:
            price.total_pence = rounded_total(held.rounding, parts, price.mff)
    return _told(price)


def _price_type(rules: OtherCarePack, price: OtherPrice) -> str | None:
    if price.price_basis is None:
        return None
    prefix = (price.priced_hrg or "")[:2]
    if price.price_basis in ("unbundled", "direct_access") and prefix in rules.price_types:
        return str(rules.price_types[prefix])
    return str(rules.price_types[price.price_basis])


def _told(price: OtherPrice) -> OtherPrice:
    """The price with its reasons in words."""
    named = " ".join(name for name in REASONS if name in price.reasons) or None
    complete = not price.reasons & set(NOT_KNOWN)
    return replace(price, price_reasons=named, complete=complete)
