"""The Arrow schemas of the tables that pass between the modules.

Money is `int64` pence. Dates are `date32`, times are minutes since midnight. Factors (MFF) are
`int64` in units of 1e-9 between modules, and `decimal128(12, 9)` in the tables that leave a run.
Text columns of an extract are dictionary encoded (`int32` indices): a clinical code is looked up
once per distinct value, never once per row.
"""

from __future__ import annotations

import pyarrow as pa

CODE = pa.dictionary(pa.int32(), pa.string())
MFF = pa.decimal128(12, 9)
MFF_UNIT = 10**9

# Every batch of an extract carries these beside its canonical columns (tariff/extract/fields.py).
ROW_COLUMNS = [
    pa.field("_file", pa.int32(), nullable=False),  # index of the input file
    pa.field("_line", pa.int64(), nullable=False),  # line in that file, 1 = first line (header)
]

SPELLS = pa.schema(
    [
        # the record
        pa.field("provider", pa.string(), nullable=False),
        pa.field("spell_id", pa.string(), nullable=False),
        pa.field("patient_id", pa.string()),
        pa.field("site", pa.string()),
        pa.field("commissioner", pa.string()),
        pa.field("gp_practice", pa.string()),
        pa.field("episodes", pa.int32(), nullable=False),
        pa.field("duplicate_rows", pa.int32(), nullable=False),  # exact copies left out
        pa.field("age", pa.int32()),
        pa.field("sex", pa.string()),
        pa.field("admission_date", pa.date32()),
        pa.field("discharge_date", pa.date32()),
        pa.field("admission_method", pa.string()),
        pa.field("admission_source", pa.string()),
        pa.field("discharge_method", pa.string()),
        pa.field("discharge_destination", pa.string()),
        pa.field("patient_classification", pa.string()),
        pa.field("treatment_function", pa.string()),
        pa.field("primary_diagnosis", pa.string()),  # of the dominant episode
        pa.field("activity_month", pa.string()),
        pa.field("statement", pa.string()),
        # grouping
        pa.field("hrg", pa.string()),  # the engine's
        pa.field("hrg_provenance", pa.string()),
        pa.field("grouper", pa.string()),  # pack id
        pa.field("grouping_flag", pa.string()),  # P, D, M, B, G or U
        pa.field("dominant_code", pa.string()),
        pa.field("dominant_episode", pa.int32()),
        pa.field("cc_score", pa.int32()),
        pa.field("error_category", pa.string()),  # field, spell, UZ01 ...; empty when valid
        pa.field("group_reason", pa.string()),  # why there is no HRG
        # price
        pa.field("billed_hrg", pa.string()),
        pa.field("priced_hrg", pa.string()),
        pa.field("point_of_delivery", pa.string()),
        pa.field("tariff_year", pa.string()),
        pa.field("tariff", pa.string()),  # pack id
        pa.field("exclusion", pa.int32()),  # episodes excluded: 0 none, 1 some, 2 all
        pa.field("spell_days", pa.int32()),
        pa.field("critical_care_days", pa.int32()),
        pa.field("rehabilitation_days", pa.int32()),
        pa.field("palliative_care_days", pa.int32()),
        pa.field("deducted_days", pa.int32()),  # the three, or the union of dated periods
        pa.field("adjusted_days", pa.int32()),
        pa.field("delayed_days", pa.int32()),  # from ready for discharge to discharge
        pa.field("trim_days", pa.int32()),
        pa.field("excess_days", pa.int32()),
        pa.field("per_day_pence", pa.int64()),
        pa.field("list_pence", pa.int64()),  # before best practice
        pa.field("best_practice_area", pa.string()),
        pa.field("best_practice_flag", pa.string()),
        pa.field("best_practice_paid", pa.string()),  # best_practice, not_best_practice, level_1...
        pa.field("base_pence", pa.int64()),
        pa.field("short_stay_pence", pa.int64()),  # 0 or negative
        pa.field("long_stay_pence", pa.int64()),
        pa.field("top_up_service", pa.string()),
        pa.field("top_up_rate", pa.string()),  # percent, as printed
        pa.field("top_up_pence", pa.int64()),
        pa.field("best_practice_pence", pa.int64()),  # payments beside the price
        pa.field("pre_mff_pence", pa.int64()),
        pa.field("mff", MFF),
        pa.field("mff_year", pa.string()),
        pa.field("total_pence", pa.int64()),
        pa.field("complete", pa.bool_(), nullable=False),
        pa.field("price_reasons", pa.string()),  # names of tariff.engine.reasons, space separated
        # as billed, and after settlement
        pa.field("billed_point_of_delivery", pa.string()),
        pa.field("billed_price_pence", pa.int64()),
        pa.field("billed_mff", MFF),
        pa.field("billed_excess_days", pa.int32()),
        pa.field("billed_total_pence", pa.int64()),
        pa.field("billed_pence", pa.int64()),  # what counts as billed: see docs/money.md
        pa.field("allowed_pence", pa.int64()),  # billed less every settled finding
    ]
)

