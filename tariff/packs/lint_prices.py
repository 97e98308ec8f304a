"""Checks of the other tables of a price list: words, figures, codes, lists that flags name."""

from __future__ import annotations

from tariff.packs.findings import Findings
from tariff.packs.price_tables import PRICE_TABLES

PAYMENTS = frozenset(
    {
        *("best_practice", "not_best_practice", "additional", "price"),
        *(f"level_{number}" for number in range(1, 10)),
    }
)
WORDS: dict[tuple[str, str], frozenset[str]] = {
    ("best_practice_prices", "code_type"): frozenset({"", "hrg", "treatment_function"}),
    ("best_practice_prices", "payment"): PAYMENTS,
    ("best_practice_codes", "classification"): frozenset({"hrg", "icd10", "opcs4"}),
    ("unbundled_list", "priced"): frozenset({"", "national", "unit", "no"}),
    ("maternity", "phase"): frozenset({"delivery", "antenatal", "postnatal"}),
    ("maternity_factors", "phase"): frozenset({"antenatal", "postnatal", "delivery"}),
    ("maternity_factors", "level"): frozenset({"intensive", "intermediate"}),
    ("other_prices", "code_type"): frozenset({"", "hrg", "treatment_function"}),
    ("price_types", "of"): frozenset({"hrg", "treatment_function", "other"}),
    ("no_price_hrgs", "part"): frozenset({"core", "unbundled"}),
    ("service_rules", "kind"): frozenset({"excluded", "processed", "zero"}),
    ("drugs", "listed_as"): frozenset({"", "group", "individual"}),
    ("top_up_codes", "classification"): frozenset({"icd10", "opcs4"}),
    ("top_up_codes", "age"): frozenset({"child", "adult", "any"}),
    ("names", "code_type"): frozenset({"hrg", "treatment_function"}),
}
LISTS = ("hrg_lists", "procedure_lists", "diagnosis_lists")


def check(findings: Findings) -> None:
    """All checks of these tables, those that the pack has."""
    _words(findings)
    _figures(findings)
    _flag_lists(findings)
    _priced_twice(findings)


def _words(findings: Findings) -> None:
    for (name, column), known in WORDS.items():
        table = findings.pack.tables.get(name)
        if table is None or known.issuperset(table.columns[column]):
            continue
        for index, word in enumerate(table.columns[column]):
            if word not in known:
                accepted = ", ".join(sorted(filter(None, known)))
                message = f"{column}: '{word}' is none of {accepted}"
                findings.of_cell("PK417", name, index, column, message)


def _figures(findings: Findings) -> None:
    for name, spec in PRICE_TABLES.items():
        table = findings.pack.tables.get(name)
        if table is None:
            continue
        rows = table.columns[spec.columns[0].name]
        for column in spec.columns:
            if column.type not in ("decimal", "integer"):
                continue
            for index, cell in enumerate(table.columns[column.name]):
                if cell.startswith("-"):
                    message = f"{rows[index]}: {column.name} {cell} is below 0"
                    findings.of_cell("PK405", name, index, column.name, message, row=rows[index])
                elif column.name.endswith("trim") and cell == "0":
                    message = f"{rows[index]}: a trim point of 0 days"
                    findings.of_cell("PK408", name, index, column.name, message, row=rows[index])


def _flag_lists(findings: Findings) -> None:
    """Each list that a flag names is given."""
    flags = findings.pack.tables.get("best_practice_flags")
    codes = findings.pack.tables.get("best_practice_codes")
    if flags is None or codes is None:
        return
    held = set(codes.columns["list"])
    for column in LISTS:
        for index, names in enumerate(flags.columns[column]):
            for name in names.split():
                if name not in held:
                    flag = flags.columns["flag"][index]
                    message = f"{flag}: the list {name} is not in best_practice_codes"
                    findings.of_cell(
                        "PK418", "best_practice_flags", index, column, message, row=name
                    )


def _priced_twice(findings: Findings) -> None:
    """An HRG that is listed as without a price in any setting has none."""
    unpriced = findings.pack.tables.get("no_price_hrgs")
    if unpriced is None or "prices" not in findings.pack.tables:
        return
    prices = findings.pack.tables["prices"].columns
    columns = ("outpatient_procedure", "combined", "day_case", "ordinary_elective", "non_elective")
    priced = {
        hrg
        for hrg, *cells in zip(prices["hrg"], *(prices[column] for column in columns), strict=True)
        if any(cell not in ("", "0") for cell in cells)
    }
    for index, hrg in enumerate(unpriced.columns["hrg"]):
        if unpriced.columns["any_setting"][index] == "yes" and hrg in priced:
            message = f"{hrg} is listed as without a price in any setting, and has one"
            findings.of_cell("PK419", "no_price_hrgs", index, "hrg", message, row=hrg)
