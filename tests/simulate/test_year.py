"""The datasets of an artificial year agree with each other and with the field dictionary."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest

from tariff.errors import UsageError
from tariff.extract.fields import DATASETS, Field
from tariff.extract.fields import REGISTERS as LISTED
from tariff.extract.values import TEXT_TYPES, Reading, read_one
from tariff.simulate import extract, shipped, synthesise, synthesise_year
from tariff.simulate.frames import SCHEMAS
from tariff.simulate.output import as_text
from tariff.simulate.year import REGISTERS
from tests.simulate.years import EPISODES, SEED, Row, rows, spells, tables, tables_of, tally

DAY = timedelta(days=1)
FIRST, LAST = date(2022, 4, 1), date(2023, 3, 31)
NAMES = [*DATASETS, *REGISTERS]
SEEN = ("5", "6")


def field_of(name: str, column: str) -> Field:
    for field in {**DATASETS, **LISTED}[name]:
        if column == field.name:
            return field
        if field.repeats and column[:-2] == field.name[:-2] and column[-2:].isdigit():
            assert 1 <= int(column[-2:]) <= field.repeats
            return field
    raise AssertionError(f"{name}.{column} is not in the field dictionary")


@pytest.mark.parametrize("name", NAMES)
class TestFieldDictionary:
    def test_every_column_is_in_it_and_in_its_order(self, name: str) -> None:
        listed = [field.name for field in {**DATASETS, **LISTED}[name]]
        places = [listed.index(field_of(name, column).name) for column in SCHEMAS[name].names]
        if name != "episodes":
            assert places == sorted(places)

    def test_every_cell_can_be_read(self, name: str) -> None:
        table = tables()[name]
        for batch in table.to_batches():
            text = as_text(batch)
            for column in text.schema.names:
                field = field_of(name, column)
                for value in text[column].cast(pa.string()).unique().to_pylist():
                    if value is not None and field.type not in TEXT_TYPES:
                        read_one(value, field.type, Reading())
                    elif value is not None:
                        assert value == value.strip() != ""
                        assert not set(value) & set(',"\n')

    def test_keys_are_there(self, name: str) -> None:
        for field in {**DATASETS, **LISTED}[name]:
            if field.key:
                assert tables()[name][field.name].null_count == 0


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("attendances", "attendance_id"),
        ("emergency", "attendance_id"),
        ("critical_care", "period_id"),
        ("lines", "line_id"),
        ("approvals", "approval_id"),
        ("deaths", "patient_id"),
    ],
)
def test_identifiers_stand_once(name: str, key: str) -> None:
    found = [row[key] for row in rows(name)]
    assert len(set(found)) == len(found) > 0


def test_codes_are_valid() -> None:
    valid = shipped.valid_codes()
    for name in ("attendances", "emergency"):
        for row in rows(name):
            for column, code in row.items():
                if code is not None and column.startswith("diag_"):
                    assert valid.diagnosis(code)
                if code is not None and column.startswith("oper_"):
                    assert valid.procedure(code)
                    assert shipped.procedure_sex(code) in ("", row["sex"])


def test_everything_is_in_the_year() -> None:
    for name, column in (
        ("attendances", "attendance_date"),
        ("emergency", "arrival_date"),
        ("lines", "start_date"),
    ):
        days = [row[column] for row in rows(name) if not row.get("spell_id")]
        assert min(days) >= FIRST
        assert max(days) <= LAST


class TestAttendances:
    def test_nobody_is_in_a_clinic_and_in_hospital(self) -> None:
        stays: dict[str, list[tuple[date, date]]] = defaultdict(list)
        for spell in spells().values():
            first = spell[0]
            stays[first["patient_id"]].append((first["admission_date"], first["discharge_date"]))
        for row in rows("attendances"):
            for begin, end in stays[row["patient_id"]]:
                assert not begin <= row["attendance_date"] <= end

    def test_one_appointment_a_day(self) -> None:
        days = Counter((row["patient_id"], row["attendance_date"]) for row in rows("attendances"))
        assert max(days.values()) == 1

    def test_the_first_comes_first_and_once(self) -> None:
        series: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in rows("attendances"):
            key = row["patient_id"], row["provider"], row["treatment_function"]
            series[key].append(row)
        for found in series.values():
            found.sort(key=lambda row: row["attendance_date"])
            assert len({row["referral_source"] for row in found}) == 1
            assert len({row["referral_date"] for row in found}) == 1
            kept = [row for row in found if row["attended"] in SEEN]
            firsts = [row["first_attendance"] in "13" for row in kept]
            assert sum(firsts[1:]) == 0
            assert found[0]["referral_date"] < found[0]["attendance_date"]

    def test_nothing_is_new_soon_after_a_stay(self) -> None:
        left: dict[tuple[str, str, str], list[date]] = defaultdict(list)
        for spell in spells().values():
            one = spell[-1]
            key = one["patient_id"], one["provider"], one["treatment_function"]
            left[key].append(one["discharge_date"])
        for row in rows("attendances"):
            if row["first_attendance"] in "13":
                key = row["patient_id"], row["provider"], row["treatment_function"]
                for day in left[key]:
                    assert not day <= row["attendance_date"] <= day + 90 * DAY

    def test_clinics_are_on_weekdays(self) -> None:
        weekend = sum(row["attendance_date"].weekday() >= 5 for row in rows("attendances"))
        assert weekend < 0.02 * len(rows("attendances"))
        assert not any(row["attendance_date"].weekday() == 6 for row in rows("attendances"))

    def test_medium_and_first_attendance_agree(self) -> None:
        for row in rows("attendances"):
            assert (row["first_attendance"] in "34") == (row["consultation_medium"] != "01")

    def test_a_planned_stay_is_seen_before_and_after(self) -> None:
        clinics: dict[tuple[str, str], list[date]] = defaultdict(list)
        for row in rows("attendances"):
            clinics[row["patient_id"], row["treatment_function"]].append(row["attendance_date"])
        before = after = planned = 0
        for spell in spells().values():
            one = spell[0]
            if one["admission_method"] not in ("11", "12", "13"):
                continue
            if not FIRST + 130 * DAY <= one["admission_date"] <= LAST - 130 * DAY:
                continue
            planned += 1
            days = clinics[one["patient_id"], one["treatment_function"]]
            before += any(day < one["admission_date"] for day in days)
            after += any(day > one["discharge_date"] for day in days)
        assert before > 0.75 * planned
        assert after > 0.35 * planned

    def test_shares(self) -> None:
        found = rows("attendances")
        share = Counter(row["attended"] for row in found)
        assert 0.74 < (share["5"] + share["6"]) / len(found) < 0.81
        assert 0.04 < share["3"] / len(found) < 0.075
        kept = [row for row in found if row["attended"] in SEEN]
        assert 0.28 < sum(row["first_attendance"] in "13" for row in kept) / len(kept) < 0.37
        assert 4.9 < len(found) / EPISODES < 5.9
        assert 0.52 < sum(row["sex"] == "2" for row in found) / len(found) < 0.63


class TestEmergency:
    def test_each_emergency_admission_began_in_a_department(self) -> None:
        ended = {
            (row["patient_id"], row["provider"], row["departure_date"], row["departure_time"])
            for row in rows("emergency")
            if row["disposal"] == "01"
        }
        through = 0
        for spell in spells().values():
            one = spell[0]
            if one["admission_method"] == "21" and one["admission_date"] > FIRST:
                through += 1
                key = one["patient_id"], one["provider"], one["admission_date"]
                assert (*key, one["admission_time"]) in ended
        assert through > 1000
        assert len(ended) >= through

    def test_moved_patients_come_from_another_provider(self) -> None:
        moved = {
            row["patient_id"]: row["provider"]
            for row in rows("emergency")
            if row["disposal"] == "07"
        }
        for spell in spells().values():
            one = spell[0]
            if one["admission_method"] == "2A" and one["admission_date"] > FIRST + DAY:
                assert one["patient_id"] in moved

    def test_times_go_forward(self) -> None:
        for row in rows("emergency"):
            arrival = datetime.combine(row["arrival_date"], row["arrival_time"])
            departure = datetime.combine(row["departure_date"], row["departure_time"])
            assert timedelta(minutes=5) < departure - arrival < timedelta(days=1)

    def test_a_department_has_one_type(self) -> None:
        types: dict[str, set[str]] = defaultdict(set)
        for row in rows("emergency"):
            types[row["site"]].add(row["department_type"])
        assert all(len(found) == 1 for found in types.values())

    def test_attendances_of_one_person_are_apart(self) -> None:
        days: dict[str, list[date]] = defaultdict(list)
        for row in rows("emergency"):
            if row["disposal"] not in ("01", "07"):
                days[row["patient_id"]].append(row["arrival_date"])
        for found in days.values():
            found.sort()
            assert all(b - a >= 6 * DAY for a, b in pairwise(found))

    def test_who_left_has_had_nothing_done(self) -> None:
        for row in rows("emergency"):
            if row["disposal"] == "12":
                assert row["billed_hrg"] == "VB11Z"
                assert row["treatment_01"] is None

    def test_shares(self) -> None:
        found = rows("emergency")
        types = Counter(row["department_type"] for row in found)
        assert 0.70 < types["01"] / len(found) < 0.85
        assert 0.9 < len(found) / EPISODES < 1.3
        hours = Counter(row["arrival_time"].hour for row in found)
        assert sum(hours[hour] for hour in range(9, 21)) > 0.6 * len(found)


class TestCriticalCare:
    def test_periods_lie_in_the_stay_and_have_its_days(self) -> None:
        days: Counter[str] = Counter()
        for row in rows("critical_care"):
            spell = spells()[row["spell_id"]]
            assert row["patient_id"] == spell[0]["patient_id"]
            assert spell[0]["admission_date"] <= row["start_date"] <= row["end_date"]
            assert row["end_date"] <= spell[0]["discharge_date"]
            begin = datetime.combine(row["start_date"], row["start_time"])
            assert begin < datetime.combine(row["end_date"], row["end_time"])
            admitted = datetime.combine(spell[0]["admission_date"], spell[0]["admission_time"])
            assert begin > admitted
            length = (row["end_date"] - row["start_date"]).days + 1
            assert row["level_2_days"] + row["level_3_days"] == length
            organs = [value for name, value in row.items() if _is_organ(name)]
            assert all(0 <= value <= length for value in organs)
            assert row["advanced_respiratory_days"] <= row["level_3_days"]
            assert row["organ_support_maximum"] <= sum(value > 0 for value in organs)
            days[row["spell_id"]] += length
        recorded = {
            number: sum(row["critical_care_days"] for row in spell)
            for number, spell in spells().items()
        }
        assert days == {number: count for number, count in recorded.items() if count}


def test_periods_are_the_days_that_episodes_count() -> None:
    """Kind by kind as many days, each inside an episode that counts it, no day twice."""
    counted: Counter[tuple[str, str]] = Counter()
    for number, spell in spells().items():
        for row in spell:
            for kind in ("critical_care", "rehabilitation", "palliative_care"):
                if row[f"{kind}_days"]:
                    counted[number, kind] += row[f"{kind}_days"]
    days: Counter[tuple[str, str]] = Counter()
    taken: set[tuple[str, date]] = set()
    for row in rows("periods"):
        first, last = row["start_date"], row["end_date"]
        length = (last - first).days + 1
        assert any(
            one["provider"] == row["provider"]
            and one[f"{row['kind']}_days"] == length
            and one["episode_start_date"] <= first <= last <= one["episode_end_date"]
            for one in spells()[row["spell_id"]]
        )
        dated = {(row["spell_id"], first + n * DAY) for n in range(length)}
        assert not taken & dated
        taken |= dated
        days[row["spell_id"], row["kind"]] += length
    assert days == counted
    assert {kind for _, kind in days} == {"critical_care", "rehabilitation", "palliative_care"}


def _is_organ(name: str) -> bool:
    return name.endswith("_days") and not name.startswith("level_")


class TestLines:
    def test_what_a_line_belongs_to_is_there(self) -> None:
        attendances = {row["attendance_id"]: row for row in rows("attendances")}
        for line in rows("lines"):
            if line["spell_id"]:
                spell = spells()[line["spell_id"]]
                assert spell[0]["patient_id"] == line["patient_id"]
                assert spell[0]["provider"] == line["provider"]
                assert line["activity_month"] == f"{spell[0]['discharge_date']:%Y-%m}"
            if line["attendance_id"]:
                row = attendances[line["attendance_id"]]
                assert row["patient_id"] == line["patient_id"]
                assert row["attendance_date"] == line["start_date"]
                assert row["attended"] in SEEN

    def test_drugs_rest_on_an_approval(self) -> None:
        approvals = {row["approval_id"]: row for row in rows("approvals")}
        drugs = [line for line in rows("lines") if line["point_of_delivery"] == "DRUG"]
        assert len(drugs) > 100
        for line in drugs:
            approval = approvals[line["approval_id"]]
            assert approval["kind"] == "drug"
            for name, other in (
                ("patient_id", "patient_id"),
                ("provider", "provider"),
                ("commissioner", "commissioner"),
                ("tariff_code", "code"),
            ):
                assert line[name] == approval[other]
            assert approval["valid_from"] <= line["start_date"] <= approval["valid_to"]

    def test_critical_care_is_billed_by_the_day(self) -> None:
        care = [line for line in rows("lines") if line["tariff_code"].startswith(("XC", "XB"))]
        periods = {
            (row["spell_id"], row["start_date"]): row["level_2_days"] + row["level_3_days"]
            for row in rows("critical_care")
        }
        assert {
            (line["spell_id"], line["start_date"]): line["quantity"] for line in care
        } == periods

    def test_nothing_that_is_passed_through_has_a_factor(self) -> None:
        for line in rows("lines"):
            if line["point_of_delivery"] != "UNBRAD":
                assert line["billed_mff"] == 1
                assert line["billed_total"] == line["billed_price"]
            if line["point_of_delivery"] != "ADJUSTMENT":
                assert line["billed_price"] == line["quantity"] * line["unit_price"]

    def test_scans_are_beside_attendances_only(self) -> None:
        by_id = {row["attendance_id"]: row for row in rows("attendances")}
        for line in rows("lines"):
            if line["point_of_delivery"] == "UNBRAD":
                assert by_id[line["attendance_id"]]["billed_point_of_delivery"][:6] != "OPPROC"

    def test_no_line_is_there_twice(self) -> None:
        keys = Counter(
            (line["patient_id"], line["tariff_code"], line["start_date"]) for line in rows("lines")
        )
        assert max(keys.values()) == 1

    def test_there_are_adjustments(self) -> None:
        found = [line for line in rows("lines") if line["point_of_delivery"] == "ADJUSTMENT"]
        assert len(found) == 2
        assert all(line["quantity"] == 0 and line["patient_id"] is None for line in found)


def activity() -> list[tuple[str, str, str, date]]:
    """Everything that happens to anybody: patient, practice, commissioner, day it begins."""
    found = []
    for name, column in (
        ("episodes", "admission_date"),
        ("attendances", "attendance_date"),
        ("emergency", "arrival_date"),
        ("lines", "start_date"),
    ):
        found += [
            (row["patient_id"], row["gp_practice"], row["commissioner"], row[column])
            for row in rows(name)
            if row["patient_id"]
        ]
    return found


class TestRegisters:
    def test_everybody_is_registered_where_the_record_says(self) -> None:
        lists: dict[str, list[Row]] = defaultdict(list)
        for row in rows("registrations"):
            lists[row["patient_id"]].append(row)
        for found in lists.values():
            found.sort(key=lambda row: row["valid_from"])
            for one, other in pairwise(found):
                assert one["valid_to"] is not None and one["valid_to"] < other["valid_from"]
        for patient, practice, commissioner, day in activity():
            there = [
                row
                for row in lists[patient]
                if row["valid_from"] <= day and (row["valid_to"] is None or day <= row["valid_to"])
            ]
            assert len(there) == 1
            assert (there[0]["gp_practice"], there[0]["commissioner"]) == (practice, commissioner)
        assert sum(len(found) > 1 for found in lists.values()) > 0.01 * len(lists)

    def test_nothing_begins_after_death(self) -> None:
        died = {row["patient_id"]: row["death_date"] for row in rows("deaths")}
        for patient, _, _, day in activity():
            assert patient not in died or day <= died[patient]

    def test_deaths_in_hospital_are_registered(self) -> None:
        died = {row["patient_id"]: row["death_date"] for row in rows("deaths")}
        in_hospital = 0
        for spell in spells().values():
            one = spell[0]
            if one["discharge_method"] == "4":
                assert died[one["patient_id"]] == one["discharge_date"]
                in_hospital += 1
        for row in rows("emergency"):
            if row["disposal"] == "10":
                assert died[row["patient_id"]] == row["departure_date"]
        assert len(died) > in_hospital > 20

    def test_registrations_end_with_death(self) -> None:
        died = {row["patient_id"]: row["death_date"] for row in rows("deaths")}
        for row in rows("registrations"):
            if row["patient_id"] in died:
                assert row["valid_to"] is not None
                assert row["valid_to"] <= died[row["patient_id"]]

    def test_restricted_procedures_are_approved(self) -> None:
        prefixes = tuple(row["prefix"] for row in shipped.table("restricted_procedures"))
        approved: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rows("approvals"):
            if row["kind"] == "procedure":
                approved[row["patient_id"], row["provider"]].append(row)
        count = 0
        for spell in spells().values():
            for row in spell:
                codes = [row[f"oper_{i:02d}"] for i in range(1, 13)]
                found = [code for code in codes if code and code.startswith(prefixes)]
                if found:
                    count += 1
                    assert any(
                        one["code"] in found
                        and one["valid_from"] <= row["admission_date"] <= one["valid_to"]
                        for one in approved[row["patient_id"], row["provider"]]
                    )
        assert count > 20


class TestBills:
    def price_list(self, name: str) -> list[Row]:
        return list(shipped.read_csv(shipped.pack_file("tariff/ntps-2022-23", f"{name}.csv")))

    def test_totals_are_price_times_factor(self) -> None:
        for name in ("attendances", "emergency", "lines"):
            for row in rows(name):
                if row["billed_total"] is not None:
                    exact = row["billed_price"] * row["billed_mff"]
                    assert abs(row["billed_total"] - exact) <= pa_half()
                    assert row["statement"] == "freeze"

    def test_attendances_have_the_national_price(self) -> None:
        listed = {row["treatment_function"]: row for row in self.price_list("attendances")}
        factors = self.factors()
        checked = 0
        for row in rows("attendances"):
            pod = row["billed_point_of_delivery"]
            if row["attended"] not in SEEN:
                assert pod is None and row["billed_total"] is None and row["billed_hrg"] is None
            elif pod in ("OPFASPCL", "OPFUPSPCL", "OPFAMPCL", "OPFUPMPCL"):
                prices = listed.get(row["treatment_function"])
                if prices is None or row["treatment_function"] in ("501", "560"):
                    assert row["billed_mff"] == 1
                    continue
                column = "first" if row["first_attendance"] == "1" else "follow_up"
                column += "_multi" if "MP" in pod else "_single"
                if not prices[column]:
                    continue
                assert row["billed_price"] == int(prices[column])
                assert row["billed_mff"] == factors[row["provider"]]
                assert row["main_specialty"] not in ("950", "960")
                checked += 1
            elif pod == "OPFUPPREOP":
                assert row["billed_total"] == 0
        assert checked > 3000

    def test_procedures_have_their_outpatient_price(self) -> None:
        listed = {row["hrg"]: row for row in self.price_list("prices")}
        found = [
            row
            for row in rows("attendances")
            if (row["billed_point_of_delivery"] or "").startswith("OPPROC")
        ]
        assert len(found) > 300
        for row in found:
            assert row["oper_01"] is not None
            assert row["billed_price"] == int(listed[row["billed_hrg"]]["outpatient_procedure"])

    def test_emergency_prices_are_by_hrg_and_department(self) -> None:
        listed = {row["hrg"]: row for row in self.price_list("emergency")}
        factors = self.factors()
        for row in rows("emergency"):
            if row["department_type"] == "04":
                assert row["billed_mff"] == 1
                continue
            column = "type_3" if row["department_type"] == "03" else "type_1_and_2"
            assert row["billed_price"] == int(listed[row["billed_hrg"]][column])
            assert row["billed_mff"] == factors[row["provider"]]

    def factors(self) -> dict[str, Any]:
        from decimal import Decimal

        return {
            row["provider"]: Decimal(row["mff"])
            for row in shipped.read_csv(shipped.pack_file("mff/mff-england/factors.csv"))
            if row["year"] == "2022/23"
        }

    @pytest.mark.parametrize("year", ["2017/18", "2018/19"])
    def test_other_years_are_billed_too(self, year: str) -> None:
        made = tables_of(year=year, episodes=300)
        assert made["attendances"]["billed_total"].null_count < made["attendances"].num_rows
        assert made["emergency"]["billed_total"].null_count == 0


def pa_half() -> Any:
    from decimal import Decimal

    return Decimal("0.005")


class TestMaking:
    def test_the_admitted_rows_do_not_depend_on_the_rest(self) -> None:
        alone = pa.Table.from_batches(list(synthesise(600, SEED)))
        assert tables_of()["episodes"].to_pylist() == alone.to_pylist()

    def test_the_same_seed_gives_the_same_rows(self) -> None:
        one, other = tables_of(month="2022-10"), tables_of(month="2022-10")
        assert one.keys() == other.keys() == {*DATASETS, *REGISTERS}
        assert all(one[name].equals(other[name]) for name in one)

    def test_another_seed_gives_other_rows(self) -> None:
        assert not tables_of()["attendances"].equals(tables_of(seed=12)["attendances"])

    def test_chunks_share_no_numbers_and_stay_small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extract, "CHUNK_PATIENTS", 300)
        seen: dict[str, set[str]] = defaultdict(set)
        keys = {"attendances": "attendance_id", "emergency": "attendance_id", "lines": "line_id"}
        keys |= {"registrations": "patient_id", "approvals": "approval_id"}
        chunks = 0
        for chunk in synthesise_year(3000, SEED):
            chunks += 1
            for name, key in keys.items():
                found = set(chunk[name][key].to_pylist())
                assert not seen[name] & found
                seen[name] |= found
                assert chunk[name].num_rows < 6000
        assert chunks > 4

    def test_a_month_is_that_month(self) -> None:
        made = tables_of(month="2022-09", episodes=400)
        for name, column in (("attendances", "attendance_date"), ("emergency", "arrival_date")):
            days = made[name][column].to_pylist()
            assert {(day.year, day.month) for day in days} == {(2022, 9)}
        assert 4.5 < made["attendances"].num_rows / 400 < 6.3

    def test_without_billing_nothing_is_billed(self) -> None:
        made = tables_of(billed=False, year="2019/20", datasets=("attendances", "lines"))
        assert set(made) == {"attendances", "lines"}
        for table in made.values():
            assert table["billed_total"].null_count == table.num_rows

    def test_the_tally_counts_what_was_made(self) -> None:
        made = tables_of()
        assert dict(tally().rows) == {name: table.num_rows for name, table in made.items()}
        assert tally().pence["emergency"] > 0

    def test_an_unknown_dataset_is_named(self) -> None:
        with pytest.raises(UsageError, match="letters"):
            list(synthesise_year(10, 1, datasets=("episodes", "letters")))
