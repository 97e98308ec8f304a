"""The fields of records, docs/signatures.md, a row of the tables at a time."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tariff.packs.model import Chapter, Code
from tariff.reference.factors import Factors
from tariff.reference.facts import chapter_of, common, minutes, month_end, trust_of
from tariff.reference.group import Grouping
from tariff.reference.price import PriceOptions, price_spell
from tariff.reference.record_tables import RecordTables
from tariff.reference.register_records import register_records
from tariff.reference.spell_records import spell_record
from tariff.reference.spells import assemble
from tariff.reference.world import Record
from tests.reference.tiny_packs import PRICING, TABLES, episode

MERGED = Factors(mergers={"RA1": ("RB1", date(2020, 4, 1)), "RB1": ("RC1", date(2022, 4, 1))})


def spell(*episodes: dict[str, Any], hrg: str = "AA01B", **options: Any) -> Record:
    """The record of one spell of the tiny packs."""
    tables = RecordTables([TABLES], PRICING, None, (), (), ())
    (one,) = assemble(episodes)
    asked = PriceOptions(**options)
    grouping = Grouping(grouping_flag="D", hrg=hrg)
    return spell_record(tables, one, grouping, price_spell(PRICING, one, hrg, asked), asked)


def shown(record: Record, *names: str) -> tuple[Any, ...]:
    return tuple(record[name] for name in names)


# ---------------------------------------------------------------- every kind


def test_chapter_by_the_first_three_characters() -> None:
    chapters = TABLES.codes.chapters
    assert chapter_of(chapters, "C500") == "II"
    assert chapter_of(chapters, "D489") == "II"
    assert chapter_of(chapters, "D500") is None
    assert chapter_of(chapters, None) is None
    assert chapter_of([Chapter(chapter="X", from_=Code("J00"), to=Code("J99"))], "J991") == "X"


def test_month_end() -> None:
    assert month_end("1970-01") == 30
    assert month_end("1970-12") == 364
    assert month_end("1972-02") == 365 + 365 + 31 + 28
    assert month_end(None) is None


@pytest.mark.parametrize(
    ("provider", "day", "trust"),
    [
        ("RA1", date(2020, 3, 31), "RA1"),
        ("RA1", date(2020, 4, 1), "RB1"),
        ("RA1AB", date(2022, 4, 1), "RC1"),
        ("RB100", date(2022, 3, 31), "RB1"),
        ("RA1", None, "RA1"),
        (None, date(2022, 4, 1), None),
    ],
)
def test_trust(provider: str | None, day: date | None, trust: str | None) -> None:
    assert trust_of(MERGED, provider, day) == trust


@pytest.mark.parametrize(
    ("kind", "record", "days", "times"),
    [
        ("emergency", {"arrival_date": 1, "arrival_time": 5}, (1, 1), (1_445, None)),
        (
            "emergency",
            {"arrival_date": 1, "departure_date": 2, "departure_time": 3},
            (1, 2),
            (None, 2_883),
        ),
        ("attendances", {"attendance_date": 1, "attendance_time": 5}, (1, 1), (1_445, 1_445)),
        ("lines", {"start_date": 4}, (4, 4), (None, None)),
        ("critical_care", {"start_date": 4, "end_date": 3}, (4, 3), (None, None)),
        ("spells", {"admission_date": 4}, (4, None), (None, None)),
    ],
)
def test_first_and_last_day(
    kind: str, record: dict[str, Any], days: tuple[Any, ...], times: tuple[Any, ...]
) -> None:
    found = common(kind, record, Factors())
    assert shown(found, "start_date", "end_date") == days
    assert shown(found, "start_at", "end_at") == times
    known = None not in times
    assert found["stay_minutes"] == (times[1] - times[0] if known else None)


def test_minutes() -> None:
    assert minutes(2, 61) == 2 * 1_440 + 61
    assert minutes(2, None) is None
    assert minutes(None, 61) is None


def test_a_register_keeps_its_own_columns() -> None:
    rows = [{"patient_id": "P", "code": "W", "kind": "drug", "valid_from": date(1970, 1, 3)}]
    (row,) = register_records("approvals", rows)
    assert shown(row, "kind", "start_date", "end_date", "approval_id") == ("drug", 2, None, None)
    found = register_records("deaths", [{"patient_id": "P", "death_date": date(1970, 1, 3)}] * 2)
    assert shown(found[1], "kind", "record_id", "start_date", "end_date") == ("deaths", "3", 2, 2)
    (met,) = register_records("evidence", [{"provider": "R1H", "record_id": "S7", "met": "Y"}])
    assert met["record_id"] == "S7"


# ---------------------------------------------------------------- spells


def test_the_record_of_a_spell() -> None:
    row = episode(
        "C500 A010",
        "A101",
        admission_date=date(1970, 1, 2),
        discharge_date=date(1970, 1, 5),
        billed_hrg="AA01A",
        billed_total=500,
        activity_month="1970-01",
    )
    found = spell(row, dict(row))
    expected: Record = {
        "kind": "spells",
        "admission_date": 1,
        "discharge_date": 4,
        "start_date": 1,
        "end_date": 4,
        "diag_02": "A010",
        "primary_diagnosis": "C500",
        "primary_procedure": "A101",
        "diagnosis_chapter": "II",
        "diagnosis_count": 2,
        "procedure_count": 1,
        "any_diagnosis": ("C500", "A010"),
        "secondary_diagnosis": ("A010",),
        "any_diagnosis_category": ("C50", "A01"),
        "secondary_procedure": (),
        "hrg": "AA01B",
        "hrg_root": "AA01",
        "priced_hrg": "AA01A",
        "priced_root": "AA01",
        "spell_days": 3,
        "billed": 500,
        "billed_total": 500,
        "activity_month_end": 30,
        "duplicate_rows": 1,
        "episodes": 1,
        "base": None,
        "error_category": None,
    }
    assert {name: found[name] for name in expected} == expected


def two(*spans: tuple[int, int], first: int = 1, last: int = 9, **values: Any) -> Record:
    """A spell of episodes from one day of a month to another."""
    return spell(
        *(
            episode(
                "C500",
                episode_order=order,
                episode_start_date=date(2022, 5, span[0]),
                episode_end_date=date(2022, 5, span[1]),
                admission_date=date(2022, 5, first),
                discharge_date=date(2022, 5, last),
                **values,
            )
            for order, span in enumerate(spans, 1)
        )
    )


@pytest.mark.parametrize(
    ("spans", "gap", "overlap", "outside"),
    [
        (((1, 3), (3, 9)), 0, 0, 0),
        (((1, 3), (5, 9)), 2, 0, 0),
        (((1, 5), (3, 9)), 0, 2, 0),
        (((1, 9), (3, 4)), 0, 1, 0),  # an overlap ends with the earlier of the two
        (((1, 3), (4, 5), (8, 9)), 3, 0, 0),
        (((1, 3), (3, 11)), 0, 0, 2),
        (((12, 14), (3, 9)), 0, 0, 5),
    ],
)
def test_how_episodes_stand(
    spans: tuple[tuple[int, int], ...], gap: int, overlap: int, outside: int
) -> None:
    found = two(*spans)
    names = ("episode_gap_days", "episode_overlap_days", "episode_outside_days")
    assert shown(found, *names) == (gap, overlap, outside)


def test_procedures_of_all_episodes() -> None:
    rows = [
        episode("C500", "A101 Z942", episode_order=1, oper_date_01=date(2022, 5, 4)),
        episode("C500", "B101 Z943", episode_order=2, oper_date_02=date(2022, 5, 2)),
    ]
    found = spell(*rows)
    days = (date(2022, 5, 2) - date(1970, 1, 1)).days, (date(2022, 5, 4) - date(1970, 1, 1)).days
    assert shown(found, "first_procedure_date", "last_procedure_date") == days
    assert found["laterality"] == "Z942"
    assert found["any_procedure"] == ("A101", "Z942", "B101", "Z943")
    assert found["secondary_procedure"] == ("Z942", "Z943")


def test_the_first_invalid_code_is_a_diagnosis_before_a_procedure() -> None:
    assert spell(episode("C500", "A101"))["invalid_code"] is None
    assert spell(episode("C500", "QQQ9"))["invalid_code"] == "QQQ9"
    rows = [episode("C500", "QQQ9", episode_order=1), episode("XX99", episode_order=2)]
    assert spell(*rows)["invalid_code"] == "XX99"
