"""The tables of a price list beside the three of `tariff.packs.tables`: all are optional.

Together they hold every sheet of a national price workbook that prices, excludes or triggers
something. A row is one printed row, or one printed figure where a sheet has many columns that only
some rows fill; rows without a key stand in the order of the sheet.
"""

from __future__ import annotations

from tariff.packs.columns import Column, TableSpec, optional

PRICE_TABLES: dict[str, TableSpec] = {
    # ------------------------------------------------------------ best practice
    # one price: of an HRG, of a treatment function, or (of no code) a payment with its name
    "best_practice_prices": TableSpec(
        (
            Column("area", "text"),
            *optional("code", "code_type code"),  # hrg or treatment_function
            *optional("text", "name procedure"),
            *optional("code", "level flag"),  # level: HRG, sub-HRG, sub-HRG*
            Column("payment"),  # best_practice, not_best_practice, additional, level_1.., price
            *optional("code", "setting per"),
            Column("short_stay", "flag"),
            Column("percent", "decimal", blank=True),
            Column("price", "decimal"),
        ),
        key=(
            *("area", "code_type", "code", "name", "procedure"),
            *("flag", "payment", "setting", "short_stay"),
        ),
    ),
    # what the sheet of admitted prices says of the best practice area of an HRG
    "best_practice_hrgs": TableSpec(
        (
            Column("hrg"),
            Column("level"),  # HRG, sub-HRG, sub-HRG*, Other
            Column("area", "text", blank=True),
            Column("settings", "codes", blank=True),
            Column("automated", blank=True),  # the price SUS pays
            Column("flag", blank=True),
        ),
        key=("hrg",),
    ),
    # the rules of a flag are alternatives; the lists of one rule are all needed
    "best_practice_flags": TableSpec(
        (
            Column("flag"),
            Column("rule", "integer"),
            Column("name", "text"),
            Column("level"),
            Column("setting", blank=True),
            *optional("codes", "hrg_lists procedure_lists"),
            *optional("text", "procedure_position procedure_qualifiers"),
            *optional("codes", "secondary_procedures"),
            *optional("integer", "age_min age_max"),
            Column("age_unknown", "flag", blank=True),  # whether age 999 fits
            *optional("codes", "admission_methods diagnosis_lists"),
            *optional("text", "diagnosis_position other"),
        ),
        key=("flag", "rule"),
    ),
    "best_practice_codes": TableSpec(
        (
            Column("list"),
            Column("classification"),  # hrg, icd10, opcs4
            Column("code"),
            Column("hierarchy", "integer", blank=True),
            Column("qualifiers", "text", blank=True),
        ),
        key=("list", "classification", "code"),
    ),
    # ------------------------------------------------------------ unbundled, maternity
    "unbundled_list": TableSpec(
        (
            Column("hrg"),
            Column("priced", blank=True),  # national, unit, no
            Column("rebundled", "flag"),
            Column("note", "text", blank=True),
        ),
        key=("hrg",),
    ),
    "deliveries": TableSpec(
        (
            Column("hrg"),
            Column("level", blank=True),
            *optional("decimal", "combined day_case ordinary_elective"),
            Column("elective_trim", "integer", blank=True),
            Column("non_elective", "decimal", blank=True),
            Column("non_elective_trim", "integer", blank=True),
            Column("per_day", "decimal", blank=True),
        ),
        key=("hrg",),
    ),
    "maternity": TableSpec(
        (
            Column("phase"),  # delivery, antenatal, postnatal
            Column("level", "text"),
            Column("price", "decimal"),
            Column("trim", "integer", blank=True),
            Column("per_day", "decimal", blank=True),
        ),
        key=("phase", "level"),
    ),
    "maternity_factors": TableSpec(
        (
            Column("phase"),
            Column("level"),
            Column("group", "text"),
            Column("factor", "text"),
        ),
        key=("phase", "level", "group", "factor"),
    ),
    # ------------------------------------------------------------ other prices, kinds of price
    "other_prices": TableSpec(
        (
            Column("area", "text"),
            Column("binding", "flag"),  # no: a guide price
            *optional("code", "code_type code"),
            Column("name", "text", blank=True),
            Column("figure"),  # price, combined, trim, per_day, first_single, ...
            Column("value", "decimal"),
        ),
        key=("area", "code_type", "code", "name", "figure"),
    ),
    "price_types": TableSpec(
        (
            Column("of"),  # hrg, treatment_function, other
            Column("code"),
            Column("name", "text", blank=True),
            Column("kind", "text", blank=True),
            *optional("codes", "national unit guide benchmark"),  # the figures of each kind
            Column("part", blank=True),
            Column("rebundled", "flag", blank=True),
            Column("note", "text", blank=True),
        ),
        key=("of", "code"),
    ),
    "no_price_hrgs": TableSpec(
        (
            Column("hrg"),
            Column("part"),  # core, unbundled
            Column("mandated_currency", "flag"),
            Column("any_setting", "flag"),  # yes: no price in any setting
            Column("note", "text", blank=True),
        ),
        key=("hrg",),
    ),
    "no_price_functions": TableSpec((Column("treatment_function"),), key=("treatment_function",)),
    # ------------------------------------------------------------ what is excluded
    "service_rules": TableSpec(
        (
            Column("kind"),  # excluded, processed, zero
            Column("part", "text"),
            Column("service", "text"),
            *optional("text", "when local_grouper sus comment"),
            Column("marker", "flag"),  # the provider marks the record with =
            *optional("codes", "treatment_functions main_specialties hrgs"),
        ),
    ),
    "drugs": TableSpec(
        (
            Column("part", "text"),
            *optional("text", "drug group bnf note"),
            Column("listed_as", blank=True),  # group, individual
            Column("fixed_element", "flag", blank=True),
        ),
    ),
    "advanced_therapies": TableSpec(
        (Column("name", "text"), *optional("text", "brand indication detail")),
    ),
    "devices": TableSpec(
        (
            Column("part", "text"),
            Column("device", "text"),
            *optional("text", "note commissioner national_programme"),
        ),
        key=("part", "device"),
    ),
    "listed_procedures": TableSpec(
        (Column("procedure", "text"), *optional("text", "when local_grouper sus note")),
        key=("procedure",),
    ),
    "innovative_products": TableSpec(
        (Column("product", "text"), Column("note", "text", blank=True)), key=("product",)
    ),
    # ------------------------------------------------------------ adjustments
    "top_ups": TableSpec(
        (
            Column("service"),
            Column("name", "text"),
            Column("rate", "decimal", blank=True),  # percent; blank: not eligible
            Column("note", "text", blank=True),
        ),
        key=("service",),
    ),
    "top_up_codes": TableSpec(
        (
            Column("classification"),
            Column("code"),
            Column("service"),
            Column("age"),  # child, adult, any
            Column("secondary", blank=True),
            Column("note", "text", blank=True),
        ),
        key=("classification", "code", "service", "age"),
    ),
    "top_up_providers": TableSpec(
        (Column("services", "codes"), Column("provider"), Column("name", "text")),
        key=("services", "provider"),
    ),
    "short_stay_bands": TableSpec(
        (
            Column("days_min", "integer"),
            Column("days_max", "integer", blank=True),
            Column("percent", "decimal"),
        ),
        key=("days_min",),
    ),
    "factors": TableSpec(
        (
            Column("provider"),
            Column("year", "year"),
            Column("mff", "decimal"),
            Column("name", "text"),
        ),
        key=("provider", "year"),
    ),
    # ------------------------------------------------------------ names, and where all this is from
    "names": TableSpec(
        (Column("code_type"), Column("code"), Column("name", "text")), key=("code_type", "code")
    ),
    "sheets": TableSpec(
        (
            Column("sheet", "text"),
            Column("title", "text", blank=True),
            Column("tables", "codes", blank=True),
            Column("note", "text", blank=True),
        ),
        key=("sheet",),
    ),
}