EPISODES = pa.schema(
    [
        pa.field("provider", pa.string(), nullable=False),
        pa.field("spell_id", pa.string(), nullable=False),
        pa.field("episode_order", pa.int32()),
        pa.field("treatment_function", pa.string()),
        pa.field("stay", pa.int32()),  # duration less critical care, rehabilitation, palliative
        pa.field("diagnoses", pa.list_(pa.string()), nullable=False),
        pa.field("procedures", pa.list_(pa.string()), nullable=False),
        pa.field("hrg", pa.string()),
        pa.field("grouping_flag", pa.string()),  # P, D, M, B, G or U
        pa.field("dominant_code", pa.string()),
        pa.field("cc_score", pa.int32()),
        pa.field("error_category", pa.string()),
        pa.field("errors", pa.string()),  # names of the fields in error, space separated
        pa.field("group_reason", pa.string()),
        pa.field("dominant", pa.bool_(), nullable=False),  # drives the spell's HRG
        pa.field("unbundled_hrgs", pa.list_(pa.string()), nullable=False),  # CODE, or CODE*days
    ]
)

ATTENDANCES = pa.schema(
    [
        pa.field("provider", pa.string(), nullable=False),
        pa.field("attendance_id", pa.string(), nullable=False),
        pa.field("attendance_date", pa.date32()),
        pa.field("treatment_function", pa.string()),
        pa.field("first_attendance", pa.string()),
        pa.field("attended", pa.string()),
        pa.field("hrg", pa.string()),  # the engine's
        pa.field("hrg_provenance", pa.string()),
        pa.field("grouper", pa.string()),  # pack id
        pa.field("groups", pa.string()),  # id of the pack of default attendances
        pa.field("grouping_flag", pa.string()),  # P, O or U
        pa.field("dominant_procedure", pa.string()),
        pa.field("attendance_hrg", pa.string()),  # without procedures other than assessments
        pa.field("error_category", pa.string()),  # field, UZ05, UZ06; empty when valid
        pa.field("errors", pa.string()),  # names of the fields in error, space separated
        pa.field("group_reason", pa.string()),  # why there is no HRG
        pa.field("billed_hrg", pa.string()),
    ]
)

EMERGENCY = pa.schema(
    [
        pa.field("provider", pa.string(), nullable=False),
        pa.field("attendance_id", pa.string(), nullable=False),
        pa.field("arrival_date", pa.date32()),
        pa.field("department_type", pa.string()),
        pa.field("patient_group", pa.string()),
        pa.field("hrg", pa.string()),
        pa.field("hrg_provenance", pa.string()),
        pa.field("groups", pa.string()),  # pack id
        pa.field("grouping_flag", pa.string()),  # U in error, else empty
        pa.field("investigation_category", pa.int32()),  # the highest; 0 none
        pa.field("treatment_category", pa.int32()),
        pa.field("dominant_investigation", pa.string()),  # the first of that category
        pa.field("dominant_treatment", pa.string()),
        pa.field("error_category", pa.string()),
        pa.field("errors", pa.string()),
        pa.field("group_reason", pa.string()),
        pa.field("billed_hrg", pa.string()),
    ]
)

