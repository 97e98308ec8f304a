"""Every worked exclusion of admitted care, by the command."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.e2e.command import Row, ran, read_rows, tariff, write_rows
from tests.e2e.test_sample import table

pytestmark = pytest.mark.reference_data

HRG = {"2016/17": "AA02A", "2017/18": "EB03A", "2022/23": "AA22F"}  # of a price, not of an area
FIELDS = {
    "treatment function": "treatment_function",
    "administrative category": "administrative_category",
    "commissioning serial number": "commissioning_serial_number",
}
DAYS = {"EX21": "critical_care_days", "EX22": "rehabilitation_days", "EX23": "palliative_care_days"}
LISTED = {
    "EX43": {"diag_01": "G409", "oper_01": "A111"},
    "EX45": {"diag_01": "I10X", "diag_02": "C490", "oper_01": "T963"},
}  # procedures that the mark excludes
PRICED, EXCLUDED, LOCAL, NOT_LISTED, NO_SETTING = (
    "", "excluded", "no_national_price", "hrg_not_in_tariff", "no_point_of_delivery",
)  # fmt: skip


def cases(vector: Row) -> Iterator[tuple[dict[str, str], str]]:
    """The spells that a vector speaks of, and why each has no price (blank: it has one)."""
    name, value, expected = vector["id"], vector["value"], vector["expected"]
    if name in LISTED:
        yield LISTED[name], PRICED
        yield {**LISTED[name], "commissioning_serial_number": "X1="}, EXCLUDED
    elif vector["field"] == "commissioning serial number":
        yield {FIELDS[vector["field"]]: "=X1"}, EXCLUDED
        yield {FIELDS[vector["field"]]: "X1="}, EXCLUDED
    elif vector["field"] in FIELDS:
        yield {FIELDS[vector["field"]]: value}, EXCLUDED if expected == "excluded" else PRICED
    elif vector["field"] == "patient classification":
        setting = {"admission_method": "11", "patient_classification": value}
        yield setting, NO_SETTING if value == "8" else LOCAL
    elif vector["level"].startswith("unbundled"):
        yield {DAYS[name]: "2"} if name in DAYS else {}, PRICED
    else:
        hrg = "WD01Z" if value.startswith("WD") else value
        local = LOCAL if "local" in expected else NOT_LISTED
        yield {"billed_hrg": hrg}, PRICED if expected == "price 0" else local


def spell(vector: Row, given: dict[str, str], name: str) -> dict[str, object]:
    admitted = date(int(vector["year"][:4]), 5, 1)
    return {
        "provider": "R0X",
        "spell_id": name,
        "episode_order": 1,
        "age": 40,
        "patient_classification": "1",
        "admission_method": "21",
        "admission_date": admitted,
        "discharge_date": admitted + timedelta(days=5),
        "diag_01": "",
        "diag_02": "",
        "oper_01": "",
        "treatment_function": "300",
        "administrative_category": "01",
        "commissioning_serial_number": "",
        "critical_care_days": "",
        "rehabilitation_days": "",
        "palliative_care_days": "",
        "billed_hrg": HRG[vector["year"]],
        **given,
    }


def test_every_worked_exclusion_of_admitted_care(reference_data: Path, tmp_path: Path) -> None:
    listed = read_rows(reference_data / "pricing-vectors" / "exclusion_vectors.csv")
    used = [vector for vector in listed if vector["dataset"].startswith("APC")]
    assert len(used) == 33
    expected, rows = {}, []
    for vector in used:
        for place, (given, reason) in enumerate(cases(vector)):
            name = f"{vector['id']}-{place}"
            rows.append(spell(vector, given, name))
            expected[name] = (reason, vector["expected"] == "price 0")
    source = write_rows(tmp_path / "spells.csv", rows)
    ran(tariff("price", source, "-o", tmp_path / "out", "--mff", "1"))
    for row in table(tmp_path / "out", "spells"):
        reason, nothing = expected.pop(row["spell_id"])
        assert (row["price_reasons"] or "") == reason, row["spell_id"]
        assert row["exclusion"] == (2 if reason == EXCLUDED else 0), row["spell_id"]
        assert (row["total_pence"] is None) == bool(reason), row["spell_id"]
        assert (row["total_pence"] == 0) == nothing, row["spell_id"]
    assert not expected
