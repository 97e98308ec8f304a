"""Scores: what they count, how they are printed, and what the rules that ship score."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tariff.cli.score import score as command
from tariff.errors import DataError, UsageError
from tariff.simulate.faults import Planted, parse_order
from tariff.simulate.faults.key import COLUMNS, line_of
from tariff.simulate.score import (
    Finding,
    RuleScore,
    as_table,
    findings_file,
    score,
    score_files,
)
from tests.simulate.planting import SHIPPED, Plantation, planted


def line(rule: str, *records: str, value: int = 0, kind: str = "fault", also: str = "") -> Planted:
    """A line of a key."""
    return Planted(
        kind="fault" if kind == "fault" else "near_miss",
        rule=rule,
        way="way",
        provider="R1H",
        records=records,
        value_pence=value,
        change_pence=value,
        also=tuple(also.split()),
        how="how",
    )


def one(rule: str, scores: list[RuleScore]) -> RuleScore:
    (found,) = [each for each in scores if each.rule == rule]
    return found


class TestCounting:
    def test_a_fault_is_found_by_a_finding_of_its_rule_on_one_of_its_records(self) -> None:
        key = [line("SPL03", "a", "b", value=500), line("SPL03", "c", "d", value=300)]
        got = one("SPL03", score([Finding("SPL03", ("b", "x"), 450)], key))
        assert (got.planted, got.found, got.recall) == (2, 1, 0.5)
        assert (got.right, got.false, got.precision) == (1, 0, 1.0)
        assert (got.value_planted, got.value_of_found, got.value_found) == (800, 500, 450)
        assert (got.value_error, got.exact) == (-50, 0)

    def test_two_findings_of_one_fault_find_it_once(self) -> None:
        key = [line("PRC01", "a", value=500)]
        got = one(
            "PRC01", score([Finding("PRC01", ("a",), 200), Finding("PRC01", ("a",), 300)], key)
        )
        assert (got.found, got.findings, got.value_found, got.exact) == (1, 2, 500, 1)

    def test_one_finding_may_answer_two_faults(self) -> None:
        key = [line("SPL03", "a", "b", value=500), line("SPL03", "c", "d", value=300)]
        got = one("SPL03", score([Finding("SPL03", ("a", "b", "c", "d"), 800)], key))
        assert (got.found, got.recall, got.value_error) == (2, 1.0, 0)

    def test_another_rule_is_a_by_product_where_the_key_says_so(self) -> None:
        key = [line("EMR07", "a", value=500, also="PRC01")]
        findings = [Finding("EMR07", ("a",), 500), Finding("PRC01", ("a",), 500)]
        got = one("PRC01", score(findings, key))
        assert (got.by_product, got.false, got.precision, got.recall) == (1, 0, None, None)

    def test_else_it_is_false(self) -> None:
        key = [line("EMR07", "a", value=500)]
        findings = [Finding("PRC01", ("a",), 500), Finding("PRC01", ("z",), 9)]
        got = one("PRC01", score(findings, key))
        assert (got.by_product, got.false, got.precision) == (0, 2, 0.0)

    def test_a_near_miss_that_is_hit_is_false_too(self) -> None:
        key = [line("DUP02", "a", "b", kind="near_miss"), line("DUP02", "c", kind="near_miss")]
        got = one("DUP02", score([Finding("DUP02", ("a", "b"), 100)], key))
        assert (got.near_misses, got.near_misses_hit, got.false, got.planted) == (2, 1, 1, 0)

    def test_a_finding_without_a_value_finds_and_asks(self) -> None:
        got = one("PRC02", score([Finding("PRC02", ("a",), None)], [line("PRC02", "a", value=70)]))
        assert (got.recall, got.asked, got.exact, got.value_error) == (1.0, 1, 0, 0)

    def test_a_fault_asked_about_and_claimed_is_claimed(self) -> None:
        findings = [Finding("PRC02", ("a",), None), Finding("PRC02", ("a",), 70)]
        got = one("PRC02", score(findings, [line("PRC02", "a", value=70)]))
        assert (got.asked, got.exact, got.value_error) == (0, 1, 0)


class TestWhatRan:
    KEY = (line("HRG03", "a", value=5), line("DUP01", "b", value=5))

    def test_a_rule_that_the_run_does_not_know_did_not_run(self) -> None:
        scores = score([Finding("DUP01", ("b",), 5)], self.KEY, {"DUP01": (True, "")})
        got = one("HRG03", scores)
        assert (got.ran, got.recall) == ("not run", None)
        assert "HRG03 not run" in as_table(scores)

    def test_the_reason_is_shown(self) -> None:
        rules = {"DUP01": (True, ""), "HRG03": (False, "diag_01 is not in the extract")}
        assert "diag_01 is not" in as_table(score([], self.KEY, rules))
        assert one("DUP01", score([], self.KEY, rules)).recall == 0

    def test_without_a_manifest_it_is_not_known(self) -> None:
        assert one("HRG03", score([], self.KEY)).ran == "not known"


# ---------------------------------------------------------------- the rules that ship


@pytest.fixture(scope="module")
def everything() -> Plantation:
    """A fault of every rule that ships in some spells of 20,000 episodes, with near misses."""
    order = parse_order([f"{rule}=30" for rule in SHIPPED], seed=8)
    return planted(order.with_near_misses())


@pytest.fixture(scope="module")
def folder(everything: Plantation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over it, and its key."""
    import pyarrow as pa

    from tariff.engine.run import Options, check
    from tariff.extract import from_arrow
    from tariff.report.write import write_run

    place = tmp_path_factory.mktemp("scored")
    run = check(from_arrow(pa.Table.from_batches(everything.batches)), Options(level="low"))
    write_run(place / "run", run, html=False, workbook=False)
    with (place / "x.key.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *map(line_of, everything.key)])
    return place


@pytest.fixture(scope="module")
def scores(folder: Path) -> list[RuleScore]:
    found = score_files(folder / "run", folder / "x.key.csv")
    print(as_table(found))
    return found


class TestTheRulesThatShip:
    def test_enough_was_planted(self, everything: Plantation) -> None:
        for rule in SHIPPED:
            assert len(everything.of(rule)) >= 15, rule

    @pytest.mark.parametrize("rule", SHIPPED)
    def test_every_fault_is_found(self, scores: list[RuleScore], rule: str) -> None:
        assert one(rule, scores).recall == 1.0

    @pytest.mark.parametrize("rule", SHIPPED)
    def test_nothing_else_is_found(self, scores: list[RuleScore], rule: str) -> None:
        assert one(rule, scores).false == 0

    @pytest.mark.parametrize("rule", SHIPPED)
    def test_near_misses_are_left_alone(self, scores: list[RuleScore], rule: str) -> None:
        got = one(rule, scores)
        assert got.near_misses_hit == 0 and got.near_misses > 0

    @pytest.mark.parametrize("rule", sorted({*SHIPPED} - {"SPL01", "SPL03", "SPL05", "LOS01"}))
    def test_values_are_right_to_the_penny(self, scores: list[RuleScore], rule: str) -> None:
        got = one(rule, scores)
        assert got.exact == got.found - got.asked > 0 and got.value_error == 0

    def test_merged_stays_are_valued_well(self, scores: list[RuleScore]) -> None:
        """The dearest HRG of the parts is allowed, so that the value may be too low, never high."""
        for rule in ("SPL01", "SPL03", "SPL05"):
            got = one(rule, scores)
            assert -0.15 * got.value_planted <= got.value_error <= 0

    def test_days_are_valued_within_a_penny_each(self, scores: list[RuleScore]) -> None:
        got = one("LOS01", scores)
        assert abs(got.value_error) <= got.found


class TestCommand:
    def test_a_table(self, folder: Path) -> None:
        result = CliRunner().invoke(command, [str(folder / "run"), str(folder / "x.key.csv")])
        assert result.exit_code == 0, result.output
        lines = result.stdout.splitlines()
        assert lines[0].split()[:3] == ["rule", "planted", "found"]
        assert {text.split()[0] for text in lines[1:]} >= set(SHIPPED)

    @pytest.mark.parametrize("name", ["findings.csv", "findings.parquet"])
    def test_either_file_says_the_same(self, folder: Path, name: str) -> None:
        whole = score_files(folder / "run", folder / "x.key.csv")
        assert score_files(folder / "run" / name, folder / "x.key.csv") == whole

    def test_json_and_csv(self, folder: Path) -> None:
        given = [str(folder / "run"), str(folder / "x.key.csv"), "--format"]
        read = json.loads(CliRunner().invoke(command, [*given, "json"]).stdout)["rules"]
        rows = list(
            csv.DictReader(CliRunner().invoke(command, [*given, "csv"]).stdout.splitlines())
        )
        assert [row["rule"] for row in rows] == [row["rule"] for row in read]
        assert list(rows[0]) == list(read[0])
        planted = [(row, one) for row, one in zip(rows, read, strict=True) if one["planted"]]
        assert planted and all(float(r["recall"]) == one["recall"] == 1.0 for r, one in planted)

    def test_what_is_not_there(self, tmp_path: Path, folder: Path) -> None:
        with pytest.raises(UsageError, match="no findings"):
            findings_file(tmp_path)
        with pytest.raises(UsageError, match="does not exist"):
            findings_file(tmp_path / "none.csv")
        (tmp_path / "findings.csv").write_text("a,b\n1,2\n")
        with pytest.raises(DataError, match="records"):
            score_files(tmp_path, folder / "x.key.csv")
        (tmp_path / "findings.csv").write_text("rule,records,value_pence\nDUP01,a,1\n")
        (tmp_path / "manifest.json").write_text("{}")
        with pytest.raises(DataError, match=r"manifest\.json"):
            score_files(tmp_path, folder / "x.key.csv")


def test_shares_that_are_nearly_everything_are_not_rounded_up() -> None:
    got = RuleScore("DUP01", "ran", planted=100_000, found=99_999, findings=1, right=1)
    assert "99.9990%" in as_table([got])
