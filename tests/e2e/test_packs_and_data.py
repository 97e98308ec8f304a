"""Packs, ones own and those that ship; artificial extracts, profiles and the doctor."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

import tariff as package
from tests.e2e.command import QUICK, Row, left, ran, read_rows, tariff, together, write_rows

# ---------------------------------------------------------------- packs


PACK = """\
id: {id}
version: "1.0.0"
kind: signatures
title: A pack of a test
provenance: illustrative
last_checked: 2026-01-01
engine: ">=0.1"
sources: [{{title: Made up}}]
"""
RULE = """\
id: TST01
version: 1.0.0
name: any-stay
title: Any stay
class: presumptive
status: {status}
level: {level}
scope: spell
match:
  spell_days: {{at_least: 0}}
step: days and units
remedy: {{kind: query}}
what: There appears to be a stay.
why: It is looked at.
ask: Please evidence the stay.
legitimate_reasons: [It was one.]
sources: [{{title: Made up}}]
tests:
  - {{name: a stay, finds: 1, spells: [{{provider: RXX, spell_id: A,
     admission_date: 2022-09-01, discharge_date: 2022-09-02}}]}}
  - {{name: no stay, finds: 0, spells: [{{provider: RXX, spell_id: A}}]}}
"""


def signature_pack(folder: Path, *, level: str = "low", status: str = "stable") -> Path:
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK.format(id="mine"), encoding="utf-8")
    rule = RULE.format(level=level, status=status)
    (folder / "TST01-any-stay.yaml").write_text(rule, encoding="utf-8")
    return folder


def test_level_widens_the_run_to_rules_of_a_pack_of_ones_own(faulty: Path, tmp_path: Path) -> None:
    pack = signature_pack(tmp_path / "mine", level="medium")
    choices = ((), ("--level", "medium"), ("--select", "TST01", "--fail-on", "high"))
    results = together(
        *(
            ["check", faulty, "-o", tmp_path / str(number), *QUICK, "--pack", pack, *options]
            for number, options in enumerate(choices)
        )
    )
    seen = []
    for number, result in enumerate(results):
        ran(result)  # a finding of level medium is not one of level high
        seen.append({row["rule"] for row in read_rows(tmp_path / str(number) / "findings.csv")})
    assert "TST01" not in seen[0]
    assert {"TST01", "PRC01", "DUP01"} <= seen[1]
    assert seen[2] == {"TST01"}


def test_the_packs_of_the_environment_are_in_force(faulty: Path, tmp_path: Path) -> None:
    pack = signature_pack(tmp_path / "mine", level="high")
    ran(
        tariff("check", faulty, "-o", tmp_path / "out", *QUICK,
               env={"TARIFF_PACKS": str(pack)})
    )  # fmt: skip
    assert "TST01" in {row["rule"] for row in read_rows(tmp_path / "out" / "findings.csv")}


def test_the_shipped_packs_check_and_pass_their_tests() -> None:
    checked, tested = together(["pack", "check", "--warnings-as-errors"], ["pack", "test"])
    assert "0 errors, 0 warnings" in ran(checked).stderr
    ran(tested)
    counts = re.search(
        r"([0-9,]+) tests of ([0-9]+) rules, price lists and contracts: ([0-9,]+) passed, 0 failed",
        tested.stdout,
    )
    assert counts is not None and counts[1] == counts[3]
    assert int(counts[2]) >= 17


def test_packs_are_listed_with_their_hashes() -> None:
    listed = ran(tariff("pack", "list"))
    assert listed.stderr == ""
    header, *lines = listed.stdout.splitlines()
    assert header.split() == ["kind", "id", "version", "from", "to", "provenance", "sha256"]
    assert any(line.split()[:2] == ["tariff", "ntps-2022-23"] for line in lines)
    assert all(re.search("[0-9a-f]{12}$", line) for line in lines)


def test_schemas_are_printed_and_written(tmp_path: Path) -> None:
    kinds = ran(tariff("pack", "schema")).stdout.split()
    assert {"rule", "tariff", "layout", "signatures"} <= set(kinds)
    schema = json.loads(ran(tariff("pack", "schema", "rule")).stdout)
    assert "remedy" in schema["properties"]
    ran(tariff("pack", "schema", "--write", tmp_path / "out"))
    assert left(tmp_path / "out") == {f"{kind}.json" for kind in kinds}


def test_a_pack_of_ones_own_checks_and_tests(tmp_path: Path) -> None:
    pack = signature_pack(tmp_path / "mine")
    checked, tested = together(["pack", "check", pack], ["pack", "test", pack])
    assert "1 pack and 0 layouts read, 0 errors" in ran(checked).stderr
    assert re.search("2 tests of 1 rules?, price lists and contracts: 2 passed", ran(tested).stdout)
    rule = pack / "TST01-any-stay.yaml"
    rule.write_text(rule.read_text("utf-8").replace("finds: 0", "finds: 1"), encoding="utf-8")
    failed = ran(tariff("pack", "test", pack), code=3)
    assert "FAILED TST01: no stay" in failed.stdout


def test_an_inline_test_that_cannot_be_read_fails_under_its_own_name(tmp_path: Path) -> None:
    pack = signature_pack(tmp_path / "mine")
    rule = pack / "TST01-any-stay.yaml"
    given = rule.read_text("utf-8")
    rule.write_text(given.replace("provider: RXX, ", "age: old, "), encoding="utf-8")
    failed = tariff("pack", "test", pack)
    assert failed.code == 3, failed.stderr
    assert re.search("FAILED TST01: .*\n  a row cannot be read: age", failed.stdout)


# ---------------------------------------------------------------- data and doctor


def test_doctor_tells_versions_and_packs() -> None:
    told = ran(tariff("doctor")).stdout
    assert told.startswith(f"tariff {package.__version__}, Python 3.")
    assert "(compiled)" in told
    assert "pyarrow" in told
    assert re.search(r"tariff +ntps-2022-23 +\S+ +published +[0-9a-f]{12}", told)


def test_version_and_help() -> None:
    assert ran(tariff("--version")).stdout.split()[-1] == package.__version__
    told = ran(tariff("--help")).stdout
    commands = ("check", "group", "price", "explain", "report", "pack", "data", "doctor")
    helped = together(*([command, "--help"] for command in commands))
    for command, result in zip(commands, helped, strict=True):
        assert re.search(rf"^ +{command} ", told, re.MULTILINE), command
        assert ran(result).stdout.startswith(f"Usage: tariff {command}")


FOREIGN = {
    "provider": "Trust Code",
    "spell_id": "Provider Spell Number",
    "episode_order": "Episode Number",
    "patient_id": "Pseudo NHS Number",
    "admission_date": "Admission Date",
    "discharge_date": "Discharge Date",
    "admission_method": "Admission Method Code",
    "patient_classification": "Patient Classification Code",
    "age": "Age On Admission",
    "sex": "Gender Code",
    "diag_01": "Primary Diagnosis",
    "oper_01": "Primary Procedure",
    "billed_hrg": "Spell HRG",
    "billed_total": "Total Cost",
}


def british(row: Row) -> Row:
    """The row under the names that somebody's warehouse uses, its dates day first."""
    out = {}
    for name, label in FOREIGN.items():
        value = row[name]
        if name.endswith("_date") and value:
            value = date.fromisoformat(value).strftime("%d/%m/%Y")
        out[label] = value
    return out


