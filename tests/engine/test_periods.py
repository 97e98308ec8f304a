"""Dated periods: which days they take off a stay, and what is said of those that cannot count."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tariff.engine.deductions import KINDS, Deductions, covered_days
from tariff.engine.periods import Periods, periods_of, read_periods
from tariff.engine.pipeline import read_frame
from tariff.engine.spells import Spells
from tariff.errors import DataError, TariffError
from tariff.extract import from_arrow
from tests.engine.extracts import Row, extract_of, run, stay, table_of

CC, REHAB, PALL = KINDS


def spells_of(*rows: Row) -> Spells:
    extract = extract_of(rows)
    return Spells(read_frame(extract.batches(), extract.fields))


def of(kind: str, start: str, end: str, spell: str = "A", provider: str = "R1H") -> Row:
    """A period of May 2022, by days of the month; a whole date is itself."""
    days = {
        name: value if "-" in value or not value else f"2022-05-{value}"
        for name, value in (("start_date", start), ("end_date", end))
    }
    return {"provider": provider, "spell_id": spell, "kind": kind, **days}


def read(*rows: Row) -> Periods:
    return periods_of([("periods.csv", from_arrow(table_of(rows), 1.0, dataset="periods"))])


def month(**values: str) -> Row:
    """A stay of the whole of May, with counts of days that periods may replace."""
    dates = {"admission_date": "2022-05-01", "discharge_date": "2022-05-31"}
    return stay(**dates, **values)


def days(periods: list[Row], **counts: str) -> int:
    return int(Deductions(spells_of(month(**counts)), read(*periods)).days[0])


# ---------------------------------------------------------------- one spell


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        ([of(CC, "03", "03")], 1),  # one day is a day
        ([of(CC, "03", "05")], 3),  # first and last are in
        ([of(CC, "03", "05"), of(CC, "05", "06")], 4),  # a day that two share
        ([of(CC, "03", "05"), of(CC, "06", "07")], 5),  # next to each other
        ([of(CC, "03", "05"), of(CC, "03", "05")], 3),  # twice the same
        ([of(CC, "03", "20"), of(CC, "05", "06"), of(CC, "10", "22")], 20),  # inside another
        ([of(CC, "03", "05"), of(REHAB, "04", "10")], 8),  # kinds overlap
        ([of(CC, "03", "05"), of(REHAB, "08", "09"), of(PALL, "30", "31")], 7),
        ([of(CC, "2022-04-20", "02")], 2),  # cut to the admission
        ([of(CC, "30", "2022-06-20")], 2),  # and to the discharge
        ([of(CC, "2022-04-01", "2022-07-01")], 31),
        ([of(CC, "2022-06-01", "2022-06-05")], 0),  # none of it in the stay
    ],
)
def test_periods_count_calendar_days_once(periods: list[Row], expected: int) -> None:
    assert days(periods) == expected


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        ([], 4 + 5 + 6),
        ([of(CC, "03", "04")], 2 + 5 + 6),  # the count of that kind is replaced
        ([of(CC, "03", "04"), of(REHAB, "04", "05")], 3 + 6),
        ([of(CC, "03", "03"), of(REHAB, "03", "03"), of(PALL, "03", "03")], 1),
        ([of(PALL, "2022-06-01", "2022-06-05")], 4 + 5 + 0),  # it has periods, none in the stay
    ],
)
def test_a_kind_without_periods_keeps_its_count(periods: list[Row], expected: int) -> None:
    counts = {f"{CC}_days": "4", f"{REHAB}_days": "5", f"{PALL}_days": "6"}
    given_ = [*periods, of(CC, "01", "31", spell="another")]
    assert days(given_, **counts) == expected


def test_days_of_each_kind_are_kept_beside_their_union() -> None:
    row = month(**{f"{PALL}_days": "6"})
    found = Deductions(spells_of(row), read(of(CC, "03", "05"), of(REHAB, "04", "10")))
    assert found.by_kind[:, 0].tolist() == [3, 7, 6]
    assert found.days.tolist() == [8 + 6]


def test_without_the_dates_of_the_spell_a_period_is_not_cut() -> None:
    undated = stay(admission_date="", discharge_date="")
    found = Deductions(spells_of(undated), read(of(CC, "2022-04-20", "2022-06-02")))
    assert found.days.tolist() == [11 + 31 + 2]


def test_without_periods_the_counts_of_the_episodes_are_added() -> None:
    rows = [month(episode_order=str(n), critical_care_days="2") for n in (1, 2)]
    assert Deductions(spells_of(*rows)).days.tolist() == [4]


# ---------------------------------------------------------------- several spells


def test_periods_belong_to_provider_and_spell_number() -> None:
    keys = [("R1H", "A"), ("R1H", "B"), ("RAN", "A")]
    spells = spells_of(*(month(provider=p, spell_id=s) for p, s in keys))
    periods = read(
        of(CC, "01", "01", "A", "R1H"),
        of(CC, "01", "02", "B", "R1H"),
        of(CC, "01", "04", "A", "RAN"),
        of(CC, "01", "08", "B", "RAN"),
        of(CC, "01", "16", "C", "R1H"),
        of(CC, "01", "31", "A", "RXX"),
    )
    found = Deductions(spells, periods)
    assert found.days.tolist() == [1, 2, 4]
    assert found.notices == ["dated periods of no spell of the extract are left out: 3"]


def test_a_provider_written_in_full_on_either_side_is_the_same() -> None:
    spells = spells_of(month(provider="RJ8"), month(provider="RX100"), month(provider="RX1"))
    found = Deductions(
        spells,
        read(
            of(CC, "01", "01", provider="RJ800"),
            of(CC, "01", "02", provider="RX100"),  # its own code goes first
            of(CC, "01", "04", provider="RX1"),
            of(CC, "01", "08", provider="RJ801"),  # a site
        ),
    )
    assert found.days.tolist() == [1, 4, 2]  # by provider: RJ8, RX1, RX100
    assert found.notices == ["dated periods of no spell of the extract are left out: 1"]


def test_counts_below_0_count_as_0_and_days_beyond_the_stay_are_said() -> None:
    rows = [
        month(spell_id="A", critical_care_days="-3", rehabilitation_days="2"),
        month(spell_id="B", critical_care_days="31"),  # 30 days from 1 to 31 May
        month(spell_id="C", palliative_care_days="30"),
    ]
    spells = spells_of(*rows)
    found = Deductions(spells)
    found.note_longer(spells.spell_days())
    assert found.days.tolist() == [2, 31, 30]
    assert [notice.rpartition(": ")[2] for notice in found.notices] == ["1.", "1."]
    assert "below 0, which counts as 0" in found.notices[0]
    assert "priced as a stay of 0 days" in found.notices[1]
    told = run(*rows, rules=False).manifest["notices"]
    assert [notice for notice in told if notice in found.notices] == found.notices


def test_merged_spells_share_a_day() -> None:
    """A transfer on the 10th: that day is the last of one stay and the first of the other."""
    dates = [("2022-05-01", "2022-05-10"), ("2022-05-10", "2022-05-20"), ("2022-06-01",) * 2]
    spells = spells_of(
        *(
            stay(spell_id=name, admission_date=first, discharge_date=last, rehabilitation_days="1")
            for name, (first, last) in zip("ABC", dates, strict=True)
        )
    )
    found = Deductions(spells, read(of(CC, "08", "10", "A"), of(CC, "10", "12", "B")))
    assert found.days.tolist() == [3 + 1, 3 + 1, 1]
    assert found.of_chains([(0, 1), (1, 2), (0,), (1, 0, 2)]).tolist() == [7, 5, 4, 8]
    without = Deductions(spells)
    assert without.of_chains([(0, 1, 2), (2,)]).tolist() == [3, 1]


PERIOD = st.tuples(st.integers(0, 3), st.integers(-5, 40), st.integers(0, 12))


@given(st.lists(PERIOD, max_size=40))
def test_covered_days_are_the_size_of_the_set_of_days(periods: list[tuple[int, int, int]]) -> None:
    columns = [np.array([p[i] for p in periods], np.int64) for i in range(3)]
    owner, start, length = columns
    sets: list[set[int]] = [set() for _ in range(4)]
    for of_, first, more in periods:
        sets[of_] |= set(range(first, first + more + 1))
    assert covered_days(owner, start, start + length, 4).tolist() == [len(s) for s in sets]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(KINDS), PERIOD), max_size=25), st.integers(0, 30))
def test_a_stay_loses_each_of_its_days_once(
    periods: list[tuple[str, tuple[int, int, int]]], stay_days: int
) -> None:
    admitted = date(2022, 5, 1)
    names = "ABCD"
    rows = [
        month(spell_id=name)
        | {"discharge_date": str(admitted + timedelta(days=stay_days)), "rehabilitation_days": "3"}
        for name in names
    ]
    inside = {admitted + timedelta(days=n) for n in range(stay_days + 1)}
    lost: list[set[date]] = [set() for _ in names]
    counted = [3] * len(names)
    given_ = [of(CC, "01", "02", "no spell of these")]
    for kind, (spell, first, more) in periods:
        covered = [admitted + timedelta(days=first + n) for n in range(more + 1)]
        given_.append(of(kind, str(covered[0]), str(covered[-1]), names[spell]))
        lost[spell] |= set(covered) & inside
        counted[spell] *= kind != REHAB
    found = Deductions(spells_of(*rows), read(*given_))
    expected = [len(days_) + count for days_, count in zip(lost, counted, strict=True)]
    assert found.days.tolist() == expected
    assert found.of_chains([(s,) for s in range(4)]).tolist() == expected


# ---------------------------------------------------------------- what cannot count


def test_what_cannot_be_used_is_counted_and_said() -> None:
    found = read(
        of(CC, "05", "03"),
        of(CC, "03", "05"),
        of(REHAB, "09", "08"),
        of("theatre", "01", "02"),
        of("Critical Care", "07", "08"),
        of(CC, "01", ""),
    )
    assert len(found) == 2
    assert found.notices == [
        "periods.csv: dated periods of a kind that is none of critical_care, rehabilitation, "
        "palliative_care are left out: 1 (first in line 4)",
        "periods.csv: dated periods that end before they begin are left out: 2 (first in line 1)",
        "periods.csv: kinds of periods that are none: 'theatre'",
        "periods.csv: dated periods that cannot be read are left out: 1",
    ]


HEADER = "provider,spell_id,kind,start_date,end_date\n"
CARE = "provider,period_id,spell_id,start_date,end_date,unit_function,level_2_days\n"


def test_files_of_both_datasets_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "periods.csv").write_text(
        HEADER + "R1H,A,rehabilitation,2022-05-10,2022-05-12\n", encoding="utf-8"
    )
    (tmp_path / "units.csv").write_text(
        CARE
        + "R1H,1,A,2022-05-02,2022-05-03,1,2\n"
        + "R1H,2,A,2022-05-12,2022-05-14,1,2\n"
        + "R1H,3,,2022-05-12,2022-05-14,1,2\n"
        + "R1H,4,A,2022-05-12,,1,2\n",
        encoding="utf-8",
    )
    found = read_periods([tmp_path / "periods.csv", tmp_path / "units.csv"])
    assert [item.rows for item in found.inputs] == [1, 4]
    assert sorted(notice.partition("units.csv: ")[2] for notice in found.notices) == [
        "dated periods without a first or a last day are left out: 1 (first in line 5)",
        "dated periods without a provider or a spell number are left out: 1 (first in line 4)",
    ]
    assert Deductions(spells_of(month()), found).days.tolist() == [2 + 5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("provider,period_id,start_date,end_date,level_2_days\nR1H,1,2022-05-02,2022-05-03,2\n",
         "has no spell_id, without which its periods come off no spell"),
        ("provider,period_id,spell_id,level_2_days\nR1H,1,A,2\n",
         "has no start_date and no end_date"),
        ("provider,spell_id,episode_order\nR1H,A,1\n",
         "its columns are not those of dated periods"),
        ("a,b\n1,2\n", "its columns are not those of dated periods"),
        (HEADER + "R1H,A,rehabilitation,soon,later\n", "start_date: not a date (YYYY-MM-DD"),
        (HEADER, "there are no rows below the header"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_periods_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "periods.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TariffError) as error:
        read_periods([path])
    assert message in error.value.message and str(error.value).count("periods.csv")
    assert error.value.exit_code == DataError.exit_code
