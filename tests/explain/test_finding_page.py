"""The page of a finding of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tariff.engine.run import Run
from tariff.report.text import pounds

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


def test_an_unknown_finding_gets_suggestions(refused: Fails, folder: Path, demo: Run) -> None:
    known = demo.findings["finding_id"][0].as_py()
    wrong = known[:-1] + ("0" if known[-1] != "0" else "1")
    assert f"did you mean {known}" in refused(wrong, "--run", str(folder))
    assert "no finding 'x'" in refused("x", "--run", str(folder))


def test_a_folder_that_is_no_run(refused: Fails, tmp_path: Path) -> None:
    assert "is not the folder of a run" in refused("0f3a51c2d4e5b697", "--run", str(tmp_path))
    assert "is not a folder" in refused("0f3a51c2d4e5b697", "--run", str(tmp_path / "none"))
