"""What must hold between two runs whose extracts differ in one thing."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tariff.packs.model import TariffPack
from tests.engine.extracts import (
    DZ11T,
    KNEE,
    Record,
    Row,
    bill,
    factor,
    found,
    reasons,
    run,
    shipped,
    stay,
)

YEARS = {"2017/18": "2017-05-03", "2018/19": "2018-05-03", "2022/23": "2022-05-03"}


@cache
def price_list(year: str) -> dict[str, dict[str, str]]:
    """The rows of a year's price list by HRG."""
    (pack,) = [
        p for p in shipped().packs if isinstance(p.manifest, TariffPack) and p.manifest.year == year
    ]
    columns = pack.tables["prices"].columns
    return {
        hrg: {name: values[row] for name, values in columns.items()}
        for row, hrg in enumerate(columns["hrg"])
    }


@st.composite
def cases(draw: Any) -> tuple[Row, dict[str, str]]:
    """A stay of some HRG of some year, without its discharge, and its line of the price list."""
    year = draw(st.sampled_from(sorted(YEARS)))
    hrg = draw(st.sampled_from(sorted(price_list(year))))
    method = draw(st.sampled_from(["11", "21", "31", "81"]))
    row = stay(
        admission_date=YEARS[year],
        admission_method=method,
        age=draw(st.sampled_from(["5", "18", "19", "60"])),
        billed_hrg=hrg,
    )
    return row, price_list(year)[hrg]


def after(row: Row, days: int, **values: str) -> Row:
    """A stay of some days, under a number of its own."""
    left = date.fromisoformat(row["admission_date"]) + timedelta(days=days)
    number = f"{days:04}-{'-'.join(values.values())}"
    return {**row, "discharge_date": left.isoformat(), "spell_id": number, **values}


def priced(*rows: Row, **options: Any) -> list[Record]:
    """The spells of a run, in the order of the rows."""
    done = {s["spell_id"]: s for s in run(*rows, rules=False, **options).spells.to_pylist()}
    return [done[row["spell_id"]] for row in rows]


# ---------------------------------------------------------------- other patients

FAULTS: list[list[Row]] = [
    [stay(**bill("DZ11T", "3861.00", "1.2"))],
    [stay(**DZ11T), stay(**DZ11T)],
    [stay(**DZ11T), stay(spell_id="B", **DZ11T)],
    [
        stay(**DZ11T),
        stay(spell_id="B", admission_date="2022-05-08", discharge_date="2022-05-30", **DZ11T),
        stay(spell_id="C", admission_date="2022-05-31", discharge_date="2022-06-02", **DZ11T),
    ],
    [stay(discharge_date="2022-05-23", billed_excess_days="9", **DZ11T)],
    [stay(discharge_date="2022-05-04", **bill("DZ11V", "1746.00"))],
    [stay(diag_01="W190", **bill("UZ01Z", "500.00"))],
    [stay(**{**KNEE, "patient_classification": "2"}, **bill("HN22E", "6313.00"))],
]


def of_patient(rows: list[Row], number: int, **values: str) -> list[Row]:
    """The rows as those of another patient, with spell numbers of their own."""
    own = {"patient_id": f"Q{number}", **values}
    return [{**row, **own, "spell_id": f"{number}{row['spell_id']}"} for row in rows]


@settings(max_examples=30, deadline=None)
@given(
    faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=3),
    other=st.sampled_from(FAULTS),
    provider=st.sampled_from(["R1H", "RRV", "ZZZ"]),
    first=st.booleans(),
)
def test_an_unrelated_patient_changes_no_other_finding(
    faults: list[list[Row]], other: list[Row], provider: str, first: bool
) -> None:
    # a rule runs where its columns hold a value: one patient, of both runs, has one in all of them
    whole = stay(patient_id="whole", spell_id="W", oper_01="X403", billed_excess_days="0", **DZ11T)
    here = [whole, *(row for n, rows in enumerate(faults) for row in of_patient(rows, n))]
    more = of_patient(other, 9, provider=provider)
    alone, both = run(*here), run(*(more + here if first else here + more))
    added = {row["spell_id"] for row in more}
    assert found(alone) == [f for f in found(both) if not added & set(f["spell_ids"])]
    rest = [s for s in both.spells.to_pylist() if s["spell_id"] not in added]
    assert alone.spells.to_pylist() == rest


def test_the_number_of_a_patient_does_not_matter() -> None:
    def numbered(numbers: list[int]) -> list[Record]:
        many = [
            {**row, "patient_id": f"N{number}", "spell_id": f"{place}{row['spell_id']}"}
            for place, (faults, number) in enumerate(zip(FAULTS, numbers, strict=True))
            for row in faults
        ]
        return found(run(*many))

    numbers = list(range(len(FAULTS)))
    assert numbered(numbers) == numbered(numbers[::-1]) != []


# ---------------------------------------------------------------- complications

SECONDARY = ["E119", "I500", "N179", "J960", "A419", "E43X", "F03X", "Z867", "I480", "D649", "R33X"]


