"""A rule that cannot be asked is not run, and says why; it never counts as passed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tariff.errors import UsageError
from tariff.packs.load import shipped_folder
from tariff.packs.model import Rule, SignaturesPack
from tests.engine.extracts import (
    DZ11T,
    Row,
    bill,
    found,
    one,
    rule_of,
    rulebook_with,
    run,
    shipped,
    stay,
)

EVERY = {rule.id: rule for _, rule in shipped().packs.rules()}
# rules about spells alone, which need nothing else
RULES = {
    name: rule
    for name, rule in EVERY.items()
    if rule.of == ("spells",)
    and rule.source == "extract"
    and not any(mark in need for need in rule.needs["spells"] for mark in ":/")
    and all(not test.others for test in rule.tests)
}
IDS = list(RULES)


def rows_of(rule: Rule) -> list[Row]:
    """The first inline test of a rule that finds something, with every field it needs.

    A stay of another patient beside it holds a value in every field.
    """
    (pack,) = [p for p in shipped().packs if isinstance(p.manifest, SignaturesPack)]
    assert isinstance(pack.manifest, SignaturesPack)
    defaults = {name: str(value) for name, value in pack.manifest.test_defaults.items()}
    blanks = {column: "" for need in rule.needs["spells"] for way in ways(need) for column in way}
    rows = [
        {**blanks, **defaults, **row}
        for row in next(test for test in rule.tests if test.finds).rows
    ]
    other = stay(spell_id="other", patient_id="other", activity_month="2022-05", **DZ11T)
    filled = {
        "oper_01": "X403",
        "admission_time": "08:00",
        "billed_excess_days": "0",
        "billed_mff_amount": "530.68",
        "critical_care_days": "0",
        "episode_end_date": other["discharge_date"],
    }
    return [*rows, {**blanks, **defaults, **other, **filled}]


def ways(need: str) -> list[list[str]]:
    """The columns of each way to meet a need: `a+b|c` is a and b, or c."""
    return [way.split("+") for way in need.split("|")]


NEEDS = [(rule.id, need) for rule in RULES.values() for need in rule.needs["spells"]]


# ---------------------------------------------------------------- fields


@pytest.mark.parametrize("rule", IDS)
def test_with_all_its_fields_a_rule_runs_and_finds(rule: str) -> None:
    done = run(*rows_of(RULES[rule]), select=(rule,))
    assert (rule_of(done, rule)["ran"], rule_of(done, rule)["not_run"]) == (True, "")
    assert rule_of(done, rule)["findings"] == len(found(done, rule)) > 0


@pytest.mark.parametrize(("rule", "need"), NEEDS)
def test_without_a_field_it_needs_a_rule_is_not_run(rule: str, need: str) -> None:
    rows = rows_of(RULES[rule])
    gone = {column for way in ways(need) for column in way}
    done = run(*rows, without=gone, select=(rule,))
    item = rule_of(done, rule)
    assert item["ran"] is False
    words = " or ".join(" with ".join(way) for way in ways(need))
    assert item["not_run"].startswith("needs ")
    assert words in item["not_run"].removeprefix("needs ").split(", ")
    assert found(done, rule) == []
    assert (item["findings"], item["value"], item["settled"]) == (0, 0, 0)
    assert need in item["needs"]["spells"]


@pytest.mark.parametrize(("rule", "need"), [(r, n) for r, n in NEEDS if "|" in n])
def test_any_of_the_alternatives_is_enough(rule: str, need: str) -> None:
    rows = rows_of(RULES[rule])
    every = {column for way in ways(need) for column in way}
    others = {
        column
        for other in RULES[rule].needs["spells"]
        if other != need
        for way in ways(other)
        for column in way
    }
    for way in ways(need):
        done = run(*rows, without=every - set(way) - others, select=(rule,))
        assert rule_of(done, rule)["ran"] is True, way


def test_every_field_that_is_missing_is_named() -> None:
    done = run(stay(**DZ11T), without=["patient_id", "discharge_date", "age"])
    assert rule_of(done, "SPL01")["not_run"] == "needs patient_id, discharge_date, age"


def test_a_field_that_is_blank_in_every_row_is_as_good_as_none() -> None:
    done = run(stay(billed_excess_days="", **DZ11T))
    assert rule_of(done, "LOS01")["not_run"] == "needs billed_excess_days, blank in every row"
    done = run(
        stay(billed_excess_days="", **DZ11T),
        stay(spell_id="B", patient_id="P2", billed_excess_days="0", **DZ11T),
    )
    assert rule_of(done, "LOS01")["ran"] is True
    assert found(done, "LOS01") == []


def test_a_rule_that_is_not_run_changes_nothing_for_the_others() -> None:
    rows = [stay(**bill("DZ11T", "3861.00"), spell_id=s) for s in "AB"]
    done = run(*rows, without=["treatment_function"], select=("DUP02", "PRC01"))
    assert rule_of(done, "DUP02")["ran"] is False
    # what the duplicate would have taken is left to the price, twice
    assert [f["settled_pence"] for f in found(done, "PRC01")] == [89006, 89006]
    total = done.manifest["money"]
    assert total["billed"] - total["settled"] == total["allowed"]


def test_a_price_that_rests_on_the_age_is_not_compared_without_it() -> None:
    """One day with pneumonia at the reduced price, right for an adult: 786, else 1,746."""
    row = stay(discharge_date="2022-05-04", **bill("DZ11V", "786.00"))
    assert found(run(row)) == []
    done = run(row, without=["age"])
    assert rule_of(done, "EMR07")["not_run"] == "needs age"
    assert found(done, "PRC01") == []


def test_needs_are_canonical_columns() -> None:
    from tariff.packs.match_fields import is_column

    for _, need in NEEDS:
        for way in ways(need):
            assert all(is_column(column) for column in way), need


# ---------------------------------------------------------------- figures

SHORT_2024: Row = {"admission_date": "2024-05-09", "discharge_date": "2024-05-10"}


def test_the_short_stay_rule_is_not_run_where_no_pack_holds_its_prices() -> None:
    done = run(stay(**SHORT_2024, **bill("DZ11V", "1936.00", "1.160713")))
    item = rule_of(done, "EMR07")
    assert item["ran"] is False
    assert item["not_run"] == (
        "needs the reduced short stay prices of 2024/25, which no pack holds"
    )


def test_it_is_run_in_part_where_some_years_are_held() -> None:
    done = run(
        stay(discharge_date="2022-05-04", **bill("DZ11V", "1746.00")),
        stay(spell_id="B", patient_id="P2", **SHORT_2024, **bill("DZ11V", "1936.00", "1.160713")),
        stay(spell_id="C", patient_id="P3", **SHORT_2024, **bill("DZ11V", "1936.00", "1.160713")),
    )
    item = rule_of(done, "EMR07")
    assert (item["ran"], item["not_run"]) == (True, "")
    assert item["note"] == (
        "not run for 2 spells of 2024/25: the reduced short stay prices of that year are not held"
    )
    assert one(done, "EMR07")["spell_ids"] == ["A"]


def test_years_that_are_not_held_at_all_are_named_too() -> None:
    rows = [
        stay(spell_id=year, admission_date=f"{year}-05-09", discharge_date=f"{year}-05-10", **DZ11T)
        for year in ("2020", "2024", "2025")
    ]
    not_run = rule_of(run(*rows), "EMR07")["not_run"]
    assert all(year in not_run for year in ("2020/21", "2024/25", "2025/26"))


def test_without_any_year_it_is_not_run() -> None:
    done = run(stay(discharge_date="", **DZ11T))
    assert rule_of(done, "EMR07")["not_run"] == ("needs discharge_date, blank in every row")


def test_held_in_every_year_there_is_nothing_to_say() -> None:
    done = run(stay(**DZ11T))
    assert [(r["not_run"], r["note"]) for r in done.manifest["rules"] if r["id"] == "EMR07"] == [
        ("", "")
    ]


# ---------------------------------------------------------------- selection


def selected(*names: str) -> list[str]:
    """The rules of a run."""
    return [rule["id"] for rule in run(stay(**DZ11T), select=names).manifest["rules"]]


def beginning(with_: str) -> list[str]:
    """The ids of all rules that begin so."""
    return sorted(name for name in EVERY if name.startswith(with_))


def test_by_default_the_stable_rules_of_level_high_run_in_order_of_id() -> None:
    assert selected() == sorted(
        rule.id for rule in EVERY.values() if (rule.status, rule.level) == ("stable", "high")
    )
    assert len(selected()) >= 12


def test_rules_are_selected_by_id_and_by_beginning() -> None:
    assert selected("PRC01") == ["PRC01"]
    assert selected("SPL") == beginning("SPL") != []
    assert selected("LOS01", "DUP") == [*beginning("DUP"), "LOS01"]


def test_the_case_and_blanks_of_a_selection_do_not_matter() -> None:
    assert selected(" prc01 ", "los") == [*beginning("LOS"), "PRC01"]


def test_a_rule_selected_twice_runs_once() -> None:
    assert selected("PRC01", "PRC", "PRC01") == beginning("PRC")


@pytest.mark.parametrize("name", ["PRC99", "SPL1A", "price", "PRC011"])
def test_an_unknown_rule_is_refused_with_those_that_are_known(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        selected("PRC01", name)
    assert f"'{name.upper()}'" in str(caught.value)
    assert "PRC01" in caught.value.hint


def test_without_rules_a_run_stops_at_the_price() -> None:
    done = run(stay(**bill("DZ11T", "3861.00")), rules=False)
    assert (done.manifest["rules"], done.findings.num_rows) == ([], 0)
    assert done.manifest["money"]["allowed"] == 452174


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped signatures with PRC01 low, PRC02 medium, LOS01 experimental, DUP02 deprecated."""
    copy = tmp_path_factory.mktemp("levels") / "signatures"
    shutil.copytree(shipped_folder() / "signatures", copy)
    for name, old, new in (
        ("PRC01", "level: high", "level: low"),
        ("PRC02", "level: high", "level: medium"),
        ("LOS01", "status: stable", "status: experimental"),
        ("DUP02", "status: stable", "status: deprecated"),
    ):
        (path,) = copy.rglob(f"{name}-*.yaml")
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    return copy


def test_a_level_takes_that_one_and_those_above(levels: Path) -> None:
    rulebook = rulebook_with(levels)

    def of(**options: object) -> set[str]:
        done = run(stay(**DZ11T), rulebook=rulebook, **options)
        return {rule["id"] for rule in done.manifest["rules"]}

    changed = {"PRC01", "PRC02", "LOS01", "DUP02"}
    stable = [rule for rule in EVERY.values() if rule.status == "stable"]

    def others(*levels: str) -> set[str]:
        return {rule.id for rule in stable if rule.level in levels} - changed

    assert of() == others("high")
    assert of(level="medium") == others("high", "medium") | {"PRC02"}
    assert of(level="low") == others("high", "medium", "low") | {"PRC01", "PRC02"}
    # a rule asked for runs whatever its level and status
    assert of(select=("PRC01", "LOS01", "DUP02")) == {"PRC01", "LOS01", "DUP02"}


@pytest.mark.parametrize("option", ["level", "price_at"])
def test_a_level_or_price_that_is_none_is_the_users_mistake(option: str) -> None:
    with pytest.raises(UsageError):
        run(stay(**DZ11T), **{option: "highest"})
