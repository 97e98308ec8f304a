"""What holds of every price: the numbered properties of the pricing reference, by the engine.

Every HRG of every whole price list is priced, in one run for a property and a year; the oracle has
tests of the same numbers in tests/reference, with random spells. (7) to (10) are of contracts:
tests/contracts/test_properties.py; docs/pricing.md says which test shows which.
"""

from __future__ import annotations

import csv
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from tariff.engine.price_other_care import price_records
from tariff.extract import from_arrow
from tariff.packs.load import shipped_folder
from tests.engine.extracts import Row, shipped, table_of
from tests.engine.priced import NULL, SETTINGS, YEARS, figures, listed, number, spells

AMOUNTS = (
    "base_pence", "short_stay_pence", "long_stay_pence", "top_up_pence", "best_practice_pence",
)  # fmt: skip
OF_THE_FLAG = {
    "base_pence", "short_stay_pence", "trim_days", "per_day_pence", "best_practice_area",
    "best_practice_flag", "best_practice_paid", "top_up_pence", "best_practice_pence",
    "pre_mff_pence", "total_pence", "price_reasons", "short_stay_eligible", "excess_days",
    "allowed_pence",
}  # fmt: skip
NEVER_REDUCED = {
    "Acute stroke care", "Fragility hip fracture", "Fragility Fracture of Hip and Femur",
    "Same day emergency care",
}  # fmt: skip
all_years = pytest.mark.parametrize("year", YEARS)


@cache
def pack(year: str) -> dict[str, dict[str, list[str]]]:
    """The columns of the tables of the shipped price list of a year."""
    (found,) = [p for p in shipped().prices.serving if p.manifest.year == year]  # type: ignore[union-attr]
    return {name: table.columns for name, table in found.tables.items()}


@cache
def area_prices(year: str) -> list[dict[str, str]]:
    """The printed best practice prices of HRGs."""
    columns = pack(year)["best_practice_prices"]
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return [row for row in rows if row["code_type"] == "hrg"]


def lattice(year: str, stays: Any, settings: tuple[str, ...] = ("EL", "NE"), **more: Any) -> Any:
    """Every HRG in some settings, each for some stays: arrays [setting, stay, HRG].

    `stays` gives the stays of the HRGs of a setting: [stay, HRG].
    """
    hrgs = list(listed(year))
    days = np.stack([stays(year, setting, hrgs) for setting in settings])
    shape = days.shape
    each = shape[1] * shape[2]
    columns = {
        "billed_hrg": hrgs * (shape[0] * shape[1]),
        "days": days.ravel(),
        "admission_method": np.repeat([SETTINGS[s]["admission_method"] for s in settings], each),
        "patient_classification": "1",
        **more,
    }
    table = spells(year, columns)
    return hrgs, days, table, lambda name: number(table, name).reshape(shape)


def trims(year: str, setting: str, hrgs: list[str]) -> NDArray[np.int64]:
    """Trim points; 5 where none is printed."""
    name = {"EL": "elective_trim", "NE": "non_elective_trim"}[setting]
    found = figures(year, name, hrgs)
    return np.where(found == NULL, 5, found)


def around_the_trim(year: str, setting: str, hrgs: list[str]) -> NDArray[np.int64]:
    trim = trims(year, setting, hrgs)
    return np.stack([trim, trim + 1])


@all_years
def test_1_a_stay_of_the_trim_pays_no_long_stay(year: str) -> None:
    hrgs, _, _, of = lattice(year, around_the_trim)
    rate, paid, base = figures(year, "per_day", hrgs), of("long_stay_pence"), of("base_pence")
    priced = (base != NULL) & (of("trim_days") != NULL)
    assert not paid[:, 0][priced[:, 0]].any()
    rated = priced[:, 1] & (rate != NULL)
    assert (paid[:, 1] == rate * 100)[rated].all()
    assert rated.sum() > 2000 and (of("excess_days")[:, 1][rated] == 1).all()


def from_two_days(year: str, setting: str, hrgs: list[str]) -> NDArray[np.int64]:
    trim = trims(year, setting, hrgs)
    return np.stack(
        [np.full_like(trim, 2), np.full_like(trim, 3), trim, trim + 1, trim + 2, trim + 90]
    )


@all_years
def test_2_from_2_days_the_price_is_flat_then_linear(year: str) -> None:
    hrgs, days, _, of = lattice(year, from_two_days)
    price, rate = of("pre_mff_pence"), figures(year, "per_day", hrgs)
    trim = np.stack([trims(year, setting, hrgs) for setting in ("EL", "NE")])[:, None]
    known = (price != NULL).all(axis=1) & (rate != NULL)
    due = np.maximum(days - trim, 0) * np.where(rate == NULL, 0, rate) * 100
    assert ((price - price[:, :1] == due) | ~known[:, None]).all()
    assert known.sum() > 2000


