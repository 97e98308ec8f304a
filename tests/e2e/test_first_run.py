"""A first run: an extract in, a folder of results out."""

from __future__ import annotations

import gzip
import json
import re
import warnings
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

import tariff as package
from tariff import schemas
from tests.e2e.command import FILES, QUICK, left, ran, read_rows, tariff, together, write_rows
from tests.e2e.conftest import EPISODES, Checked

# What others build on; the schema may have more.
DOCUMENTED_SPELLS = [
    "spell_id",
    "provider",
    "patient_id",
    "hrg",
    "hrg_provenance",
    "billed_hrg",
    "priced_hrg",
    "point_of_delivery",
    "adjusted_days",
    "excess_days",
    "base_pence",
    "short_stay_pence",
    "long_stay_pence",
    "top_up_pence",
    "best_practice_pence",
    "pre_mff_pence",
    "mff",
    "mff_year",
    "total_pence",
    "complete",
]
DOCUMENTED_FINDINGS = [
    "finding_id",
    "rule",
    "class",
    "level",
    "provider",
    "records",
    "spell_ids",
    "billed_pence",
    "allowed_pence",
    "value_pence",
    "settled_pence",
    "cash_pence",
]
STAGE_FILES = {"spells.parquet", "episodes.parquet", "rejects.csv", "manifest.json"}


def same_results(folder: Path, other: Path) -> None:
    for name in ("findings.csv", "spells.parquet"):
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name


# an honest month has patients with two day cases of one day, which a presumptive rule asks about
HONEST = [("SPL08", "presumptive")]


# ---------------------------------------------------------------- what a check leaves


def test_a_check_leaves_the_documented_files_and_nothing_else(checked: Checked) -> None:
    assert left(checked.folder) == FILES


def test_the_summary_goes_to_standard_output_and_nothing_to_standard_error(
    checked: Checked,
) -> None:
    assert checked.result.stderr == ""
    assert checked.result.stdout.rstrip().endswith(f"Report: {checked.folder / 'report.html'}")
    assert f"Read     {EPISODES + 2:,} rows" in checked.result.stdout
    assert "Covers   1 September 2022 to 30 September 2022" in checked.result.stdout
    assert "\x1b" not in checked.result.stdout  # no colours where there is no terminal


def test_the_planted_faults_are_found_and_nothing_else(checked: Checked) -> None:
    found = sorted((finding["rule"], finding["class"]) for finding in checked.findings())
    assert found == [
        ("DUP01", "deterministic"),
        ("DUP02", "presumptive"),
        ("PRC01", "deterministic"),
        ("PRC01", "deterministic"),
        ("PRC02", "deterministic"),
        *HONEST,
    ]


def test_the_manifest_reconciles_from_billed_to_allowed(checked: Checked) -> None:
    manifest = checked.manifest()
    money, counts = manifest["money"], manifest["counts"]
    rows = read_rows(checked.source)
    assert counts["rows_read"] == len(rows) == counts["episodes"] + counts["duplicate_rows"]
    assert counts["duplicate_rows"] == 1
    assert counts["rows_rejected"] == 0
    billed = sum(int(Decimal(row["billed_total"] or 0) * 100) for row in rows)
    assert money["billed"] == billed
    assert money["billed"] - money["settled"] == money["allowed"]
    assert money["settled"] == money["settled_over"] + money["settled_under"]
    assert money["settled_under"] < 0 < money["settled_over"]
    findings = checked.findings()
    assert money["settled"] == sum(int(finding["settled_pence"]) for finding in findings)
    by_class = [
        part
        for line in money["by_class"].values()  # and what of a class is no cash
        for part in (line, *(value for value in line.values() if isinstance(value, dict)))
    ]
    for part in (by_class, money["by_step"]):
        assert sum(line["settled"] for line in part) == money["settled"]
        assert sum(line["findings"] for line in part) == len(findings) == counts["findings"]
    spells = pq.read_table(checked.folder / "spells.parquet").to_pylist()
    assert len(spells) == counts["spells"]
    assert sum(spell["billed_pence"] for spell in spells) == billed - money["billed_in_copies"]
    priced = sum(spell["total_pence"] for spell in spells if spell["complete"])
    assert priced == money["priced_total"]