def test_a_file_that_nobody_has_seen_gets_a_layout_that_reads_it(
    rows: list[Row], tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "warehouse.csv", [british(row) for row in rows])
    refused = ran(tariff("check", path, "-o", tmp_path / "no"), code=4)
    assert "tariff data profile" in refused.error
    layout = tmp_path / "mine.yaml"
    profiled = ran(tariff("data", "profile", path, "--write-layout", layout))
    assert f"proposed layout: {layout}" in profiled.stdout
    for row in rows[:50]:
        assert row["patient_id"] not in profiled.stdout
        assert row["spell_id"] not in profiled.stdout
    ran(tariff("pack", "check", layout))
    ran(tariff("price", path, "-o", tmp_path / "out", "--layout", layout))
    spells = pq.read_table(tmp_path / "out" / "spells.parquet").to_pylist()
    found = {(spell["provider"], spell["spell_id"]): spell for spell in spells}
    for row in rows:
        spell = found.pop((row["provider"], row["spell_id"]), None)
        if spell is None:
            continue
        assert spell["patient_id"] == row["patient_id"]
        assert spell["discharge_date"] == date.fromisoformat(row["discharge_date"])
        assert spell["priced_hrg"]
    assert not found
    again = ran(tariff("data", "profile", path, "--write-layout", layout), code=2)
    assert "already there" in again.error
