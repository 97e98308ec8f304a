"""docs/pricing.md on best practice: prices, reduced short stays, payments, flags. AA01A costs
2,000 non-elective (899 for a short stay) and 1,000 elective; its trims are 10 and 5 days."""

from __future__ import annotations

from typing import Any

import pytest

from tariff.packs.model import BestPracticePayment, BestPracticePricing, Code
from tariff.reference.price import Price
from tariff.reference.price_tables import PriceTables
from tariff.reference.values import Value
from tests.reference.tiny_packs import TinyTable, priced, pricing, table, tariff

PRICE_COLUMNS = "area code_type code name flag payment setting per short_stay price"
FLAG_COLUMNS = (
    "flag rule setting hrg_lists procedure_lists procedure_position secondary_procedures age_min "
    "age_max age_unknown admission_methods diagnosis_lists diagnosis_position"
)


def area(name: str = "A", pays: str = "not_best_practice", **settings: Any) -> BestPracticePricing:
    return BestPracticePricing(area=name, pays=pays, **settings)


def practice(
    *prices: str,
    areas: tuple[BestPracticePricing, ...] = (area(),),
    codes: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
    hrgs: tuple[str, ...] = (),
    readings: dict[str, Code] | None = None,
) -> PriceTables:
    """Prices by `area,hrg,flag,payment,setting,short_stay,price`, or whole rows after `row:`."""
    rows = []
    for price in prices:
        where, hrg, flag, payment, setting, short_stay, amount = price.split(",")
        of_hrg = f"{where},hrg,{hrg}," if not hrg.startswith("=") else f"{where},,,{hrg[1:]}"
        rows.append(f"{of_hrg},{flag},{payment},{setting},,{short_stay},{amount}")
    tables: dict[str, TinyTable] = {
        "best_practice_prices": table(PRICE_COLUMNS, *rows),
        "best_practice_hrgs": table("hrg settings", *hrgs),
        "best_practice_codes": table("list classification code hierarchy", *codes),
        "best_practice_flags": table(FLAG_COLUMNS, *flags),
    }
    return pricing(
        tariff(
            tables=tables,
            best_practice_areas=list(areas),
            best_practice_list_readings=readings or {},
        )
    )


def paid(tables: PriceTables, days: int | None = 5, setting: str = "NE", **values: Value) -> Price:
    return priced(days, setting=setting, tables=tables, **{"best_practice_flags": ""} | values)


BASE = "A,AA01A,,not_best_practice,,no,1800"
MET = "A,AA01A,,best_practice,,no,2100"
FLAGGED = "A,AA01A,BP01,not_best_practice,,no,1700"

# ---------------------------------------------------------------- which price


def test_an_area_of_every_spell_and_one_of_a_flag() -> None:
    price = paid(practice(BASE, MET))
    assert (price.list_pence, price.base_pence) == (200_000, 180_000)
    assert (price.best_practice_area, price.best_practice_flag) == ("A", None)
    assert price.best_practice_paid == "not_best_practice"
    flagged = practice(FLAGGED)
    assert paid(flagged).base_pence == 200_000
    assert paid(flagged).best_practice_area is None
    price = paid(flagged, best_practice_flags="bp09; BP02,bp01")
    assert (price.base_pence, price.best_practice_flag) == (170_000, "BP01")


def test_rows_of_a_flag_that_the_spell_has_are_the_only_ones() -> None:
    tables = practice(BASE, "A,AA01A,BP01,not_best_practice,day_case,no,700")
    assert paid(tables).base_pence == 180_000
    assert paid(tables, best_practice_flags="BP01").base_pence == 200_000  # of another setting
    assert paid(tables, best_practice_flags="BP02").base_pence == 180_000  # has none here


@pytest.mark.parametrize(
    ("codes", "deciding"),
    [
        ((), "BP01"),  # none: by flag
        (("BP01_HRG,hrg,AA01A,2", "BP02_HRG,hrg,AA01A,1"), "BP02"),
        (("BP02_HRG,hrg,AA01A,9",), "BP02"),  # without a place: last
        (("BP02_HRG,hrg,AA01B,1",), "BP01"),  # of another HRG
    ],
)
def test_the_hierarchy_decides_among_flags(codes: tuple[str, ...], deciding: str) -> None:
    tables = practice(FLAGGED, "A,AA01A,BP02,not_best_practice,,no,1600", codes=codes)
    assert paid(tables, best_practice_flags="BP02 BP01").best_practice_flag == deciding