def test_the_manifest_names_inputs_packs_and_rules(checked: Checked) -> None:
    manifest = checked.manifest()
    assert manifest["tariff"]["version"] == package.__version__
    (source,) = manifest["inputs"]
    assert source["file"] == checked.source.name
    assert source["bytes"] == checked.source.stat().st_size
    assert source["layout"] == "canonical"
    assert re.fullmatch("[0-9a-f]{64}", source["sha256"])
    packs = {pack["id"]: pack for pack in manifest["packs"]}
    assert {"ntps-2022-23", "hrg-2022-23", "mff-england", "signatures"} <= packs.keys()
    assert packs["hrg-2022-23"]["provenance"] == "reconstructed"
    assert all(re.fullmatch("[0-9a-f]{64}", pack["sha256"]) for pack in packs.values())
    assert all(rule["ran"] != bool(rule["not_run"]) for rule in manifest["rules"])
    assert manifest["period"]["years"] == {"2022/23": manifest["counts"]["spells"]}


def test_findings_have_the_documented_columns(checked: Checked) -> None:
    header = (checked.folder / "findings.csv").read_text("utf-8").splitlines()[0]
    names = [name.strip('"') for name in header.split(",")]
    assert names == schemas.FINDINGS.names
    assert set(DOCUMENTED_FINDINGS) <= set(names)
    assert pq.read_schema(checked.folder / "findings.parquet").equals(schemas.FINDINGS)
    for finding in checked.findings():
        value = int(finding["billed_pence"]) - int(finding["allowed_pence"])
        assert int(finding["value_pence"]) == value
        assert finding["cash_pence"] == ""  # there is no contract
        assert re.fullmatch("[0-9a-f]{16}", finding["finding_id"])
        assert all(key.startswith("spell:") for key in finding["records"].split())
        assert json.loads(finding["evidence"])


def test_the_csv_and_the_parquet_findings_are_the_same(checked: Checked) -> None:
    table = pq.read_table(checked.folder / "findings.parquet")
    written = checked.findings()
    assert [row["finding_id"] for row in written] == table["finding_id"].to_pylist()
    assert [int(row["settled_pence"]) for row in written] == table["settled_pence"].to_pylist()


def test_spells_have_the_documented_columns_and_add_up(checked: Checked) -> None:
    path = checked.folder / "spells.parquet"
    assert pq.read_schema(path).equals(schemas.SPELLS)
    assert set(DOCUMENTED_SPELLS) <= set(schemas.SPELLS.names)
    spells = pq.read_table(path).to_pylist()
    keys = [(spell["provider"], spell["spell_id"]) for spell in spells]
    assert keys == sorted(set(keys))
    for spell in spells:
        assert spell["complete"] and not spell["price_reasons"]
        parts = ("base", "short_stay", "long_stay", "top_up", "best_practice")
        assert spell["pre_mff_pence"] == sum(spell[f"{part}_pence"] or 0 for part in parts)
        assert spell["short_stay_pence"] <= 0
        assert spell["mff_year"] == "2022/23"
        assert spell["priced_hrg"] == spell["billed_hrg"]
        assert spell["hrg_provenance"] == "reconstructed"
        exact = spell["pre_mff_pence"] * spell["mff"]
        assert abs(exact - spell["total_pence"]) <= Decimal("0.5")


def test_the_report_is_one_page_with_the_figures_of_the_manifest(checked: Checked) -> None:
    page = (checked.folder / "report.html").read_text("utf-8")
    money = checked.manifest()["money"]
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert "<script" not in page
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    for pence in (money["billed"], money["allowed"]):
        assert f"{pence / 100:,.2f}" in page
    for finding in checked.findings():
        assert finding["rule"] in page
        assert all(spell in page for spell in finding["spell_ids"].split())


def test_the_workbook_reads_back(checked: Checked) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(checked.folder / "workbook.xlsx")
    assert book.sheetnames == ["Summary", "Root causes", "Worklist", "Rules", "Rejects"]
    worklist = book["Worklist"]
    assert worklist.auto_filter.ref
    ids = {cell.value for row in worklist.iter_rows() for cell in row}
    assert {finding["finding_id"] for finding in checked.findings()} <= ids


def test_no_patient_is_named_outside_the_spells(checked: Checked) -> None:
    patients = {row["patient_id"] for row in read_rows(checked.source)}
    book = openpyxl.load_workbook(checked.folder / "workbook.xlsx")
    cells = {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row}
    texts = [(checked.folder / name).read_text("utf-8") for name in left(checked.folder)
             if name.endswith((".html", ".csv", ".json"))]  # fmt: skip
    for text in [*texts, "\n".join(cells), checked.result.stdout]:
        words = set(re.findall(r"\w+", text))
        assert not words & patients


# ---------------------------------------------------------------- the same bytes


def test_the_same_extract_gives_the_same_bytes_whatever_the_threads(
    checked: Checked, tmp_path: Path
) -> None:
    ran(tariff("check", checked.source, "-o", tmp_path, "--threads", 1))
    same_results(tmp_path, checked.folder)


