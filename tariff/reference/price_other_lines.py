"""Prices lines, as docs/pricing-other-care.md has it: unbundled HRGs, payments, what is billed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction

from tariff.reference.currencies import Payment
from tariff.reference.other_price import (
    OtherPrice,
    Row,
    begin,
    direct_price,
    end,
    hrg_of,
    scan_is_paid,
    told_in_words,
    year_given,
)
from tariff.reference.other_tables import OtherTables, YearOfPrices
from tariff.reference.price import PriceOptions
from tariff.reference.values import day as day_of
from tariff.reference.values import half_up, number, text
from tariff.schemas import MFF_UNIT


def price_line(
    tables: OtherTables,
    row: Row,
    options: PriceOptions | None = None,
    fields: Collection[str] = ("maternity_factors",),
) -> OtherPrice:
    """Price a line: an unbundled HRG, dialysis, a payment of its own, what is as billed.

    `fields` are the columns that the extract has.
    """
    stated = text(row, "point_of_delivery")
    pod = tables.aliases.get(stated, stated) if stated is not None else None
    setting = tables.settings.get(pod) if pod is not None else None
    when = "start_date" if day_of(row, "end_date") is None else "end_date"
    if setting in ("passed_through", "money"):
        return _as_billed(tables, row, pod, setting, options, when)
    price, held = begin(tables, row, options, when)
    price.point_of_delivery = pod if setting is not None else None
    if stated is not None and setting is None:
        price.reasons.add("pod_unknown")
    if held is not None and not _payment(tables, held, row, price, "maternity_factors" in fields):
        _line(tables, held, row, price, setting)
    return end(tables, held, row, price, options)


def _as_billed(
    tables: OtherTables,
    row: Row,
    pod: str | None,
    setting: str | None,
    options: PriceOptions | None,
    when: str,
) -> OtherPrice:
    """Drugs, devices and money keep what was billed; nothing here has a factor."""
    price = OtherPrice(point_of_delivery=pod, tariff_year=year_given(row, options, when))
    quantity, unit = number(row, "quantity"), number(row, "unit_price")
    amount: int | None
    if setting == "money":
        price.outcome = "money_only"
        price.reasons.add("money_only")
        amount = _billed(row)
        if amount is None and unit is not None:
            amount = unit * (quantity or 1)
        if amount is None:
            price.reasons.add("no_unit_price")
    else:
        price.price_basis = "cost"
        amount = None if quantity is None or unit is None else quantity * unit
        if not quantity or amount is None:  # some send no units of a drug
            billed = _billed(row)
            amount = billed if billed is not None else amount
        price.outcome = "passed_through" if amount is not None else price.outcome
        if amount is None and quantity is None:
            price.reasons.add("no_quantity")
        if amount is None and unit is None:
            price.reasons.add("no_unit_price")
        _in_lists(tables, row, price)
    if amount is not None:
        price.base_pence = price.pre_mff_pence = price.total_pence = amount
        price.best_practice_pence = price.unbundled_pence = 0
    return told_in_words(price)


def _billed(row: Row) -> int | None:
    """What counts as billed, docs/money.md."""
    total, price = number(row, "billed_total"), number(row, "billed_price")
    if total is not None or price is None:
        return total
    amount, factor = number(row, "billed_mff_amount"), number(row, "billed_mff")
    if amount is not None:
        return price + amount
    return price if factor is None else half_up(Fraction(price * factor, MFF_UNIT))


# Of each list: the columns that hold a name, and what an entry is that the list does not class.
LISTS = {
    "drugs": (("drug",), "drug"),
    "advanced_therapies": (("name", "brand"), "advanced_therapy"),
    "devices": (("device",), "device"),
    "innovative_products": (("product",), "innovative_product"),
}


def _in_lists(tables: OtherTables, row: Row, price: OtherPrice) -> None:
    """What the year's lists say of a drug or a device whose code or name they print."""
    held = tables.years.get(price.tariff_year or "")
    lists = tables.pods.listed.get(price.point_of_delivery or "", [])
    if held is None or not any(name in held.listed for name in lists):
        return
    price.tariff = held.pack_id
    for column in ("tariff_code", "item_name"):
        name = " ".join((text(row, column) or "").casefold().split())
        found = [
            (of, entry)
            for of in lists
            for entry in held.listed.get(of, [])
            if name and name in [" ".join(entry[c].casefold().split()) for c in LISTS[of][0]]
        ]
        if found:
            _tell_lists(price, found)
            return
    price.listed_as = "not_matched"
    price.reasons.add("not_listed")


