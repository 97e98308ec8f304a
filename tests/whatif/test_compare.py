"""`tariff compare`: the same activity twice, what is left in the folder, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import tariff
from tariff.cli import main as cli
from tariff.cli.compare_contracts import WIDEST, table, wide_console
from tariff.engine.price import MffChoice
from tariff.engine.run import Options as RunOptions
from tariff.engine.run import check
from tariff.errors import UsageError
from tariff.extract import from_arrow
from tariff.packs.compile import Rulebook
from tariff.packs.editions import Editions
from tariff.packs.load import PackSet, shipped_folder
from tariff.packs.read import read_pack
from tariff.report.text import short_pounds
from tariff.whatif import sides
from tariff.whatif.effects import EFFECTS
from tariff.whatif.levels import LEVELS, beginnings, subchapters_of
from tariff.whatif.run import Comparison, Options, compare
from tests.engine import extracts
from tests.engine.extracts import stay

# provider, spell, method, class, age, discharge in April 2022 after days of stay, HRG
RECORDS = [
    ("R1H", "A", "21", "1", 70, 3, "EB03A"),
    ("R1H", "B", "21", "1", 70, 1, "EB03A"),  # a short stay
    ("R1H", "C", "21", "1", 70, 90, "EB03A"),  # beyond both trim points
    ("RRV", "D", "11", "2", 50, 0, "FE21Z"),  # a design of 2022/23 only
    ("RRV", "E", "11", "1", 50, 2, "HN22E"),
    ("RXH", "F", "21", "1", 70, 3, "EB03A"),
    ("R9Z", "G", "21", "1", 70, 3, "EB03A"),  # a provider in no table
    ("R1H", "H", "21", "1", 70, 3, None),  # nothing billed
]


def extract_of(records: list[tuple[Any, ...]] = RECORDS) -> Any:
    import datetime

    rows = []
    for provider, spell, method, class_, age, days, hrg in records:
        out = datetime.date(2022, 7, 20)
        rows.append(
            {
                "provider": provider, "spell_id": spell, "episode_order": 1, "age": age,
                "admission_method": method, "patient_classification": class_, "sex": "1",
                "admission_date": out - datetime.timedelta(days=days), "discharge_date": out,
                "episode_duration": days, "billed_hrg": hrg,
            }
        )  # fmt: skip
    return from_arrow(pa.Table.from_pylist(rows))


@pytest.fixture(autouse=True, scope="module")
def packs_read_once() -> Iterator[None]:
    """The packs that ship are read and compiled once for these tests."""
    real = sides.load_packs
    shipped = cache(lambda: real(()))
    compiled = cache(lambda editions: Rulebook(shipped(), editions))

    def loaded(extra: Sequence[Path] = ()) -> PackSet:
        return real(extra) if extra else shipped()

    def rulebook(packs: PackSet, editions: Editions) -> Rulebook:
        return compiled(editions) if packs is shipped() else Rulebook(packs, editions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sides, "load_packs", loaded)
        patch.setattr(sides, "Rulebook", rulebook)
        yield


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compare(extract_of(), "2022/23", "2017/18")


def row_of(found: Comparison, spell: str) -> dict[str, Any]:
    (row,) = [row for row in found.records.to_pylist() if row["record_id"] == spell]
    return row


# ---------------------------------------------------------------- figures, by hand


def figures(pack: str) -> dict[str, dict[str, str]]:
    with (shipped_folder() / "tariff" / pack / "prices.csv").open(encoding="utf-8") as file:
        return {row["hrg"]: row for row in csv.DictReader(file)}


def factor(provider: str, year: str) -> Decimal:
    with (shipped_folder() / "mff" / "mff-england" / "factors.csv").open(encoding="utf-8") as file:
        held = {(row["provider"], row["year"]): row["mff"] for row in csv.DictReader(file)}
    return Decimal(held[provider, year])


def pence(pounds: Decimal) -> int:
    return int((pounds * 100).to_integral_value(ROUND_HALF_UP))


def test_a_long_stay_is_split_as_on_paper(found: Comparison) -> None:
    a, b = figures("ntps-2022-23")["EB03A"], figures("ntps-2017-18")["EB03A"]
    of_a, of_b = factor("R1H", "2022/23"), factor("R1H", "2017/18")
    base = [Decimal(row["non_elective"]) for row in (a, b)]
    days = [90 - int(row["non_elective_trim"]) for row in (a, b)]
    rate = [Decimal(row["per_day"]) for row in (a, b)]
    pre = [base[i] + days[i] * rate[i] for i in (0, 1)]
    middle = (of_a + of_b) / 2
    expected = {
        "total_pence_a": pence(pre[0] * of_a),
        "total_pence_b": pence(pre[1] * of_b),
        "base_price_pence": pence((base[1] - base[0]) * middle),
        "long_stay_days_pence": pence((days[1] - days[0]) * (rate[0] + rate[1]) / 2 * middle),
        "long_stay_rate_pence": pence((rate[1] - rate[0]) * (days[0] + days[1]) / 2 * middle),
        "mff_pence": pence((of_b - of_a) * (pre[0] + pre[1]) / 2),
        "short_stay_pence": 0,
        "hrg_pence": 0,
        "only_a_pence": 0,
    }
    row = row_of(found, "C")
    assert {name: row[name] for name in expected} == expected
    assert days[0] > 0 and days[1] > 0 and days[0] != days[1]


def test_a_reduced_short_stay_is_an_effect_of_its_own(found: Comparison) -> None:
    a, b = figures("ntps-2022-23")["EB03A"], figures("ntps-2017-18")["EB03A"]
    reduction = [Decimal(r["short_stay_price"]) - Decimal(r["non_elective"]) for r in (a, b)]
    middle = (factor("R1H", "2022/23") + factor("R1H", "2017/18")) / 2
    row = row_of(found, "B")
    assert row["short_stay_pence"] == pence((reduction[1] - reduction[0]) * middle)
    assert row["long_stay_days_pence"] == row["long_stay_rate_pence"] == 0


def test_what_only_one_side_prices_is_its_own_effect(found: Comparison) -> None:
    row = row_of(found, "D")
    assert (row["total_pence_b"], row["only_a_pence"]) == (None, -row["total_pence_a"])
    assert "hrg_not_in_tariff" in row["price_reasons_b"]
    for spell in "GH":  # no factor, no HRG: no money on either side
        row = row_of(found, spell)
        assert (row["total_pence_a"], row["total_pence_b"], row["difference_pence"]) == (
            None, None, 0,
        )  # fmt: skip
    whole = found.levels.to_pylist()[0]
    counts = [whole[name] for name in ("records", "in_both", "in_a_only", "in_neither")]
    assert counts == [8, 5, 1, 2]


# ---------------------------------------------------------------- sums


def test_effects_add_up_at_every_level(found: Comparison) -> None:
    rows = found.levels.to_pylist()
    assert {row["level"] for row in rows} == set(LEVELS)
    for row in rows:
        effects = {name: row[f"{name}_pence"] for name in EFFECTS}
        difference = row["total_b_pence"] - row["total_a_pence"]
        assert sum(effects.values()) == row["difference_pence"] == difference
        kinds = ("price_effects", "rule_effects", "only_effects", "rounding")
        assert sum(row[f"{kind}_pence"] for kind in kinds) == difference
        assert row["only_effects_pence"] == row["only_a_pence"] + row["only_b_pence"]
        counted = sum(row[name] for name in ("in_both", "in_a_only", "in_b_only", "in_neither"))
        assert counted == row["records"]
    for level in LEVELS:
        at = [row for row in rows if row["level"] == level]
        assert sum(row["difference_pence"] for row in at) == rows[0]["difference_pence"]
    names = {(row["level"], row["key"]): row["name"] for row in rows}
    assert names["provider", "R1H"] == "Barts Health NHS Trust"
    assert names["hrg", "EB03A"].startswith("Heart Failure")
    assert names["chapter", "E"] and names["point_of_delivery", "NEL"]


def test_each_side_is_what_a_run_of_that_year_gives(found: Comparison) -> None:
    spells = check(extract_of(), RunOptions(rules=False)).spells
    assert found.records["total_pence_a"].to_pylist() == spells["total_pence"].to_pylist()


def test_the_other_way_round_everything_is_negative(found: Comparison) -> None:
    back = compare(extract_of(), "2017/18", "2022/23")
    turned = {"only_a_pence": "only_b_pence", "only_b_pence": "only_a_pence"}
    for name in ("difference_pence", *(f"{effect}_pence" for effect in EFFECTS)):
        there = pc.negate(found.records[name]).to_pylist()
        assert back.records[turned.get(name, name)].to_pylist() == there, name


def test_best_practice_and_top_ups_have_effects_of_their_own() -> None:
    """Hip fracture, and a stroke with a specialised service, at a factor of one."""
    both = {"provider": "RJ7", "best_practice_met": "Y", "billed_hrg": "HT12C"}
    hip = stay(spell_id="H", diag_01="S720", oper_01="W191", **both)
    stroke = stay(spell_id="S", specialised_services="NCBPS08S", **{**both, "billed_hrg": "AA35C"})
    one = Options(mff=MffChoice(10**9))
    found = compare(extracts.extract_of([hip, stroke]), "2022/23", "2017/18", one)
    # list prices 9,246 and 8,091, best practice prices 8,606 and 7,450, the payment 1,335 in both
    row = row_of(found, "H")
    assert (row["base_price_pence"], row["best_practice_price_pence"]) == (-115_500, -100)
    assert (row["best_practice_pence"], row["difference_pence"]) == (0, -115_600)
    # 4,069 at 38.52% and 5,048 at 32.7058058949318%; payments 2,640 and 2,265
    row = row_of(found, "S")
    top_ups = [Decimal("4069") * Decimal("38.52"), Decimal("5048") * Decimal("32.7058058949318")]
    shown = [pence(exact / 100) for exact in top_ups]
    assert row["top_up_pence"] == shown[1] - shown[0]
    assert (row["best_practice_pence"], row["base_price_pence"]) == (-37_500, 97_900)
    assert row["other_pence"] == 0 and abs(row["rounding_pence"]) <= 1


def test_a_year_beside_itself_moves_nothing() -> None:
    same = compare(extract_of(), "2022/23", "own")
    money = same.manifest["money"]
    assert not any(money[name] for name in ("difference", *EFFECTS))
    assert same.manifest["sides"]["b"]["label"] == "own"


def test_the_same_from_python(found: Comparison) -> None:
    table = pa.Table.from_batches(list(extract_of().batches())).drop(["_file", "_line"])
    again = tariff.compare(table, a="ntps-2022-23", b="2017/18=final")
    assert again.levels.equals(found.levels)


def test_records_that_are_not_admitted_care() -> None:
    rows = [
        {"provider": "R1H", "attendance_id": "1", "arrival_date": "2022-06-01",
         "department_type": "01", "billed_hrg": "VB09Z"},
        {"provider": "RRV", "attendance_id": "2", "arrival_date": "2022-06-02",
         "department_type": "03", "billed_hrg": "VB11Z"},
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows)
    day = table["arrival_date"].cast(pa.date32())
    extract = from_arrow(table.set_column(2, "arrival_date", day), dataset="emergency")
    found = compare(extract, "2022/23", "2018/19")
    for row in found.levels.to_pylist():
        assert sum(row[f"{name}_pence"] for name in EFFECTS) == row["difference_pence"]
    assert found.manifest["counts"]["in_both"] == 2
    assert found.manifest["money"]["base_price"] and found.manifest["money"]["mff"]


def attendances(*functions: str) -> Any:
    rows = [
        {"provider": "RRV", "attendance_id": str(number), "first_attendance": "1", "attended": "5",
         "main_specialty": function, "treatment_function": function, "billed_hrg": "WF01B"}
        for number, function in enumerate(functions)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows)
    day = pa.array([date(2018, 5, 1)] * len(rows), pa.date32())
    return from_arrow(table.append_column("attendance_date", day), dataset="attendances")


def test_a_partial_list_is_named_and_what_both_price_stands_beside_the_whole() -> None:
    found = compare(attendances("130", "100", "100"), "2018/19", "pbr-2013-14")
    side = found.manifest["sides"]["b"]
    assert side["label"] == "2013/14, final (pbr-2013-14)" and side["partial"]
    assert found.manifest["sides"]["a"]["partial"] is False
    assert (side["with_price"], side["without_complete_price"]) == (1, {"list_is_partial": 2})
    notices = " ".join(found.manifest["notices"])
    assert "The list of B is partial: it holds some prices of 2013/14 only." in notices
    assert "B: 2 records without a complete price (list_is_partial 2)" in notices
    priced, _, other = found.records.to_pylist()
    alike = found.manifest["like_for_like"]
    assert alike == {
        "records": 1,
        "total_a": priced["total_pence_a"],
        "total_b": priced["total_pence_b"],
        "difference": priced["difference_pence"],
    }
    whole = found.levels.to_pylist()[0]
    assert whole["only_effects_pence"] == -2 * other["total_pence_a"]
    assert (
        whole["rule_effects_pence"] + whole["price_effects_pence"] + whole["rounding_pence"]
        == (alike["difference"])
    )


@pytest.mark.parametrize(
    ("code", "chapter", "subchapter"),
    [
        ("EB03A", "E", "EB"), ("EB03A_LOCAL", "E", "EB"), ("LOOK1", "", ""), ("CYF3_", "", ""),
        ("RPDHR", "", ""), ("EIA-DMARD", "", ""), ("AAA", "", ""), ("QQ01Z", "", ""),
        ("EB03AB", "", ""), (None, "", ""),
    ],
)  # fmt: skip
def test_chapters_are_of_hrgs(code: str | None, chapter: str, subchapter: str) -> None:
    known = subchapters_of(sides.load_packs(()))
    codes = pa.array([code], pa.string())
    found = [beginnings(codes, length, known).to_pylist() for length in (1, 2)]
    assert found == [[chapter], [subchapter]]


# ---------------------------------------------------------------- editions and folders

MakeEdition = Callable[[str, str, str], Path]


@pytest.fixture
def edition(tmp_path: Path) -> MakeEdition:
    """An edition of the prices of 2022/23 that differs in one price."""

    def make(pack_id: str, name: str, price: str) -> Path:
        folder = tmp_path / "packs" / pack_id
        folder.mkdir(parents=True)
        old = read_pack(shipped_folder() / "tariff" / "ntps-2022-23")[0]
        assert old is not None
        header = list(old.tables["prices"].columns)
        rows = [["EB03A", "", "", "", "", "20", price, "57", "229", "no", "", ""]]
        with (folder / "prices.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])
        (folder / "pack.yaml").write_text(
            f'id: {pack_id}\nversion: "1"\nkind: tariff\ntitle: An edition of a test\n'
            "provenance: illustrative\nlast_checked: 2026-01-01\nengine: '>=0.1'\n"
            'sources: [{title: Made up}]\nyear: "2022/23"\n'
            f"edition: {name}\nprices: prices.csv\n"
            "applies: {from: 2022-04-01, to: 2023-03-31, on: discharge_date}\n",
            encoding="utf-8",
        )
        return folder

    return make


def test_two_editions_of_a_year(edition: MakeEdition, tmp_path: Path) -> None:
    edition("made-april", "april", "5000")
    edition("made-award", "pay award", "5100")
    options = Options(packs=(tmp_path / "packs",))
    one = [record for record in RECORDS if record[1] == "A"]
    found = compare(extract_of(one), "2022/23=april", "2022/23=Pay-Award", options)
    expected = pence(100 * factor("R1H", "2022/23"))
    money = found.manifest["money"]
    assert money["base_price"] + money["rounding"] == money["difference"]
    assert abs(money["difference"] - expected) <= 1
    packs = found.manifest["sides"]["b"]["packs"]
    assert ("made-award", "pay award") in [(pack["id"], pack["edition"]) for pack in packs]
    # by the id of the pack, and by its folder, the same
    options = Options(packs=(tmp_path / "packs" / "made-april",))
    again = compare(extract_of(one), "made-april", str(tmp_path / "packs" / "made-award"), options)
    assert again.records.equals(found.records)


def test_a_folder_of_factors_leaves_the_years_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "factors.csv").write_text("provider,year,mff\nR1H,2022/23,1.2\n", encoding="utf-8")
    (folder / "providers.csv").write_text("provider,name\nR1H,Mine\n", encoding="utf-8")
    (folder / "pack.yaml").write_text(
        'id: mine\nversion: "1"\nkind: mff\ntitle: Factors of a test\nprovenance: illustrative\n'
        "last_checked: 2026-01-01\nengine: '>=0.1'\nsources: [{title: Made up}]\n"
        "factors: factors.csv\nproviders: providers.csv\n",
        encoding="utf-8",
    )
    found = compare(extract_of(), "own", str(folder))
    row = row_of(found, "A")
    assert row["mff_b"] == Decimal("1.2") and row["tariff_a"] == row["tariff_b"] == "ntps-2022-23"
    assert row["difference_pence"] == row["mff_pence"] + row["rounding_pence"]
    assert row_of(found, "E")["difference_pence"] == 0  # another provider


# ---------------------------------------------------------------- the command


def test_what_the_command_leaves(tmp_path: Path, found: Comparison) -> None:
    source = tmp_path / "july.parquet"
    extract = extract_of()
    pq.write_table(pa.Table.from_batches(list(extract.batches())).drop(["_file", "_line"]), source)
    out = tmp_path / "out"
    arguments = ["compare", str(source), "--a", "2022/23", "--b", "2017/18", "-o", str(out)]
    result = CliRunner().invoke(cli.main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "B less A" in result.output and "Priced in A only" in result.output
    for heading in ("With a price", "Of 5 records on both", "One side"):
        assert heading in result.output
    assert {path.name for path in out.iterdir()} == {
        "compare.csv", "compare.parquet", "compared.parquet", "compare.xlsx", "rejects.csv",
        "manifest.json",
    }  # fmt: skip
    assert pq.read_table(out / "compare.parquet").equals(found.levels)
    assert pq.read_table(out / "compared.parquet").equals(found.records)
    with (out / "compare.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["difference_pence"]) for row in rows] == found.levels[
        "difference_pence"
    ].to_pylist()
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["sides"]["a"]["label"] == "2022/23, final (ntps-2022-23)"
    assert manifest["money"] == found.manifest["money"]
    import openpyxl

    book = openpyxl.load_workbook(out / "compare.xlsx")
    assert book.sheetnames == [
        "All", "Provider", "Point of delivery", "Chapter", "Subchapter", "HRG",
    ]  # fmt: skip


def test_large_sums_are_not_cut_on_a_narrow_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    console = wide_console()
    told = table("Provider", "Records", "B less A", "Prices", "Rules", "One side")
    sums = [short_pounds(-(10**14) - cell) for cell in range(4)]
    told.add_row("X" * WIDEST, "10,000,000", *sums)
    with console.capture() as caught:
        console.print(told)
    assert all(text in caught.get() for text in ("X" * WIDEST, *sums))


@pytest.mark.parametrize(
    ("a", "message", "hint"),
    [
        ("2099/00", "no prices of 2099/00 are held", "2022/23"),
        ("2022/23=draft", "no edition 'draft' of the prices of 2022/23", "'final' (pack ntps-2022"),
        ("nothing", "'nothing' is no tariff year, no pack that is held", "own"),
        ("mff-england", "of kind mff", "price list"),
        ("2018-19", "'2018-19' is no tariff year", "did you mean 2018/19?"),
        ("18/19", "no tariff year", "did you mean 2018/19?"),
        ("2025-26=april", "no tariff year", "did you mean 2025/26=april?"),
        ("example-block", "'example-block' is a contract", "give --contract twice"),
        (str(shipped_folder() / "contracts" / "example-block"), "is a contract", "--contract"),
        ("2013/14", "A has no prices of admitted care", "of 2016/17, 2017/18"),
        ("pbr-2013-14", "the list of 2013/14 that is held, 'pbr-2013-14', has none", "--pack"),
    ],
)
def test_a_side_that_is_not_held(a: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        compare(extract_of(), a, "2022/23")
    assert message in caught.value.message and hint in caught.value.hint
