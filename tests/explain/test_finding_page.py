"""The page of a finding of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tariff.engine.run import Run
from tariff.report.text import pounds
from tests.report.fake_run import care_run

from .conftest import DEMO, Explain, Fails, run, section, squeezed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    assert run(["check", str(DEMO), "-o", str(out), "--only", "findings"]) == 0
    return out


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, demo: Run) -> Path:
    from tariff.report.write import write_run

    out = tmp_path_factory.mktemp("whole")
    write_run(out, demo, html=False, workbook=False)
    return out


def test_a_finding_has_rule_records_evidence_working_and_reasons(
    explain: Explain, whole: Path, demo: Run
) -> None:
    for row in demo.findings.to_pylist():
        page = explain(row["finding_id"], "--run", str(whole))
        assert page.startswith(f"Finding {row['finding_id']}: {row['rule']} ")
        for title in ("What it does", "Why", "What is asked", "Records", "Evidence", "Working",
                      "Legitimate reasons", "Sources"):  # fmt: skip
            assert section(page, title).strip()
        for key in row["records"]:
            assert key in section(page, "Records")
        assert f"Value {pounds(row['value_pence'])}" in squeezed(section(page, "Working"))
        assert f"Settled {pounds(row['settled_pence'])}" in squeezed(section(page, "Working"))


def test_no_patient_is_named(explain: Explain, whole: Path, demo: Run) -> None:
    spells = demo.spells
    names = spells["patient_id"].to_pylist()
    patients = dict(zip(spells["spell_id"].to_pylist(), names, strict=True))
    for row in demo.findings.to_pylist()[::4]:
        page = explain(row["finding_id"].upper(), "--run", str(whole))
        assert not any(patients[number] in page for number in row["spell_ids"])


def test_a_run_with_findings_only_has_pages_too(explain: Explain, folder: Path, demo: Run) -> None:
    row = demo.findings.to_pylist()[0]
    page = explain(row["finding_id"], "--run", str(folder))
    assert row["records"][0] in section(page, "Records")


@pytest.fixture(scope="module")
def all_care(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tariff.report.write import write_run

    out = tmp_path_factory.mktemp("all")
    write_run(out, care_run(), html=False, workbook=False)
    return out


@pytest.mark.parametrize(
    ("rule", "records"),
    [
        ("COM02", ["emergency:RXQ:arrival_date1 2022-06-14 2022-06-14 – – £137.00 £137.00",
                   "Compared with row 26 of the register registrations (registrations:26)."]),
        ("OPA01", ["attendance:RXQ:attendance_date1 2022-06-14"]),
        ("REC01", ["line:RXQ:end_date1 2022-06-14 2022-06-14 – DRUG £260.00"]),
    ],
)  # fmt: skip
def test_a_finding_on_other_care_shows_record_partner_and_tier(
    explain: Explain, all_care: Path, rule: str, records: list[str]
) -> None:
    rows = care_run().findings.to_pylist()
    (name,) = [row["finding_id"] for row in rows if row["rule"] == rule]
    page = explain(name, "--run", str(all_care))
    for words in records:
        assert words in squeezed(section(page, "Records"))
    standing = squeezed(page)
    assert ("Tier left the list" in standing) == (rule == "COM02")
    assert ("Money owed by another payer" in standing) == (rule == "COM02")
    assert ("Money suspended until it is shown" in standing) == (rule == "REC01")


def test_a_record_of_the_run_leads_to_its_findings(refused: Fails, all_care: Path) -> None:
    said = refused("attendance:RXQ:attendance_date1", "--run", str(all_care))
    assert "is a record that is asked about" in said and "(OPA01)" in said
    said = refused("registrations:26", "--run", str(all_care))
    assert "is a record that is compared with others" in said and "(COM02)" in said


def test_other_care_has_no_page_of_steps_and_is_told_so(refused: Fails, tmp_path: Path) -> None:
    said = refused("attendance:R1H:A1")
    assert "'attendance:R1H:A1' is an outpatient attendance; only spells have a page" in said
    assert "tariff explain FINDING --run DIR" in said
    path = tmp_path / "clinic.csv"
    path.write_text(
        "provider,attendance_id,attendance_date,attended\nR1H,A1,2022-05-03,5\n", encoding="utf-8"
    )
    assert "holds outpatient attendances; only a spell is explained" in refused("A1", str(path))


def test_an_unknown_finding_gets_suggestions(refused: Fails, folder: Path, demo: Run) -> None:
    known = demo.findings["finding_id"][0].as_py()
    wrong = known[:-1] + ("0" if known[-1] != "0" else "1")
    assert f"did you mean {known}" in refused(wrong, "--run", str(folder))
    assert "no finding 'x'" in refused("x", "--run", str(folder))


def test_a_folder_that_is_no_run(refused: Fails, tmp_path: Path) -> None:
    assert "is not the folder of a run" in refused("0f3a51c2d4e5b697", "--run", str(tmp_path))
    assert "is not a folder" in refused("0f3a51c2d4e5b697", "--run", str(tmp_path / "none"))
