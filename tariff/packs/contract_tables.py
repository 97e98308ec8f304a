"""The side tables of contract packs."""

from __future__ import annotations

from tariff.packs.columns import Column, TableSpec, optional

CONTRACT_TABLES: dict[str, TableSpec] = {
    # what is planned, month by month: month 13 is the adjustment after the year
    "plan": TableSpec(
        (
            Column("line"),
            Column("month", "integer"),
            Column("activity", "decimal"),
            Column("price", "decimal"),
        ),
        key=("line", "month"),
    ),
    "local_prices": TableSpec(
        (
            *optional(
                "code", "provider commissioner treatment_function point_of_delivery tariff_code"
            ),
            Column("price", "decimal"),
        ),
        key=(
            *("provider", "commissioner", "treatment_function"),
            *("point_of_delivery", "tariff_code"),
        ),
    ),
    # year to date through a month: what was done, what is payable; what a finding saves of it
    "tests": TableSpec(
        (
            Column("name", "text"),
            Column("line"),
            Column("month", "integer"),
            Column("activity", "decimal"),
            Column("actual", "decimal"),
            Column("payable", "decimal"),
            *optional("decimal", "finding cash"),
        ),
        key=("name",),
    ),
}

TERMS_TABLES: dict[str, TableSpec] = {
    "terms": TableSpec(
        (
            Column("year", "year"),
            Column("term"),
            Column("value", "decimal"),
            Column("evidence"),
            Column("note", "text", blank=True),
        ),
        key=("year", "term"),
    )
}
