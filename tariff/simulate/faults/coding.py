"""Faults of coding and grouping, of identity, and of how a patient was managed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tariff.simulate import shipped
from tariff.simulate.catalogue import Bools
from tariff.simulate.faults.bench import Bench
from tariff.simulate.faults.edits import (
    DIAGNOSIS,
    add_diagnosis,
    charge,
    copied,
    day_case,
    days_counted,
    diagnoses,
    emergency,
    for_patient,
    moved,
    pence,
    procedures,
    set_procedures,
    unbilled,
)
from tariff.simulate.faults.lists import complications, other_price_lists, splits
from tariff.simulate.faults.model import Made, Making, Spell, fault
from tariff.simulate.faults.view import View

# Complications that lift an HRG and are hard to support; conditions that nobody gets rid of.
WATCHED = ("E43X", "E41X", "E46X", "J960", "N179", "A419", "R572", "J690", "K720", "L893")
ACUTE = ("A419", "R651", "J960", "N179", "R570", "I460", "J969")
LASTING = ("G20X", "G309", "F03X", "N185", "E102", "G35X", "K746", "I500")
UNGROUPED = "UZ01Z"
SOON, LATER = 5, 60  # days after a death
OF_WOMEN, OF_MEN = ("N809", "D259", "N950", "N832"), ("N40X", "I861", "N433", "N508")
OF_THE_NEWBORN = ("P599", "P280", "P369", "P059")


def _liftable(view: View) -> Bools:
    """Say which HRGs a further complication may lift: split by CC score, and not at the top."""
    held = splits(view.prices.year)
    return view.by_hrg(
        lambda hrg: hrg in held and held[hrg].by_score and not held[hrg].open_above, False
    )


def _lifting(spell: Spell, codes: tuple[str, ...]) -> list[str]:
    """Return the codes of a list that may count towards the CC score of a spell's HRG."""
    categories = {code[:3] for row in spell for code in diagnoses(row)}
    chapter = spell[-1]["billed_hrg"][:2]
    members = complications()
    return [
        code
        for code in codes
        if code[:3] not in categories and chapter in members.get(code, frozenset())
    ]


def _with_complication(
    bench: Bench, spell: Spell, codes: tuple[str, ...], how: str, *also: str
) -> Making | None:
    """Add a complication and keep it only where it lifts the bill."""
    choice = _lifting(spell, codes)
    edited = unbilled(copied(spell))
    if not choice:
        return None
    code = bench.choose(choice)
    if not add_diagnosis(edited[0], code):
        return None
    return _if_dearer(spell, edited, f"{how} {code}", also)


def _if_dearer(spell: Spell, edited: Spell, how: str, also: tuple[str, ...]) -> Making:
    yield (edited,)
    return Made([edited], how, also=also) if pence(edited) > pence(spell) else None


# ---------------------------------------------------------------- the HRG billed


@fault("HRG01", "dearer sibling", "a dearer HRG of the root than the codes give",
       lambda view: view.full_price)  # fmt: skip
def dearer_hrg(bench: Bench, spell: Spell) -> Making | None:
    """Bill the next dearer HRG of the same root."""
    emergency_stay, day = emergency(spell), day_case(spell)
    own = spell[-1]["billed_hrg"]
    listed = bench.prices.by_root.get(own[:4], [])
    priced = {price.hrg: price.base(emergency_stay, day) for price in listed}
    least = priced.get(own)
    if least is None:
        return None
    dearer = sorted((base, hrg) for hrg, base in priced.items() if base and base > least)
    return _billed_at(bench, spell, dearer[0][1]) if dearer else None


def _billed_at(bench: Bench, spell: Spell, hrg: str, *also: str) -> Making:
    own = spell[-1]["billed_hrg"]
    split = splits(bench.prices.year).get(hrg)
    if split is not None and not split.holds(spell[0]["age"]) and "HRG01" not in also:
        also = (*also, "HRG19")
    edited = unbilled(copied(spell))
    edited[-1]["billed_hrg"] = hrg
    return _if_dearer(spell, edited, f"{hrg} billed, the codes give {own}", also)


@fault("HRG02", "retired", "an HRG that only another year's design has",
       lambda view: view.full_price)  # fmt: skip
def retired_hrg(bench: Bench, spell: Spell) -> Made | None:
    """Bill an HRG of another year's design, at that year's price."""
    own, held = spell[-1]["billed_hrg"], splits(bench.prices.year)
    stay = {"emergency": emergency(spell), "day_case": day_case(spell)}
    for listed in other_price_lists(bench.prices.year):
        others = [
            hrg
            for hrg in listed.prices
            if hrg[:2] == own[:2] and hrg not in held and hrg not in bench.prices.prices
        ]
        found = []
        for hrg in others:
            bill = listed.bill(hrg, **stay, age=spell[0]["age"], days=days_counted(spell))
            if bill is not None and bill[0] > spell[-1]["billed_price"]:
                found.append((hrg[:4] != own[:4], bill[0], hrg, bill[1]))
        if found:
            _, price, hrg, excess = min(found)
            edited = copied(spell)
            edited[-1].update(billed_hrg=hrg, billed_excess_days=excess)
            charge(edited, price)
            return Made([edited], f"{hrg} of the design of {listed.year} billed, not {own}")
    return None


