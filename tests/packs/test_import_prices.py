"""Importing a price workbook: workbooks never seen before, bad ones, and the pack that is left."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tariff.cli import main as cli
from tariff.packs.load import load_packs
from tariff.packs.model import TariffPack
from tariff.packs.read import read_pack
from tests.packs.price_books import EB03A, EB03B, HEADINGS, TITLE, Rows, admitted, book, with_cell

Result = tuple[int, str, str]


def run(*arguments: str) -> Result:
    """The command line as a user calls it: exit code, output, messages."""
    import contextlib
    import io

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run([*arguments])
    return code, out.getvalue(), err.getvalue()


def imported(tmp_path: Path, sheets: dict[str, Rows], *more: str, **how: object) -> Result:
    path = book(tmp_path / "annex.xlsx", sheets, **how)  # type: ignore[arg-type]
    return run("pack", "import", "prices", str(path), "-o", str(tmp_path / "made"), *more)


def table(tmp_path: Path, name: str) -> list[dict[str, str]]:
    with (tmp_path / "made" / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


# ---------------------------------------------------------------- what is left


def test_a_workbook_becomes_a_pack_that_says_where_it_is_from(tmp_path: Path) -> None:
    code, out, err = imported(tmp_path, {"1 APC": admitted()}, "--edition", "consultation")
    assert (code, "prices" in out) == (0, True), err
    pack, problems = read_pack(tmp_path / "made")
    assert pack is not None and not problems
    manifest = pack.manifest
    assert isinstance(manifest, TariffPack)
    assert (manifest.id, manifest.year, manifest.edition) == ("made", "2030/31", "consultation")
    assert str(manifest.applies.from_), str(manifest.applies.to) == ("2030-04-01", "2031-03-31")
    source = manifest.sources[0]
    assert source.file == "annex.xlsx"
    assert len(source.sha256) == 64
    assert source.licence == "Open Government Licence v3.0"
    assert manifest.short_stay_rule is not None and manifest.short_stay_rule.min_age == 19
    assert any("short stay" in note for note in manifest.notes)
    first, second = table(tmp_path, "prices")
    assert first == {
        "hrg": "EB03A", "outpatient_procedure": "", "combined": "4000", "day_case": "",
        "ordinary_elective": "", "elective_trim": "20", "non_elective": "5000",
        "non_elective_trim": "57", "per_day": "229", "short_stay": "yes",
        "short_stay_percent": "20", "short_stay_price": "1000",
    }  # fmt: skip
    assert (second["short_stay"], second["short_stay_price"]) == ("no", "")


def test_an_imported_pack_is_priced_with(tmp_path: Path) -> None:
    assert imported(tmp_path, {"1 APC": admitted()})[0] == 0
    packs = load_packs([tmp_path / "made"])
    years = {getattr(pack.manifest, "year", "") for pack in packs.by_kind("tariff")}
    assert "2030/31" in years


def test_two_editions_of_a_year_are_held(tmp_path: Path) -> None:
    path = book(tmp_path / "annex.xlsx", {"1 APC": admitted()})
    for edition in ("consultation", "final"):
        folder = str(tmp_path / "both" / edition)
        Path(folder).parent.mkdir(exist_ok=True)
        arguments = ("pack", "import", "prices", str(path), "-o", folder, "--edition", edition)
        assert run(*arguments)[0] == 0
    assert run("pack", "check", str(tmp_path / "both"))[0] == 0


# ---------------------------------------------------------------- workbooks never seen before


def test_figures_are_read_however_they_are_written(tmp_path: Path) -> None:
    row = (
        "eb03a ", "Heart Failure**", "–", "£4,000", "20", " 5,000 ", "57", "£229", "Yes", "20%",
        "1,000*",
    )  # fmt: skip
    notes = [["* Prices subject to change in 2031/32."], ["Please note: 2 of 3 are final."]]
    assert imported(tmp_path, {"1 APC": [*admitted(row, EB03B), [], *notes]})[0] == 0
    first = table(tmp_path, "prices")[0]
    assert (first["hrg"], first["combined"], first["non_elective"]) == ("EB03A", "4000", "5000")
    assert (first["outpatient_procedure"], first["short_stay_percent"]) == ("", "20")
    assert first["short_stay_price"] == "1000"


def test_columns_may_stand_in_another_order_with_others_between(tmp_path: Path) -> None:
    order = [5, 1, 0, 3, 2, 4, 7, 6, 10, 9, 8]
    shuffled = [["No.", *(row[at] for at in order), "Comment"] for row in (HEADINGS, EB03A, EB03B)]
    shuffled[1][0], shuffled[2][0] = 1, 2
    # HRG code must be among the first two headings; here it is not, so it moves
    rows = [[row[0], row[3], *row[1:3], *row[4:]] for row in shuffled]
    code, _, err = imported(tmp_path, {"17c Something": [[TITLE], [], *rows]})
    assert code == 0, err
    assert table(tmp_path, "prices")[0]["non_elective"] == "5000"
    assert "column 'Comment' was not read" in err


def test_headings_of_two_rows_with_merged_cells(tmp_path: Path) -> None:
    upper = ["HRG code", "HRG name", "Outpatient procedure (£)", "Elective", None, None]
    upper += ["Non-elective", None, "Per day long stay payment (£)", "Short stay emergency"]
    lower = [None, None, None, "Day case spell (£)", "Ordinary elective spell (£)"]
    lower += ["Trim point (days)", "Spell (£)", "Trim point (days)", None]
    lower += ["Applicable?", "% applied", "Price (£)"]
    row = ["EB03A", "Heart", "-", 3900, 4000, 20, 5000, 57, 229, "Yes", 0.2, 1000]
    merged = ["A3:A4", "B3:B4", "C3:C4", "D3:F3", "G3:H3", "I3:I4", "J3:L3"]
    sheet = {"Tab A": [[TITLE], [], upper, lower, row]}
    code, _, err = imported(tmp_path, sheet, merged={"Tab A": merged})
    assert code == 0, err
    read = table(tmp_path, "prices")[0]
    assert (read["day_case"], read["ordinary_elective"], read["elective_trim"]) == (
        "3900", "4000", "20",
    )  # fmt: skip
    assert (read["non_elective"], read["non_elective_trim"]) == ("5000", "57")
    assert (read["short_stay"], read["short_stay_percent"], read["short_stay_price"]) == (
        "yes", "20", "1000",
    )  # fmt: skip


def test_hidden_sheets_are_not_read(tmp_path: Path) -> None:
    sheets = {"1 APC": admitted(), "1 APC (old)": admitted(with_cell(EB03A, HEADINGS[5], 9999))}
    code, _, err = imported(tmp_path, sheets, hidden=("1 APC (old)",))
    assert code == 0
    assert "sheet '1 APC (old)': hidden: not read" in err
    assert table(tmp_path, "prices")[0]["non_elective"] == "5000"


def test_a_sheet_is_known_by_its_headings_where_its_title_says_nothing(tmp_path: Path) -> None:
    clinics = [
        ["Table 4 (2030/31)"],
        ["TFC", "Description", "WF01B first (£)", "WF02B first (£)", "WF01A (£)", "WF02A (£)"],
        [100, "General Surgery", 181, 250, 78, 118],
    ]
    sheets = {"x": [["Table 3"], *admitted()[2:]], "y": clinics, "z": [["Nothing", "of note"]]}
    code, _, err = imported(tmp_path, sheets)
    assert code == 0, err
    assert table(tmp_path, "attendances")[0]["first_multi"] == "250"
    assert "sheet 'z': not recognised: not read" in err


def test_a_banner_may_stand_above_the_title(tmp_path: Path) -> None:
    rows = [["OFFICIAL", "Return to contents"], ["Rows in bold are new"], *admitted()]
    code, _, err = imported(tmp_path, {"Sheet1": rows})
    assert code == 0, err
    assert len(table(tmp_path, "prices")) == 2


def test_best_practice_prices_with_headings_of_two_rows(tmp_path: Path) -> None:
    prices: Rows = [
        ["Best practice tariff prices 2030/31"],
        [1, "Diabetic ketoacidosis"],
        ["The BPT will apply at the sub-HRG level."],
        [None, None, "Best practice tariff", None, "Non-best practice tariff"],
        ["HRG code", "HRG name", "Non-elective tariff (£)",
         "Reduced short stay emergency tariff (£)", "Non-elective tariff (£)",
         "HRG or sub-HRG level", "BPT Flag (see 6b)",
         "% applied in calculation"],
        ["KB01C", "Diabetes", 3659, 732, 3110, "sub-HRG", "BP52", 0.2],
        ["KB01D", "Diabetes", 1784, "-", 1516],
    ]  # fmt: skip
    merged = {"6a": ["C4:D4"]}
    code, _, err = imported(tmp_path, {"1": admitted(), "6a": prices}, merged=merged)
    assert code == 0, err
    read = [
        (
            r["code"],
            r["flag"],
            r["payment"],
            r["setting"],
            r["short_stay"],
            r["percent"],
            r["price"],
        )
        for r in table(tmp_path, "best_practice_prices")
    ]
    assert read == [
        ("KB01C", "BP52", "best_practice", "non_elective", "no", "", "3659"),
        ("KB01C", "BP52", "best_practice", "non_elective", "yes", "20", "732"),
        ("KB01C", "BP52", "not_best_practice", "non_elective", "no", "", "3110"),
        ("KB01D", "BP52", "best_practice", "non_elective", "no", "", "1784"),
        ("KB01D", "BP52", "not_best_practice", "non_elective", "no", "", "1516"),
    ]


def test_a_workbook_of_two_years_asks_for_one(tmp_path: Path) -> None:
    second = [["Admitted patient care prices 2031/32"], *admitted()[1:]]
    sheets = {"1a": admitted(), "1b": [*second[:3], with_cell(EB03A, HEADINGS[5], 5100)]}
    code, _, err = imported(tmp_path, sheets)
    assert (code, "2030/31 and 2031/32" in err) == (2, True)
    code, _, err = imported(tmp_path, sheets, "--year", "2031/32")
    assert code == 0, err
    assert table(tmp_path, "prices")[0]["non_elective"] == "5100"
    assert "sheet '1a': of another year than 2031/32" in err
    shutil.rmtree(tmp_path / "made")
    assert imported(tmp_path, sheets, "--year", "2019/20")[0] == 2


def test_a_folder_of_sheets_is_read_like_a_workbook(tmp_path: Path) -> None:
    folder = tmp_path / "sheets"
    folder.mkdir()
    with (folder / "1_apc.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(["" if c is None else c for c in row] for row in admitted())
    made = str(tmp_path / "made")
    code, _, err = run("pack", "import", "prices", str(folder), "-o", made)
    assert code == 0, err
    assert [row["hrg"] for row in table(tmp_path, "prices")] == ["EB03A", "EB03B"]


# ---------------------------------------------------------------- bad ones


def test_every_problem_is_named_with_its_place_and_nothing_is_left(tmp_path: Path) -> None:
    rows = [
        with_cell(EB03A, HEADINGS[3], "four thousand"),
        with_cell(EB03B, HEADINGS[5], -3500),
        ["EB04A", *with_cell(EB03B, HEADINGS[4], 0)[1:]],
        ["EB04B", *EB03B[1:]],
        ["EB04B", *with_cell(EB03B, HEADINGS[7], 230)[1:]],
        ["EB05", *EB03B[1:]],
        ["EB06A", *with_cell(EB03A, HEADINGS[8], "perhaps")[1:]],
        ["EB07A", *with_cell(EB03A, HEADINGS[10], "-")[1:]],
    ]
    clinics: Rows = [
        ["Outpatient attendances 2030/31"],
        ["Treatment function code", "Name", "WF01B First", "WF02B First", "WF01A Follow Up",
         "WF02 Follow Up Attendance"],
        [100, "General Surgery", 181, 250, 78, 118],
    ]  # fmt: skip
    code, _, err = imported(tmp_path, {"1 APC": admitted(*rows), "2 OP": clinics})
    assert code == 4
    assert not (tmp_path / "made").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["annex.xlsx"]
    place = "annex.xlsx, sheet '1 APC', row"
    assert f"{place} 4, column D: EB03A: combined: 'four thousand' is not a number" in err
    assert f"{place} 5, column F: EB03B: non-elective: -3500 is negative" in err
    assert f"{place} 6, column E: EB04A: elective trim point: 0 is below 1" in err
    assert f"{place} 8: EB04B stands twice and differs: per_day 229 and 230" in err
    assert "hint: first in row 7" in err
    assert f"{place} 9, column A: 'EB05' is no hrg code beside figures" in err
    assert f"{place} 10, column I: EB06A: 'perhaps' says neither" in err
    assert f"{place} 11, column K: EB07A: short stay price applies without share and price" in err
    assert "annex.xlsx, sheet '2 OP', row 2, column F: no column 'WF02A Follow Up" in err
    assert "hint: the nearest is 'WF02 Follow Up Attendance'" in err
    assert "nothing imported, 8 problems" in err


def test_a_missing_column_is_named_with_the_nearest(tmp_path: Path) -> None:
    headings = [name.replace("Per day long stay", "Nightly long-stay") for name in HEADINGS]
    code, _, err = imported(tmp_path, {"1 APC": admitted(headings=headings)})
    assert code == 4
    assert "row 3, column H: no column 'Per day long stay payment" in err
    assert "the nearest is 'Nightly long-stay payment" in err


@pytest.mark.parametrize("words", ["Daily long-stay", "Per diem long stay"])
def test_the_daily_rate_goes_by_more_names_than_one(tmp_path: Path, words: str) -> None:
    headings = [name.replace("Per day long stay", words) for name in HEADINGS]
    code, _, err = imported(tmp_path, {"1 APC": admitted(headings=headings)})
    assert code == 0, err


def test_two_columns_that_may_be_one_are_named(tmp_path: Path) -> None:
    headings = [*HEADINGS, "2029/30 non-elective spell (£)"]
    code, _, err = imported(tmp_path, {"1": admitted([*EB03A, 4900], headings=headings)})
    assert code == 4
    assert "column L: '2029/30 non-elective spell (£)' and 'Non-elective spell (£)' may" in err


def test_a_mistyped_code_of_another_sheet_is_no_payment(tmp_path: Path) -> None:
    prices: Rows = [
        ["Best practice tariffs 2030/31"],
        ["1. Acute stroke care"],
        ["HRG code", "HRG name", "Non-best practice tariff (£)", "Best practice tariff (£)"],
        ["AA35", "Stroke with CC Score 16+", 10498, 12217],
    ]
    code, _, err = imported(tmp_path, {"1": admitted(), "6a": prices})
    assert code == 4
    assert "sheet '6a', row 4, column A: 'AA35' is no hrg code" in err


def test_a_formula_without_a_result_is_no_blank(tmp_path: Path) -> None:
    row = with_cell(EB03A, HEADINGS[5], "=2500*2")  # as a program writes it that computes nothing
    code, _, err = imported(tmp_path, {"1 APC": admitted(row)})
    assert code == 4
    assert "annex.xlsx, sheet '1 APC', row 4, column F: a formula without a result" in err


def test_a_row_printed_twice_the_same_counts_once(tmp_path: Path) -> None:
    assert imported(tmp_path, {"1 APC": admitted(EB03A, EB03A)})[0] == 0
    assert len(table(tmp_path, "prices")) == 1


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("annex.xls", b"\xd0\xcf\x11\xe0" + b"\0" * 600, "old .xls, or has a password"),
        ("annex.xlsx", b"HRG code,price\nEB03A,1\n", "is not an XLSX workbook"),
        ("annex.xlsx", b"", "is not an XLSX workbook"),
        ("annex.xlsx", b"PK\x03\x04 broken", "is not an XLSX workbook"),
    ],
)
def test_what_is_no_xlsx_is_refused(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    code, _, err = run("pack", "import", "prices", str(path), "-o", str(tmp_path / "made"))
    assert (code, words in err) == (4, True)
    assert not (tmp_path / "made").exists()


def test_a_pack_that_would_be_invalid_is_not_left(tmp_path: Path) -> None:
    row = with_cell(EB03A, HEADINGS[10], 6000)  # the short stay price above the full price
    code, _, err = imported(tmp_path, {"1 APC": admitted(row)})
    assert (code, "made/prices.csv:2:" in err, "PK406" in err) == (3, True, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["annex.xlsx"]


def test_mistakes_of_use(tmp_path: Path) -> None:
    assert run("pack", "import", "prices", str(tmp_path / "no.xlsx"), "-o", "x")[0] == 2
    assert imported(tmp_path, {"1": admitted()}, "--year", "2030")[0] == 2
    assert imported(tmp_path, {"1": [["No year here"], *admitted()[2:]]})[0] == 2
    code, _, err = imported(tmp_path, {"2 A&E": [["A&E prices 2030/31"], ["HRG code", "x"]]})
    assert (code, "no column" in err) == (4, True)
    code, _, err = imported(tmp_path, {"Guide": [["About 2030/31"], ["words"]]})
    assert (code, "has no sheet of admitted prices" in err) == (4, True)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "mine.txt").write_text("keep", encoding="utf-8")
    assert imported(tmp_path, {"1": admitted()})[0] == 2
    assert (tmp_path / "made" / "mine.txt").read_text(encoding="utf-8") == "keep"


def test_help_is_there() -> None:
    result = CliRunner().invoke(cli.main, ["pack", "import", "prices", "--help"])
    assert result.exit_code == 0
    assert "national price workbook" in result.output


def test_what_is_no_workbook_is_told_what_to_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headings = admitted()[:-2]  # without its two HRGs
    code, _, err = imported(tmp_path, {"1 APC & OPROC": headings}, "--year", "2030/31")
    assert (code, "there are no prices below its headings" in err) == (4, True), err
    assert "annex.xlsx, sheet '1 APC & OPROC'" in err
    (tmp_path / "m1.csv").write_text("Provider code,2030/31\nRRV,1.2\n", encoding="utf-8")
    made = ("-o", str(tmp_path / "made"))
    code, _, err = run("pack", "import", "prices", str(tmp_path / "m1.csv"), *made)
    assert (code, "m1.csv is one CSV file" in err, "`tariff pack import mff`" in err) == (
        2, True, True,
    ), err  # fmt: skip
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    code, _, err = run("pack", "import", "prices", str(tmp_path / "a.pdf"), *made)
    assert (code, "a folder with one CSV file a sheet" in err) == (4, True), err
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets" / "one.csv").write_text("Nothing\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "sheets")
    code, _, err = run("pack", "import", "prices", ".", *made)
    assert (code, "no sheet of sheets names a year" in err) == (2, True), err