CRITICAL_CARE = pa.schema(
    [
        pa.field("provider", pa.string(), nullable=False),
        pa.field("period_id", pa.string(), nullable=False),
        pa.field("spell_id", pa.string()),
        pa.field("start_date", pa.date32()),
        pa.field("end_date", pa.date32()),
        pa.field("unit_function", pa.string()),
        pa.field("hrg", pa.string()),
        pa.field("hrg_provenance", pa.string()),
        pa.field("groups", pa.string()),  # pack id
        pa.field("organs", pa.int32()),  # organ systems supported
        pa.field("critical_care_days", pa.int32(), nullable=False),  # -1: dates are unusable
        pa.field("warning_flag", pa.string()),  # F; the HRG is still given
        pa.field("warnings", pa.string()),  # which of the four, space separated
        pa.field("group_reason", pa.string()),
        pa.field("billed_hrg", pa.string()),
    ]
)

FINDINGS = pa.schema(
    [
        pa.field("finding_id", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("rule_version", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("class", pa.string(), nullable=False),  # deterministic, presumptive, statistical
        pa.field("level", pa.string(), nullable=False),  # low, medium, high
        pa.field("tier", pa.string(), nullable=False),  # of a rule of several tiers of certainty
        pa.field("step", pa.string(), nullable=False),  # where in the settlement order it stands
        pa.field("provider", pa.string(), nullable=False),
        pa.field("commissioner", pa.string()),
        pa.field("activity_month", pa.string()),  # of the last record
        pa.field("point_of_delivery", pa.string()),  # of the first record
        pa.field("hrg", pa.string()),  # priced HRG of the first record
        pa.field("records", pa.list_(pa.string()), nullable=False),  # kind:provider:id, sorted
        pa.field("spell_ids", pa.list_(pa.string()), nullable=False),
        pa.field("partner", pa.string()),  # key of the record it was compared with
        pa.field("cause", pa.string(), nullable=False),  # what findings of one root cause share
        pa.field("remedy", pa.string(), nullable=False),
        # cash, suspended, system_neutral or question
        pa.field("effect", pa.string(), nullable=False),
        pa.field("billed_pence", pa.int64()),
        pa.field("allowed_pence", pa.int64()),
        pa.field("value_pence", pa.int64()),  # billed less allowed; negative is an under-charge
        pa.field("settled_pence", pa.int64()),  # its part when one pound is challenged once
        pa.field("cash_pence", pa.int64()),  # empty without a contract
        pa.field("provenance", pa.string(), nullable=False),  # weakest pack the value rests on
        pa.field("evidence", pa.string(), nullable=False),  # JSON [[label, value], ...]
        pa.field("working", pa.string(), nullable=False),  # JSON [[step, pence or null, note], ...]
        pa.field("note", pa.string(), nullable=False),  # e.g. why the value is empty
    ]
)

# Findings by root cause: docs/report.md

CAUSES = pa.schema(
    [
        pa.field("cause_id", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("tier", pa.string(), nullable=False),
        pa.field("class", pa.string(), nullable=False),
        pa.field("effect", pa.string(), nullable=False),
        pa.field("provider", pa.string(), nullable=False),
        pa.field("cause", pa.string(), nullable=False),  # values of the rule's root_cause fields
        pa.field("findings", pa.int64(), nullable=False),
        pa.field("questions", pa.int64(), nullable=False),  # of those, without a value
        pa.field("value_pence", pa.int64()),  # empty where all are questions
        pa.field("settled_pence", pa.int64()),
        pa.field("oldest_month", pa.string()),
        pa.field("latest_month", pa.string()),
        pa.field("first_findings", pa.list_(pa.string()), nullable=False),  # ids, dearest first
    ]
)

REJECTS = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("column", pa.string(), nullable=False),  # as it is called in the file
        pa.field("value", pa.string()),  # masked where the field is an identifier
        pa.field("reason", pa.string(), nullable=False),
        pa.field("billed_pence", pa.int64()),  # of the row, where it can be read
    ]
)

# Care that is not admitted, as priced: docs/pricing-other-care.md

_AS_PRICED = [
    pa.field("billed_hrg", pa.string()),
    pa.field("priced_hrg", pa.string()),
    pa.field("point_of_delivery", pa.string()),  # national code
    pa.field("outcome", pa.string()),  # priced, zero_price, excluded ...; empty where not known
    pa.field("price_basis", pa.string()),  # attendance, procedure, direct_access, unbundled ...
    pa.field("price_type", pa.string()),  # national, unit, guide, benchmark or local
    pa.field("tariff_year", pa.string()),
    pa.field("tariff", pa.string()),  # pack id
    pa.field("base_pence", pa.int64()),
    pa.field("best_practice_pence", pa.int64()),
    pa.field("unbundled_pence", pa.int64()),
    pa.field("pre_mff_pence", pa.int64()),
    pa.field("mff", MFF),
    pa.field("mff_year", pa.string()),
    pa.field("total_pence", pa.int64()),
    pa.field("complete", pa.bool_(), nullable=False),
    pa.field("price_reasons", pa.string()),  # space separated
    pa.field("price_provenance", pa.string()),  # weakest of the packs it rests on
    pa.field("billed_point_of_delivery", pa.string()),
    pa.field("billed_price_pence", pa.int64()),
    pa.field("billed_mff", MFF),
    pa.field("billed_total_pence", pa.int64()),
    pa.field("billed_pence", pa.int64()),  # what counts as billed: docs/money.md
]

PRICED_ATTENDANCES = pa.schema(
    [
        pa.field("provider", pa.string(), nullable=False),
        pa.field("attendance_id", pa.string(), nullable=False),
        pa.field("patient_id", pa.string()),
        pa.field("site", pa.string()),
        pa.field("commissioner", pa.string()),
        pa.field("activity_month", pa.string()),
        pa.field("attendance_date", pa.date32()),
        pa.field("treatment_function", pa.string()),
        pa.field("main_specialty", pa.string()),
        pa.field("first_attendance", pa.string()),
        pa.field("attended", pa.string()),
        *_AS_PRICED,
    ]
)

PRICED_EMERGENCY = pa.schema(
    [
        pa.field("provider", pa.string(), nullable=False),
        pa.field("attendance_id", pa.string(), nullable=False),
        pa.field("patient_id", pa.string()),
        pa.field("site", pa.string()),
        pa.field("commissioner", pa.string()),
        pa.field("activity_month", pa.string()),
        pa.field("arrival_date", pa.date32()),
        pa.field("department_type", pa.string()),
        *_AS_PRICED,
    ]
)

PRICED_LINES = pa.schema(
    [
        pa.field("provider", pa.string(), nullable=False),
        pa.field("line_id", pa.string(), nullable=False),
        pa.field("patient_id", pa.string()),
        pa.field("site", pa.string()),
        pa.field("commissioner", pa.string()),
        pa.field("activity_month", pa.string()),
        pa.field("spell_id", pa.string()),
        pa.field("attendance_id", pa.string()),
        pa.field("treatment_function", pa.string()),
        pa.field("start_date", pa.date32()),
        pa.field("end_date", pa.date32()),
        pa.field("tariff_code", pa.string()),
        pa.field("quantity", pa.int32()),
        pa.field("unit_price_pence", pa.int64()),
        *_AS_PRICED,
        # of drugs and devices, what the year's lists say of them
        pa.field("listed_as", pa.string()),  # group, individual, device, removed, not_matched ...
        pa.field("listed_group", pa.string()),
        pa.field("listed_commissioner", pa.string()),
        pa.field("national_programme", pa.string()),  # as printed
        pa.field("fixed_element", pa.string()),  # yes: the money is in the fixed element
    ]
)

# What a contract makes of priced activity, by line and month: docs/contracts.md

CONTRACT = pa.schema(
    [
        pa.field("contract", pa.string(), nullable=False),  # pack id
        pa.field("line", pa.string()),  # empty outside the contract
        pa.field("form", pa.string()),
        pa.field("outside", pa.string()),  # why it is outside the contract
        pa.field("month", pa.int32()),  # 1 to 12 from April, 13 after the year
        pa.field("activity_month", pa.string()),
        pa.field("activity", pa.int64(), nullable=False),
        pa.field("tariff_pence", pa.int64(), nullable=False),
        pa.field("withheld_pence", pa.int64(), nullable=False),  # before the formula
        pa.field("payable_pence", pa.int64()),
        pa.field("plan_activity", pa.decimal128(18, 4)),
        pa.field("plan_pence", pa.int64()),
        pa.field("ytd_activity", pa.int64()),
        pa.field("ytd_tariff_pence", pa.int64()),
        pa.field("ytd_withheld_pence", pa.int64()),
        pa.field("ytd_payable_pence", pa.int64()),
        pa.field("ytd_plan_activity", pa.decimal128(18, 4)),
        pa.field("ytd_plan_pence", pa.int64()),
        pa.field("unit_pence", pa.int64()),  # price of one unit in the year to date
        pa.field("one_more_pence", pa.int64()),  # what one unit more adds to what is payable
        pa.field("one_fewer_pence", pa.int64()),  # what one unit fewer takes off it: 0 or negative
        pa.field("records", pa.int64(), nullable=False),
        pa.field("incomplete", pa.int64(), nullable=False),  # records whose price is not whole
        pa.field("unpriced", pa.int64(), nullable=False),
        pa.field("local", pa.int64(), nullable=False),  # at a local price
        pa.field("excluded", pa.int64(), nullable=False),  # nothing is paid, and no activity
        pa.field("billed_pence", pa.int64(), nullable=False),
        # Parquet alone: what another run needs to go on (--ledger)
        pa.field("unit_activity", pa.int64(), nullable=False),  # of records with a price
        pa.field("exact_unit_pence", pa.decimal128(38, 9), nullable=False),  # of those
        pa.field("exact_alone_pence", pa.decimal128(38, 9), nullable=False),  # without units
        pa.field("exact_tariff_pence", pa.decimal128(38, 9), nullable=False),
    ]
)

# Policies between spells: docs/policies.md

READMISSION_COLUMNS = [  # of the spells, where policies were applied
    pa.field("readmission_of", pa.string()),  # PROVIDER:NUMBER of the index
    pa.field("readmission_days", pa.int32()),
    pa.field("readmission_index", pa.string()),  # elective or non_elective
    pa.field("readmission_excluded", pa.string()),  # name of the exclusion
    pa.field("readmission_pence", pa.int64()),
    pa.field("readmission_basis", pa.string()),
    pa.field("readmission_withheld_pence", pa.int64()),
    pa.field("readmission_charged_to", pa.string()),  # provider of the index
]
SPELLS_WITH_POLICIES = pa.schema([*SPELLS, *READMISSION_COLUMNS])

POLICIES = pa.schema(
    [
        pa.field("policy", pa.string(), nullable=False),  # readmissions or marginal_rate
        pa.field("provider", pa.string(), nullable=False),
        pa.field("commissioner", pa.string(), nullable=False),
        pa.field("tariff_year", pa.string(), nullable=False),
        pa.field("month", pa.string(), nullable=False),  # of discharge
        pa.field("spells", pa.int64(), nullable=False),
        pa.field("actual_pence", pa.int64(), nullable=False),
        pa.field("payable_pence", pa.int64(), nullable=False),
        pa.field("withheld_pence", pa.int64(), nullable=False),
        pa.field("actual_ytd_pence", pa.int64(), nullable=False),
        pa.field("payable_ytd_pence", pa.int64(), nullable=False),
        pa.field("withheld_ytd_pence", pa.int64(), nullable=False),
        pa.field("baseline_pence", pa.int64()),
        pa.field("rate", pa.string(), nullable=False),
        pa.field("note", pa.string(), nullable=False),
    ]
)