def test_the_order_of_the_rows_does_not_matter(checked: Checked, tmp_path: Path) -> None:
    rows = read_rows(checked.source)
    turned = write_rows(tmp_path / "turned.csv", rows[::-1])
    ran(tariff("check", turned, "-o", tmp_path / "out"))
    same_results(tmp_path / "out", checked.folder)


def test_several_files_are_one_extract(checked: Checked, tmp_path: Path) -> None:
    rows = read_rows(checked.source)
    parts = [write_rows(tmp_path / f"part{number}.csv", rows[number::3]) for number in range(3)]
    ran(tariff("check", *parts, "-o", tmp_path / "out"))
    same_results(tmp_path / "out", checked.folder)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert [source["file"] for source in manifest["inputs"]] == [path.name for path in parts]
    assert sum(source["rows"] for source in manifest["inputs"]) == len(rows)


def as_gzip(source: Path, folder: Path) -> Path:
    path = folder / "april.csv.gz"
    path.write_bytes(gzip.compress(source.read_bytes()))
    return path


def as_cp1252(source: Path, folder: Path) -> Path:
    lines = source.read_text("utf-8").splitlines()
    ward = lines[0].split(",").index("ward")
    out = [f"{lines[0]},caf\N{LATIN SMALL LETTER E WITH ACUTE}"]
    for line in lines[1:]:
        cells = line.split(",")
        cells[ward] = "\N{LATIN CAPITAL LETTER E WITH ACUTE}dith \N{RIGHT SINGLE QUOTATION MARK}"
        out.append(",".join([*cells, "\N{POUND SIGN}"]))
    path = folder / "april.csv"
    path.write_bytes(("\n".join(out) + "\n").encode("cp1252"))
    return path


def as_crlf(source: Path, folder: Path) -> Path:
    path = folder / "april.csv"
    path.write_bytes(b"\xef\xbb\xbf" + source.read_bytes().replace(b"\n", b"\r\n"))
    return path


def as_parquet(source: Path, folder: Path) -> Path:
    path = folder / "april.parquet"
    pq.write_table(pa_csv.read_csv(source, convert_options=TEXT_CODES), path)
    return path


def with_dots_and_blank_columns(source: Path, folder: Path) -> Path:
    """Codes as people write them, an extra column, and blank ones at the end of each line."""
    rows = read_rows(source)
    for row in rows:
        code = row["diag_01"]
        row["diag_01"] = f"{code[:3]}.{code[3:]} ".lower()
        row["somebody's note"] = "=1+1"
    path = write_rows(folder / "april.csv", rows)
    path.write_text(path.read_text("utf-8").replace("\n", ",,\n"), encoding="utf-8")
    return path


TEXT = (
    "age sex admission_method admission_source patient_classification commissioner gp_practice "
    "intended_management main_specialty administrative_category discharge_destination "
    "discharge_method treatment_function neonatal_care commissioning_serial_number "
    "admission_time discharge_time billed_price billed_total billed_mff"
)
TEXT_CODES = pa_csv.ConvertOptions(
    column_types=dict.fromkeys(TEXT.split(), "string"), strings_can_be_null=True
)
FORMS = (as_gzip, as_cp1252, as_crlf, as_parquet, with_dots_and_blank_columns)


def test_every_form_of_the_file_says_the_same(checked: Checked, tmp_path: Path) -> None:
    folders = [tmp_path / form.__name__ for form in FORMS]
    commands = []
    for form, folder in zip(FORMS, folders, strict=True):
        folder.mkdir()
        commands.append(["check", form(checked.source, folder), "-o", folder / "out", *QUICK])
    expected = checked.manifest()
    for result, folder in zip(together(*commands), folders, strict=True):
        ran(result)
        found = read_rows(folder / "out" / "findings.csv")
        assert [(row["rule"], row["spell_ids"], row["settled_pence"]) for row in found] == [
            (row["rule"], row["spell_ids"], row["settled_pence"]) for row in checked.findings()
        ], folder.name
        manifest = json.loads((folder / "out" / "manifest.json").read_text("utf-8"))
        assert manifest["money"] == expected["money"], folder.name
        assert manifest["counts"] == expected["counts"], folder.name


def test_synth_writes_the_same_extract_as_parquet(tmp_path: Path) -> None:
    spells = []
    for name in ("april.csv", "april.parquet"):
        ran(tariff("data", "synth", "-o", tmp_path / name, "--episodes", 300, "--seed", 3,
                   "--month", "2022-09", "--providers", 3))  # fmt: skip
        ran(tariff("price", tmp_path / name, "-o", tmp_path / f"{name}-out"))
        spells.append((tmp_path / f"{name}-out" / "spells.parquet").read_bytes())
    assert spells[0] == spells[1]