@pytest.mark.parametrize(
    ("setting", "where", "days", "fits"),
    [
        ("day_case", "DC", 0, True),
        ("day_case", "EL", 0, False),
        ("ordinary_elective", "EL", 3, True),
        ("elective", "DC", 0, True),
        ("elective", "EL", 3, True),
        ("elective", "NE", 3, False),
        ("non_elective", "NE", 3, True),
        ("non_elective", "EL", 3, False),
        ("stay_0", "NE", 0, True),
        ("stay_0", "NE", 1, False),
        ("stay_over_0", "NE", 1, True),
        ("stay_over_0", "NE", 0, False),
        ("stay_0", "EL", 0, False),
        ("outpatient_procedure", "EL", 0, False),
        ("", "NE", 3, True),
    ],
)
def test_a_row_fits_the_setting(setting: str, where: str, days: int, fits: bool) -> None:
    tables = practice(f"A,AA01A,,not_best_practice,{setting},no,700")
    price = paid(tables, days, where)
    assert (price.base_pence == 70_000) == fits
    assert (price.best_practice_paid is not None) == fits


def test_the_adjusted_stay_chooses_and_an_unknown_one_does_not() -> None:
    tables = practice(
        "A,AA01A,,best_practice,stay_0,no,700",
        "A,AA01A,,best_practice,stay_over_0,no,600",
        areas=(area(pays="setting"),),
    )
    assert paid(tables, 4, critical_care_days=4).base_pence == 70_000
    price = paid(tables, None)
    assert (price.base_pence, price.complete) == (200_000, False)
    assert price.price_reasons == "stay_unknown"
    day_case = paid(tables, None, "DC")
    assert (day_case.price_reasons, day_case.complete) == (None, True)


def test_settings_of_a_row_without_one() -> None:
    elective = practice(BASE, hrgs=("AA01A,day_case ordinary_elective",))
    assert paid(elective).base_pence == 200_000
    assert paid(elective, setting="EL").base_pence == 180_000
    by_area = (area(settings=["non_elective"]),)
    assert paid(practice(BASE, areas=by_area), setting="EL").base_pence == 100_000
    both = practice(BASE, areas=by_area, hrgs=("AA01A,ordinary_elective",))
    assert paid(both, setting="EL").base_pence == 180_000  # the table goes first
    named = practice(BASE, "A,AA01A,,not_best_practice,non_elective,no,1750")
    assert paid(named).base_pence == 175_000  # a row of the setting itself goes first


def test_what_is_left_out() -> None:
    other = practice(BASE, areas=(area("B"),))
    assert paid(other).best_practice_area is None
    additional = practice("A,AA01A,,additional,,no,50", areas=(area(pays="setting"),))
    assert paid(additional).base_pence == 200_000
    assert paid(practice("A,AA01C,,not_best_practice,,no,50"), hrg="AA01C").list_pence is None
    nothing = priced(5, "AA01C", tables=practice("A,AA01C,,not_best_practice,,no,50"))
    assert (nothing.list_pence, nothing.base_pence) == (None, None)


@pytest.mark.parametrize(
    ("pays", "met", "told"),
    [
        ("not_best_practice", "", "not_best_practice"),
        ("not_best_practice", "Y", "best_practice"),
        ("best_practice", "", "best_practice"),
        ("best_practice", "N", "not_best_practice"),
        ("best_practice", "LEVEL_2", "level_2"),
        ("best_practice", "LEVEL_3", "best_practice"),  # no such row: what SUS pays
        ("setting", "N", "best_practice"),  # the first that fits
    ],
)
def test_criteria_choose_another_payment(pays: str, met: str, told: str) -> None:
    tables = practice(MET, BASE, "A,AA01A,,level_2,,no,1500", areas=(area(pays=pays),))
    price = paid(tables, best_practice_met=met)
    assert price.best_practice_paid == told
    assert price.base_pence == {"b": 210_000, "n": 180_000, "l": 150_000}[told[0]]


def test_a_price_stands_for_whichever_is_asked() -> None:
    tables = practice("A,AA01A,,price,,no,1900", MET)
    assert paid(tables).best_practice_paid == "price"
    assert paid(tables, best_practice_met="N").base_pence == 190_000
    assert paid(tables, best_practice_met="Y").base_pence == 210_000


