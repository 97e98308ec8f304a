"""Restate the market forces factors by provider and year, and the lists of valid codes."""

from __future__ import annotations

from decimal import Decimal

from restate.tables import Reference, RestateError, Table, make_table

HISTORY = "mff/mff_history.csv"

# Tariff year -> column of the history, and the year's own table with its column. The history
# alone has 2015/16. Its interpolated columns are computed, not published, and are left out.
_YEARS: tuple[tuple[str, str, str, str], ...] = (
    ("2015/16", "2015/16", "", ""),
    ("2016/17", "2016/17", "ntps-1617/mff.csv", "payment_index"),
    ("2017/18", "2017/18 and 2018/19", "ntps-1719/annex-b1/mff.csv", "payment_index"),
    ("2018/19", "2017/18 and 2018/19", "ntps-1719/annex-b1/mff.csv", "payment_index"),
    ("2022/23", "2022/23", "ntps-2223/mff_2022_23_and_2023_24.csv", "mff_2022_23"),
    ("2023/24", "2023/24", "ntps-2223/mff_2022_23_and_2023_24.csv", "mff_2023_24"),
    ("2026/27", "2026/27", "mff-2627/nhse_provider_mff_2627.csv", "mff_factor"),
)

# Names, the newest table first.
_NAMES = (
    "mff-2627/nhse_provider_mff_2627.csv",
    "ntps-2223/mff_2022_23_and_2023_24.csv",
    HISTORY,
)


def _year(data: Reference, history_column: str, name: str, column: str) -> dict[str, str]:
    """Return provider -> factor of one year, the year's own table and the history agreeing."""
    history = {
        provider: row[history_column]
        for provider, row in data.keyed(HISTORY, "provider_code").items()
        if row[history_column]
    }
    if not name:
        return history
    own = {
        provider: row[column]
        for provider, row in data.keyed(name, "provider_code").items()
        if row[column]
    }
    if own.keys() != history.keys():
        raise RestateError(f"{name}: other providers than {HISTORY}")
    for provider, factor in own.items():
        if Decimal(factor) != Decimal(history[provider]):
            raise RestateError(f"{name}: {provider} {factor} but {history[provider]} in {HISTORY}")
    return own


def factor_tables(data: Reference) -> list[Table]:
    """Return the published factors by provider and year, and the providers' newest names."""
    factors: list[tuple[str, str, str]] = []
    for year, history_column, name, column in _YEARS:
        values = _year(data, history_column, name, column)
        factors.extend((provider, year, factor) for provider, factor in values.items())
    names: dict[str, str] = {}
    for name in _NAMES:
        for row in data.rows(name):
            names.setdefault(row["provider_code"], row["provider_name"])
    if missing := sorted({provider for provider, _, _ in factors} - names.keys()):
        raise RestateError(f"no name for the providers {missing}")
    return [
        make_table(
            "mff/mff-england/factors.csv",
            ("provider", "year", "mff"),
            factors,
            expect=1582,
            key=2,
        ),
        make_table(
            "mff/mff-england/providers.csv",
            ("provider", "name"),
            names.items(),
            expect=243,
        ),
    ]


def code_tables(data: Reference) -> list[Table]:
    """Return the valid codes of the two clinical classifications."""
    lists = (
        ("icd10-5", "codes/icd10_5th_edition_4char.txt", 10607),
        ("opcs4", "codes/opcs4_codes.txt", 9881),
    )
    return [
        make_table(
            f"codes/{pack}/codes.csv", ("code",), ((c,) for c in data.lines(name)), expect=count
        )
        for pack, name, count in lists
    ]
