"""Checks of packs beyond their types, and the command that runs them."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from tariff.cli.pack import pack as pack_command
from tariff.packs.lint import lint
from tariff.packs.load import read_levels, search_order
from tariff.packs.problems import KINDS, page
from tests.packs.conftest import RULE, WritePack

REPOSITORY = Path(__file__).resolve().parents[2]
TODAY = date(2026, 6, 1)

SPLITS = (
    "hrg,root,cc_min,cc_max,age_min,age_max,interventions_min,interventions_max,stay_min,"
    "stay_max,diagnosis_score_min,diagnosis_score_max,condition\n"
)
PRICES = (
    "hrg,outpatient_procedure,combined,day_case,ordinary_elective,elective_trim,non_elective,"
    "non_elective_trim,per_day,short_stay,short_stay_percent,short_stay_price\n"
)
TARIFF = "year: '{year}'\nedition: final\nprices: prices.csv\n"
GROUPER = "splits: s\nroots: r\ncc_lists: c\ncodes: [icd, opcs]\nfield_values: f\n"


@pytest.fixture(autouse=True)
def no_packs_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARIFF_PACKS", raising=False)


def told(*folders: Path, today: date = TODAY) -> list[str]:
    """What lint says of packs that load: `file:line CODE message`."""
    loading = read_levels(search_order(folders, shipped=False))
    assert [str(p) for p in loading.problems] == []
    return [
        f"{Path(p.path).name}:{p.line} {p.code} {p.message}" for p in lint(loading.packs, today)
    ]


def test_the_shipped_packs_have_no_errors() -> None:
    loading = read_levels(search_order())
    problems = [*loading.problems, *lint(loading.packs, date.today())]
    assert [str(p) for p in problems if p.severity == "error"] == []


# ---------------------------------------------------------------- every pack


def test_a_pack_not_checked_for_two_years_warns(write_pack: WritePack) -> None:
    folder = write_pack()  # checked on 1 January 2026
    assert told(folder, today=date(2028, 1, 1)) == []
    assert told(folder, today=date(2028, 1, 2)) == [
        "pack.yaml:6 PK410 last checked on 2026-01-01, more than 2 years ago"
    ]


def test_dates_and_sources_make_sense(write_pack: WritePack) -> None:
    folder = write_pack()
    manifest = folder / "pack.yaml"
    text = manifest.read_text().replace("[{title: Made up}]", "[]")
    manifest.write_text(text + "applies: {from: 2024-04-01, to: 2024-03-31}\n")
    assert told(folder) == [
        "pack.yaml:8 PK420 no source is named",
        "pack.yaml:11 PK409 applies from 2024-04-01 to 2024-03-31: the end is before the beginning",
    ]


def test_two_packs_of_one_year_and_edition_may_not_overlap(write_pack: WritePack) -> None:
    files = {"prices.csv": PRICES + "AA01A" + "," * 11 + "\n"}
    more = TARIFF.format(year="2022/23")
    first = write_pack("a", "tariff", more + "applies: {to: 2022-12-31}\n", files)
    second = write_pack("b", "tariff", more + "applies: {from: 2022-12-31}\n", files)
    assert told(first, second) == [
        "pack.yaml:12 PK500 its dates overlap with those of 'a' from 2022-12-31 to 2022-12-31"
    ]
    other = write_pack("b", "tariff", TARIFF.format(year="2023/24"), files)
    assert told(first, other) == []


# ---------------------------------------------------------------- tables


def splits(write_pack: WritePack, *rows: str, more: str = "") -> list[str]:
    table = SPLITS + "".join(f"{row}\n" for row in rows)
    return told(write_pack("s", "splits", f"splits: s.csv\n{more}", {"s.csv": table}))


def test_bands_of_a_cell_begin_at_0_follow_each_other_and_end_open(write_pack: WritePack) -> None:
    assert splits(write_pack, "AA01A,AA01,3,,19,,,,,,,,", "AA01B,AA01,,2,19,,,,,,,,",
                  "AA01C,AA01,,,,18,,,,,,,") == []  # fmt: skip
    assert splits(write_pack, "AA01A,AA01,4,,,,,,,,,,", "AA01B,AA01,1,2,,,,,,,,,") == [
        "s.csv:2 PK401 AA01A: the CC band begins at 4; a band from 3 is due",
        "s.csv:3 PK401 AA01B: the CC band begins at 1; a band from 0 is due",
    ]
    assert splits(write_pack, "AA01A,AA01,0,2,,,,,,,,,") == [
        "s.csv:2 PK401 AA01A: no CC band of its cell is open above 2"
    ]


def test_rows_of_a_design_make_sense(write_pack: WritePack) -> None:
    conditions = "conditions: {home: {admission_source: ['19']}}\n"
    assert splits(write_pack, "AA01A,AA01,,,19,18,,,,,,,home", "AA01B,AA02,,,,,,,,,,,hom",
                  more=conditions) == [
        "s.csv:2 PK400 AA01A: age_min 19 is above age_max 18",
        "s.csv:3 PK404 AA01B does not stand under its root: AA02 and one letter",
        "s.csv:3 PK403 AA01B: unknown condition 'hom'",
    ]  # fmt: skip
    assert splits(write_pack, "AA01A,AA01,,,,,,,,,,,", "AA01B,AA01,,,,,,,,,,,",
                  more="conditions: {home: {}}\n") == [
        "pack.yaml:10 PK027 condition 'home' must ask exactly one thing",
        "pack.yaml:10 PK414 no row uses the condition 'home'",
        "s.csv:3 PK402 AA01B has the bounds of AA01A: it is never chosen",
    ]  # fmt: skip


def test_figures_of_a_price_list_make_sense(write_pack: WritePack) -> None:
    rows = ["AA01A,-1,,,,0,100,5,,yes,50,101", "AA01B,,10,10,,,,,,,,", "AA01C,,,0,0,1,0,1,0,,,"]
    files = {"prices.csv": PRICES + "\n".join(rows) + "\n"}
    more = TARIFF.format(year="2022/23")
    assert told(write_pack("t", "tariff", more, files)) == [
        "prices.csv:2 PK405 AA01A: outpatient_procedure -1 is below 0",
        "prices.csv:2 PK408 AA01A: a trim point of 0 days",
        "prices.csv:2 PK406 AA01A: the short stay price 101 is above the full 100",
        "prices.csv:3 PK407 AA01B: a combined price beside separate ones",
    ]


def test_a_group_behind_one_that_takes_all_its_spells_warns(write_pack: WritePack) -> None:
    groups = """
    groups:
      - {code: A, title: a, admission_methods: [21, 22], price: none, trim: none}
      - {code: B, title: b, admission_methods: [21], max_adjusted_days: 1, price: none, trim: none}
      - {code: C, title: c, admission_methods: [11], price: none, trim: none}
    """
    assert told(write_pack("p", "points_of_delivery", groups, {})) == [
        "pack.yaml:12 PK413 group B is never reached: A takes its spells"
    ]


def test_codes_and_roots_are_those_of_the_classification_and_the_design(
    write_pack: WritePack,
) -> None:
    roots = "code,root,root_child,rank,doubt,note\n"
    folders = [
        write_pack("icd", more="classification: icd10\ncodes: c.csv\nfiller: X\n",
                   files={"c.csv": "code\nI10\nA000\n"}),
        write_pack("opcs", files={"codes.csv": "code\nA011\n"}),
        write_pack("s", "splits", "splits: s.csv\n",
                   {"s.csv": SPLITS + "AA01Z,AA01,,,,,,,,,,,\n"}),
        write_pack("r", "roots", "diagnoses: d.csv\nprocedures: p.csv\n",
                   {"d.csv": roots + "A0,AA01,AA02,1,,\nI10X,AA01,,1,,\nB00,AA01,,1,,\n",
                    "p.csv": roots + "A01,AA01,,1,,\nZ01,,,0,,\n"}),
        write_pack("c", "cc_lists", "members: m.csv\n", {"m.csv": "code,subchapters\nA000,AA\n"}),
        write_pack("f", "field_values",
                   "accepted: {}\nnumeric: {}\nmandatory: []\nsame_in_spell: []\n", {}),
        write_pack("g", "grouper", GROUPER, {}),
    ]  # fmt: skip
    assert told(*folders) == [
        "d.csv:2 PK501 A0: no design has the root 'AA02'",
        "d.csv:4 PK412 'B00' begins no code of the classification",
        "p.csv:3 PK412 'Z01' begins no code of the classification",
    ]


def test_limits_of_codes_are_of_a_sex_or_of_ages(write_pack: WritePack) -> None:
    rows = "N40,1,,\nO80,3,,\nP22,,5,4\nZ38,,,0\nI10,,,\n"
    folder = write_pack(
        "icd",
        more="classification: icd10\ncodes: c.csv\nlimits: l.csv\n",
        files={"c.csv": "code\nI10\n", "l.csv": "code,sex,age_min,age_max\n" + rows},
    )
    assert told(folder) == [
        "l.csv:3 PK400 '3' is no sex: 1 is male, 2 is female, a blank either",
        "l.csv:4 PK400 the ages 5 to 4 end before they begin",
        "l.csv:6 PK400 'I10' is kept for everyone: neither sex nor ages are given",
    ]


# ---------------------------------------------------------------- waivers


def test_a_waiver_takes_a_problem_away_by_code_and_row(write_pack: WritePack) -> None:
    files = {"prices.csv": PRICES + "AA01A,,,,,0,,0,,,,\nAA01B,,,,,0,,,,,,\n"}
    more = TARIFF.format(year="2022/23")
    waiver = "waivers: [{code: PK408, row: AA01A, reason: Printed so.}]\n"
    assert told(write_pack("t", "tariff", more + waiver, files)) == [
        "prices.csv:3 PK408 AA01B: a trim point of 0 days"
    ]
    waiver = "waivers: [{code: PK408, reason: Printed so.}]\n"
    assert told(write_pack("t", "tariff", more + waiver, files)) == []


def test_a_waiver_that_nothing_needs_warns(write_pack: WritePack) -> None:
    more = "classification: opcs4\ncodes: codes.csv\nwaivers:\n"
    more += "  - {code: PK412, row: A011, reason: x}\n  - {code: PK405, reason: ''}\n"
    assert told(write_pack(more=more)) == [
        "pack.yaml:12 PK490 no check says PK412 of row 'A011'",
        "pack.yaml:13 PK420 a waiver gives its reason",
        "pack.yaml:13 PK491 PK405 cannot be waived",
    ]


# ---------------------------------------------------------------- rules


def signatures(write_pack: WritePack, old: str, new: str, more: str = "") -> list[str]:
    assert old in RULE
    files = {"tst/TST01-long-stay.yaml": RULE.replace(old, new)}
    return told(write_pack("sigs", "signatures", more, files))


def test_a_sound_rule_has_no_problem(write_pack: WritePack) -> None:
    assert signatures(write_pack, "", "") == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("The stay appears long.", "''", "13 PK420 TST01: 'what' is empty"),
        ("[The patient was not fit to leave.]", "[]",
         "16 PK420 TST01: 'legitimate_reasons' is empty"),
        ("[{title: Made up}]", "[]", "17 PK420 TST01: 'sources' is empty"),
        ("A long stay is rare.", "A false claim.", "14 PK422 TST01: 'why' says 'false'"),
        ("A long stay\n", "Gaming\n", "4 PK422 TST01: 'title' says 'Gaming'"),
        ("finds: 0", "finds: 2", "19 PK421 TST01: no test that finds nothing"),
        ("finds: 1", "finds: 0", "19 PK421 TST01: no test that finds something"),
        ("nine days", "ten days", "20 PK202 TST01: two tests are named 'ten days'"),
        ("[{spell_id: A}]}\n  - {name: nine", "[]}\n  - {name: nine",
         "19 PK421 TST01: the test 'ten days' has no spells"),
        ("step: days", "params: {n: 1}\nstep: days",
         "11 PK423 TST01: nothing uses the parameter 'n'"),
    ],
)  # fmt: skip
def test_what_a_rule_must_have(write_pack: WritePack, old: str, new: str, expected: str) -> None:
    assert signatures(write_pack, old, new) == [f"TST01-long-stay.yaml:{expected}"]


def test_a_list_that_no_rule_uses_warns(write_pack: WritePack) -> None:
    assert signatures(write_pack, "", "", "lists: {homes: ['19']}\n") == [
        "pack.yaml:9 PK414 no rule uses the list 'homes'"
    ]
    used = "spell_days: {at_least: 10}\n  ward: {list: homes}"
    old = "spell_days: {at_least: 10}"
    assert signatures(write_pack, old, used, "lists: {homes: ['19']}\n") == []


def test_a_rule_id_is_used_once(write_pack: WritePack) -> None:
    rule = {"TST01-long-stay.yaml": RULE}
    one = write_pack("one", "signatures", "", rule)
    two = write_pack("two", "signatures", "", rule)
    assert told(one, two) == [
        "TST01-long-stay.yaml:1 PK108 rule id TST01 is also that of a rule in pack 'one'"
    ]
    (one / "b").mkdir()
    (one / "b" / "TST01-long-stay.yaml").write_text(RULE)
    loading = read_levels(search_order([one], shipped=False))
    assert [p.code for p in loading.problems] == ["PK108"]


# ---------------------------------------------------------------- the command


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(pack_command, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_check_prints_every_problem_and_exits_3(write_pack: WritePack) -> None:
    folder = write_pack(files={"codes.csv": "code\nA011\nA011\n"}, more="clasification: opcs4\n")
    code, out, err = run("check", str(folder))
    assert code == 3
    assert [line.split()[1] for line in out.splitlines() if "hint:" not in line] == [
        "PK021", "PK021", "PK020",
    ]  # fmt: skip
    assert err == "0 packs and 0 layouts read, 3 errors, 0 warnings\n"
    assert "Traceback" not in out + err


def test_check_of_a_sound_pack_exits_0_and_is_silent(write_pack: WritePack) -> None:
    folder = write_pack()
    assert run("check", str(folder)) == (0, "", "1 pack and 0 layouts read, 0 errors, 0 warnings\n")
    assert run("check", str(folder / "codes.csv"))[0] == 0


def test_warnings_count_when_asked(write_pack: WritePack) -> None:
    folder = write_pack("sigs", "signatures", "lists: {a: [b]}\n", {})
    assert run("check", str(folder))[0] == 0
    assert run("check", str(folder), "--warnings-as-errors")[0] == 3


def test_check_prints_for_machines(write_pack: WritePack) -> None:
    folder = write_pack(files={"codes.csv": "code\nA 11\n"})
    _, out, _ = run("check", str(folder), "--format", "json")
    assert [(p["code"], p["line"], p["column"]) for p in json.loads(out)] == [("PK203", 2, 1)]
    _, out, _ = run("check", str(folder), "--format", "github")
    assert re.fullmatch(
        r"::error file=.*codes\.csv,line=2,col=1,title=PK203::code: expected .* 'A 11'\n", out
    )


def test_list_shows_the_packs_in_force(write_pack: WritePack) -> None:
    code, out, err = run("list", "--pack", str(write_pack("opcs4")))
    assert code == 0
    assert out.splitlines()[0].split() == [
        "kind", "id", "version", "from", "to", "provenance", "sha256",
    ]  # fmt: skip
    assert "ntps-2022-23" in out
    assert err.startswith("note: pack 'opcs4' 1.0.0")


# ---------------------------------------------------------------- the table of codes


def test_the_page_of_problems_is_current() -> None:
    assert (REPOSITORY / "docs" / "pack-problems.md").read_text(encoding="utf-8") == page()


def test_every_code_in_the_sources_is_in_the_table_and_used() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for path in (REPOSITORY / "tariff").rglob("*.py")
        if path.name != "problems.py"
    ]
    assert set(re.findall(r'"(PK\d{3})"', "\n".join(sources))) == set(KINDS)
