"""The typed model of a rule pack: what a pack file may say, and nothing else.

Every class here is decoded from YAML nodes by `tariff.packs.nodes`, so the field names *are* the
YAML keys, the annotations are the accepted types, and a field without a default is required.
`Code` stays text whatever it looks like (`07`, `NO`, `5E1`). Docstrings and the `doc` metadata
become the JSON Schema in `rules/schema/`. One file, for the kinds share their parts; contracts and
policies between spells share none of them and have files of their own (`tariff.packs.kinds`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal, NewType

Code = NewType("Code", str)  # a scalar taken as written
CsvName = NewType("CsvName", str)  # a side table in the pack's own folder
SCORE = "[1-9]?[0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]"  # of a complication: the core keeps a byte

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
    on: str = "end_date"  # a date field of the record


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a figure or a rule comes from."""

    title: str
    edition: str = ""
    publisher: str = ""
    licence: str = ""
    note: str = ""
    file: str = ""  # what was imported, and its SHA-256
    sha256: str = ""


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
class FifthCharacters:
    """The fifth characters that a category may carry; one that is not among them is impossible."""

    categories: list[Code]
    allowed: Code
    evidence: Evidence = "D"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesPack(Pack):
    """The valid codes of a classification. `codes` has one column, `code`.

    What may not stand first or drive, and the error category it brings: `never_primary` UZ01,
    `vague_primary` UZ02, `child_primary` UZ03 above its age, `fifth_characters` UZ04,
    `never_dominant` UZ05, `vague_dominant` UZ06, `vague_burn` UZ15.

    `limits` (code, sex, age_min, age_max) are codes, by prefix, that the classification keeps for
    patients of one sex or some ages. No record is refused for them.
    """

    classification: Literal["icd10", "opcs4"]
    codes: CsvName
    filler: str = ""
    chapters: list[Chapter] = field(default_factory=list)
    place_digit_categories: CategoryRange | None = None
    never_primary: CodeSet = field(default_factory=CodeSet)
    child_primary: CodeSet = field(default_factory=CodeSet)
    never_dominant: CodeSet = field(default_factory=CodeSet)
    vague_primary: CodeSet = field(default_factory=CodeSet)
    vague_burn: CodeSet = field(default_factory=CodeSet)
    vague_dominant: CodeSet = field(default_factory=CodeSet)
    fifth_characters: list[FifthCharacters] = field(default_factory=list)
    limits: CsvName | None = None


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
    any_diagnosis: list[Code] = field(default_factory=list)
    evidence: Evidence = "D"


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitsPack(Pack):
    """The HRGs of a design and the bounds that choose among those of one root.

    `splits` columns: hrg, root, cc_min, cc_max, age_min, age_max, interventions_min,
    interventions_max, stay_min, stay_max, diagnosis_score_min, diagnosis_score_max, condition.
    A blank bound is open. The first row of a root whose bounds all hold wins. `unpriced` has the
    same columns: HRGs of the design that the price list of its year leaves out.
    """

    splits: CsvName
    unpriced: CsvName | None = None
    conditions: dict[str, Condition] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootsPack(Pack):
    """Codes to HRG roots. Both tables: code, root, root_child, rank, doubt, note.

    `code` is a prefix; the longest wins. `root_child` serves ages up to `child_max_age`. A
    procedure of rank 0 does not drive and counts as an intervention only.

    `redirects` moves a record from the root its driver leads to, to another: columns root, driver,
    procedures, no_procedures, primary, diagnoses, no_diagnoses, age_min, age_max, stay_min,
    stay_max, admission_source, to, doubt, note. A cell of codes holds prefixes, or `@list` for a
    list of `lists` (list, code); `+` stands between sets of which each must be met. The rows are
    read once, top to bottom; each sees the root that those above it left.

    `short_stay` (root, note) names the roots whose procedures drive only where the stay is at most
    `short_stay_max` nights, or not known: a longer one was for something else.

    `dagger_pairs` (dagger, asterisk): where the primary diagnosis begins with the first and the
    diagnosis after it with the second, the second drives in its place. Nothing is known of the
    national pairs: none ship.
    """

    diagnoses: CsvName
    procedures: CsvName
    redirects: CsvName | None = None
    lists: CsvName | None = None
    short_stay: CsvName | None = None
    short_stay_max: int = 1
    dagger_pairs: CsvName | None = None
    child_max_age: int = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class InjuriesPack(Pack):
    """Multiple trauma and burns, which are looked for before anything else drives.

    `trauma_diagnoses` columns: code, site, score; `burn_diagnoses`: code, deep, score; the others:
    code, score (all with doubt and note). Every burn asks for a code of its area, a deep one (of
    second or third degree) makes the record a burn.
    Codes are prefixes; the longest wins. The roots are tried in the order given.
    """

    trauma_diagnoses: CsvName
    trauma_procedures: CsvName
    burn_diagnoses: CsvName
    burn_areas: CsvName
    burn_procedures: CsvName
    trauma_roots: list[Code]
    burn_roots: list[Code]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicesPack(Pack):
    """Unbundled HRGs, and the roots of a day that holds nothing but one service.

    `unbundled` columns: code, with_codes (sets of prefixes as in a redirect, among the procedures
    of the episode), hrg, doubt, note: of the longest code the first row whose sets are met.
    `unbundled_ages` (hrg, age_min, age_max, to) gives another letter to some ages. An HRG of
    `by_rehabilitation_day` is counted once a rehabilitation day; `palliative_hrg` comes from
    palliative care days alone.

    `services` columns: service, code, note; the service `ignored` holds procedures that may
    accompany any. `same_day` columns: service, root.
    """

    unbundled: CsvName
    unbundled_ages: CsvName
    services: CsvName
    same_day: CsvName
    by_rehabilitation_day: list[Code] = field(default_factory=list)
    palliative_hrg: Code | None = None
    same_day_classifications: list[Code] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class CcListsPack(Pack):
    """Which ICD-10 codes raise the CC score of which subchapters.

    `members` columns: code, subchapters (space separated); each scores `default_score`. `scores`
    columns: code, subchapter, score (0 to 255); a code there is in the list, with that score.
    """

    members: CsvName
    scores: CsvName | None = None
    default_score: int = field(
        default=1, metadata={"pattern": SCORE, "form": "a whole number from 0 to 255"}
    )
    missing: list[Code] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrouperPack(Pack):
    """A grouper: which tables serve the dates it applies to."""

    splits: str
    roots: str
    cc_lists: str
    codes: list[str]
    field_values: str
    injuries: str = ""
    services: str = ""
    intervention_chapters_excluded: list[Code] = field(default_factory=list)
    invalid_secondary: Literal["report", "error"] = "report"
    only_never_dominant: Literal["report", "error"] = "report"
    error_hrg: Code = Code("UZ01Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultAttendance:
    """The HRGs of an attendance that no procedure drives, by one first attendance code."""

    first_attendance: Code
    single: Code
    multiprofessional: Code
    evidence: Evidence = "K"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendanceGroupsPack(Pack):
    """How outpatient attendances group, beside the grouper of their day, whose roots they share.

    Its dates hold the day of the attendance. A procedure of `multiprofessional` makes a default
    attendance a multiprofessional one. The attendance HRG, used where that of a procedure has no
    price, is worked out again with the procedures that begin with one of `assessments` alone.
    """

    mandatory: list[
        Literal["age", "sex", "main_specialty", "treatment_function", "first_attendance"]
    ]
    attendances: list[DefaultAttendance]
    multiprofessional: CodeSet
    assessments: list[Code]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyGroupsPack(Pack):
    """How emergency attendances group. Its dates hold the day of arrival.

    `investigations` columns: code, category, doubt, note. `treatments`: code, third_digits (those
    that may follow, such as 1-3; blank: none), category, doubt, note. Category 0 is none, or not
    significant. `groups` columns: investigation, treatment (the highest category of each), hrg,
    dental (the HRG where a dental code stands; blank: the same), doubt, note.

    An attendance with one of them alone counts as of category `no_investigation_as` or
    `no_treatment_as` in the other. An attendance of a patient group of `dead_on_arrival` is
    `dead_hrg`, whatever was done.
    """

    investigations: CsvName
    treatments: CsvName
    groups: CsvName
    dental_investigations: list[Code]
    dental_treatments: list[Code]
    dead_on_arrival: list[Code]
    dead_hrg: Code
    age: NumericRange
    no_investigation_as: int = 1
    no_treatment_as: int = 1
    invalid_codes: Literal["report", "error"] = "report"
    error_hrg: Code = Code("UZ01Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganSystem:
    """An organ system, supported where one of its counts of days is above 0."""

    name: str
    days: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalCareGroupsPack(Pack):
    """How periods of critical care group. Its dates hold the first day of the period.

    `hrgs` are those of 0, 1, 2 ... organ systems supported; the last is of that many or more.
    A period is of adults where its unit function is one of `adult_units`; the other two kinds of
    units are grouped by the day, from fields that a period does not carry.
    """

    organs: list[OrganSystem]
    hrgs: list[Code]
    adult_units: list[Code]
    paediatric_units: list[Code]
    neonatal_units: list[Code]


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
class BestPracticePayment:
    """A payment beside the price of a best practice area: the row of `best_practice_prices`.

    `row` is its name there; blank: the row `additional` of the HRG. `hrgs`: prefixes of the HRGs
    that may earn it; empty: any of the area.
    """

    code: Code
    row: str = ""
    hrgs: list[Code] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class BestPracticePricing:
    """What SUS pays to every spell of a best practice area, named as in `best_practice_prices`.

    `settings` are those of rows that print none, where `best_practice_hrgs` does not say.
    """

    area: str
    pays: str  # a payment of its rows
    settings: list[Literal["day_case", "ordinary_elective", "non_elective"]] = field(
        default_factory=list
    )
    short_stay: bool = True  # whether reduced short stay prices go on
    payments: list[BestPracticePayment] = field(default_factory=list)
    exclusive: bool = False  # whether of its payments only one counts, the dearest
    evidence: Evidence = "S"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpRule:
    """Which specialised service wins, and on what its rate is taken beside base and short stay."""

    several: Literal["first", "dearest"]
    also_on: list[Literal["long_stay", "best_practice"]] = field(default_factory=list)
    open_services: list[Code] = field(default_factory=list)  # without a list of providers
    evidence: Evidence = "K"


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffPack(Pack):
    """A price list of one year. Prices are pounds before the market forces factor.

    `prices` columns: hrg, outpatient_procedure, combined, day_case, ordinary_elective,
    elective_trim, non_elective, non_elective_trim, per_day, short_stay, short_stay_percent,
    short_stay_price. Blank: not published. `tests` holds worked examples. `attendances`,
    `emergency` and `unbundled` are the prices of care that is not admitted. The tables after them
    hold the other sheets of the workbook (docs/importing-prices.md); a pack has those it can.
    """

    year: str
    edition: str
    prices: CsvName | None = None  # none: a list of care that is not admitted alone
    rounding: RoundingPolicy = "pence_final"
    short_stay_rule: ShortStayRule | None = None
    borrowed: Borrowed | None = None
    best_practice_areas: list[BestPracticePricing] = field(default_factory=list)
    best_practice_list_readings: dict[str, Code] = field(default_factory=dict)  # printed: held
    top_up_rule: TopUpRule | None = None
    local_in_admitted_care: list[Code] = field(default_factory=list)  # HRGs
    partial: bool = False
    tests: CsvName | None = None
    attendances: CsvName | None = None
    emergency: CsvName | None = None
    unbundled: CsvName | None = None
    # what else a national price workbook holds: tariff/packs/price_tables.py
    best_practice_prices: CsvName | None = None
    best_practice_hrgs: CsvName | None = None
    best_practice_flags: CsvName | None = None
    best_practice_codes: CsvName | None = None
    unbundled_list: CsvName | None = None
    deliveries: CsvName | None = None
    maternity: CsvName | None = None
    maternity_factors: CsvName | None = None
    other_prices: CsvName | None = None
    price_types: CsvName | None = None
    no_price_hrgs: CsvName | None = None
    no_price_functions: CsvName | None = None
    service_rules: CsvName | None = None
    drugs: CsvName | None = None
    advanced_therapies: CsvName | None = None
    devices: CsvName | None = None
    listed_procedures: CsvName | None = None
    innovative_products: CsvName | None = None
    top_ups: CsvName | None = None
    top_up_codes: CsvName | None = None
    top_up_providers: CsvName | None = None
    short_stay_bands: CsvName | None = None
    factors: CsvName | None = None
    names: CsvName | None = None
    sheets: CsvName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MffPack(Pack):
    """Market forces factors by provider and year. `factors`: provider, year, mff.

    `successors`: old, new, from, source, evidence: from that day `old` is a part of `new`.
    """

    factors: CsvName
    providers: CsvName
    successors: CsvName | None = None


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
class HomeLeave:
    """Whether days of home leave are days of the stay, or come off it."""

    days: Literal["counted", "deducted"] = "counted"
    evidence: Evidence = "K"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPrice:
    """How a record says that a local price was agreed.

    `serial_mark` begins or ends the commissioning serial number.
    """

    serial_mark: str
    evidence: Evidence = "S"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPack(Pack):
    """The points of delivery of admitted care, in order of test.

    `excluded` holds what a record shows by itself to have no national price, and in which years: of
    (treatment_function, administrative_category), code, from_year, to_year, reason, evidence.
    """

    groups: list[PodGroup]
    local_price: LocalPrice | None = None
    home_leave: HomeLeave = field(default_factory=HomeLeave)
    excluded: CsvName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCarePack(Pack):
    """How care that is not admitted is priced beside the price list: outpatients, emergency, lines.

    The figures stand in the tariff packs. `currencies`: the codes of payments that are no HRG, and
    the row of a tariff table that prices each. `maternity_words`: other words for the factors of
    the maternity pathway that a tariff pack prints. `maternity_edges`: measures that are a factor
    within bounds, such as a body mass index.
    """

    currencies: CsvName | None = None
    maternity_words: CsvName | None = None
    maternity_edges: CsvName | None = None
    tests: CsvName | None = None
    # outpatients
    seen: list[Code]  # attended codes of a patient who was seen; any other is excluded
    administrative_events: list[Code]  # first attendance codes
    first: list[Code]  # first attendance codes of a first attendance
    follow_up: list[Code]
    remote: list[Code]  # first attendance codes of a remote one
    remote_media: list[Code]  # consultation media of a remote one
    attendance_hrgs: dict[str, Code]  # first_single, first_multi, follow_up_single, remote_...
    assessment_procedures: list[Code]  # prefixes: no procedure that could be priced
    multi_professional_procedures: list[Code]
    excluded_functions: list[Code]
    excluded_categories: list[Code]  # administrative categories
    serial_mark: str
    serial_mark_places: list[Literal["first", "last"]]  # where it counts: sources differ
    attendance_only_functions: list[Code]
    pathway_functions: list[Code]
    pathway_hrgs: list[Code]  # prefixes
    not_consultant_led: list[Code]  # main specialties
    excluded_specialties: list[Code]  # main specialties, beside those
    staff_exclusion_after_fallback: bool
    direct_access_area: str  # of the tariff table `other_prices`
    # unbundled
    rebundled_services: list[Code]  # prefixes: rebundled where the year's full list is silent
    empty_cores: list[Code]
    imaging_cores: list[Code]
    imaging_beside_empty_core: bool
    empty_core_services: list[Code]  # prefixes
    empty_core_settings_excluded: list[str]
    # emergency
    department_types: dict[str, list[Code]]  # type_1_and_2, type_3, excluded
    emergency_as: dict[str, Code] = field(default_factory=dict)  # priced as another HRG
    # what kind of price each basis has, where the tariff table `price_types` does not tell
    price_types: dict[str, Code]


ListedIn = Literal["drugs", "advanced_therapies", "devices", "innovative_products"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodCodesPack(Pack):
    """The national codes of points of delivery.

    `codes`: code, setting, title. `aliases`: alias, code. `hrgs`: prefix, code; the longest
    prefix of an unbundled HRG gives its point of delivery.
    """

    codes: CsvName
    aliases: CsvName
    hrgs: CsvName
    attendances: dict[str, Code]  # first_single_led, remote_first, procedure_follow_up, ...
    emergency: Code
    direct_access: dict[str, Code]  # imaging, other
    pathways: dict[str, Code]  # phases of the maternity pathway: antenatal, postnatal
    listed: dict[str, list[ListedIn]]  # passed through: the tariff tables that list what is
    service_categories: CsvName | None = None  # code, title: who commissions, in plans


# ---------------------------------------------------------------- signatures

Scalar = str | int | Decimal | date | bool


class Named(int):
    """A whole number that a parameter gives: it counts as the number, and knows the name."""

    name: str

    def __new__(cls, value: int, name: str) -> Named:
        """Make it of the value of the parameter and its name."""
        made = super().__new__(cls, value)
        made.name = name
        return made

    def __getnewargs__(self) -> tuple[int, str]:  # type: ignore[override]
        return int(self), self.name


@dataclass(frozen=True, slots=True)
class Operand:
    """The right side of a comparison: a constant, a parameter, a field, or several fields.

    `value` is an int in the units of the field compared, the name of a parameter or of a field, or
    the names that `sum`, `less`, `product`, `least` or `most` takes. The field or fields are
    multiplied by `times` (a number or the name of a parameter), rounded half up, and `plus` (units,
    or the name of a parameter) is added.
    """

    kind: Literal["constant", "param", "field", "sum", "less", "product", "least", "most"]
    value: Any
    side: int = 0  # of a pair: 0 previous or other, 1 current or this
    plus: int | str = 0
    times: Decimal | str | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison of a field.

    `side` is 0 in a record rule, for `previous` and for `other`; 1 for `current` and for `this`.

    operations: `in` (any of `codes`), `starts` (any of `codes` as prefix), `list` (any of the
    codes of the named list `codes[0]`), `list_starts` (any of them as prefix), `missing`,
    `present`, `at_least`, `at_most`, `above`, `below`, `equals`, `differs` (from `operand`, by more
    than `by`). A missing value makes every test false but `missing`. Of a field of several values
    one is enough.
    """

    field: str
    side: int
    operation: Literal[
        "in",
        "starts",
        "list",
        "list_starts",
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
    """The field has the same value, not missing, in both records of a pair.

    `other` is the name of the field in the other record of a join, where it has another.
    """

    field: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class Shares:
    """Two fields of several values have a value in common."""

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


@dataclass(frozen=True, slots=True)
class Join:
    """There are between `at_least` and `at_most` such other records (`without`: at most 0).

    In `where` the other record is side 0 and this one side 1. `of`: kinds of records, or one
    register. `source` is empty for the extract and the history together.
    """

    of: tuple[str, ...]
    same: tuple[Same, ...]
    where: Predicate = Every(())
    source: Literal["", "extract", "history", "national", "earlier"] = ""
    days: tuple[int | None, int | None] = (None, None)  # first day of this less last of the other
    minutes: tuple[int | None, int | None] = (None, None)  # start_at of this less end_at of it
    on: str = ""  # a date of this record within the validity of the register row
    at_least: int | str = 1  # or the name of a parameter
    at_most: int | str | None = None
    before: bool = False  # only records before this one in the order of records


Predicate = Test | Same | Shares | Every | Some | Negation | Join


@dataclass(frozen=True, slots=True)
class Pairing:
    """How the two records of a sequence rule stand to each other.

    `previous` is the first in the order of records (docs/signatures.md).
    gap = first day of current less last day of previous; overlap = earlier last day less later
    first day. `contains`: current lies wholly inside previous.
    """

    same: tuple[str, ...]  # patient_id first; the engine sorts by these
    gap_min: int | None = None
    gap_max: int | None = None
    overlap_min: int | None = None
    contains: bool = False
    minutes_min: int | None = None  # start_at of current less end_at of previous
    minutes_max: int | None = None
    starts_min: int | None = None  # first day less first day
    starts_max: int | None = None


@dataclass(frozen=True, slots=True)
class SetKey:
    """How records of a set rule are put together: equal in every field of `key`."""

    key: tuple[str, ...]  # ("all_fields",): exact copies
    keep: Literal["first", "dearest"] = "first"
    near: tuple[str, Operand] | None = None  # a field, and how far apart its values may be

    @property
    def copies(self) -> bool:
        """Whether exact copies of rows are asked for."""
        return self.key == ("all_fields",)


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
class Edit:
    """What a field becomes: a code, the code of another field, or what a map makes of its own."""

    field: str
    kind: Literal["code", "field", "map"]
    value: str


@dataclass(frozen=True, slots=True)
class Removal:
    """Codes that an edit takes out: by prefix those of a list, those outside the stay, or of pairs.

    `one`: each by itself, and the finding stands where exactly one of them lowers the price.
    """

    what: Literal["diagnoses", "procedures", "pairs"]
    list_: str = ""  # empty: procedures outside the stay
    one: bool = False


@dataclass(frozen=True, slots=True)
class Remedy:
    """What the commissioner would pay instead: docs/signatures.md, Remedies.

    `what` names the figure a reprice puts right (price, short_stay, mff, best_practice, top_up,
    amount, unbilled) or a cap limits (excess_days, quantity).
    """

    kind: RemedyKind
    what: str = ""
    set: tuple[Edit, ...] = ()
    remove: Removal | None = None
    swap: str = ""  # list of diagnoses that may stand first instead
    as_: str = ""  # attendances, emergency
    hrg: bool = True  # of a reclassified spell: its priced HRG is billed
    price: str = ""  # parameter: a local price, above 0
    to: Operand | None = None  # side 0 the partner, side 1 the record
    share: str = ""  # parameter
    until: str = ""  # suspended, not refused


@dataclass(frozen=True, slots=True)
class Tier:
    """One degree of certainty of a rule."""

    name: str
    class_: Literal["deterministic", "presumptive", "statistical"]
    level: Literal["low", "medium", "high"]
    when: Predicate | None = None
    remedy: Remedy | None = None


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
    settled: Decimal | None = None  # pounds, what settlement leaves of them
    tier: str = ""
    # rows of other records: attendances, history/spells, national/lines, register/deaths, ...
    others: dict[str, tuple[dict[str, str], ...]] = field(default_factory=dict)


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
    scope: Literal["record", "spell", "sequence", "set", "reference", "reconcile"]
    applies: Applies
    match: Predicate
    exceptions: tuple[ExceptionRule, ...]
    pairing: Pairing | None
    set_key: SetKey | None
    step: str
    remedy: Remedy
    params: dict[str, Decimal]  # a date as days since 1970-01-01
    needs: dict[str, tuple[str, ...]]  # what each kind of `of` needs, derived and declared
    needs_official_grouping: bool
    min_value: Decimal
    what: str
    why: str
    ask: str
    legitimate_reasons: tuple[str, ...]
    sources: tuple[Source, ...]
    tests: tuple[RuleTest, ...]
    path: str = ""
    of: tuple[str, ...] = ("spells",)
    source: Literal["extract", "history", "national", "earlier"] = "extract"
    direction: Literal["over", "under", "both"] = "both"
    root_cause: tuple[str, ...] = ()
    budget: Decimal = Decimal(0)  # most findings for 10,000 records in an honest year
    tiers: tuple[Tier, ...] = ()
    tier: str = ""  # of a rule made of one of its tiers
    changed_params: dict[str, str] = field(default_factory=dict)  # name: which contract set it
    date_params: tuple[str, ...] = ()  # which parameters are dates

    @property
    def key(self) -> str:
        """Give the id, with the tier where the rule is made of one."""
        return f"{self.id}.{self.tier}" if self.tier else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class SignaturesPack(Pack):
    """A folder of rules, one file each, in a folder per family, and the lists they share."""

    lists: dict[str, list[Code]] = field(default_factory=dict)
    list_files: dict[str, CsvName] = field(default_factory=dict)  # lists of one column, `code`
    maps: dict[str, dict[str, Code]] = field(default_factory=dict)
    test_defaults: dict[str, Code] = field(default_factory=dict)  # of spells
    test_defaults_of: dict[str, dict[str, Code]] = field(default_factory=dict)  # of other kinds


PACK_MODELS: dict[str, type[Pack]] = {
    "codes": CodesPack,
    "field_values": FieldValuesPack,
    "splits": SplitsPack,
    "roots": RootsPack,
    "injuries": InjuriesPack,
    "services": ServicesPack,
    "cc_lists": CcListsPack,
    "grouper": GrouperPack,
    "attendance_groups": AttendanceGroupsPack,
    "emergency_groups": EmergencyGroupsPack,
    "critical_care_groups": CriticalCareGroupsPack,
    "labels": LabelsPack,
    "tariff": TariffPack,
    "mff": MffPack,
    "points_of_delivery": PodPack,
    "other_care": OtherCarePack,
    "pod_codes": PodCodesPack,
    "signatures": SignaturesPack,
}  # by the `kind` of a manifest; layouts are single files with a model of their own