# ---------------------------------------------------------------- options of check


def test_only_findings_leaves_page_workbook_and_spells_out(
    checked: Checked, faulty: Path, tmp_path: Path
) -> None:
    (tmp_path / "report.html").write_text("of an earlier run")
    (tmp_path / "mine.txt").write_text("not ours")
    result = ran(tariff("check", faulty, "-o", tmp_path, *QUICK, "--keep"))
    left_out = {"report.html", "workbook.xlsx", "spells.parquet"}
    assert left(tmp_path) == FILES - left_out | {"episodes.parquet", "mine.txt"}
    assert result.stdout.rstrip().endswith(f"Findings: {tmp_path / 'findings.csv'}")
    assert (tmp_path / "findings.csv").read_bytes() == (
        checked.folder / "findings.csv"
    ).read_bytes()
    assert pq.read_schema(tmp_path / "episodes.parquet").equals(schemas.EPISODES)
    assert pq.read_metadata(tmp_path / "episodes.parquet").num_rows == EPISODES + 1


def test_fail_on_ends_with_1_where_there_is_a_finding_and_an_honest_extract_has_none(
    faulty: Path, honest: Path, tmp_path: Path
) -> None:
    high, none = together(
        ["check", faulty, "-o", tmp_path / "a", *QUICK, "--fail-on", "high"],
        ["check", honest, "-o", tmp_path / "b", *QUICK, "--fail-on", "low"],
    )
    ran(high, code=1)
    assert read_rows(tmp_path / "a" / "findings.csv")  # the results are there all the same
    ran(none)
    assert read_rows(tmp_path / "b" / "findings.csv") == []


SELECTIONS = (
    (("--select", "PRC01"), {"PRC01"}),
    (("--select", "prc"), {"PRC01", "PRC02"}),
    (("--select", "DUP01,PRC02"), {"DUP01", "PRC02"}),
    (("--select", "DUP01", "--select", "SPL0"), {"DUP01", "SPL08"}),
)


def test_select_runs_these_rules_and_no_other(faulty: Path, tmp_path: Path) -> None:
    results = together(
        *(
            ["check", faulty, "-o", tmp_path / str(number), *QUICK, *options]
            for number, (options, _) in enumerate(SELECTIONS)
        )
    )
    for number, (result, (options, expected)) in enumerate(zip(results, SELECTIONS, strict=True)):
        ran(result)
        found = {row["rule"] for row in read_rows(tmp_path / str(number) / "findings.csv")}
        assert found == expected, options


# ---------------------------------------------------------------- stages and rendering


def test_price_leaves_spells_and_episodes(priced: Checked) -> None:
    assert left(priced.folder) == STAGE_FILES
    last = priced.result.stdout.rstrip().splitlines()[-1]
    assert last == f"Spells: {priced.folder / 'spells.parquet'}"
    spells = pq.read_table(priced.folder / "spells.parquet").to_pylist()
    assert all(spell["hrg"] and spell["total_pence"] is not None for spell in spells)
    assert pq.read_schema(priced.folder / "spells.parquet").equals(schemas.SPELLS)
    assert pq.read_schema(priced.folder / "episodes.parquet").equals(schemas.EPISODES)
    assert pq.read_metadata(priced.folder / "episodes.parquet").num_rows == EPISODES


def test_group_leaves_spells_and_episodes_and_no_price(priced: Checked, tmp_path: Path) -> None:
    ran(tariff("group", priced.source, "-o", tmp_path / "out"))
    assert left(tmp_path / "out") == STAGE_FILES
    spells = pq.read_table(tmp_path / "out" / "spells.parquet")
    assert spells["hrg"].equals(pq.read_table(priced.folder / "spells.parquet")["hrg"])
    assert spells["total_pence"].null_count == spells.num_rows  # it stopped after grouping


def test_report_renders_the_page_and_the_workbook_again(checked: Checked, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in FILES - {"report.html", "workbook.xlsx"}:
        (folder / name).write_bytes((checked.folder / name).read_bytes())
    before = {name: (folder / name).stat().st_mtime_ns for name in left(folder)}
    result = ran(tariff("report", folder))
    assert result.stdout.split() == [
        str(folder / "report.html"),
        str(folder / "workbook.xlsx"),
    ]
    assert left(folder) == FILES
    assert {name: (folder / name).stat().st_mtime_ns for name in before} == before
    assert (folder / "report.html").read_bytes() == (checked.folder / "report.html").read_bytes()
    (folder / "workbook.xlsx").unlink()
    ran(tariff("report", folder, "--no-workbook"))
    assert left(folder) == FILES - {"workbook.xlsx"}
