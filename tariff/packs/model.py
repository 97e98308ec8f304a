"""The typed model of a rule pack: what a pack file may say, and nothing else.

Every class here is decoded from YAML nodes by `tariff.packs.nodes`, so the field names *are* the
YAML keys, the annotations are the accepted types, and a field without a default is required.
`Code` stays text whatever it looks like (`07`, `NO`, `5E1`). Docstrings and the `doc` metadata
become the JSON Schema in `rules/schema/`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal, NewType

Code = NewType("Code", str)  # a scalar taken as written
CsvName = NewType("CsvName", str)  # a side table in the pack's own folder

Provenance = Literal["official", "published", "reconstructed", "illustrative"]
Evidence = Literal["S", "D", "K"]
PROVENANCE_ORDER: tuple[Provenance, ...] = (
    "official",
    "published",
    "reconstructed",
    "illustrative",
)  # strongest first: a result carries the weakest it rests on


@dataclass(frozen=True, slots=True, kw_only=True)
class Applies:
    """The dates a pack or rule applies to, both included, and on which date of the record."""

    from_: date | None = None  # YAML key `from`
    to: date | None = None
    on: Literal["discharge_date", "admission_date"] = "discharge_date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a figure or a rule comes from."""

    title: str
    edition: str = ""
    publisher: str = ""
    licence: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A lint that is known and accepted, by code, row and reason. An unused waiver warns."""

    code: str
    row: str = ""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """What every manifest says."""

    id: str
    version: str
    kind: str
    title: str
    provenance: Provenance
    last_checked: date
    engine: str
    sources: list[Source]
    applies: Applies = field(default_factory=Applies)
    notes: list[str] = field(default_factory=list)
    waivers: list[Waiver] = field(default_factory=list)


# ---------------------------------------------------------------- codes and grouping


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A range of three-character categories, both ends included."""

    chapter: str
    from_: Code
    to: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRange:
    """A range of three-character categories, both ends included."""

    from_: Code
    to: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSet:
    """Codes and code prefixes to which a rule of the grouper applies."""

    prefixes: list[Code] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    max_age: int | None = None
    evidence: Evidence = "S"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesPack(Pack):
    """The valid codes of a classification. `codes` has one column, `code`."""

    classification: Literal["icd10", "opcs4"]
    codes: CsvName
    filler: str = ""
    chapters: list[Chapter] = field(default_factory=list)
    place_digit_categories: CategoryRange | None = None
    never_primary: CodeSet = field(default_factory=CodeSet)
    child_primary: CodeSet = field(default_factory=CodeSet)
    never_dominant: CodeSet = field(default_factory=CodeSet)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericRange:
    """Accepted numbers of a field, both ends included, and numbers accepted beside them."""

    min: int
    max: int
    also: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldValuesPack(Pack):
    """The values the national grouper accepts in each field."""

    accepted: dict[str, list[Code]]
    numeric: dict[str, NumericRange]
    mandatory: list[str]
    same_in_spell: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a split asks beside scores, age and stay. Exactly one of the keys is given."""

    discharge_destination: list[Code] = field(default_factory=list)
    admission_source: list[Code] = field(default_factory=list)
    any_procedure: list[Code] = field(default_factory=list)
    no_procedure: list[Code] = field(default_factory=list)
    unsupported: str = ""
    evidence: Evidence = "D"


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitsPack(Pack):
    """The HRGs of a design and the bounds that choose among those of one root.

    `splits` columns: hrg, root, cc_min, cc_max, age_min, age_max, interventions_min,
    interventions_max, stay_min, stay_max, diagnosis_score_min, diagnosis_score_max, condition.
    A blank bound is open. The first row of a root whose bounds all hold wins.
    """

    splits: CsvName
    conditions: dict[str, Condition] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootsPack(Pack):
    """Codes to HRG roots. Both tables: code, root, root_child, rank, doubt, note.

    `code` is a prefix; the longest wins. `root_child` serves ages up to `child_max_age`. A
    procedure of rank 0 does not drive and counts as an intervention only.
    """

    diagnoses: CsvName
    procedures: CsvName
    child_max_age: int = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class CcListsPack(Pack):
    """Which ICD-10 codes raise the CC score of which subchapters.

    `members` columns: code, subchapters (space separated).
    """

    members: CsvName
    default_score: int = 1
    missing: list[Code] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrouperPack(Pack):
    """A grouper: which tables serve the dates it applies to."""

    splits: str
    roots: str
    cc_lists: str
    codes: list[str]
    field_values: str
    intervention_chapters_excluded: list[Code] = field(default_factory=list)
    invalid_secondary: Literal["report", "error"] = "report"
    error_hrg: Code = Code("UZ01Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsPack(Pack):
    """Labels of HRGs, subchapters and chapters."""

    labels: CsvName
    chapters: CsvName
    subchapters: CsvName


# ---------------------------------------------------------------- prices


RoundingPolicy = Literal["pence_final", "pound_final", "pound_pre_mff", "pound_per_component"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowed:
    """Columns whose figures are those of another year's pack, restated here."""

    from_: str
    columns: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortStayRule:
    """When the reduced short stay emergency price is paid for a flagged HRG."""

    max_adjusted_days: int
    min_age: int
    admission_methods: list[Code]