@fault("HRG17", "R69X", "a record without a usable primary diagnosis, billed",
       lambda view: view.single & view.full_price)  # fmt: skip
def uncoded(bench: Bench, spell: Spell) -> Made:
    """Bill a record whose primary diagnosis is unknown."""
    edited = copied(spell)
    edited[0].update(diag_01="R69X", billed_hrg=UNGROUPED)
    how = f"no usable primary diagnosis, {UNGROUPED} billed at a price"
    return Made([edited], how, pence(edited), also=("PRC01", "LOS09"))


@fault("HRG17", "blank", "a record without a primary diagnosis, billed",
       lambda view: view.single & view.full_price)  # fmt: skip
def blank_diagnosis(bench: Bench, spell: Spell) -> Made:
    """Bill a record whose primary diagnosis is blank."""
    edited = copied(spell)
    edited[0].update(dict.fromkeys(DIAGNOSIS), billed_hrg=UNGROUPED)
    how = f"no diagnosis, {UNGROUPED} billed at a price"
    return Made([edited], how, pence(edited), also=("PRC01", "LOS09"))


def _split_by_age(view: View) -> Bools:
    roots = {hrg[:4] for hrg, split in splits(view.prices.year).items() if split.by_age}
    fit: Bools = view.full_price & view.by_hrg(lambda hrg: hrg[:4] in roots, False)
    return fit


@fault("HRG19", "age band", "a dearer HRG of another age band", _split_by_age)
def other_age_band(bench: Bench, spell: Spell) -> Making | None:
    """Bill the dearer price of another age."""
    held, own = splits(bench.prices.year), spell[-1]["billed_hrg"]
    stay = (emergency(spell), day_case(spell))
    price = bench.prices.prices.get(own)
    least = None if price is None else price.base(*stay)
    if least is None:
        return None
    dearer = []
    for listed in bench.prices.by_root[own[:4]]:
        split, base = held.get(listed.hrg), listed.base(*stay)
        if split and base and base > least and not split.holds(spell[0]["age"]):
            dearer.append((base, listed.hrg))
    return _billed_at(bench, spell, min(dearer)[1], "HRG01") if dearer else None


# ---------------------------------------------------------------- the codes


@fault("HRG03", "complication added", "an unsupported complication that lifts the HRG",
       lambda view: view.single & view.adult & (view.nights >= 1) & _liftable(view))  # fmt: skip
def unsupported(bench: Bench, spell: Spell) -> Making | None:
    """Add a complication that nothing else in the record supports."""
    return _with_complication(bench, spell, WATCHED, "added without support:")


def _among_four(view: View) -> Bools:
    inner = (view.place > 0) & (view.place < view.spells_of_patient - 1)
    return view.single & view.adult & (view.spells_of_patient >= 4) & inner & _liftable(view)


@fault("HRG04", "lasting condition once", "a lasting condition in one spell of four", _among_four)
def lasting_once(bench: Bench, spell: Spell) -> Making | None:
    """Add a lasting condition to one spell, that no other spell of the patient has."""
    others = [row for other in bench.others(spell) for row in other]
    elsewhere = {code[:3] for row in others for code in diagnoses(row)}
    codes = tuple(code for code in LASTING if code[:3] not in elsewhere)
    return _with_complication(bench, spell, codes, "in this spell alone:", "HRG03")


@fault("HRG05", "same day", "a severe complication, home the same day",
       lambda view: view.single & view.adult & view.home & (view.nights == 0)
       & _liftable(view))  # fmt: skip
def severe_same_day(bench: Bench, spell: Spell) -> Making | None:
    """Add a severe acute complication to a stay of hours."""
    return _with_complication(bench, spell, ACUTE, "home the same day with", "HRG03")


def _medical(view: View) -> Bools:
    return view.single & view.ordinary & view.adult & ~view.operated & (view.nights >= 2)


@fault("HRG11", "before", "a procedure done before the admission", _medical)
def procedure_before(bench: Bench, spell: Spell) -> Making | None:
    """Put a procedure into a stay that was done before it."""
    return _procedure_outside(bench, spell, -bench.days(3, 20))


@fault("HRG11", "after", "a procedure done after the discharge", _medical)
def procedure_after(bench: Bench, spell: Spell) -> Making | None:
    """Put a procedure into a stay that was done after it."""
    return _procedure_outside(bench, spell, bench.days(2, 10))


