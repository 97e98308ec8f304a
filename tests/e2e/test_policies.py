"""`tariff price --policies`, and what `tariff explain` says of a readmission, by the command."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tariff.schemas import SPELLS, SPELLS_WITH_POLICIES
from tests.e2e.command import read_rows, write_rows
from tests.engine.policies import after, spell
from tests.explain.conftest import run

INDEX = spell("A", "2017-05-10", nights=4)
BACK = after(INDEX, 5, provider="RXX")
LOCAL = """amount: billed
readmissions:
  terms:
    - {provider: R1H, year: 2017/18, avoidable_share: 0.25}
marginal_rate:
  terms:
    - {provider: RXX, year: 2017/18, baseline: 400.00}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An extract, its history and a local file."""
    write_rows(tmp_path / "now.csv", [BACK])
    write_rows(tmp_path / "before.csv", [INDEX])
    (tmp_path / "local.yaml").write_text(LOCAL, encoding="utf-8")
    return tmp_path


def price(folder: Path, *options: object, code: int = 0) -> Path:
    out = folder / "out"
    words = ["price", folder / "now.csv", "-o", out, "--mff", "1", *options]
    assert run([str(word) for word in words]) == code
    return out


def test_what_a_run_leaves(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = price(folder, "--policies", folder / "local.yaml", "--history", folder / "before.csv")
    table = pq.read_table(out / "spells.parquet")
    assert table.schema == SPELLS_WITH_POLICIES
    (row,) = table.to_pylist()
    assert row["spell_id"] == "B"
    assert (row["readmission_of"], row["readmission_days"]) == ("R1H:A", 5)
    assert (row["readmission_index"], row["readmission_basis"]) == (
        "non_elective", "avoidable_share",
    )  # fmt: skip
    assert (row["readmission_withheld_pence"], row["readmission_charged_to"]) == (25000, "R1H")
    rows = {(r["policy"], r["provider"]): r for r in read_rows(out / "policies.csv")}
    assert set(rows) == {
        ("readmissions", "R1H"), ("marginal_rate", "R1H"), ("marginal_rate", "RXX"),
    }  # fmt: skip
    assert rows["readmissions", "R1H"]["withheld_pence"] == "25000"
    assert rows["readmissions", "R1H"]["month"] == "2017-05"
    assert rows["marginal_rate", "RXX"]["payable_pence"] == str(40000 + 42000)
    assert rows["marginal_rate", "R1H"]["note"] == "no baseline given"
    section = json.loads((out / "manifest.json").read_text("utf-8"))["policies"]
    assert section["local"]["file"] == "local.yaml"
    assert [item["file"] for item in section["history"]] == ["before.csv"]
    assert {pack["id"] for pack in section["packs"]} == {"readmissions", "marginal-rate"}
    assert section["readmissions"]["withheld"] == 25000
    said = capsys.readouterr().out
    assert "Emergency readmissions: 1 found, 0 excluded, £250.00 withheld" in said
    assert "Marginal rate: 1 of 2 provider years with a baseline, £180.00 withheld" in said
    # a run without them takes the table away: it would not describe these spells
    price(folder)
    assert not (out / "policies.csv").exists()
    assert pq.read_schema(out / "spells.parquet") == SPELLS


@pytest.mark.parametrize(
    ("year", "half", "payable", "withheld"),
    [
        (2012, "11000000.00", "2060000000", "140000000"),  # CV01: 30% of 2 million
        (2016, "11000000.00", "2140000000", "60000000"),  # CV02: 70%
        (2012, "9500000.00", "1900000000", "0"),  # CV03: below the baseline
    ],
)
def test_worked_examples_by_the_command(
    folder: Path, year: int, half: str, payable: str, withheld: str
) -> None:
    halves = [spell(n, f"{year}-06-10", patient_id=n, billed_total=half) for n in ("A", "B")]
    write_rows(folder / "now.csv", halves)
    term = f"{{provider: R1H, year: {year}/{year % 100 + 1}, baseline: 20000000}}"
    (folder / "local.yaml").write_text(
        f"amount: billed\nmarginal_rate: {{terms: [{term}]}}\n", encoding="utf-8"
    )
    out = price(folder, "--policies", folder / "local.yaml")
    (row,) = read_rows(out / "policies.csv")
    assert (row["payable_ytd_pence"], row["withheld_ytd_pence"]) == (payable, withheld)


@pytest.mark.parametrize(
    ("before", "after", "code", "says"),
    [
        ("400.00", "-400", 3, "local.yaml:7:48: PK027 baseline -400: money that is not below 0"),
        ("400.00", "4.001", 3, "pounds with no more than two decimals"),
        ("0.25", "1.5", 3, "local.yaml:4:55: PK027 avoidable_share 1.5 is out of range"),
        ("avoidable_share: 0.25", "threshold: -1", 3, "threshold -1: a number that is not below 0"),
        (", avoidable_share: 0.25", "", 3, "a term gives one of avoidable_share"),
        ("2017/18, b", "2017/19, b", 3, "'2017/19' is not a tariff year"),
        ("2017/18, b", "2017, b", 3, "PK024 expected a tariff year such as 2012/13"),
        ("baseline: ", "base: ", 3, "PK020 unknown key 'base'"),
        ("readmissions:\n", "readmissions:\n  exclusions: {cancr: false}\n", 2,
         "no exclusion 'cancr' hint: did you mean 'cancer'?"),
        ("400.00}", "400.00}\n    - {provider: RXX, year: 2017/18, baseline: 1}", 3,
         "RXX in 2017/18 is given twice"),
        ("400.00}", "400.00}\n    - {provider: RXX, year: 2017/18, commissioner: 1, baseline: 1}",
         3, "a term of all commissioners beside one of a single one"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_local_file(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    after: str,
    code: int,
    says: str,
) -> None:
    monkeypatch.chdir(folder)
    assert before in LOCAL
    Path("local.yaml").write_text(LOCAL.replace(before, after, 1), encoding="utf-8")
    out = price(folder, "--policies", "local.yaml", code=code)
    assert says in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--policies", "none.yaml"], "none.yaml is not a file"),
        (["--history", "before.csv"],
         "--history is for a contract's year to date or for policies between spells"),
        (["--policies", "local.yaml", "--history", "now.csv"],
         "now.csv is given as the extract and as its history"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(folder)
    price(folder, *options, code=2)
    assert says in capsys.readouterr().err


def test_policies_are_of_admitted_care(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = {"provider": "R1H", "attendance_id": "1", "attendance_date": "2017-05-01"}
    write_rows(folder / "now.csv", [columns])
    price(folder, "--policies", folder / "local.yaml", code=2)
    assert "--policies is for admitted care" in capsys.readouterr().err
    price(folder, "--dataset", "attendances")  # an empty history is no option given


def test_the_page_of_a_readmission(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["explain", "RXX:B", str(folder / "now.csv"), "--mff", "1"]
    more = ["--history", str(folder / "before.csv"), "--policies", str(folder / "local.yaml")]
    assert run([*words, *more]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "READMISSION An emergency admission 5 days after the discharge of R1H:A, of the" in page
    assert "on 2017-05-10" in page
    assert "up to 30 count" in page
    assert "cancer Cancer, chemotherapy or radiotherapy either S, K no" in page
    assert "Amount £1,000.00" in page
    assert "Basis avoidable_share: the avoidable share agreed locally" in page
    assert "Withheld £250.00 Charged to R1H" in page
    # without the history there is no index, and nothing is said
    assert run(words) == 0
    assert "READMISSION" not in capsys.readouterr().out
