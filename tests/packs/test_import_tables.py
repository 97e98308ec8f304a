"""Importing factors, indicative activity plans and local prices: what is made, what is refused."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tariff.engine.contract import load_contract
from tariff.engine.contract_ledger import Cell
from tariff.errors import DataError, PackError, Problem
from tariff.packs.importing_tables import write
from tariff.packs.importing_tables.codes import Codes
from tariff.packs.importing_tables.plan import read_plan
from tariff.packs.load import load_packs, shipped_folder
from tariff.packs.market_forces import MarketForces
from tariff.packs.read import read_pack
from tests.packs.price_books import book
from tests.packs.test_import_prices import Result, run

Rows = Sequence[Sequence[Any]]


def written(path: Path, rows: Rows) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


# ---------------------------------------------------------------- market forces factors


def factors(tmp_path: Path, rows: Rows, *more: str, xlsx: bool = False) -> Result:
    path = (
        book(tmp_path / "mff.xlsx", {"13 MFF": rows})
        if xlsx
        else written(tmp_path / "mff.csv", rows)
    )
    return run("pack", "import", "mff", str(path), "-o", str(tmp_path / "made"), *more)


@pytest.mark.parametrize("xlsx", [False, True])
def test_years_are_those_of_the_headings(tmp_path: Path, xlsx: bool) -> None:
    rows = [
        ["Market forces factor values"],
        [],
        ["Provider Code", "Provider name", "2030/31 (Year 4)", "Year 5 2031/32", "Notes"],
        ["R1H", "Barts", 1.171131, "1.16", "merged"],
        ["RRV", "UCLH", "1.2147", "-", ""],
        ["R1H", "Barts", "1.171131", "1.16", "printed again"],
    ]
    code, out, err = factors(tmp_path, rows, "--publisher", "Made up", xlsx=xlsx)
    assert code == 0, err
    assert "3 factors of 2 providers" in out
    assert table(tmp_path / "made", "factors") == [
        {"provider": "R1H", "year": "2030/31", "mff": "1.171131"},
        {"provider": "R1H", "year": "2031/32", "mff": "1.16"},
        {"provider": "RRV", "year": "2030/31", "mff": "1.2147"},
    ]
    pack, problems = read_pack(tmp_path / "made")
    assert pack is not None and not problems
    source = pack.manifest.sources[0]
    assert (source.file, source.publisher) == ("mff.xlsx" if xlsx else "mff.csv", "Made up")
    assert len(source.sha256) == 64
    packs = load_packs([tmp_path / "made"])
    held = MarketForces(packs.by_kind("mff")).find("R1H", "2030/31")
    assert held.pack is not None
    assert (held.value, held.pack.id) == (1_171_131_000, "made")


@pytest.mark.parametrize(
    ("headings", "years", "expected"),
    [
        (["provider", "mff value"], ["2030/31"], {"2030/31": "1.1"}),
        (["Org Code", "Payment index for 2029-30"], ["2030/31", "2031/32"],
         {"2030/31": "1.1", "2031/32": "1.1"}),
        (["Provider_Code", "MFF_Value", "MFF_Value_Year_2", "MFF_Value_Year_3"], ["2030/31"],
         {"2030/31": "1.1", "2031/32": "1.2", "2032/33": "1.3"}),
        (["provider_code", "Underlying index 2030/31", "Payment index 2030/31"], [],
         {"2030/31": "1.2"}),
    ],
)  # fmt: skip
def test_columns_that_name_no_year(
    tmp_path: Path, headings: list[str], years: list[str], expected: dict[str, str]
) -> None:
    values = ["R1H", "1.1", "1.2", "1.3"][: len(headings)]
    more = [part for year in years for part in ("--year", year)]
    code, _, err = factors(tmp_path, [headings, values], *more)
    assert code == 0, err
    held = {row["year"]: row["mff"] for row in table(tmp_path / "made", "factors")}
    assert held == expected


def test_every_problem_of_a_table_of_factors_is_named(tmp_path: Path) -> None:
    rows = [
        ["Provider code", "Provider name", "MFF 2030/31"],
        ["R1H", "Barts", "one"],
        ["RRV", "UCLH", "1.2"],
        ["RRV", "UCLH", "1.3"],
        ["RJ1", "Guy's", "-1.1"],
        ["RJ2", "Lewisham", "£1,100"],
        ["", "Nobody", "1.1"],
        ["RJ3", "Croydon", "105%"],
        ["RJ4", "Money", "£1.05"],
    ]
    code, _, err = factors(tmp_path, rows)
    assert (code, (tmp_path / "made").exists()) == (4, False)
    assert "mff.csv, row 2, column C: R1H: 'one' is not a number" in err
    assert "row 4, column C: RRV 2030/31 stands twice and differs: 1.2 and 1.3" in err
    assert "hint: first in row 3" in err
    assert "row 5, column C: RJ1: -1.1 is outside 0.9 to 1.5" in err
    assert "row 6, column C: RJ2: £1,100 is outside 0.9 to 1.5" in err
    assert "row 7, column A: there is no provider code beside figures" in err
    assert "row 8, column C: RJ3: 105% is a percentage" in err
    assert "row 9, column C: RJ4: £1.05 is money" in err
    assert "nothing imported, 7 problems" in err


def test_what_was_read_or_left_of_factors_is_noted(tmp_path: Path) -> None:
    rows = [["Provider", "MFF Year 1", "MFF Year 2"], ["R1H", "1.1", "1.2"], ["RRV", "-", ""]]
    code, out, err = factors(tmp_path, rows, "--year", "2030/31")
    assert (code, "2 factors of 1 provider\n" in out) == (0, True), err
    assert "note: 'MFF Year 2' was read as 2031/32" in err
    assert "note: 'MFF Year 2' is blank or a dash in row 3: no factor" in err


@pytest.mark.parametrize("kind", ["mff", "plan", "local-prices"])
def test_a_file_that_is_no_table_is_refused_by_what_is_read(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "semi.csv").write_text("Provider;MFF\nRRV;1.2\n", encoding="utf-8")
    for name, code, words in (
        ("a.pdf", 4, "a.pdf is not an XLSX workbook"),
        ("none.csv", 2, "none.csv is not there"),
        (".", 2, "is a folder"),
        ("semi.csv", 4, "semi.csv is separated by semicolons"),
    ):
        year = ["--year", "2030/31"] if kind != "plan" else []
        told = run("pack", "import", kind, str(tmp_path / name), "-o", str(tmp_path / "o"), *year)
        assert (told[0], words in told[2]) == (code, True), told
        assert "one XLSX file, or one CSV file (.csv, separated by commas)" in told[2]


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        ([["Provider code", "MFF"], ["R1H", "1.1"]], 2, "names no year"),
        (
            [["Provider code", "Provider name"], ["R1H", "Barts"]],
            4,
            "the headings are 'Provider code', 'Provider name'",
        ),
        ([["Trust", "Money"], ["R1H", "1.1"]], 4, "no row of headings"),
        ([["Provider name", "Notes", "MFF 2030/31"]], 4, "no column 'Provider code'"),
        ([["Provider code", "MFF 2030/31", "Index 2030/31"], ["R1H", 1.1, 1.2]], 4, "both of 2030"),
        ([["Provider code", "MFF 2030/31"], ["", ""]], 4, "no provider with a factor"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, rows: Rows, code: int, words: str) -> None:
    found, _, err = factors(tmp_path, rows)
    assert (found, words in err) == (code, True), err
    assert not (tmp_path / "made").exists()


@pytest.mark.reference_data
@pytest.mark.parametrize(
    ("path", "years"),
    [
        ("ntps-1617/sheets/19_mff_payment_values.csv", ()),
        ("ntps-1719/annex-b1/sheets/12_mff_values.csv", ("2017/18", "2018/19")),
        ("ntps-2223/sheets/13_mff_values.csv", ()),
        ("mff-2627/nhse_provider_mff_2627.csv", ("2026/27",)),
    ],
)
def test_national_tables_give_the_factors_that_ship(
    reference_data: Path, tmp_path: Path, path: str, years: Sequence[str]
) -> None:
    more = [part for year in years for part in ("--year", year)]
    folder = tmp_path / "made"
    assert (
        run("pack", "import", "mff", str(reference_data / path), "-o", str(folder), *more)[0] == 0
    )
    made = {(row["provider"], row["year"]): Decimal(row["mff"]) for row in table(folder, "factors")}
    of = {year for _, year in made}
    assert of == set(years) or len(of) == (2 if "2223" in path else 1)
    shipped = {
        (row["provider"], row["year"]): Decimal(row["mff"])
        for row in table(shipped_folder() / "mff" / "mff-england", "factors")
        if row["year"] in of
    }
    assert made == shipped


# ---------------------------------------------------------------- indicative activity plans

HEADINGS = (
    "FINANCIAL MONTH", "FINANCIAL YEAR", "DATE AND TIME DATA SET CREATED",
    "ORGANISATION IDENTIFIER (CODE OF PROVIDER)",
    "ORGANISATION SITE IDENTIFIER (OF TREATMENT)",
    "ORGANISATION IDENTIFIER (GP PRACTICE RESPONSIBILITY)",
    "ORGANISATION IDENTIFIER (RESIDENCE RESPONSIBILITY)",
    "ORGANISATION IDENTIFIER (CODE OF COMMISSIONER)",
    "GENERAL MEDICAL PRACTICE (PATIENT REGISTRATION)", "ACTIVITY TREATMENT FUNCTION CODE",
    "LOCAL SUB-SPECIALTY CODE", "WARD CODE", "COMMISSIONED SERVICE CATEGORY CODE",
    "SERVICE CODE", "SPECIALISED MENTAL HEALTH SERVICE CATEGORY CODE", "POINT OF DELIVERY CODE",
    "POINT OF DELIVERY FURTHER DETAIL CODE", "POINT OF DELIVERY FURTHER DETAIL DESCRIPTION",
    "LOCAL POINT OF DELIVERY CODE", "LOCAL POINT OF DELIVERY DESCRIPTION", "LOCAL CONTRACT CODE",
    "LOCAL CONTRACT CODE DESCRIPTION", "LOCAL CONTRACT MONITORING CODE",
    "LOCAL CONTRACT MONITORING DESCRIPTION", "CONTRACT MONITORING ADDITIONAL DETAIL",
    "CONTRACT MONITORING ADDITIONAL DESCRIPTION", "TARIFF CODE", "NATIONAL TARIFF INDICATOR",
    "CONTRACT MONITORING PLANNED ACTIVITY", "CONTRACT MONITORING PLANNED PRICE",
    "CONTRACT MONITORING PLANNED MARKET FORCES FACTOR", "NAME OF SUBMITTER",
)  # fmt: skip
COLUMN = {
    "month": 0, "year": 1, "provider": 3, "site": 4, "gp": 5, "commissioner": 7,
    "practice": 8, "function": 9, "category": 12, "pod": 15, "tariff": 26, "national": 27,
    "activity": 28, "price": 29, "mff": 30,
}  # fmt: skip


def planned(**cells: Any) -> list[Any]:
    """A row of the plan: ten emergency spells in April, but for what a test says."""
    given = {
        "month": 1, "year": 203031, "provider": "R1H", "site": "R1H12", "commissioner": "93C",
        "function": 300, "category": 12, "pod": "NEL", "tariff": "EB03A", "national": "Y",
        "activity": 10, "price": "£50,000.00", "mff": "8556.55", **cells,
    }  # fmt: skip
    row: list[Any] = [""] * len(HEADINGS)
    for name, value in given.items():
        row[COLUMN[name]] = value
    return row


@cache
def codes() -> Codes:
    """The national codes, read once."""
    return Codes(load_packs())


MONEY = {"site": "", "function": "", "tariff": "", "activity": 0, "mff": "-"}


def plan(tmp_path: Path, rows: Rows, *more: str, headings: Sequence[str] = HEADINGS) -> Result:
    assert len(HEADINGS) == 32
    path = written(tmp_path / "plan.csv", [headings, *rows])
    return run("pack", "import", "plan", str(path), "-o", str(tmp_path / "made"), *more)


def test_a_plan_becomes_the_draft_of_a_contract(tmp_path: Path) -> None:
    rows = [
        planned(),
        planned(function=100, tariff="EB03B", activity="2.5", price="10,000", mff=0),
        planned(month=2),
        planned(month=13, activity=0, price=1, mff=""),
        planned(pod="NELNEXB"),  # another spelling
        planned(pod="BLOCK", **MONEY),
    ]
    code, out, err = plan(tmp_path, rows)
    assert code == 0, err
    assert "R1H 2030/31: 3 lines" in out and "in months 1, 2, 13" in out
    assert "NELNEXB was read as" in err
    made = table(tmp_path / "made", "plan")
    by_line = {(row["line"], row["month"]): (row["activity"], row["price"]) for row in made}
    assert by_line["nel", "1"] == ("12.5", "68556.55")
    assert by_line["nel", "2"] == ("10", "58556.55")
    assert by_line["nel", "13"] == ("0", "1")
    assert by_line["block", "1"] == ("0", "50000")
    text = (tmp_path / "made" / "pack.yaml").read_text(encoding="utf-8")
    manifest = yaml.safe_load(text)
    head = [manifest[name] for name in ("kind", "year", "provider", "commissioners", "plan")]
    assert head == ["contract", "2030/31", "R1H", ["93C"], "plan.csv"]
    assert manifest["sources"][0]["file"] == "plan.csv"
    assert len(manifest["sources"][0]["sha256"]) == 64
    lines = {line["id"]: line for line in manifest["lines"]}
    assert lines["nel"]["plan"] == {"activity": 22.5, "price": 127114.1}
    assert lines["nel"]["select"] == {"points_of_delivery": ["NEL"]}
    assert lines["nel"]["form"] == {"kind": "cost_per_case"}
    assert lines["block"]["form"] == {"kind": "block"}
    assert {line["phasing"] for line in lines.values()} == {"plan"}


def test_lines_by_treatment_function_and_one_of_two_providers(tmp_path: Path) -> None:
    rows = [planned(), planned(function=100), planned(function=""), planned(provider="RRV")]
    code, _, err = plan(tmp_path, rows)
    assert (code, "several providers: R1H, RRV" in err, "--provider" in err) == (2, True, True)
    more = ("--provider", "R1H", "--by", "treatment-function", "--form", "block")
    assert plan(tmp_path, rows, *more)[0] == 0
    made = table(tmp_path / "made", "plan")
    assert [row["line"] for row in made] == ["nel", "nel-100", "nel-300"]
    manifest = yaml.safe_load((tmp_path / "made" / "pack.yaml").read_text(encoding="utf-8"))
    lines = {line["id"]: line for line in manifest["lines"]}
    assert lines["nel-100"]["carved_from"] == ["nel"]
    assert lines["nel-100"]["select"]["treatment_functions"] == ["100"]
    assert {line["form"]["kind"] for line in manifest["lines"]} == {"block"}


def test_the_draft_is_a_valid_contract(tmp_path: Path) -> None:
    assert plan(tmp_path, [planned(), planned(pod="BLOCK", **MONEY)])[0] == 0
    pack, problems = read_pack(tmp_path / "made")
    assert pack is not None and not problems


def test_an_adjustment_may_be_negative_and_a_blank_price_is_noted(tmp_path: Path) -> None:
    rows = [
        planned(price=""),
        planned(month=13, pod="ADJUSTMENT", **MONEY, price="-50"),
    ]
    rows[1][COLUMN["price"]] = "-50"
    code, out, err = plan(tmp_path, rows)
    assert code == 0, err
    assert "10 units, £8,506.55, in months 1, 13" in out
    assert "note: row 2: activity without a planned price, read as 0" in err
    contract = load_contract(str(tmp_path / "made"))[0]
    line = contract.by_id["adjustment"]
    assert line.pays(13, Cell().done()) == -50_00
    made = {row["line"]: row["price"] for row in table(tmp_path / "made", "plan")}
    assert made == {"nel": "8556.55", "adjustment": "-50"}


@pytest.mark.parametrize(
    ("name", "wanted", "row"),
    [
        ("plan.csv", "el,2,", "row 3"),
        ("pack.yaml", "phasing: plan", "row 3"),
        ("pack.yaml", "id", ""),
    ],
)
def test_a_problem_of_the_draft_is_one_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, wanted: str, row: str
) -> None:
    """What is wrong with a draft is told of the sheet: its own files were never written."""

    def invalid(folder: Path, files: dict[str, str], *, lint: bool) -> list[Problem]:
        lines = files[name].splitlines()
        at = next(place for place, line in enumerate(lines, 1) if line.strip().startswith(wanted))
        raise PackError([Problem(str(folder / name), at, 1, "PK434", "something is wrong")])

    monkeypatch.setattr(write, "put_in_place", invalid)
    rows = [HEADINGS, planned(), planned(pod="EL", month=2)]
    path = book(tmp_path / "plan.xlsx", {"IAP": rows})
    code, _, err = run("pack", "import", "plan", str(path), "-o", str(tmp_path / "made"))
    place = ", ".join(filter(None, ("plan.xlsx, sheet 'IAP'", row)))
    assert (code, f"{place}: something is wrong" in err) == (4, True), err
    assert name not in err


@pytest.mark.parametrize(
    ("provider", "price", "mff", "is_index"),
    [
        ("R1H", 1000, "1.2", True),  # 1.0012 as money
        ("R1H", 1000, 200, False),
        ("R1H", 5, "1.2", False),  # 1.24 as money
        ("R1H", 1000, 0, False),
        ("R1H", "", "1.2", False),  # nothing to weigh it by
    ],
)
def test_an_index_is_not_the_money_of_market_forces(
    tmp_path: Path, provider: str, price: Any, mff: Any, is_index: bool
) -> None:
    path = written(
        tmp_path / "plan.csv", [HEADINGS, planned(provider=provider, price=price, mff=mff)]
    )
    if not is_index:
        read_plan(path, codes())
        return
    with pytest.raises(DataError) as caught:
        read_plan(path, codes())
    assert (
        "row 2, column AE: planned market forces factor: 1.2 beside a price of 1000 is an"
        in str(caught.value)
    )
    assert "200.00 is what 1.2 adds" in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        ({"month": 14}, "A", "'14' is no financial month"),
        ({"month": "April"}, "A", "'April' is no financial month"),
        ({"year": 2021}, "B", "'2021' is no financial year"),
        ({"year": 203032}, "B", "'203032' is no financial year"),
        ({"provider": "R1H00"}, "D", "provider R1H00 ends in 00"),
        ({"provider": "R!"}, "D", "'R!' is no provider code"),
        ({"site": "R1"}, "E", "'R1': a site has 5 to 9 characters"),
        ({"commissioner": "LONG12"}, "H", "'LONG12' is no commissioner code"),
        ({"practice": "F8"}, "I", "'F8': a practice has 6 characters"),
        ({"function": "30"}, "J", "'30' is no treatment function code"),
        ({"category": 13}, "M", "'13' is no commissioned service category code"),
        ({"pod": "NELL"}, "P", "'NELL' is no point of delivery"),
        ({"tariff": "LOCAL1"}, "AA", "tariff code 'LOCAL1' of NEL does not begin with an HRG"),
        ({"national": "P"}, "AB", "'P' is neither Y nor N"),
        ({"activity": "ten"}, "AC", "planned activity: 'ten' is not a number"),
        ({"activity": -1}, "AC", "planned activity: -1 is negative"),
        ({"activity": "1.2345"}, "AC", "1.2345 has more than 3 decimals"),
        ({"price": "(100)"}, "AD", "planned price: '(100)' is not a number"),
        ({"price": -100}, "AD", "planned price: -100 is negative"),
        ({"pod": "BLOCK", **MONEY, "activity": 1}, "AC", "BLOCK carries money only: its activity"),
        ({"pod": "DRUG", **MONEY, "activity": ""}, "AC", "DRUG carries money only: its activity"),
        ({"pod": "CQUIN", **MONEY, "site": "R1H12"}, "E", "CQUIN carries money only: the cell"),
        ({"pod": "DEVICE", **MONEY, "gp": "93C"}, "F", "DEVICE carries money only: the cell"),
    ],
)  # fmt: skip
def test_a_cell_that_breaks_a_rule_of_the_plan(
    tmp_path: Path, cells: dict[str, Any], column: str, words: str
) -> None:
    rows = [HEADINGS, planned(), planned(**{"month": 2, **cells})]
    with pytest.raises(DataError) as caught:
        read_plan(written(tmp_path / "plan.csv", rows), codes())
    err = str(caught.value)
    assert f"plan.csv, row 3, column {column}: " in err
    assert words in err, err
    assert "nothing imported, 1 problem:" in err


@pytest.mark.parametrize(
    "cells",
    [
        {"pod": "OTHER", "tariff": "LOCAL1"},
        {"pod": "ADJUSTMENT", **MONEY, "price": -100},
        {"pod": "NAOTHER", **MONEY},
        {"year": "2030/31"},
        {"category": 93},
        {"tariff": "EB03A_LOCAL", "national": "N"},
    ],
)
def test_a_cell_that_only_looks_wrong(tmp_path: Path, cells: dict[str, Any]) -> None:
    path = written(tmp_path / "plan.csv", [HEADINGS, planned(**cells)])
    assert read_plan(path, codes()).year == "2030/31"


def test_a_plan_that_is_none(tmp_path: Path) -> None:
    without = [name for name in HEADINGS if name != "POINT OF DELIVERY CODE"]
    code, _, err = plan(tmp_path, [planned()], headings=without)
    assert (code, "no column 'POINT OF DELIVERY CODE'" in err) == (4, True)
    code, _, err = plan(tmp_path, [planned(), planned()])
    assert (code, "row 3: the row stands twice" in err, "first in row 2" in err) == (4, True, True)
    assert plan(tmp_path, [planned()], "--provider", "RXX")[0] == 2
    assert plan(tmp_path, [planned(), planned(year=203132)])[0] == 2
    assert not (tmp_path / "made").exists()
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "mine.txt").write_text("keep", encoding="utf-8")
    assert plan(tmp_path, [planned()])[0] == 2
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["mine.txt"]


# ---------------------------------------------------------------- local prices

PRICED = ("Provider", "Commissioner", "TFC", "POD", "Tariff code", "LOCAL PRICE")


def test_local_prices_beside_a_plan_and_alone(tmp_path: Path) -> None:
    rows = [
        PRICED,
        ["R1H", "93C", "300", "NEL", "EB03A", "£4,321.50"],
        ["R1H", "93C", "", "NEL", "", "4000"],
        ["RRV", "93C", "", "", "EB03A", "5000"],
    ]
    path = written(tmp_path / "local.csv", rows)
    assert plan(tmp_path, [planned()], "--local-prices", str(path))[0] == 0
    assert table(tmp_path / "made", "local_prices") == [
        dict(zip(table_columns(), ["R1H", "93C", "", "NEL", "", "4000"], strict=True)),
        dict(zip(table_columns(), ["R1H", "93C", "300", "NEL", "EB03A", "4321.5"], strict=True)),
    ]
    alone = tmp_path / "alone"
    arguments = ("pack", "import", "local-prices", str(path), "-o", str(alone), "--year", "2030/31")
    code, _, err = run(*arguments)
    assert (code, "several providers: R1H, RRV" in err) == (2, True)
    assert run(*arguments, "--provider", "RRV")[0] == 0
    assert [row["price"] for row in table(alone, "local_prices")] == ["5000"]
    manifest = yaml.safe_load((alone / "pack.yaml").read_text(encoding="utf-8"))
    assert manifest["lines"][0]["form"] == {"kind": "cost_per_case"}


def table_columns() -> list[str]:
    from tariff.packs.importing_tables.local_prices import COLUMNS

    return list(COLUMNS)


def test_every_problem_of_local_prices_is_named(tmp_path: Path) -> None:
    rows = [
        PRICED,
        ["R1H", "93C", "300", "NEL", "EB03A", "four"],
        ["R1H", "93C", "300", "EL", "EB03A", "-4"],
        ["R1H", "93C", "300", "DC", "EB03A", "-"],
        ["R1H", "93C", "100", "DC", "EB03A", "1"],
        ["R1H", "93C", "100", "DC", "EB03A", "2"],
        ["R1H", "93C", "100", "XX", "EB03A", "2"],
    ]
    path = written(tmp_path / "local.csv", rows)
    folder = tmp_path / "made"
    code, _, err = run(
        "pack", "import", "local-prices", str(path), "-o", str(folder), "--year", "2030/31"
    )
    assert (code, folder.exists()) == (4, False)
    for words in (
        "local.csv, row 2, column F: local price: 'four' is not a number",
        "row 3, column F: local price: -4 is negative",
        "row 4, column F: there is no price",
        "row 6, column F: R1H 93C 100 DC EB03A stands twice and differs: 1 and 2",
        "row 7, column D: 'XX' is no point of delivery",
        "nothing imported, 5 problems",
    ):
        assert words in err, err