def _procedure_outside(bench: Bench, spell: Spell, days: int) -> Making | None:
    donor = bench.donor(spell, bench.view.operated & bench.view.elective)
    if donor is None:
        return None
    edge = spell[0]["admission_date"] if days < 0 else spell[0]["discharge_date"]
    edited = unbilled(copied(spell))
    codes = next(procedures(row) for row in donor if row["oper_01"])
    set_procedures(edited[0], codes, edge + timedelta(days=days))
    when = f"{-days} days before admission" if days < 0 else f"{days} days after discharge"
    return _if_dearer(spell, edited, f"{codes[0]} done {when}", ())


@fault("HRG15", "sex", "a diagnosis that the other sex has",
       lambda view: view.single & view.adult)  # fmt: skip
def other_sex(bench: Bench, spell: Spell) -> Making | None:
    """Add a diagnosis that only the other sex can have."""
    codes = OF_WOMEN if spell[0]["sex"] == shipped.MALE else OF_MEN
    return _out_of_place(spell, bench.choose(codes), "the other sex")


@fault("HRG15", "age", "a diagnosis of the newborn in an adult",
       lambda view: view.single & view.adult)  # fmt: skip
def newborn_code(bench: Bench, spell: Spell) -> Making | None:
    """Add a diagnosis of the newborn to an adult."""
    return _out_of_place(spell, bench.choose(OF_THE_NEWBORN), "a newborn")


def _out_of_place(spell: Spell, code: str, whose: str) -> Making | None:
    edited = unbilled(copied(spell))
    if not add_diagnosis(edited[0], code):
        return None
    return _unmoved(spell, edited, f"{code} is of {whose}")


def _unmoved(spell: Spell, edited: Spell, how: str) -> Making:
    yield (edited,)
    same = edited[-1]["billed_hrg"] == spell[-1]["billed_hrg"] and pence(edited) == pence(spell)
    return Made([edited], how) if same else None


def _spoilt(spell: Spell, spoil: Callable[[str], str]) -> Made | None:
    """Spoil a secondary diagnosis so that it is no valid code; the bill stays as it was."""
    edited = copied(spell)
    valid = shipped.valid_codes()
    for row in edited:
        for name in reversed(DIAGNOSIS[1:]):
            wrong = spoil(row[name]) if row[name] else ""
            if wrong and wrong not in valid.diagnoses and not valid.diagnosis(wrong):
                how = f"{row[name]} written as {wrong}"
                row[name] = wrong
                return Made([edited], how, also=("HRG01",))
    return None


@fault("HRG16", "cut", "a diagnosis cut to three characters", lambda view: view.some_row("diag_02"))
def three_characters(bench: Bench, spell: Spell) -> Made | None:
    """Cut a secondary diagnosis to its category."""
    return _spoilt(spell, lambda code: code[:3] if code[3:] != "X" else "")


@fault("HRG16", "no such code", "a diagnosis that is in no edition",
       lambda view: view.some_row("diag_02"))  # fmt: skip
def no_such_code(bench: Bench, spell: Spell) -> Made | None:
    """Write a fourth character that does not exist."""
    return _spoilt(spell, lambda code: code[:3] + "7")


# ---------------------------------------------------------------- management and identity


@fault("SET06", "class 1", "a day case recorded as an ordinary stay",
       lambda view: view.day_case & view.single)  # fmt: skip
def ordinary_day_case(bench: Bench, spell: Spell) -> Making:
    """Record a day case as an ordinary admission."""
    edited = unbilled(copied(spell, patient_classification="1"))
    yield (edited,)
    return Made([edited], "intended and carried out as a day case, recorded as an ordinary stay")


@fault("COM10", "no patient", "no patient identifier", lambda view: view.only & (view.pence > 0))
def nobody(bench: Bench, spell: Spell) -> Made:
    """Leave the patient out."""
    edited = copied(spell, patient_id=None)
    return Made([edited], "no patient identifier", pence(edited))


@fault("COM03", "after death", "a day case after the patient died",
       lambda view: view.dead & view.adult, needs="deaths")  # fmt: skip
def after_death(bench: Bench, spell: Spell) -> Making | None:
    """Bill a day case of somebody who has died."""
    died = bench.deaths.get(spell[0]["patient_id"])
    donor = bench.donor(spell, bench.view.day_case) if died else None
    if died is None or donor is None:
        return None
    last_care = max(died, spell[0]["discharge_date"])
    room = (bench.view.last_day - last_care).days
    if room < SOON:
        return None
    day = last_care + timedelta(days=bench.days(SOON, min(room, LATER)))
    phantom = unbilled(for_patient(donor, spell, bench.new_id(spell)))
    moved(phantom, (day - donor[0]["admission_date"]).days)
    return _after_death(spell, phantom, (day - died).days)


def _after_death(spell: Spell, phantom: Spell, days: int) -> Making:
    yield (phantom,)
    how = f"a day case {days} days after the patient died"
    return Made([spell, phantom], how, about=(1,), also=("COM02",))