def one_long_stay(year: str, setting: str, hrgs: list[str]) -> NDArray[np.int64]:
    return np.repeat(trims(year, setting, hrgs)[None] + 3, 7, axis=0)


@all_years
@pytest.mark.parametrize("column", ["critical_care_days", "rehabilitation_days"])
def test_3_days_taken_off_never_raise_the_price(year: str, column: str) -> None:
    """Same-day care apart, which is dearer at an adjusted stay of 0."""
    hrgs = list(listed(year))
    off = np.stack([
        np.stack([d * 0, d * 0 + 1, d * 0 + 3, d - 2, d - 1, d, d + 4])
        for d in (trims(year, setting, hrgs) + 3 for setting in ("EL", "NE"))
    ])  # fmt: skip
    _, _, table, of = lattice(year, one_long_stay, **{column: off.ravel()})
    price = of("pre_mff_pence")
    area = np.array(table["best_practice_area"].to_pylist(), object).reshape(price.shape)
    same_day = (area == "Same day emergency care").any(axis=1)
    known = (price != NULL).all(axis=1) & ~same_day
    assert (np.diff(price, axis=1) <= 0).transpose(0, 2, 1)[known].all()
    assert (np.diff(price, axis=1) < 0).any(axis=1)[known].mean() > 0.5
    if same_day.any():
        assert (np.diff(price, axis=1)[:, -2] > 0)[same_day].any()


@all_years
def test_4_the_total_at_a_factor_of_1_is_the_price_before_it(year: str) -> None:
    service = next(s for s, rate in zip(*top_up_rates(year), strict=True) if float(rate or 0) > 5)
    more = {"specialised_services": service, "provider": "RRV", "best_practice_met": "Y"}
    _, _, _, of = lattice(year, from_two_days, **more)
    total, before = of("total_pence"), of("pre_mff_pence")
    known = total != NULL
    assert (total == before)[known].all() and known.sum() > 10_000
    assert (sum(of(name) for name in AMOUNTS) == before)[known].all()
    assert (of("top_up_pence") > 0).any() and (of("best_practice_pence") >= 0)[known].all()


def top_up_rates(year: str) -> tuple[list[str], list[str]]:
    columns = pack(year)["top_ups"]
    return columns["service"], columns["rate"]


@all_years
def test_5_who_never_has_the_reduced_short_stay(year: str) -> None:
    """Under 19, maternity, births and transfers, elective, and HRGs that are not flagged."""
    hrgs = np.array(list(listed(year)))
    flagged = np.array([row["short_stay"] == "yes" for row in listed(year).values()])
    ways = [(45, "21"), (19, "2A"), (0, "21"), (18, "21"), (45, "11")]
    ways += [(45, method) for method in ("31", "32", "81", "82", "83")]
    for days in (0, 1):
        columns = {
            "billed_hrg": list(hrgs) * len(ways),
            "age": np.repeat([age for age, _ in ways], len(hrgs)),
            "admission_method": np.repeat([method for _, method in ways], len(hrgs)),
            "days": days,
        }
        table = spells(year, columns)
        reduced = (number(table, "short_stay_eligible") == 1).reshape(len(ways), -1)
        assert (reduced[:2] == flagged).all()
        assert not reduced[2:].any()
        cut = number(table, "short_stay_pence").reshape(len(ways), -1)
        assert (cut[:2][:, flagged] < 0).any() and not (cut[:2][:, ~flagged] > 0).any()
        assert set(np.unique(cut[2:])) <= {0, NULL}


@all_years
def test_6_two_days_are_no_short_stay(year: str) -> None:
    table = spells(year, {"billed_hrg": list(listed(year)), "days": 2})
    assert set(np.unique(number(table, "short_stay_pence"))) <= {0, NULL}
    assert not (number(table, "short_stay_eligible") == 1).any()


@all_years
def test_11_a_spell_that_is_excluded_has_no_price(year: str) -> None:
    hrgs = list(listed(year))
    for values in ({"treatment_function": "710"}, {"commissioning_serial_number": "=1"}):
        table = spells(year, {"billed_hrg": hrgs, "days": 60, **values})
        assert (number(table, "exclusion") == 2).all()
        for name in (*AMOUNTS, "list_pence", "pre_mff_pence", "total_pence"):
            assert (number(table, name) == NULL).all(), name