@dataclass(frozen=True, slots=True, kw_only=True)
class BestPracticeArea:
    """HRGs of which a flagged spell is paid another price than the one listed."""

    area: str
    setting: Literal["elective", "non_elective"]
    hrgs: list[Code]


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffPack(Pack):
    """A price list of one year. Prices are pounds before the market forces factor.

    `prices` columns: hrg, outpatient_procedure, combined, day_case, ordinary_elective,
    elective_trim, non_elective, non_elective_trim, per_day, short_stay, short_stay_percent,
    short_stay_price. Blank: not published. `tests` holds worked examples. `attendances`,
    `emergency` and `unbundled` are the prices of care that is not admitted.
    """

    year: str
    edition: str
    prices: CsvName
    rounding: RoundingPolicy = "pence_final"
    short_stay_rule: ShortStayRule | None = None
    borrowed: Borrowed | None = None
    best_practice: list[BestPracticeArea] = field(default_factory=list)
    partial: bool = False
    tests: CsvName | None = None
    attendances: CsvName | None = None
    emergency: CsvName | None = None
    unbundled: CsvName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MffPack(Pack):
    """Market forces factors by provider and year. `factors`: provider, year, mff."""

    factors: CsvName
    providers: CsvName


PriceColumn = Literal["day_case", "ordinary_elective", "non_elective", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodGroup:
    """One point of delivery: the first group of the pack that a spell fits is its own."""

    code: str
    title: str
    admission_methods: list[Code]
    patient_classifications: list[Code] = field(default_factory=list)  # empty: any
    max_adjusted_days: int | None = None
    price: PriceColumn
    trim: Literal["elective", "non_elective", "none"]
    evidence: Evidence = "S"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPrice:
    """How a record says that a local price was agreed, or that no national one applies.

    `serial_mark` begins or ends the commissioning serial number.
    """

    serial_mark: str
    administrative_categories: list[Code]
    treatment_functions: list[Code]
    evidence: Evidence = "S"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPack(Pack):
    """The points of delivery of admitted care, in order of test."""

    groups: list[PodGroup]
    local_price: LocalPrice | None = None


# ---------------------------------------------------------------- signatures

Scalar = str | int | Decimal | date | bool


@dataclass(frozen=True, slots=True)
class Operand:
    """The right side of a comparison: a constant, a rule parameter, or another field."""

    kind: Literal["constant", "param", "field"]
    value: Any  # int in the units of the field, or a name
    side: int = 0  # for a field of a pair: 0 previous, 1 current
    plus: int = 0


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison of a field. `side` is 0 in a record rule and for `previous`, 1 for `current`.

    operations: `in` (any of `codes`), `starts` (any of `codes` as prefix), `list` (any of the
    codes of the named list `codes[0]`), `missing`, `present`, `at_least`, `at_most`, `above`,
    `below`, `equals`, `differs` (from `operand`, by more than `by`). A missing value makes every
    test false but `missing`.
    """

    field: str
    side: int
    operation: Literal[
        "in",
        "starts",
        "list",
        "missing",
        "present",
        "at_least",
        "at_most",
        "above",
        "below",
        "equals",
        "differs",
    ]
    codes: tuple[str, ...] = ()
    operand: Operand | None = None
    by: Operand | None = None


@dataclass(frozen=True, slots=True)
class Same:
    """The field has the same value, not missing, in both records of a pair."""

    field: str


@dataclass(frozen=True, slots=True)
class Every:
    """All of the parts hold (true when there are none)."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Any of the parts holds."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold."""

    part: Predicate


Predicate = Test | Same | Every | Some | Negation


@dataclass(frozen=True, slots=True)
class Pairing:
    """How the two records of a sequence rule stand to each other, in days.

    `previous` is the record that is admitted first (ties: discharged later, then by id).
    gap = current admission less previous discharge; overlap = earlier discharge less later
    admission. `contains`: current lies wholly inside previous.
    """

    same: tuple[str, ...]  # patient_id first; the engine sorts by these
    gap_min: int | None = None
    gap_max: int | None = None
    overlap_min: int | None = None
    contains: bool = False


@dataclass(frozen=True, slots=True)
class SetKey:
    """How records of a set rule are put together: equal in every field of `key`."""

    of: Literal["episodes", "spells"]
    key: tuple[str, ...]  # ("all_fields",) for episodes: exact copies
    keep: Literal["first", "dearest"] = "first"


@dataclass(frozen=True, slots=True)
class ExceptionRule:
    """A named reason for which a match is not a finding."""

    name: str
    when: Predicate
    optional: bool = False  # the rule runs without the columns that it looks at


RemedyKind = Literal[
    "not_payable",  # R0
    "keep_one",  # R1
    "merge_and_regroup",  # R2
    "edit_and_regroup",  # R3
    "reclassify",  # R4
    "cap_units",  # R5
    "reprice",  # R6
    "redirect",  # R7
    "rate",  # R8
    "contract",  # R9
    "query",  # R10
]


@dataclass(frozen=True, slots=True)
class Remedy:
    """What the commissioner would pay instead.

    `set` gives the fields an edit changes; `what` names the figure a reprice puts right
    (price, short_stay, mff) or a cap limits (excess_days).
    """

    kind: RemedyKind
    set: tuple[tuple[str, str], ...] = ()
    what: str = ""


STEPS = (
    "identity",
    "duplicate",
    "spell structure",
    "not payable",
    "setting",
    "HRG",
    "days and units",
    "arithmetic",
    "contract",
    "statistical",
)


@dataclass(frozen=True, slots=True)
class RuleTest:
    """An inline test: episodes in canonical columns, the findings expected and their value."""

    name: str
    finds: int
    rows: tuple[dict[str, str], ...]
    value: Decimal | None = None  # pounds, the sum of the findings' values


@dataclass(frozen=True, slots=True)
class Rule:
    """One signature: see docs/signatures.md for the YAML."""

    id: str
    version: str
    name: str
    title: str
    class_: Literal["deterministic", "presumptive", "statistical"]
    status: Literal["experimental", "test", "stable", "deprecated"]
    level: Literal["low", "medium", "high"]
    scope: Literal["record", "spell", "sequence", "set"]
    applies: Applies
    match: Predicate
    exceptions: tuple[ExceptionRule, ...]
    pairing: Pairing | None
    set_key: SetKey | None
    step: str
    remedy: Remedy
    params: dict[str, Decimal]
    needs: tuple[str, ...]  # fields of the extract, derived from the predicates and `needs`
    needs_official_grouping: bool
    min_value: Decimal
    what: str
    why: str
    ask: str
    legitimate_reasons: tuple[str, ...]
    sources: tuple[Source, ...]
    tests: tuple[RuleTest, ...]
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignaturesPack(Pack):
    """A folder of rules, one file each, in a folder per family, and the lists they share."""

    lists: dict[str, list[Code]] = field(default_factory=dict)
    test_defaults: dict[str, Code] = field(default_factory=dict)


PACK_MODELS: dict[str, type[Pack]] = {
    "codes": CodesPack,
    "field_values": FieldValuesPack,
    "splits": SplitsPack,
    "roots": RootsPack,
    "cc_lists": CcListsPack,
    "grouper": GrouperPack,
    "labels": LabelsPack,
    "tariff": TariffPack,
    "mff": MffPack,
    "points_of_delivery": PodPack,
    "signatures": SignaturesPack,
}  # by the `kind` of a manifest; layouts are single files with a model of their own