@settings(max_examples=30, deadline=None)
@given(
    codes=st.lists(st.sampled_from(SECONDARY), min_size=1, max_size=8, unique=True),
    primary=st.sampled_from(["J181", "N390", "I210", "K528"]),
    data=st.data(),
)
def test_removing_a_diagnosis_never_raises_the_cc_score(
    codes: list[str], primary: str, data: Any
) -> None:
    gone = data.draw(st.integers(0, len(codes) - 1))
    fewer = codes[:gone] + codes[gone + 1 :]

    def row(name: str, secondary: list[str]) -> Row:
        diagnoses = {f"diag_{n:02}": code for n, code in enumerate(secondary, 2)}
        return stay(spell_id=name, patient_id=name, diag_01=primary, **diagnoses)

    more, less = priced(row("A", codes), row("B", fewer))
    assert more["cc_score"] is not None
    assert more["cc_score"] >= less["cc_score"] >= 0
    assert more["dominant_code"] == less["dominant_code"] == primary


def test_there_is_a_score_to_lower() -> None:
    """A score of each of the listed codes: the property above is about something."""
    diagnoses = {f"diag_{n:02}": code for n, code in enumerate(SECONDARY, 2)}
    (record,) = priced(stay(**diagnoses))
    assert record["cc_score"] >= 5


def test_a_diagnosis_given_twice_counts_once() -> None:
    once, twice, primary = priced(
        stay(diag_02="I500"),
        stay(spell_id="B", diag_02="I500", diag_03="I500"),
        stay(spell_id="C", diag_02="I500", diag_03="J181"),  # the primary again
    )
    assert once["cc_score"] == twice["cc_score"] == primary["cc_score"] > 0


# ---------------------------------------------------------------- days


@settings(max_examples=30, deadline=None)
@given(case=cases(), over=st.integers(0, 40))
def test_a_day_more_never_lowers_the_price_past_the_trim_point(
    case: tuple[Row, dict[str, str]], over: int
) -> None:
    row, line = case
    elective = row["admission_method"] == "11"
    trim = line["elective_trim" if elective else "non_elective_trim"]
    # short stays end at a day: a trim point is at 5 at least
    days = int(trim or 5) + over
    shorter, longer = priced(after(row, days), after(row, days + 1))
    assert shorter["short_stay_pence"] in (0, None)
    if shorter["pre_mff_pence"] is None:
        assert longer["pre_mff_pence"] is None
        return
    step = longer["pre_mff_pence"] - shorter["pre_mff_pence"]
    if "rate_unknown" in reasons(longer) or "trim_unknown" in reasons(longer):
        assert step == 0
    else:
        assert step == (longer["per_day_pence"] or 0) >= 0


@settings(max_examples=30, deadline=None)
@given(case=cases())
def test_a_stay_of_the_trim_point_has_no_long_stay_payment(
    case: tuple[Row, dict[str, str]],
) -> None:
    row, line = case
    elective = row["admission_method"] == "11"
    trim = line["elective_trim" if elective else "non_elective_trim"]
    if not trim:
        return
    at, past = priced(after(row, int(trim)), after(row, int(trim) + 1))
    if at["base_pence"] is not None:
        assert (at["excess_days"], at["long_stay_pence"]) == (0, 0)
        assert past["excess_days"] == 1
        rate = int(Decimal(line["per_day"]) * 100) if line["per_day"] else None
        due = 0 if rate is None and at["base_pence"] == 0 else rate
        assert past["long_stay_pence"] == due


@settings(max_examples=30, deadline=None)
@given(
    case=cases(),
    days=st.integers(0, 60),
    off=st.integers(0, 70),
    kind=st.sampled_from(["critical_care_days", "rehabilitation_days", "palliative_care_days"]),
)
def test_days_in_critical_care_never_raise_the_core_price(
    case: tuple[Row, dict[str, str]], days: int, off: int, kind: str
) -> None:
    row, _ = case
    without, some, more = priced(
        after(row, days),
        after(row, days, **{kind: str(off)}),
        after(row, days, **{kind: str(off + 1)}),
    )
    if without["pre_mff_pence"] is not None and without["complete"] and more["complete"]:
        assert more["pre_mff_pence"] <= some["pre_mff_pence"] <= without["pre_mff_pence"]
    assert more["adjusted_days"] == max(days - off - 1, 0)


# ---------------------------------------------------------------- the factor


@settings(max_examples=30, deadline=None)
@given(case=cases(), days=st.integers(0, 60), mff=st.integers(800_000, 1_400_000))
def test_the_total_is_the_price_before_mff_times_the_factor(
    case: tuple[Row, dict[str, str]], days: int, mff: int
) -> None:
    row = after(case[0], days)
    (plain,) = priced(row, mff=factor("1"))
    assert plain["total_pence"] == plain["pre_mff_pence"]
    (times,) = priced(row, mff=factor(str(Decimal(mff) / 10**6)))
    assert times["pre_mff_pence"] == plain["pre_mff_pence"]
    if plain["pre_mff_pence"] is not None:
        # half up to the penny, once, at the end
        assert times["total_pence"] == (plain["pre_mff_pence"] * mff * 2 + 10**6) // (2 * 10**6)


@settings(max_examples=30, deadline=None)
@given(case=cases(), days=st.integers(0, 60))
def test_the_components_are_the_price_before_mff(
    case: tuple[Row, dict[str, str]], days: int
) -> None:
    (record,) = priced(after(case[0], days))
    if record["pre_mff_pence"] is not None:
        names = ("base", "short_stay", "long_stay", "top_up", "best_practice")
        assert record["pre_mff_pence"] == sum(record[f"{name}_pence"] or 0 for name in names)
        assert record["short_stay_pence"] <= 0
