"""Faults of the bill: short stay prices, excess bed days, prices, factors, totals."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from tariff.simulate.catalogue import Bools
from tariff.simulate.faults.bench import Bench
from tariff.simulate.faults.edits import (
    PENNY,
    begins,
    charge,
    copied,
    days_counted,
    emergency,
    unbilled,
)
from tariff.simulate.faults.lists import factors, other_price_lists
from tariff.simulate.faults.model import Made, Making, Spell, fault
from tariff.simulate.faults.view import View
from tariff.simulate.plan import year_of

FACTOR = Decimal("0.000001")
LONGEST_ERROR = 300  # days
# What a stay over other care of the patient meets besides.
BESIDE_STAY = ("OPA01", "OPA02", "OPA03", "UNB05", "UNB10", "RDM01", "EMR04")


def _pound_apart(first: Decimal, second: Decimal) -> bool:
    return abs(first - second) > Decimal(2)


# ---------------------------------------------------------------- short stays


@fault("EMR07", "full price", "the full price of a short emergency stay",
       lambda view: view.reduced & view.adult)  # fmt: skip
def short_stay_missed(bench: Bench, spell: Spell) -> Made | None:
    """Bill the full price of a short emergency stay."""
    price = bench.prices.prices[spell[-1]["billed_hrg"]].non_elective
    if price is None or not _pound_apart(price, spell[-1]["billed_price"]):
        return None
    edited = copied(spell)
    charge(edited, price)
    how = "the full price billed where the reduced short stay price is due"
    return Made([edited], how, also=("PRC01",))


# ---------------------------------------------------------------- excess bed days


def _with_rate(view: View) -> Bools:
    has_rate = view.by_hrg(
        lambda hrg: hrg in view.prices.prices and view.prices.prices[hrg].per_day > 2, False
    )
    fit: Bools = view.ordinary & view.full_price & has_rate
    return fit


def _rate(bench: Bench, spell: Spell) -> Decimal:
    return bench.prices.prices[spell[-1]["billed_hrg"]].per_day


def _other_days(bench: Bench, spell: Spell, days: int, how: str, *also: str) -> Made:
    edited = copied(spell)
    last = edited[-1]
    more = days - last["billed_excess_days"]
    last["billed_excess_days"] = days
    charge(edited, last["billed_price"] + more * _rate(bench, spell))
    return Made([edited], how, also=(*also, "PRC01"))


@fault("LOS01", "too many", "excess bed days above those due",
       lambda view: _with_rate(view) & (view.nights >= 2))  # fmt: skip
def extra_days(bench: Bench, spell: Spell) -> Made:
    """Bill one to three excess bed days too many."""
    more = bench.days(1, 3)
    days = spell[-1]["billed_excess_days"] + more
    return _other_days(bench, spell, days, f"{more} excess bed days more than are due", "LOS02")


@fault("LOS01", "too few", "excess bed days below those due: an under-charge",
       lambda view: _with_rate(view) & (view.excess >= 1))  # fmt: skip
def fewer_days(bench: Bench, spell: Spell) -> Made:
    """Bill one excess bed day too few."""
    days = spell[-1]["billed_excess_days"] - 1
    return _other_days(bench, spell, days, "one excess bed day less than is due: an under-charge")


def _trims_differ(view: View) -> Bools:
    trims = view.prices.trims
    elective = view.by_hrg(lambda hrg: trims(hrg)[0], -1)
    other = view.by_hrg(lambda hrg: trims(hrg)[1], -1)
    days = view.nights - view.taken_out
    return _with_rate(view) & view.emergency & (elective >= 0) & (elective < other) & (
        days > elective
    )  # fmt: skip


@fault("LOS02", "elective trim", "the trim point of elective stays for an emergency", _trims_differ)
def wrong_trim(bench: Bench, spell: Spell) -> Made | None:
    """Count excess bed days from the elective trim point."""
    elective, _ = bench.prices.trims(spell[-1]["billed_hrg"])
    days = days_counted(spell) - elective
    if days <= spell[-1]["billed_excess_days"]:
        return None
    how = f"{days} excess bed days, counted from the elective trim point of {elective} days"
    return _other_days(bench, spell, days, how, "LOS01")


@fault("LOS07", "typed date", "an admission typed months too early, over another stay",
       lambda view: view.single & view.ordinary & (view.taken_out == 0) & (view.place > 0)
       & (view.admitted - view.admitted[view.before] <= LONGEST_ERROR))  # fmt: skip
def implausible_stay(bench: Bench, spell: Spell) -> Making | None:
    """Type the date of admission so early that the patient was elsewhere in between."""
    begin = spell[0]["admission_date"]
    earlier = [other for other in bench.others(spell) if other[0]["admission_date"] < begin]
    swallowed = max(earlier, key=lambda other: other[0]["admission_date"])
    room = min((begin - other[0]["discharge_date"]).days for other in earlier if other != swallowed
               ) if len(earlier) > 1 else LONGEST_ERROR + 30  # fmt: skip
    days = (begin - swallowed[0]["admission_date"]).days + 1
    if days + 2 > room:
        return None
    same = swallowed[0]["provider"] == spell[0]["provider"]
    day_case = swallowed[0]["patient_classification"] == "2"
    also = "SPL02" if not same else "SPL05" if day_case else "SPL01"
    return _stretched(spell, days, also)


def _stretched(spell: Spell, days: int, also: str) -> Making:
    edited = copied(spell)
    begins(edited[0], spell[0]["admission_date"] - timedelta(days=days))
    unbilled(edited)
    yield (edited,)
    if edited[-1]["billed_excess_days"] <= spell[-1]["billed_excess_days"]:
        return None
    how = f"admission typed {days} days too early, over another stay of the patient"
    return Made([edited], how, also=(also, *BESIDE_STAY))


def _day_case_with_rate(view: View) -> Bools:
    has_rate = view.by_hrg(
        lambda hrg: hrg in view.prices.prices and view.prices.prices[hrg].per_day > 2, False
    )
    fit: Bools = view.day_case & has_rate & (view.pence > 0)
    return fit


@fault("LOS09", "day case", "excess bed days of a day case", _day_case_with_rate)
def days_of_day_case(bench: Bench, spell: Spell) -> Made:
    """Bill excess bed days of a day case."""
    days = bench.days(1, 3)
    return _other_days(bench, spell, days, f"{days} excess bed days of a day case", "LOS01")


# ---------------------------------------------------------------- prices


@fault("PRC01", "above", "a price above the list", lambda view: view.full_price)
def above(bench: Bench, spell: Spell) -> Made:
    """Bill more than the price list has."""
    more = bench.days(12, 60) * 10
    edited = copied(spell)
    charge(edited, spell[-1]["billed_price"] + more)
    return Made([edited], f"a price £{more} above the list")


@fault("PRC01", "below", "a price below the list: an under-charge",
       lambda view: view.full_price & (view.pence > 100_000))  # fmt: skip
def below(bench: Bench, spell: Spell) -> Made:
    """Bill less than the price list has."""
    less = bench.days(10, 50) * 10
    edited = copied(spell)
    charge(edited, spell[-1]["billed_price"] - less)
    return Made([edited], f"a price £{less} below the list: an under-charge")


@fault("PRC02", "another provider's", "another provider's factor", lambda view: view.pence > 20_000)
def others_factor(bench: Bench, spell: Spell) -> Made | None:
    """Bill the factor of another provider, whichever way it goes."""
    own = spell[-1]["billed_mff"]
    published = factors(year_of(spell[-1]["discharge_date"]))
    different = sorted({one for one in published.values() if abs(one - own) > Decimal("0.001")})
    if not different:
        return None
    factor = different[int(bench.rng.integers(0, len(different)))]
    edited = copied(spell)
    charge(edited, spell[-1]["billed_price"], factor)
    return Made([edited], f"market forces factor {factor.normalize():f} is another provider's")


@fault("PRC02", "twice", "the factor applied twice",
       lambda view: (view.pence > 20_000))  # fmt: skip
def factor_twice(bench: Bench, spell: Spell) -> Made | None:
    """Apply the factor twice."""
    own = spell[-1]["billed_mff"]
    factor = (own * own).quantize(FACTOR, ROUND_HALF_UP)
    if abs(factor - own) <= Decimal("0.001"):
        return None
    edited = copied(spell)
    charge(edited, spell[-1]["billed_price"], factor)
    return Made([edited], f"the market forces factor applied twice: {factor.normalize():f}")


@fault("PRC03", "other year", "the price of another year", lambda view: view.full_price)
def other_year(bench: Bench, spell: Spell) -> Made | None:
    """Bill the price that another year's list has for the HRG."""
    last = spell[-1]
    day_case = spell[0]["patient_classification"] == "2"
    for listed in other_price_lists(bench.prices.year):
        price = listed.prices.get(last["billed_hrg"])
        base = None if price is None else price.base(emergency(spell), day_case)
        if price is None or not base:
            continue
        charged = base + last["billed_excess_days"] * price.per_day
        if _pound_apart(charged, last["billed_price"]):
            edited = copied(spell)
            charge(edited, charged)
            return Made([edited], f"the price of {listed.year}", also=("PRC01",))
    return None


@fault("PRC09", "total", "a total ten times the price", lambda view: view.pence > 0)
def total_shifted(bench: Bench, spell: Spell) -> Made:
    """Shift the decimal point of the total alone."""
    edited = copied(spell)
    edited[-1]["billed_total"] = (spell[-1]["billed_total"] * 10).quantize(PENNY)
    how = "the decimal point of the total shifted: ten times what is due"
    return Made([edited], how, also=("PRC01",))


@fault("PRC09", "price", "a price ten times the list", lambda view: view.full_price)
def price_shifted(bench: Bench, spell: Spell) -> Made:
    """Shift the decimal point of the price, and so of the total."""
    edited = copied(spell)
    charge(edited, spell[-1]["billed_price"] * 10)
    how = "the decimal point of the price shifted: ten times what is due"
    return Made([edited], how, also=("PRC01",))