def _tell_lists(price: OtherPrice, found: Sequence[tuple[str, dict[str, str]]]) -> None:
    def said(words: Iterable[str]) -> str | None:
        return "; ".join(sorted({word for word in words if word})) or None

    classes, groups = [], []
    for of, entry in found:
        part = entry.get("part", "listed")
        classes.append("removed" if part == "removed" else entry.get("listed_as") or LISTS[of][1])
        special = part if part not in ("listed", "removed") else ""
        groups.append(entry.get("group") or special)
    price.listed_as, price.listed_group = said(classes), said(groups)
    entries = [entry for _, entry in found]
    price.listed_commissioner = said(entry.get("commissioner", "") for entry in entries)
    price.national_programme = said(entry.get("national_programme", "") for entry in entries)
    price.fixed_element = said(entry.get("fixed_element", "") for entry in entries)


def _payment(
    tables: OtherTables, held: YearOfPrices, row: Row, price: OtherPrice, has_factors: bool
) -> bool:
    """Price a payment that is no HRG; False where the line is none."""
    code = hrg_of(row, "tariff_code")
    own = held.payments.get(code or "")
    pathways = {str(pod): phase for phase, pod in tables.pods.pathways.items()}
    phase = own.phase if own is not None else None
    if code is None:
        phase = pathways.get(price.point_of_delivery or "")
    if phase in tables.pods.pathways:
        code = _pathway(held, row, price, phase, code, own, has_factors)
        own = held.payments.get(code or "")
        if own is None:
            return True
    if own is None:
        return False
    price.priced_hrg, price.price_basis = code, own.basis
    price.point_of_delivery = own.point_of_delivery or price.point_of_delivery
    quantity = number(row, "quantity")
    if quantity is None:
        price.reasons.add("no_quantity")
        return True
    price.paid("priced", own.price * quantity)
    if own.price:
        price.outcome = "priced"
    return True


def _pathway(
    held: YearOfPrices,
    row: Row,
    price: OtherPrice,
    phase: str,
    code: str | None,
    own: Payment | None,
    has_factors: bool,
) -> str | None:
    """The code of the level of a pathway; None where the level is not known."""
    factors = text(row, "maternity_factors")
    if factors is not None or (own is None and has_factors):
        level = held.factors.level(phase, factors or "")
        if level is None:
            price.reasons.add("factor_unknown")
            return None
        if own is not None and own.level != level:
            price.reasons.add("level_differs")
    elif own is not None:
        price.reasons.add("level_as_billed")
        return code
    else:
        price.reasons.add("level_unknown")
        return None
    for found, payment in held.payments.items():
        if (payment.phase, payment.level) == (phase, level):
            return found
    price.reasons.add("hrg_not_in_tariff")
    return None


def _line(
    tables: OtherTables, held: YearOfPrices, row: Row, price: OtherPrice, stated: str | None
) -> None:
    rules = held.rules
    code = hrg_of(row, "tariff_code")
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
        each = direct_price(held, code)
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
        price.price_basis = "unbundled"
        price.nothing("local_price", "local_currency")
        return
    else:
        price.price_basis = "unbundled"
        reason = _unpaid(held, code, setting, hrg_of(row, "core_hrg"))
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
        return None if scan_is_paid(rules, setting, core) else "rebundled"
    if code.startswith(tuple(rules.empty_core_services)):
        if setting in rules.empty_core_settings_excluded:
            return "not_paid_in_setting"
        if setting in (None, "admitted"):
            return "setting_unknown"
    return None