# ---------------------------------------------------------------- reduced short stays

REDUCED = "A,AA01A,,not_best_practice,,yes,400"


@pytest.mark.parametrize(
    ("rows", "short_stay", "reduced"),
    [
        ((REDUCED,), True, 40_000),  # its own
        ((REDUCED,), False, None),  # an area that switches it off
        (("A,AA01B,,best_practice,,yes,1",), True, None),  # the area prints some, none here
        (("A,AA01A,,best_practice,,yes,1",), True, None),  # of another payment
        ((), True, 89_900),  # the area prints none at all: that of the list
    ],
)
def test_the_reduced_price_of_an_area(
    rows: tuple[str, ...], short_stay: bool, reduced: int | None
) -> None:
    tables = practice(BASE, *rows, areas=(area(short_stay=short_stay),))
    price = paid(tables, 1)
    assert price.short_stay_eligible == int(reduced is not None)
    assert price.short_stay_pence == (0 if reduced is None else reduced - 180_000)
    assert paid(tables, 2).short_stay_pence == 0
    assert paid(tables, 1, age=18).short_stay_pence == 0


# ---------------------------------------------------------------- payments

PAYING = area(
    payments=[
        BestPracticePayment(code=Code("ONE"), row="First"),
        BestPracticePayment(code=Code("TWO"), row="Second", hrgs=[Code("AA02")]),
    ]
)
TRAUMA = area("T", "nothing", payments=[BestPracticePayment(code=Code("TRAUMA"), row="Level")])
AMOUNTS = ("A,=First,,additional,,no,50", "A,=Second,,additional,,no,60", "T,=Level,,price,,no,9")


@pytest.mark.parametrize(
    ("given", "met", "amount", "reason"),
    [
        ("", "", 0, None),
        ("ONE", "", 5_000, None),
        ("one, ONE", "", 5_000, None),  # counts once
        ("TWO", "", 0, "payment_unknown"),  # of other HRGs
        ("NONE ONE", "", 5_000, "payment_unknown"),
        ("TRAUMA", "", 900, None),  # an area without HRGs
        ("", "Y", 5_000, None),  # all of the area that fit
        ("ONE TRAUMA", "Y", 5_900, None),
    ],
)
def test_payments_that_were_earned(given: str, met: str, amount: int, reason: str | None) -> None:
    tables = practice(BASE, MET, *AMOUNTS, areas=(PAYING, TRAUMA))
    price = paid(tables, best_practice_payments=given, best_practice_met=met)
    assert price.base_pence == 180_000  # never substituted
    assert (price.best_practice_pence, price.price_reasons) == (amount, reason)
    assert price.pre_mff_pence == 180_000 + amount
    assert price.complete


def test_of_payments_that_exclude_each_other_the_dearest_counts() -> None:
    levels = [BestPracticePayment(code=Code(f"L{n}"), row=f"L{n}") for n in (1, 2)]
    trauma = area("T", "nothing", payments=levels, exclusive=True)
    rows = ("T,=L1,,price,,no,40", "T,=L2,,price,,no,90")
    both = paid(practice(BASE, *rows, areas=(area(), trauma)), best_practice_payments="L1 L2")
    assert (both.best_practice_pence, both.price_reasons) == (9_000, "payment_unknown")
    one = paid(practice(BASE, *rows, areas=(area(), trauma)), best_practice_payments="L1")
    assert (one.best_practice_pence, one.price_reasons) == (4_000, None)


def test_a_payment_is_of_a_spell_in_its_area() -> None:
    tables = practice(FLAGGED, *AMOUNTS, areas=(PAYING, TRAUMA))
    assert paid(tables, best_practice_payments="ONE").price_reasons == "payment_unknown"
    flagged = paid(tables, best_practice_payments="ONE", best_practice_flags="BP01")
    assert (flagged.best_practice_pence, flagged.price_reasons) == (5_000, None)
    assert paid(tables, best_practice_met="Y").best_practice_pence == 0
    unpriced = priced(5, "AA01C", tables=tables, best_practice_payments="NONE")
    assert unpriced.price_reasons == "no_national_price"


