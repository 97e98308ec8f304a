"""The reconstructed code-to-root tables: sound rows, plain spot checks, promised reach."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

HRG = Path(__file__).resolve().parents[2] / "rules" / "hrg"
TABLES = HRG / "roots-reconstructed"
HEADER = ["code", "root", "root_child", "rank", "doubt", "note"]
NAMES = ("diagnoses", "procedures")

# The ten commonest roots of each chapter in 2017/18 that still exist in the 2024/25 design.
EMERGENCY = {
    "A": "AA26 AA35 AA31 AA25 AA29 AA22 AA24 AA23 AA53 AA30",
    "B": "BZ24 BZ83 BZ81 BZ45 BZ86 BZ80 BZ94 BZ84 BZ44 BZ93",
    "C": "CB02 CA13 CA85 CB01 CA96 CA25 CA86 CA12 CA63 CA69",
    "D": "DZ11 DZ65 DZ22 DZ15 DZ19 DZ24 DZ09 DZ17 DZ16 DZ37",
    "E": "EB12 EB07 EB03 EB10 EB08 EB14 EB13 EY43 EY41 EB04",
    "F": "FD10 FD05 FD01 FD03 FF37 FD02 FD11 FE22 FF41 FE21",
    "G": "GC17 GC12 GB06 GA10 GC01 GC18 GB05 GB09 GA07 GA05",
    "H": "HD21 HC27 HE11 HD26 HD23 HT12 HC32 HE51 HT13 HC72",
    "K": "KC05 KB02 KB01 KB03 KA08 KA07 KC04 KA06 KA05 KA09",
    "L": "LA04 LA07 LA09 LB15 LB40 LB35 LB38 LB16 LB06 LB20",
    "M": "MB09 MB08 MA36 MB05 MA08 MA23 MA07 MA22 MA09 MA10",
    "S": "SA04 SA09 SA31 SA36 SA44 SA30 SA25 SA45 SA35 SA08",
    "W": "WJ06 WH09 WH04 WJ03 WH07 WH17 WJ07 WH12 WH13 WH16",
    "Y": "YQ50 YQ51 YR40 YD04 YH30 YR42 YQ26 YD05 YF04 YR11",
}
ELECTIVE = {
    "A": "AB20 AB16 AA30 AA26 AB15 AB18 AB22 AA25 AB21 AA31",
    "B": "BZ34 BZ86 BZ31 BZ45 BZ46 BZ44 BZ81 BZ33 BZ42 BZ83",
    "C": "CD06 CD04 CA66 CD05 CA60 CD01 CA35 CA61 CD07 CA34",
    "D": "DZ69 DZ50 DZ64 DZ17 DZ02 DZ15 DZ19 DZ29 DZ63 DZ11",
    "E": "EY43 EB07 EB12 EY50 EB14 EY41 EY06 EY12 EY08 EY31",
    "F": "FE21 FE22 FE32 FE35 FE31 FE30 FD02 FF62 FE34 FE41",
    "G": "GA10 GB06 GC17 GC12 GB13 GB12 GB05 GA07 GA05 GB11",
    "H": "HD23 HN22 HN45 HN12 HD24 HN24 HD40 HN44 HN34 HN23",
    "K": "KC04 KC05 KA09 KA06 KA08 KA05 KA03 KA07 KB02 KA04",
    "L": "LB72 LB17 LB15 LB14 LB56 LB13 LB09 LB55 LB06 LB36",
    "M": "MA12 MA32 MA10 MA08 MA07 MA23 MA22 MA04 MA30 MB05",
    "S": "SA44 SA30 SA04 SA07 SA33 SA31 SA09 SA06 SA12 SA25",
    "W": "WJ11 WH15 WJ06 WH07 WH13 WH16 WH53 WH05 WH19 WH52",
    "Y": "YR43 YQ51 YR31 YQ50 YR42 YG11 YD03 YR44 YH30 YQ42",
}
Row = dict[str, str]


def read(name: str, pack: str = TABLES.name) -> list[Row]:
    with (HRG / pack / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def splits() -> list[Row]:
    """The HRGs of the 2024/25 design, those that its price list leaves out among them."""
    return [row for name in ("splits", "unpriced") for row in read(name, "splits-2024-25")]


def design_roots() -> set[str]:
    return {row["root"] for row in splits()}


def limited_roots() -> tuple[set[str], set[str]]:
    """Roots whose every split is for adults, and roots whose every split is for children."""
    rows = splits()
    for_children = {row["root"] for row in rows if int(row["age_min"] or 0) < 19}
    for_adults = {row["root"] for row in rows if int(row["age_max"] or 130) > 18}
    named = {row["root"] for row in rows}
    return named - for_children, named - for_adults


def longest_prefix(name: str, code: str) -> Row:
    table = {row["code"]: row for row in read(name)}
    sizes = range(len(code), 2, -1)
    return next(table[code[:size]] for size in sizes if code[:size] in table)


def reached() -> set[str]:
    """The roots to which a row leads, or a redirect."""
    driving = [row for name in NAMES for row in read(name) if row["rank"] != "0"]
    by_rows = {row[key] for row in driving for key in ("root", "root_child")} - {""}
    return by_rows | {row["to"] for row in read("redirects")}


@pytest.mark.parametrize("name", NAMES)
def test_every_root_named_exists_in_the_2024_25_design(name: str) -> None:
    named = {row[key] for row in read(name) for key in ("root", "root_child")} - {""}
    assert named - design_roots() == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_root_fits_the_age_of_its_column(name: str) -> None:
    adults_only, children_only = limited_roots()
    rows = read(name)
    assert [row["code"] for row in rows if row["root"] in children_only] == []
    assert [r["code"] for r in rows if r["root"] in adults_only and not r["root_child"]] == []
    assert [row["code"] for row in rows if row["root_child"] in adults_only] == []


@pytest.mark.parametrize("name", NAMES)
def test_header_codes_and_order(name: str) -> None:
    rows = read(name)
    codes = [row["code"] for row in rows]
    assert list(rows[0]) == HEADER
    assert len(codes) == len(set(codes))
    assert codes == sorted(codes)
    assert all(3 <= len(code) <= 5 and code.isalnum() and code == code.upper() for code in codes)


@pytest.mark.parametrize("name", NAMES)
def test_a_doubt_has_a_reason(name: str) -> None:
    rows = read(name)
    assert {row["doubt"] for row in rows} == {"", "yes"}
    assert [row["code"] for row in rows if row["doubt"] and not row["note"]] == []


def test_diagnoses_always_lead_to_a_root_and_carry_a_rank() -> None:
    rows = read("diagnoses")
    assert all(len(row["root"]) == 4 for row in rows)
    assert all(1 <= int(row["rank"]) <= 99 for row in rows)
    assert all(row["root_child"][:1] in {"", "P"} for row in rows)


def test_procedures_drive_only_with_a_root() -> None:
    rows = read("procedures")
    assert all(0 <= int(row["rank"]) <= 99 for row in rows)
    assert [row["code"] for row in rows if (row["rank"] == "0") != (row["root"] == "")] == []


def test_site_and_method_codes_never_drive() -> None:
    assert [row["code"] for row in read("procedures") if row["code"][0] in "YZ"] == []


@pytest.mark.parametrize(
    ("code", "root"),
    [
        ("J181", "DZ11"),  # lobar pneumonia
        ("J440", "DZ65"),  # chronic obstructive pulmonary disease
        ("J459", "DZ15"),  # asthma
        ("I269", "DZ09"),  # pulmonary embolism
        ("I639", "AA35"),  # stroke
        ("G459", "AA29"),  # transient ischaemic attack
        ("I210", "EB10"),  # myocardial infarction
        ("I500", "EB03"),  # heart failure
        ("I48", "EB07"),  # atrial fibrillation
        ("R074", "EB12"),  # chest pain
        ("R55", "EB08"),  # syncope
        ("N390", "LA04"),  # urinary tract infection
        ("N179", "LA07"),  # acute kidney injury
        ("A419", "WJ06"),  # sepsis
        ("R296", "WH09"),  # tendency to fall
        ("K359", "FD10"),  # appendicitis without operation
        ("K922", "FD03"),  # gastrointestinal bleed
        ("K509", "FD02"),  # Crohn's disease
        ("K851", "GC17"),  # pancreatitis
        ("S7200", "HE11"),  # hip fracture, fifth character
        ("L031", "JD07"),  # cellulitis
        ("E101", "KB02"),  # diabetic ketoacidosis
        ("C509", "JA12"),  # breast cancer
        ("C900", "SA30"),  # myeloma
        ("O039", "MB08"),  # miscarriage
    ],
)
def test_diagnosis_spot_checks(code: str, root: str) -> None:
    assert longest_prefix("diagnoses", code)["root"] == root


@pytest.mark.parametrize(
    ("code", "root"),
    [
        ("J459", "PD12"),
        ("J219", "PD15"),
        ("E101", "PK67"),
        ("G409", "PR02"),
        ("R560", "PR03"),
        ("C910", "PM40"),
    ],
)
def test_children_go_to_the_paediatric_chapter(code: str, root: str) -> None:
    assert longest_prefix("diagnoses", code)["root_child"] == root


@pytest.mark.parametrize(
    ("code", "root"),
    [
        ("W371", "HN12"),  # total hip replacement
        ("W401", "HN22"),  # total knee replacement
        ("W461", "HT12"),  # hemiarthroplasty
        ("W241", "HT13"),  # fixation of neck of femur
        ("C712", "BZ34"),  # phacoemulsification
        ("C751", "BZ34"),  # lens implant
        ("J183", "GA10"),  # cholecystectomy
        ("H012", "FF37"),  # appendicectomy
        ("T202", "FF62"),  # inguinal hernia
        ("H221", "FE31"),  # colonoscopy with biopsy
        ("G459", "FE22"),  # gastroscopy
        ("K751", "EY41"),  # coronary angioplasty
        ("K634", "EY43"),  # coronary angiography
        ("M459", "LB72"),  # flexible cystoscopy
        ("F341", "CA60"),  # tonsillectomy
        ("A651", "HN45"),  # carpal tunnel release
        ("R182", "NZ51"),  # emergency caesarean
        ("R172", "NZ50"),  # planned caesarean
        ("R249", "NZ30"),  # normal delivery
    ],
)
def test_procedure_spot_checks(code: str, root: str) -> None:
    assert longest_prefix("procedures", code)["root"] == root


@pytest.mark.parametrize("code", ["U051", "U212", "X292", "E851", "G475", "X403", "C901"])
def test_imaging_and_bedside_care_never_drive(code: str) -> None:
    assert longest_prefix("procedures", code)["rank"] == "0"


@pytest.mark.parametrize("code", ["M471", "M473", "M479"])
def test_a_urinary_catheter_drives_a_short_stay_at_most_and_yields_to_any_other(code: str) -> None:
    row = longest_prefix("procedures", code)
    assert row["rank"] == "1"
    assert row["root"] in {each["root"] for each in read("short_stay")}


@pytest.mark.parametrize(
    ("higher", "lower"),
    [
        ("K751", "K634"),  # angioplasty over angiography
        ("J183", "J372"),  # cholecystectomy over its cholangiogram
        ("H201", "H221"),  # polypectomy over biopsy
        ("B274", "T873"),  # mastectomy over node sampling
        ("R182", "R249"),  # caesarean over normal delivery
        ("W370", "W371"),  # revision over primary
    ],
)
def test_the_larger_operation_drives(higher: str, lower: str) -> None:
    ranks = [int(longest_prefix("procedures", code)["rank"]) for code in (higher, lower)]
    assert ranks[0] > ranks[1]


@pytest.mark.parametrize("kind", [EMERGENCY, ELECTIVE], ids=["emergency", "elective"])
def test_the_commonest_roots_are_reached(kind: dict[str, str]) -> None:
    missing = {root for ten in kind.values() for root in ten.split()} - reached()
    assert missing == set()


# ---------------------------------------------------------------- redirects and short stays


def test_every_root_of_a_redirect_exists_in_the_design() -> None:
    rows = read("redirects")
    assert {row[key] for row in rows for key in ("root", "to")} - design_roots() == set()
    assert [row for row in rows if row["root"] == row["to"]] == []


def test_a_redirect_looks_at_something() -> None:
    conditions = read("redirects")[0].keys() - {"root", "to", "doubt", "note"}
    assert [row for row in read("redirects") if not any(row[name] for name in conditions)] == []


def test_every_list_is_held_and_used() -> None:
    cells = " ".join(cell for row in read("redirects") for cell in row.values())
    used = {word[1:] for word in cells.split() if word.startswith("@")}
    assert used == {row["list"] for row in read("lists")}


def test_a_doubtful_redirect_has_a_reason() -> None:
    assert [row for row in read("redirects") if row["doubt"] and not row["note"]] == []


def test_the_roots_of_short_stays_have_procedures_and_say_why() -> None:
    rows = read("short_stay")
    named = {row["root"] for row in read("procedures") if row["rank"] != "0"}
    assert [row["root"] for row in rows if row["root"] not in named or not row["note"]] == []
