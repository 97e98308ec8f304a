"""Near misses: honest rows that look like a fault. A rule that hits one is wrong.

Some stand in an honest extract anyhow and are only named in the key; others are made, and billed
as an honest provider would bill them.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from tariff.simulate import shipped
from tariff.simulate.catalogue import Bools
from tariff.simulate.faults.bench import Bench
from tariff.simulate.faults.coding import ACUTE, LASTING, UNGROUPED
from tariff.simulate.faults.edits import (
    NOON,
    add_diagnosis,
    charge,
    copied,
    diagnoses,
    ends,
    for_patient,
    invented,
    moved,
    nights,
    unbilled,
)
from tariff.simulate.faults.lists import complications, other_price_lists, splits
from tariff.simulate.faults.model import Made, Making, Spell, as_it_is, near_miss
from tariff.simulate.faults.view import View

DAY = timedelta(days=1)
DEAR = 1_000_000  # pence
LONG = 60  # nights
NOWHERE = "V81997"  # no registered practice


def _alone(view: View) -> Bools:
    """Say which stays of people without another spell ended at home, with time to spare."""
    spare = view.discharged <= int(view.discharged.max()) - 12
    return view.only & view.home & view.ordinary & view.full_price & spare


def _month_end(view: View) -> Bools:
    days = view.discharged.astype("datetime64[D]")
    month_end: Bools = days.astype("datetime64[M]") != (days + 1).astype("datetime64[M]")
    return view.ordinary & month_end


# ---------------------------------------------------------------- as they are

as_it_is("DUP01", "two episodes", "two episodes of one stay", lambda view: view.size > 1)
as_it_is("SPL07", "stayed on", "planned as a day case, kept overnight, billed as an ordinary stay",
         lambda view: view.ordinary & view.elective & (view.nights == 1)
         & view.among("intended_management", "2"))  # fmt: skip
as_it_is("SET06", "stayed on", "planned as a day case, kept overnight, billed as an ordinary stay",
         lambda view: view.ordinary & view.elective & (view.nights == 1)
         & view.among("intended_management", "2"))  # fmt: skip
as_it_is("SPL07", "one night", "planned for one night, billed as an ordinary stay",
         lambda view: view.ordinary & view.elective & (view.nights == 1)
         & view.among("intended_management", "1"))  # fmt: skip
as_it_is("SET06", "day case", "planned and carried out as a day case, and billed as one",
         lambda view: view.day_case & view.among("intended_management", "2"))  # fmt: skip
as_it_is("SPL11", "last day", "discharged on the last day of the month billed", _month_end)
as_it_is("SPL13", "same day", "episodes that end and begin on the same day",
         lambda view: (view.size > 1) & (view.nights >= 2))  # fmt: skip
as_it_is("EMR07", "two nights", "an emergency stay of two nights at the full price",
         lambda view: view.emergency & view.adult & view.full_price & (view.nights == 2)
         & (view.by_hrg(view.prices.reduced_pence, -1) > 0))  # fmt: skip
as_it_is("HRG11", "last day", "a procedure on the day of discharge of a longer stay",
         lambda view: view.ordinary & view.single & (view.nights >= 1) & view.operated
         & (view.number("oper_date_01") == view.discharged))  # fmt: skip
as_it_is("HRG15", "own sex", "a diagnosis that only the patient's sex has",
         lambda view: view.looked_up("diag_01", lambda code: shipped.diagnosis_sex(code) != "",
                                     False))  # fmt: skip
as_it_is("HRG16", "filler", "a three-character diagnosis with its filler",
         lambda view: view.looked_up("diag_01", lambda code: code[3:] == "X", False))  # fmt: skip
as_it_is("LOS07", "long stay", "a stay of two months and no other activity",
         lambda view: view.ordinary & view.only & (view.nights >= LONG))  # fmt: skip
as_it_is("LOS09", "ordinary", "excess bed days of an elective stay",
         lambda view: view.ordinary & view.elective & (view.excess > 0))  # fmt: skip
as_it_is("COM03", "died here", "a stay that ended in death",
         lambda view: view.among("discharge_method", "4"))  # fmt: skip
as_it_is("PRC03", "over new year", "admitted in the year before, billed at that of the discharge",
         lambda view: view.ordinary & (view.admitted < _first_of_year(view)))  # fmt: skip
as_it_is("PRC09", "dear", "a price of £10,000 or more", lambda view: view.pence >= DEAR)


def _first_of_year(view: View) -> int:
    last = view.last_day
    first = last.replace(month=4, day=1)
    first = first if first <= last else first.replace(year=last.year - 1)
    return (first - last).days + int(view.discharged.max())


def _at_trim(view: View) -> Bools:
    trims = view.prices.trims
    elective = view.by_hrg(lambda hrg: trims(hrg)[0], -1)
    other = view.by_hrg(lambda hrg: trims(hrg)[1], -1)
    days = view.nights - view.taken_out
    trim = (view.emergency * other) + (~view.emergency * elective)
    near: Bools = view.ordinary & (days == trim) & (view.excess == 0) & (days > 0)
    return near


def _between_trims(view: View) -> Bools:
    trims = view.prices.trims
    elective = view.by_hrg(lambda hrg: trims(hrg)[0], -1)
    other = view.by_hrg(lambda hrg: trims(hrg)[1], -1)
    days = view.nights - view.taken_out
    near: Bools = (
        view.ordinary & view.emergency & (elective >= 0) & (days > elective) & (days <= other)
    )
    return near


as_it_is("LOS01", "at the trim point", "a stay of exactly the trim point", _at_trim)
as_it_is("LOS02", "between", "an emergency stay between the two trim points", _between_trims)


def _dearest(view: View) -> Bools:
    held = splits(view.prices.year)
    return view.by_hrg(
        lambda hrg: hrg in held and held[hrg].by_score and held[hrg].open_above, False
    )


def _new_design(view: View) -> Bools:
    others = other_price_lists(view.prices.year)
    return view.by_hrg(lambda hrg: any(hrg not in one.prices for one in others), False)


def _age_edge(view: View) -> Bools:
    held = splits(view.prices.year)
    least = view.by_hrg(
        lambda hrg: (held[hrg].age_min if hrg in held else None) or -2, -2
    )  # fmt: skip
    most = view.by_hrg(lambda hrg: (held[hrg].age_max if hrg in held else None) or -2, -2)
    edge: Bools = (view.age == least) | (view.age == most)
    return edge


as_it_is("HRG01", "dearest", "the dearest HRG of a root, as the codes give it", _dearest)
as_it_is("HRG02", "new design", "an HRG that another year's list does not have", _new_design)
as_it_is("HRG19", "edge", "an age at the edge of the HRG's band", _age_edge)


# ---------------------------------------------------------------- people who come back


def _come_back(view: View) -> Bools:
    return view.single & view.adult & (view.spells_of_patient > 1) & _lasting_here(view)


def _lasting_here(view: View) -> Bools:
    held = splits(view.prices.year)
    return view.by_hrg(lambda hrg: hrg in held and held[hrg].by_score, False)


@near_miss("HRG03", "known", "a complication that another spell of the patient has too", _come_back)
def known_complication(bench: Bench, spell: Spell) -> Made | None:
    """Name a spell with a CC that stands in another spell of the patient."""
    chapter, members = spell[-1]["billed_hrg"][:2], complications()
    counted = {
        code for code in diagnoses(spell[0])[1:] if chapter in members.get(code, frozenset())
    }
    others = {code for other in bench.others(spell) for row in other for code in diagnoses(row)}
    common = sorted(counted & others)
    if not common:
        return None
    return Made([spell], f"{common[0]} stands in another spell of the patient too")


@near_miss("HRG04", "every spell", "a lasting condition in every spell of the patient", _come_back)
def lasting_everywhere(bench: Bench, spell: Spell) -> Made | None:
    """Name a spell with a lasting condition that all spells of the patient have."""
    spells = [spell, *bench.others(spell)]
    coded = [{code for row in one for code in diagnoses(row)} for one in spells]
    common = sorted(set.intersection(*coded) & set(LASTING))
    return Made([spell], f"{common[0]} in every spell of the patient") if common else None


@near_miss("DUP05", "same again", "a true second stay for the same HRG, in another month",
           lambda view: view.spells_of_patient > 1)  # fmt: skip
def same_again(bench: Bench, spell: Spell) -> Made | None:
    """Name two stays of one HRG in two months."""
    mine = spell[-1]
    for other in bench.others(spell):
        theirs = other[-1]
        if (
            theirs["billed_hrg"] == mine["billed_hrg"]
            and theirs["provider"] == mine["provider"]
            and theirs["activity_month"] != mine["activity_month"]
        ):
            return Made([spell], f"{mine['billed_hrg']} again in {theirs['activity_month']}")
    return None


@near_miss("SPL03", "two days later", "a true readmission two days after going home",
           lambda view: _alone(view) & view.emergency & view.single & ~view.operated
           & (view.nights >= 1))  # fmt: skip
def two_days_later(bench: Bench, spell: Spell) -> Making:
    """Admit a patient again, two days after he went home, with the same condition."""
    again = unbilled(invented(spell, bench.new_id(spell)))
    moved(again, nights(spell) + 2)
    begin = again[0]["admission_date"]
    ends(again[0], begin + DAY * min(nights(spell), 4), critical_care_days=0,
         rehabilitation_days=0, palliative_care_days=0)  # fmt: skip
    again[0].update(admission_method="21", admission_source="19", admission_time=NOON)
    return _beside(spell, again, "admitted again two days after going home")


@near_miss("SPL03", "planned return", "a planned admission the day after going home",
           lambda view: _alone(view) & (view.nights >= 1))  # fmt: skip
def planned_return(bench: Bench, spell: Spell) -> Making | None:
    """Admit a patient as planned, the day after he went home."""
    return _planned(bench, spell, 1, bench.view.ordinary & bench.view.elective)


@near_miss("SPL01", "planned return", "a planned admission on the day of going home",
           lambda view: _alone(view) & (view.nights >= 1))  # fmt: skip
def same_day_return(bench: Bench, spell: Spell) -> Making | None:
    """Admit a patient as planned, on the day on which he went home."""
    return _planned(bench, spell, 0, bench.view.ordinary & bench.view.elective)


@near_miss("SPL05", "next day", "a day case the day after going home",
           lambda view: _alone(view) & (view.nights >= 3))  # fmt: skip
def day_case_after(bench: Bench, spell: Spell) -> Making | None:
    """Bill a day case of a patient who went home the day before."""
    return _planned(bench, spell, 1, bench.view.day_case)


def _planned(bench: Bench, spell: Spell, gap: int, wanted: Bools) -> Making | None:
    short = (bench.view.nights <= 10) & bench.view.home
    donor = bench.donor(spell, wanted & short)
    if donor is None:
        return None
    begin = spell[0]["discharge_date"] + DAY * gap
    again = unbilled(for_patient(donor, spell, bench.new_id(spell)))
    moved(again, (begin - donor[0]["admission_date"]).days)
    for row in again:
        row["admission_time"] = NOON.replace(hour=18) if not gap else row["admission_time"]
    if gap == 0 and nights(again) == 0:
        return None
    kind = "day case" if again[0]["patient_classification"] == "2" else "admission"
    when = "the day after" if gap else "on the day of"
    return _beside(spell, again, f"a planned {kind} {when} going home")


def _beside(spell: Spell, second: Spell, how: str) -> Making:
    yield (second,)
    return Made([spell, second], how)


@near_miss("SPL04", "other hospital", "a true transfer to another hospital",
           lambda view: _alone(view) & view.emergency & (view.nights >= 2))  # fmt: skip
def true_transfer(bench: Bench, spell: Spell) -> Making | None:
    """Transfer a patient to another hospital."""
    wanted = bench.view.ordinary & bench.view.emergency & bench.view.home
    donor = bench.donor(spell, wanted & (bench.view.nights.clip(2, 10) == bench.view.nights),
                        elsewhere=True)  # fmt: skip
    if donor is None:
        return None
    again = unbilled(for_patient(donor, spell, bench.new_id(spell), place=False))
    moved(again, (spell[0]["discharge_date"] - donor[0]["admission_date"]).days)
    for row in again:
        row.update(admission_method="2B", admission_source="51", admission_time=NOON)
    first = unbilled(copied(spell, discharge_destination="51", discharge_time=NOON))
    return _transferred(first, again)


def _transferred(first: Spell, again: Spell) -> Making:
    yield first, again
    return Made([first, again], f"transferred to {again[0]['provider']}")


def _lone_day_case(view: View) -> Bools:
    return view.day_case & view.only


@near_miss("DUP02", "two specialties", "two day cases of two specialties on one day",
           _lone_day_case)  # fmt: skip
def two_specialties(bench: Bench, spell: Spell) -> Making | None:
    """Add a day case of another specialty on the same day."""
    return _second_day_case(bench, spell, 0)


@near_miss("SPL08", "next day", "two day cases on two days", _lone_day_case)
def two_days(bench: Bench, spell: Spell) -> Making | None:
    """Add a day case of another specialty on the next day."""
    return _second_day_case(bench, spell, 1)


def _second_day_case(bench: Bench, spell: Spell, days: int) -> Making | None:
    view = bench.view
    other = ~view.among("treatment_function", spell[0]["treatment_function"])
    donor = bench.donor(spell, view.day_case & other)
    if donor is None or spell[0]["discharge_date"] + DAY * days > view.last_day:
        return None
    again = unbilled(for_patient(donor, spell, bench.new_id(spell)))
    moved(again, (spell[0]["admission_date"] - donor[0]["admission_date"]).days + days)
    when = "the next day" if days else "the same day"
    return _beside(spell, again, f"a day case of another specialty {when}")


# ---------------------------------------------------------------- honest edits


@near_miss("EMR07", "age 18", "a short emergency stay at 18: the full price is due",
           lambda view: view.reduced & view.only & (view.age <= 25))  # fmt: skip
def eighteen(bench: Bench, spell: Spell) -> Making:
    """Make a patient 18, and bill again."""
    edited = unbilled(copied(spell, age=18))
    return _edited(edited, "a short emergency stay at the age of 18")


def _edited(edited: Spell, how: str) -> Making:
    yield (edited,)
    return Made([edited], how)


@near_miss("HRG05", "moved on", "a severe complication, moved to another hospital the same day",
           lambda view: view.single & view.adult & view.emergency & view.only
           & (view.nights == 0))  # fmt: skip
def moved_on(bench: Bench, spell: Spell) -> Making | None:
    """Send a very ill patient on to another hospital within hours."""
    edited = unbilled(copied(spell, discharge_destination="51", discharge_method="1"))
    code = bench.choose(ACUTE)
    held = {one[:3] for one in diagnoses(edited[0])}
    if code[:3] in held or not add_diagnosis(edited[0], code):
        return None
    return _edited(edited, f"{code}, moved to another hospital the same day")


@near_miss("HRG17", "at nothing", "a record not coded yet, billed at nothing",
           lambda view: view.single)  # fmt: skip
def not_coded(bench: Bench, spell: Spell) -> Made:
    """Send a record that is not coded yet, at no price."""
    edited = copied(spell)
    edited[0].update(diag_01="R69X", billed_hrg=UNGROUPED, billed_excess_days=0)
    charge(edited, Decimal(0))
    return Made([edited], f"{UNGROUPED} billed at nothing")


@near_miss("COM10", "no practice", "a patient without a practice", lambda view: view.only)
def no_practice(bench: Bench, spell: Spell) -> Made:
    """Treat a patient who is registered nowhere."""
    return Made([copied(spell, gp_practice=NOWHERE)], "a patient without a practice")


@near_miss("PRC01", "rounded", "a price within a pound of the list", lambda view: view.full_price)
def rounded(bench: Bench, spell: Spell) -> Made:
    """Round a price at another step."""
    edited = copied(spell)
    pence = bench.days(5, 99) * (1 if bench.rng.random() < 0.5 else -1)
    charge(edited, spell[-1]["billed_price"] + Decimal(pence) / 100)
    return Made([edited], f"a price {abs(pence)}p {'above' if pence > 0 else 'below'} the list")


@near_miss("PRC02", "rounded", "the factor rounded to four places", lambda view: view.pence > 0)
def rounded_factor(bench: Bench, spell: Spell) -> Made | None:
    """Round the factor."""
    factor = spell[-1]["billed_mff"].quantize(Decimal("0.0001"))
    if factor == spell[-1]["billed_mff"]:
        return None
    edited = copied(spell)
    charge(edited, spell[-1]["billed_price"], factor)
    return Made([edited], f"market forces factor rounded to {factor}")
