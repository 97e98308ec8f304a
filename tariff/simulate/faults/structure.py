"""Faults of what is sent: rows and stays twice, stays cut, nested, overlapping, not ended.

A stay is cut only where the parts are paid more than the whole.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from tariff.simulate.catalogue import Bools
from tariff.simulate.faults.bench import Bench
from tariff.simulate.faults.edits import (
    NOON,
    begins,
    copied,
    ends,
    invented,
    nights,
    pence,
    procedures,
    set_procedures,
    unbilled,
)
from tariff.simulate.faults.model import ORIGIN, Made, Making, Spell, fault
from tariff.simulate.faults.view import View

DAY = timedelta(days=1)
LEFT_HOME = {"discharge_method": "1", "discharge_destination": "19"}
BY_EMERGENCY = {"admission_method": "21", "admission_source": "19", "admission_time": NOON}
UNBUNDLED = ("LA97", "SB97", "SC97")  # dialysis, chemotherapy, radiotherapy: paid beside a stay


def _single(view: View) -> Bools:
    fit: Bools = view.single & view.ordinary & (view.taken_out == 0)
    return fit


def _several(view: View) -> Bools:
    fit: Bools = view.ordinary & (view.size > 1) & (view.taken_out == 0)
    return fit


# ---------------------------------------------------------------- twice


@fault("DUP01", "copy", "the row with the bill is sent twice", lambda view: view.pence > 0)
def exact_copy(bench: Bench, spell: Spell) -> Made:
    """Send the last row of a spell twice."""
    return Made([[*spell, {**spell[-1], ORIGIN: None}]], "the row with the bill is sent twice")


def _also_twice(spell: Spell) -> tuple[str, ...]:
    if spell[0]["patient_classification"] == "2":
        return ("SPL08",)
    return ("SPL01",)


def _stay_or_day_case(view: View) -> Bools:
    return view.day_case | (view.ordinary & (view.nights >= 1))


@fault("DUP02", "new number", "the stay is sent again under a new spell number", _stay_or_day_case)
def second_number(bench: Bench, spell: Spell) -> Made:
    """Bill a stay under a second spell number."""
    again = invented(spell, bench.new_id(spell))
    how = "the same stay again under a second spell number"
    return Made([spell, again], how, also=_also_twice(spell))


@fault("DUP05", "next month", "the stay is billed again a month later", _stay_or_day_case)
def next_month(bench: Bench, spell: Spell) -> Made:
    """Bill a stay again in a later month, under a new number."""
    month = (spell[-1]["discharge_date"].replace(day=1) + timedelta(days=32)).strftime("%Y-%m")
    again = invented(spell, bench.new_id(spell))
    again[-1]["activity_month"] = month
    how = f"billed again in {month} under a second spell number"
    return Made([spell, again], how, also=("DUP02", *_also_twice(spell)))


# ---------------------------------------------------------------- cut in two


def _cut(bench: Bench, spell: Spell, leaves: date, returns: date) -> tuple[Spell, Spell]:
    """Cut a stay of one episode; what was done stays on the side on which it was done."""
    first, second = copied(spell), invented(spell, bench.new_id(spell), **BY_EMERGENCY)
    ends(first[0], leaves, **LEFT_HOME)
    begins(second[0], returns)
    done = spell[0]["oper_date_01"]
    if done is not None:
        set_procedures((second if done <= leaves else first)[0], [], None)
        if leaves < done < returns:  # on the day that the cut leaves out
            second[0]["oper_date_01"] = returns
    return unbilled(first), unbilled(second)


@fault("SPL01", "overlap", "one stay cut in two that overlap",
       lambda view: _single(view) & (view.nights >= 6))  # fmt: skip
def overlapping(bench: Bench, spell: Spell) -> Making:
    """Admit a patient who is still in, and discharge the first stay later."""
    returns = spell[0]["admission_date"] + DAY * bench.days(2, nights(spell) - 4)
    days = bench.days(1, 2)
    first, second = _cut(bench, spell, returns + DAY * days, returns)
    yield first, second
    if pence(first, second) <= pence(spell):
        return None
    when = "the day before" if days == 1 else "two days before"
    how = f"one stay cut in two, the second part beginning {when} the first ends"
    return Made([first, second], how)


@fault("SPL03", "cut", "one stay cut in two, 0 or 1 days apart",
       lambda view: _single(view) & (view.nights >= 5))  # fmt: skip
def split_stay(bench: Bench, spell: Spell) -> Making:
    """Discharge a patient and admit him again the same day or the next."""
    gap = bench.days(0, 1)
    leaves = spell[0]["admission_date"] + DAY * bench.days(2, nights(spell) - 3)
    first, second = _cut(bench, spell, leaves, leaves + DAY * gap)
    yield first, second
    if pence(first, second) <= pence(spell):
        return None
    when = "the next day" if gap else "the same day"
    return Made([first, second], f"one stay cut in two, admitted again {when}")


@fault("SPL04", "transfer", "a move inside the hospital billed as an admission",
       lambda view: _several(view) & (view.nights >= 4))  # fmt: skip
def internal_transfer(bench: Bench, spell: Spell) -> Making | None:
    """Cut a stay between two episodes and call the move a transfer from another hospital."""
    last = spell[0]["discharge_date"] - DAY
    first_day = spell[0]["admission_date"] + DAY
    places = [
        place
        for place in range(1, len(spell))
        if first_day <= spell[place]["episode_start_date"] <= last
    ]
    if not places:
        return None
    place = places[int(bench.rng.integers(0, len(places)))]
    return _transfer(bench, spell, place)


def _transfer(bench: Bench, spell: Spell, place: int) -> Making:
    moved_on = spell[place]["episode_start_date"]
    site = spell[0]["site"][:-2] + ("01" if spell[0]["site"].endswith("02") else "02")
    first = copied(
        spell[:place],
        discharge_date=moved_on,
        discharge_time=NOON,
        ready_for_discharge_date=moved_on,
        discharge_method="1",
        discharge_destination="51",
    )
    second = copied(
        spell[place:],
        spell_id=bench.new_id(spell),
        site=site,
        admission_date=moved_on,
        admission_time=NOON,
        admission_method="2B",
        admission_source="51",
    )
    for order, row in enumerate(second, 1):
        row["episode_order"] = order
    unbilled(first)
    unbilled(second)
    yield first, second
    if pence(first, second) <= pence(spell):
        return None
    how = "the move to another site of the hospital is billed as a transfer from another hospital"
    return Made([first, second], how, also=("SPL03",))


# ---------------------------------------------------------------- day cases


@fault("SPL05", "procedure again", "the procedure of a stay billed as a day case within it",
       lambda view: view.ordinary & view.operated & (view.nights >= 3))  # fmt: skip
def nested_day_case(bench: Bench, spell: Spell) -> Making | None:
    """Bill a procedure of a stay as a day case as well."""
    begin, end = spell[0]["admission_date"], spell[0]["discharge_date"]
    row = next(row for row in spell if row["oper_01"])
    day = row["oper_date_01"]
    if day is None or not begin < day < end:
        day = begin + DAY * bench.days(1, nights(spell) - 1)
    return _nested(bench, spell, row, day)


def _nested(bench: Bench, spell: Spell, row: dict[str, object], day: date) -> Making:
    inner = unbilled(invented([row], bench.new_id(spell)))
    inner[0].update(
        episode_order=1,
        patient_classification="2",
        intended_management="2",
        admission_method="11",
        admission_source="19",
        admission_date=day,
        episode_start_date=day,
        **LEFT_HOME,
    )
    ends(inner[0], day)
    inner[0].update(
        ready_for_discharge_date=None,
        oper_date_01=day,
        admission_time=NOON.replace(hour=9),
        discharge_time=NOON.replace(hour=15),
        critical_care_days=0,
        rehabilitation_days=0,
        palliative_care_days=0,
    )
    yield (inner,)
    if str(inner[0]["billed_hrg"]).startswith(UNBUNDLED):
        return None
    return Made([spell, inner], "a procedure of the stay is billed again as a day case within it")


@fault("SPL07", "class 2", "a stay of one night billed as a day case",
       lambda view: view.single & view.ordinary & view.elective & (view.nights == 1))  # fmt: skip
def day_case_overnight(bench: Bench, spell: Spell) -> Making:
    """Call a patient who stayed the night a day case."""
    edited = copied(spell, patient_classification="2", intended_management="2")
    unbilled(edited)
    yield (edited,)
    return Made([edited], "stayed the night and billed as a day case", also=("SET06",))


@fault("SPL08", "session in two", "one session of two procedures billed as two day cases",
       lambda view: view.day_case & view.single & view.some_row("oper_02"))  # fmt: skip
def two_sessions(bench: Bench, spell: Spell) -> Making | None:
    """Bill two procedures of one session as two day cases."""
    codes = procedures(spell[0])
    places = [place for place in range(1, len(codes)) if codes[place][0] not in "YZ"]
    return _two_sessions(bench, spell, codes, places[0]) if places else None


def _two_sessions(bench: Bench, spell: Spell, codes: list[str], place: int) -> Making:
    day = spell[0]["oper_date_01"]
    first, second = copied(spell), invented(spell, bench.new_id(spell))
    set_procedures(first[0], codes[:place], day)
    set_procedures(second[0], codes[place:], day)
    unbilled(first)
    unbilled(second)
    yield first, second
    if pence(first, second) <= pence(spell):
        return None
    how = "two procedures of one session billed as two day cases"
    return Made([first, second], how, also=("DUP02",))


# ---------------------------------------------------------------- not ended, not joined


@fault("SPL11", "still in", "a stay that has not ended is billed",
       lambda view: view.ordinary & view.only & view.home & (view.nights >= 3)
       & view.full_price)  # fmt: skip
def still_in(bench: Bench, spell: Spell) -> Made:
    """Bill a patient who is still in."""
    edited = copied(
        spell,
        discharge_date=None,
        discharge_time=None,
        ready_for_discharge_date=None,
        discharge_method="8",
        discharge_destination="98",
    )
    edited[-1]["episode_end_date"] = None
    return Made([edited], "billed although the patient has not been discharged", pence(edited))


def _over_month_end(view: View) -> Bools:
    crosses = view.looked_up("activity_month", lambda month: int(month[-2:]), 0, last=True)
    admitted = view.admitted.astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12 + 1
    over: Bools = view.ordinary & view.full_price & (crosses > 0) & (crosses != admitted)
    return over


@fault("SPL11", "before it ended", "a stay is billed in a month before it ended", _over_month_end)
def billed_early(bench: Bench, spell: Spell) -> Made:
    """Bill a stay in the month in which it began."""
    edited = copied(spell)
    month = f"{spell[0]['admission_date']:%Y-%m}"
    edited[-1]["activity_month"] = month
    return Made([edited], f"billed in {month}, before the stay ended", pence(edited))


@fault("SPL13", "gap", "a day missing between two episodes",
       lambda view: _several(view) & (view.nights >= 2))  # fmt: skip
def gap(bench: Bench, spell: Spell) -> Made | None:
    """End an episode a day before the next begins."""
    return _apart(spell, -1, "an episode ends a day before the next one begins")


@fault("SPL13", "overlap", "two episodes that share a day",
       lambda view: _several(view) & (view.nights >= 2))  # fmt: skip
def overlap(bench: Bench, spell: Spell) -> Made | None:
    """End an episode a day after the next began."""
    return _apart(spell, 1, "an episode ends a day after the next one began")


def _apart(spell: Spell, days: int, how: str) -> Made | None:
    """Move the end of an episode that is long enough, within the stay."""
    edited = copied(spell)
    for row, after in pairwise(edited):
        end = row["episode_end_date"] + DAY * days
        if row["episode_start_date"] < end < after["episode_end_date"]:
            row["episode_end_date"] = end
            row["episode_duration"] += days
            if row["oper_date_01"] and row["oper_date_01"] > end:
                row["oper_date_01"] = end
            return Made([edited], how)
    return None
