"""An artificial extract is honest: coherent people, no overlapping stays, nothing planted."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest

from tariff.simulate import Tally, shipped, synthesise
from tariff.simulate.columns import BILLED, COLUMNS, SCHEMA

Row = dict[str, Any]
EPISODES = 20_000


def rows_of(**order: Any) -> list[Row]:
    return pa.Table.from_batches(list(synthesise(**order))).to_pylist()


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return rows_of(episodes=EPISODES, seed=11, billed=False)


@pytest.fixture(scope="module")
def spells(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["spell_id"]].append(row)
    return dict(found)


def codes(row: Row, family: str) -> list[str]:
    return [row[name] for name in COLUMNS if name.startswith(family) and row[name] is not None]


def test_it_has_exactly_the_episodes_ordered(rows: list[Row]) -> None:
    assert len(rows) == EPISODES


@pytest.mark.parametrize("episodes", [1, 7, 1000])
def test_small_orders_are_exact_too(episodes: int) -> None:
    assert len(rows_of(episodes=episodes, seed=5, billed=False)) == episodes


def test_the_columns_are_canonical(rows: list[Row]) -> None:
    from tariff.extract.fields import EPISODES as FIELDS

    families = {field.name[:-2] for field in FIELDS if field.repeats}
    names = {field.name for field in FIELDS}
    for column in rows[0]:
        assert column in names or column[:-2] in families, column


class TestPeople:
    def test_a_person_stays_the_same(self, rows: list[Row]) -> None:
        of: dict[str, set[Any]] = defaultdict(set)
        for row in rows:
            of[row["patient_id"]].add((row["sex"], row["gp_practice"], row["commissioner"]))
        assert all(len(seen) == 1 for seen in of.values())

    def test_nobody_grows_younger_or_ages_two_years(self, rows: list[Row]) -> None:
        ages: dict[str, list[tuple[date, int]]] = defaultdict(list)
        for row in rows:
            ages[row["patient_id"]].append((row["episode_start_date"], row["age"]))
        for seen in ages.values():
            years = [age for _, age in sorted(seen)]
            assert years == sorted(years)
            assert years[-1] - years[0] <= 1

    def test_identifiers_cannot_be_taken_for_real_ones(self, rows: list[Row]) -> None:
        from tariff.extract.nhs_number import is_nhs_number

        for row in rows:
            assert row["patient_id"][0] == "A" and len(row["patient_id"]) == 10
            assert not is_nhs_number(row["patient_id"])
            assert not is_nhs_number(row["spell_id"])
            assert row["gp_practice"][0] == "X"

    def test_codes_fit_the_sex(self, rows: list[Row]) -> None:
        for row in rows:
            for code in codes(row, "diag_"):
                assert shipped.diagnosis_sex(code) in ("", row["sex"]), (code, row["sex"])
            for code in codes(row, "oper_0"):
                if isinstance(code, str):
                    assert shipped.procedure_sex(code) in ("", row["sex"]), (code, row["sex"])

    def test_deliveries_are_of_women_of_child_bearing_age(self, rows: list[Row]) -> None:
        delivered = [row for row in rows if "O80" <= row["diag_01"][:3] <= "O84"]
        assert delivered
        assert all(row["sex"] == "2" and 15 <= row["age"] <= 49 for row in delivered)

    def test_perinatal_diagnoses_are_of_children(self, rows: list[Row]) -> None:
        assert all(row["age"] <= 18 for row in rows if row["diag_01"].startswith("P"))

    def test_births_weigh_something_and_nobody_else_does(self, rows: list[Row]) -> None:
        for row in rows:
            born = row["admission_method"] == "82"
            assert (row["birth_weight"] is not None) == born
            if born:
                assert row["age"] == 0
                light = row["diag_01"] in ("P070", "P071")
                assert (row["birth_weight"] < 2500) == light


class TestStays:
    def test_spells_of_a_patient_are_days_apart(self, spells: dict[str, list[Row]]) -> None:
        stays: dict[str, list[tuple[date, date]]] = defaultdict(list)
        for spell in spells.values():
            first = spell[0]
            stays[first["patient_id"]].append((first["admission_date"], first["discharge_date"]))
        assert max(map(len, stays.values())) > 2, "some people come back"
        for seen in stays.values():
            ordered = sorted(seen)
            for (_, left), (came, _) in pairwise(ordered):
                assert came - left >= timedelta(days=2)

    def test_nobody_comes_back_from_the_dead(self, spells: dict[str, list[Row]]) -> None:
        ends: dict[str, list[tuple[date, str, str]]] = defaultdict(list)
        for spell in spells.values():
            row = spell[-1]
            ends[row["patient_id"]].append(
                (row["discharge_date"], row["discharge_method"], row["discharge_destination"])
            )
        died = 0
        for seen in ends.values():
            for day, method, destination in seen:
                assert (method == "4") <= (destination == "79")
                if method == "4":
                    died += 1
                    assert day == max(seen)[0]
        assert died

    def test_episodes_follow_each_other_from_admission_to_discharge(
        self, spells: dict[str, list[Row]]
    ) -> None:
        for spell in spells.values():
            assert [row["episode_order"] for row in spell] == list(range(1, len(spell) + 1))
            assert spell[0]["episode_start_date"] == spell[0]["admission_date"]
            assert spell[-1]["episode_end_date"] == spell[0]["discharge_date"]
            for before, after in pairwise(spell):
                assert before["episode_end_date"] == after["episode_start_date"]
            for row in spell:
                days = (row["episode_end_date"] - row["episode_start_date"]).days
                assert row["episode_duration"] == days >= 0

    def test_what_belongs_to_the_spell_is_the_same_in_every_episode(
        self, spells: dict[str, list[Row]]
    ) -> None:
        own = (
            *("provider", "site", "patient_id", "sex", "patient_classification"),
            *("admission_source", "admission_method", "admission_date", "discharge_date"),
            *("admission_time", "discharge_time", "intended_management"),
        )
        for spell in spells.values():
            for name in own:
                assert len({row[name] for row in spell}) == 1, name

    def test_day_cases_go_home_the_same_day_in_one_episode(
        self, spells: dict[str, list[Row]]
    ) -> None:
        for spell in spells.values():
            if spell[0]["patient_classification"] == "2":
                assert len(spell) == 1
                assert spell[0]["admission_date"] == spell[0]["discharge_date"]
                assert spell[0]["intended_management"] == "2"
                assert spell[0]["admission_method"] in ("11", "12", "13")

    def test_a_day_ends_after_it_begins(self, rows: list[Row]) -> None:
        for row in rows:
            if row["admission_date"] == row["discharge_date"]:
                assert row["discharge_time"] > row["admission_time"]

    def test_days_taken_out_fit_into_the_episode(self, rows: list[Row]) -> None:
        names = ("critical_care_days", "rehabilitation_days", "palliative_care_days")
        for row in rows:
            assert 0 <= sum(row[name] for name in names) <= row["episode_duration"]
        assert all(any(row[name] for row in rows) for name in names)

    def test_operations_are_done_during_the_stay(self, rows: list[Row]) -> None:
        for row in rows:
            assert (row["oper_01"] is None) == (row["oper_date_01"] is None)
            if row["oper_date_01"]:
                start, end = row["episode_start_date"], row["episode_end_date"]
                assert start <= row["oper_date_01"] <= end


class TestCodes:
    def test_every_code_is_valid(self, rows: list[Row]) -> None:
        valid = shipped.valid_codes()
        for row in rows:
            assert all(valid.diagnosis(code) for code in codes(row, "diag_"))
            operations = [row[f"oper_{i:02d}"] for i in range(1, 13)]
            assert all(valid.procedure(code) for code in operations if code)

    def test_no_diagnosis_or_operation_stands_twice(self, rows: list[Row]) -> None:
        for row in rows:
            diagnoses = codes(row, "diag_")
            operations = [code for i in range(1, 13) if (code := row[f"oper_{i:02d}"])]
            assert len(set(operations)) == len(operations)
            assert len(set(diagnoses)) == len(diagnoses)

    def test_no_gap_between_the_codes(self, rows: list[Row]) -> None:
        for row in rows:
            for family, most in (("diag", 14), ("oper", 12)):
                filled = [row[f"{family}_{i:02d}"] is not None for i in range(1, most + 1)]
                assert filled == sorted(filled, reverse=True)

    def test_primaries_may_stand_first(self, rows: list[Row]) -> None:
        assert not [row["diag_01"] for row in rows if row["diag_01"][0] in "VWXY"]

    def test_injuries_have_a_cause(self, rows: list[Row]) -> None:
        injured = [row for row in rows if row["diag_01"].startswith("S")]
        assert injured
        assert all(row["diag_02"][0] in "VWXY" for row in injured)

    def test_administrative_codes_are_accepted_by_the_grouper(self, rows: list[Row]) -> None:
        import yaml

        pack = yaml.safe_load(
            shipped.pack_file("codes/grouper-fields/pack.yaml").read_text("utf-8")
        )
        for name, accepted in pack["accepted"].items():
            assert {row[name] for row in rows} <= set(accepted), name
        for name in pack["mandatory"]:
            assert all(row[name] is not None for row in rows), name
        for name, bounds in pack["numeric"].items():
            assert all(bounds["min"] <= row[name] <= bounds["max"] for row in rows), name


class TestShares:
    """Loose bounds around the figures that docs/artificial-data.md states."""

    def test_settings(self, spells: dict[str, list[Row]]) -> None:
        kinds = Counter(
            "day case"
            if spell[0]["patient_classification"] == "2"
            else "elective"
            if spell[0]["admission_method"] in ("11", "12", "13")
            else "non-elective"
            for spell in spells.values()
        )
        share = {kind: count / len(spells) for kind, count in kinds.items()}
        assert 0.40 < share["day case"] < 0.52
        assert 0.05 < share["elective"] < 0.11
        assert 0.40 < share["non-elective"] < 0.52

    def test_episodes_a_spell(self, rows: list[Row], spells: dict[str, list[Row]]) -> None:
        assert 1.16 < len(rows) / len(spells) < 1.28

    def test_diagnoses_an_episode(self, rows: list[Row]) -> None:
        assert 4.3 < sum(len(codes(row, "diag_")) for row in rows) / len(rows) < 6.0

    def test_stays(self, spells: dict[str, list[Row]]) -> None:
        nights = [
            (spell[0]["discharge_date"] - spell[0]["admission_date"]).days
            for spell in spells.values()
            if spell[0]["patient_classification"] == "1"
        ]
        assert 2.8 < sum(nights) / len(nights) < 5.0
        assert 0.45 < sum(n <= 1 for n in nights) / len(nights) < 0.65
        assert max(nights) > 40, "some stays are very long"

    def test_ages_and_sexes(self, rows: list[Row]) -> None:
        assert 0.22 < sum(row["age"] >= 75 for row in rows) / len(rows) < 0.36
        assert 0.05 < sum(row["age"] < 19 for row in rows) / len(rows) < 0.15
        assert 0.48 < sum(row["sex"] == "2" for row in rows) / len(rows) < 0.58

    def test_planned_care_is_done_on_weekdays(self, rows: list[Row]) -> None:
        planned = [row for row in rows if row["patient_classification"] == "2"]
        weekend = sum(row["admission_date"].weekday() >= 5 for row in planned)
        assert weekend / len(planned) < 0.08


class TestPeriod:
    def test_every_spell_is_discharged_in_the_year(self, rows: list[Row]) -> None:
        days = [row["discharge_date"] for row in rows]
        assert date(2022, 4, 1) <= min(days) <= max(days) <= date(2023, 3, 31)
        assert len({(day.year, day.month) for day in days}) == 12

    def test_a_month_is_that_month(self) -> None:
        made = rows_of(episodes=500, seed=3, month="2022-09", billed=False)
        assert {(d.year, d.month) for d in (row["discharge_date"] for row in made)} == {(2022, 9)}

    def test_providers_share_the_work(self) -> None:
        made = rows_of(episodes=3000, seed=3, month="2022-09", providers=4, billed=False)
        shares = Counter(row["provider"] for row in made)
        assert len(shares) == 4
        assert min(shares.values()) > 300


class TestUnbilled:
    def test_nothing_is_billed(self, rows: list[Row]) -> None:
        assert all(row[name] is None for row in rows for name in BILLED)

    def test_the_tally_counts_what_was_made(self) -> None:
        tally = Tally()
        made = rows_of(episodes=400, seed=3, billed=False, tally=tally)
        assert tally.episodes == len(made)
        assert tally.spells == len({row["spell_id"] for row in made})
        assert tally.patients == len({row["patient_id"] for row in made})
        assert tally.pence == 0

    def test_the_schema_is_the_one_promised(self) -> None:
        batch = next(iter(synthesise(10, 1, billed=False)))
        assert batch.schema == SCHEMA