def test_the_additional_row_of_an_hrg_goes_before_the_named_one() -> None:
    one = area(payments=[BestPracticePayment(code=Code("ONE"), row="First")])
    rows = (BASE, "A,=First,,additional,,no,50", "A,AA01A,,additional,,no,70")
    price = paid(practice(*rows, areas=(one,)), best_practice_payments="ONE")
    assert price.best_practice_pence == 7_000


# ---------------------------------------------------------------- flags that are worked out

CODES = (
    "H,hrg,AA01A",
    "P,opcs4,W19",
    "P,opcs4,W2412",
    "S,opcs4,Z943",
    "D,icd10,S720",
    "D,icd10,I64X",
    "E,icd10,E10",
)


def rule(**cells: str) -> tuple[str, ...]:
    """One rule of BP01, for admitted care of AA01A unless it says otherwise."""
    cells = {"flag": "BP01", "rule": "1", "setting": "APC", "hrg_lists": "H"} | cells
    return (",".join(cells.get(name, "") for name in FLAG_COLUMNS.split()),)


@pytest.mark.parametrize(
    ("cells", "record", "holds"),
    [
        ({}, {}, True),
        ({"setting": "OP"}, {}, False),
        ({"hrg_lists": "E"}, {}, False),
        ({"hrg_lists": "not_held"}, {}, False),
        ({"hrg_lists": "read_so"}, {}, True),
        ({"age_min": "40", "age_max": "40"}, {}, True),
        ({"age_min": "41"}, {}, False),
        ({"age_max": "39"}, {}, False),
        ({"age_min": "19", "age_max": "130", "age_unknown": "yes"}, {"age": 999}, True),
        ({"age_min": "19", "age_max": "130", "age_unknown": "yes"}, {"age": None}, True),
        ({"age_min": "19", "age_max": "999", "age_unknown": "no"}, {"age": 999}, False),
        ({"admission_methods": "2A 21"}, {}, True),
        ({"admission_methods": "2A 81"}, {}, False),
        ({"procedure_lists": "P"}, {}, False),
        ({"procedure_lists": "P"}, {"oper_02": "W191"}, True),  # three characters: a beginning
        ({"procedure_lists": "P"}, {"oper_02": "W241"}, False),  # five: the whole code
        ({"procedure_lists": "S P"}, {"oper_01": "W192"}, True),  # one of several lists
        ({"procedure_lists": "P", "procedure_position": "Primary"}, {"oper_02": "W191"}, False),
        ({"procedure_lists": "P", "procedure_position": "Primary"}, {"oper_01": "W191"}, True),
        ({"secondary_procedures": "Y53 S"}, {"oper_01": "Y532", "oper_02": "Z943"}, True),
        ({"secondary_procedures": "Y53 S"}, {"oper_01": "Y532"}, False),
        ({"diagnosis_lists": "D", "diagnosis_position": "Any"}, {"diag_02": "S7201"}, True),
        ({"diagnosis_lists": "D", "diagnosis_position": "Primary"}, {"diag_02": "S7201"}, False),
        ({"diagnosis_lists": "D", "diagnosis_position": "Primary"}, {"diag_01": "I64"}, True),
        (
            {"diagnosis_lists": "D E", "diagnosis_position": "Primary Any"},
            {"diag_01": "S720", "diag_02": "E109"},
            True,
        ),
        (
            {"diagnosis_lists": "D E", "diagnosis_position": "Primary Any"},
            {"diag_01": "E109", "diag_02": "S720"},
            False,
        ),
        ({"diagnosis_lists": "D not_held", "diagnosis_position": "Any Any"}, {}, False),
    ],
)
def test_a_rule_of_a_flag(cells: dict[str, str], record: dict[str, Value], holds: bool) -> None:
    tables = practice(FLAGGED, codes=CODES, flags=rule(**cells), readings={"read_so": Code("H")})
    assert (priced(5, tables=tables, **record).best_practice_flag == "BP01") == holds
    # where the extract has the column it alone counts
    assert priced(5, tables=tables, best_practice_flags="", **record).base_pence == 200_000


def test_rules_of_one_flag_are_alternatives() -> None:
    rules = rule(age_max="10") + rule(rule="2", age_min="40")
    tables = practice(FLAGGED, codes=CODES, flags=rules)
    found = [priced(5, tables=tables, age=age).best_practice_flag for age in (5, 20, 40)]
    assert found == ["BP01", None, "BP01"]