@all_years
def test_13_the_published_reduced_price_wins(year: str) -> None:
    """Where the printed share of the price comes to another too: counts are those printed."""
    hrgs = [hrg for hrg, row in listed(year).items() if row["short_stay"] == "yes"]
    table = spells(year, {"billed_hrg": hrgs, "days": 1})
    plain = np.array([area is None for area in table["best_practice_area"].to_pylist()])
    paid = number(table, "base_pence") + number(table, "short_stay_pence")
    published = figures(year, "short_stay_price", hrgs) * 100
    assert (paid == published)[plain].all() and plain.sum() > 250
    share = [float(listed(year)[hrg]["short_stay_percent"]) for hrg in hrgs]
    computed = np.floor(figures(year, "non_elective", hrgs) * np.array(share) / 100 + 0.5) * 100
    missed = {"2016/17": 76, "2017/18": 73, "2018/19": 85, "2022/23": 26}
    assert int((computed != published).sum()) == missed[year]
    assert (paid != computed)[plain].any()


@all_years
def test_14_stroke_hip_fracture_and_same_day_care_are_never_reduced(year: str) -> None:
    rows = [row for row in area_prices(year) if row["area"] in NEVER_REDUCED]
    rows = [row for row in rows if row["code"] in listed(year)]
    columns = {
        "billed_hrg": [row["code"] for row in rows] * 4,
        "best_practice_flags": [row["flag"] or None for row in rows] * 4,
        "best_practice_met": ["Y"] * len(rows) * 2 + ["N"] * len(rows) * 2,
        "days": ([0] * len(rows) + [1] * len(rows)) * 2,
        "age": 84,
    }
    table = spells(year, columns)
    areas = table["best_practice_area"].to_pylist()
    found = np.array([area in NEVER_REDUCED for area in areas])
    assert found.mean() > 0.9  # no same-day price is printed for stays of 2 days or more
    assert set(np.unique(number(table, "short_stay_pence")[found])) == {0}
    assert not (number(table, "short_stay_eligible")[found] == 1).any()


@all_years
def test_15_a_flag_changes_base_top_up_and_payments_alone(year: str) -> None:
    rows = [row for row in area_prices(year) if row["flag"] and row["code"] in listed(year)]
    service = next(s for s, rate in zip(*top_up_rates(year), strict=True) if float(rate or 0) > 5)
    columns = {
        "billed_hrg": [row["code"] for row in rows] * 6,
        "days": np.repeat([0, 1, 40] * 2, len(rows)),
        "admission_method": np.repeat(["11"] * 3 + ["21"] * 3, len(rows)),
        "specialised_services": service,
        "provider": "RRV",
        "age": 70,
    }
    flags = [row["flag"] for row in rows] * 6
    with_flag = spells(year, {**columns, "best_practice_flags": flags})
    without = spells(year, {**columns, "best_practice_flags": [None] * len(flags)})
    differing = {
        name
        for name in with_flag.column_names
        if not with_flag[name].combine_chunks().equals(without[name].combine_chunks())
    }
    assert differing <= OF_THE_FLAG
    assert {"base_pence", "best_practice_flag"} <= differing
    for name in ("long_stay_pence", "adjusted_days", "mff", "list_pence"):
        assert with_flag[name].equals(without[name]), name


@all_years
def test_17_what_is_excluded_and_what_costs_nothing_are_told_apart(year: str) -> None:
    named = {"LA08E", "LA97A", "SB97Z", "SC97Z", "PB03Z", "UZ01Z"} & set(listed(year))
    for values, state, total in (({}, 0, 0), ({"treatment_function": "710"}, 2, NULL)):
        table = spells(year, {"billed_hrg": sorted(named), "days": 1, **values})
        assert set(number(table, "exclusion").tolist()) == {state}
        assert set(number(table, "total_pence").tolist()) == {total}
        assert set(table["complete"].to_pylist()) == {state == 0}
    assert len(named) >= 5


# ---------------------------------------------------------------- care that is not admitted


def priced(dataset: str, rows: list[Row]) -> list[dict[str, Any]]:
    extract = from_arrow(table_of(rows), dataset=dataset)
    result: list[dict[str, Any]] = price_records(extract, rulebook=shipped()).table.to_pylist()
    return result


@all_years
def test_16_imaging_that_is_rebundled_never_changes_a_procedure_or_a_spell(year: str) -> None:
    """It is paid beside an attendance alone."""
    columns = pack(year)["unbundled_list"]
    scans = [
        hrg
        for hrg, rebundled in zip(columns["hrg"], columns["rebundled"], strict=True)
        if rebundled == "yes"
    ]
    prices = set(pack(year)["unbundled"]["hrg"])
    procedures = [
        hrg for hrg, row in listed(year).items() if int(row["outpatient_procedure"] or 0) > 0
    ][::9]
    day = f"{year[:4]}-06-01"
    cores = [(core, "100") for core in procedures] + [("WF01B", "100")]
    rows = [
        {
            "provider": "R1H", "attendance_id": f"{core}{scan}", "attendance_date": day,
            "treatment_function": function, "main_specialty": "100", "first_attendance": "1",
            "attended": "5", "age": "40", "billed_hrg": core, "unbundled_01": scan,
        }
        for core, function in cores
        for scan in ["", *scans]
    ]  # fmt: skip
    found = {row["attendance_id"]: row for row in priced("attendances", rows)}
    assert len(scans) > 20 and len(procedures) > 10
    for scan in scans:
        for core in procedures:
            assert found[core + scan]["total_pence"] == found[core]["total_pence"] > 0
        rise = found["WF01B" + scan]["total_pence"] - found["WF01B"]["total_pence"]
        assert (rise > 0) == (scan in prices), scan
    lines = [
        {"provider": "R1H", "line_id": f"{scan}{pod}", "start_date": day, "tariff_code": scan,
         "quantity": "2", "core_hrg": core, "core_point_of_delivery": pod}
        for scan in scans
        for pod, core in (("NEL", "EB03A"), ("EL", "EB03A"), ("DC", "EB03A"))
    ]  # fmt: skip
    for row in priced("lines", lines):  # one scan of each year has a row and no price at all
        said = "rebundled" if row["tariff_code"] in prices else "local_price"
        assert (row["outcome"], row["total_pence"]) == (said, 0)


@pytest.mark.parametrize("year", ["2022/23", "2024/25"])
def test_16_a_scan_in_a_bed_has_a_line_and_no_price(year: str) -> None:
    """The same stay, grouped and priced with and without a scan of the head."""
    codes = {"oper_01": [None, "U051"], "oper_02": [None, "Y981"]}
    table = spells(year, {**codes, "days": 4}, price_at="grouped")
    assert table["priced_hrg"][0] == table["priced_hrg"][1]
    first, second = number(table, "total_pence").tolist()
    assert first == second > 0


@all_years
def test_18_an_intermediate_factor_never_changes_an_intensive_level(year: str) -> None:
    """Every intensive factor of a phase beside every intermediate one, by the words of the pack."""
    columns = pack(year)["maternity_factors"]
    folder = "2017-19" if year[:4] in ("2017", "2018") else year.replace("/", "-")
    levels = {
        (phase, factor): level
        for phase, level, factor in zip(
            columns["phase"], columns["level"], columns["factor"], strict=True
        )
    }
    # a factor counts as it is printed and in other words
    words: dict[tuple[str, str], list[str]] = {
        (phase, level): [
            factor for (of, factor), its in levels.items() if (of, its) == (phase, level)
        ]
        for phase in ("antenatal", "postnatal")
        for level in ("intensive", "intermediate")
    }
    path = shipped_folder() / "other-care" / folder / "maternity_words.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            level = levels.get((row["phase"], row["factor"]))
            if level is not None:
                words[row["phase"], level].append(row["word"])
    told: dict[tuple[str, int], set[Any]] = {}
    for phase, pod in (("antenatal", "MATPATHAN"), ("postnatal", "MATPATHPN")):
        high, middle = words[phase, "intensive"], words[phase, "intermediate"]
        sets = [(3, [one, *more]) for one in high for more in ([], *([word] for word in middle))]
        sets += [(3, [*middle, one]) for one in high] + [(2, [word]) for word in middle]
        rows = [
            {"provider": "R1H", "line_id": f"{n:05}", "start_date": f"{year[:4]}-06-01",
             "quantity": "1", "point_of_delivery": pod, "maternity_factors": "; ".join(factors)}
            for n, (_, factors) in enumerate(sets)
        ]  # fmt: skip
        for (level, _), row in zip(sets, priced("lines", rows), strict=True):
            told.setdefault((phase, level), set()).add((row["priced_hrg"], row["total_pence"]))
        assert len(high) >= 2 and len(middle) >= 10
    assert {len(values) for values in told.values()} == {1}
    assert {key: next(iter(values))[0] for key, values in told.items()} == {
        ("antenatal", 3): "NZAN3", ("antenatal", 2): "NZAN2",
        ("postnatal", 3): "NZPO3", ("postnatal", 2): "NZPO2",
    }  # fmt: skip


def test_a_lattice_is_what_it_says() -> None:
    """The table of a run: HRGs within stays within settings."""
    hrgs, days, table, of = lattice("2022/23", around_the_trim)
    assert isinstance(table, pa.Table) and len(table) == days.size == 4 * len(hrgs)
    assert (of("spell_days") == days).all()
