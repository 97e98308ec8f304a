"""What a contract pack may say: who, when, how each service line is paid (docs/contracts.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from tariff.packs.model import Code, CsvName, Evidence, Pack

FormKind = Literal[
    "block",
    "cost_per_case",
    "cost_and_volume",
    "cap_and_collar",
    "risk_share",
    "marginal_rate",
    "blended_2019",
    "aligned_payment",
    "low_volume",
]
Dataset = Literal["episodes", "attendances", "emergency", "lines"]
Phasing = Literal["twelfths", "plan", "annual"]
ContractRounding = Literal[
    "none", "pence_final", "pound_per_component", "pound_pre_mff", "pound_final"
]

_NAME = {"pattern": r"[a-z][a-z0-9-]*", "form": "a name-with-dashes"}
YEAR = {"pattern": r"[0-9]{4}/[0-9]{2}", "form": "a year such as 2022/23"}

# keys of each form: those it must have, those it may have
FORM_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "block": ((), ()),
    "cost_per_case": ((), ()),
    "cost_and_volume": (("tolerance", "marginal_above", "marginal_below"), ()),
    "cap_and_collar": ((), ("cap", "collar")),
    "risk_share": (("share_above", "share_below"), ("dead_band", "limit_above", "limit_below")),
    "marginal_rate": (("baseline",), ("rate",)),
    "blended_2019": (("model",), ("share",)),
    "aligned_payment": (("fixed", "in_fixed"), ("variable_share",)),
    "low_volume": ((), ()),
}
SHARES = (
    "tolerance",
    "marginal_above",
    "marginal_below",
    "share_above",
    "share_below",
    "dead_band",
    "rate",
    "share",
    "variable_share",
)  # of one
POUNDS = ("cap", "collar", "limit_above", "limit_below", "baseline", "fixed", "in_fixed")  # a year
NEEDS_PLAN = ("block", "cost_and_volume", "risk_share", "blended_2019", "low_volume")
# a rate that may be left out: what `contract_terms` packs call it
NATIONAL = {
    "marginal_rate": ("rate", "marginal_rate"),
    "blended_2019": ("share", "blended_share"),
    "aligned_payment": ("variable_share", "variable_share"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a line is paid. Money is pounds a year, shares are of one; each kind has its own keys.

    `rate`, `share` and `variable_share` that are left out are those of the contract's year.
    """

    kind: FormKind
    tolerance: Decimal | None = None
    marginal_above: Decimal | None = None
    marginal_below: Decimal | None = None
    cap: Decimal | None = None
    collar: Decimal | None = None
    share_above: Decimal | None = None
    share_below: Decimal | None = None
    dead_band: Decimal | None = None
    limit_above: Decimal | None = None
    limit_below: Decimal | None = None
    baseline: Decimal | None = None
    rate: Decimal | None = None
    model: Literal["A", "B"] | None = None
    share: Decimal | None = None
    fixed: Decimal | None = None
    in_fixed: Decimal | None = None
    variable_share: Decimal | None = None
    evidence: Evidence = "K"

    def check(self) -> Iterator[tuple[str, str]]:
        """Keys that the kind does not have or lacks, and figures that cannot be."""
        required, optional = FORM_KEYS[self.kind]
        for key in (*SHARES, *POUNDS, "model"):
            given = getattr(self, key) is not None
            if given and key not in (*required, *optional):
                yield key, f"a form of kind {self.kind} has no '{key}'"
            elif key in required and not given:
                yield "kind", f"a form of kind {self.kind} needs '{key}'"
        for key in SHARES:
            value = getattr(self, key)
            if value is not None and not 0 <= value <= 1:
                yield key, f"{key} is a share of one, from 0 to 1; found {value}"
        for key in POUNDS:
            value = getattr(self, key)
            if value is not None and value < 0:
                yield key, f"{key} is not below 0; found {value}"
        if self.kind == "cap_and_collar":
            if self.cap is None and self.collar is None:
                yield "kind", "a form of kind cap_and_collar needs 'cap' or 'collar'"
            elif self.cap is not None and self.collar is not None and self.collar > self.cap:
                yield "collar", f"the collar {self.collar} is above the cap {self.cap}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnualPlan:
    """What is planned for the months of a line: units of activity, and pounds with MFF."""

    activity: Decimal
    price: Decimal

    def check(self) -> Iterator[tuple[str, str]]:
        """Nothing is planned below nothing, but for money alone: an adjustment may take it off."""
        for key in ("activity", "price"):
            if getattr(self, key) < 0 and (key == "activity" or self.activity):
                yield key, f"{key} is not below 0; found {getattr(self, key)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which activity a line is of. A key that is left out selects any; `hrgs` are prefixes."""

    datasets: list[Dataset] = field(default_factory=list)
    points_of_delivery: list[Code] = field(default_factory=list)
    treatment_functions: list[Code] = field(default_factory=list)
    hrgs: list[Code] = field(default_factory=list)
    sites: list[Code] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLine:
    """A service line: what it selects, what is planned, how it is paid.

    Two lines may select the same activity only where one is narrower than the other and names it
    in `carved_from`: the narrower takes it. `from` and `to` are for lines of a part of the
    contract's dates. `phasing` says how annual figures are spread to the year to date.
    """

    id: str = field(metadata=_NAME)
    title: str
    select: Selection = field(default_factory=Selection)
    carved_from: list[str] = field(default_factory=list)
    from_: date | None = None
    to: date | None = None
    phasing: Phasing = "twelfths"
    plan: AnnualPlan | None = None
    form: Form

    def check(self) -> Iterator[tuple[str, str]]:
        """A plan where the form needs one; annual phasing where it does no harm."""
        if self.plan is None and self.form.kind in NEEDS_PLAN:
            yield "form", f"a form of kind {self.form.kind} needs the 'plan' of its line"
        elif self.form.kind == "cost_and_volume" and self.plan and not self.plan.activity:
            yield "plan", "a form of kind cost_and_volume needs a planned activity above 0"
        elif self.form.kind == "cost_and_volume" and self.plan and not self.plan.price:
            yield "plan", "a form of kind cost_and_volume needs a planned price above 0"
        if self.plan is None and self.phasing == "plan":
            yield "phasing", "phasing by the plan needs the 'plan' of the line"
        one_sided = self.form.kind == "marginal_rate" or (
            self.form.kind == "cap_and_collar" and self.form.collar is None
        )
        if self.phasing == "annual" and not one_sided:
            yield "phasing", "only a marginal rate, or a cap without a collar, may be unphased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Rules that the parties may agree to use or to leave."""

    delayed_discharge: bool = False  # days of delayed discharge come off the stay
    readmissions: bool = True  # what is withheld for readmissions comes off before the formula
    marginal_rate: bool = True  # off: lines of that form are paid at cost per case


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedWaiver:
    """Findings that the parties agreed not to raise: which, why, who agreed, until when."""

    rule: Code
    points_of_delivery: list[Code] = field(default_factory=list)
    hrgs: list[Code] = field(default_factory=list)  # prefixes
    reason: str
    agreed_by: str
    expires: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureTerms:
    """What the parties agreed on a signature.

    `params`: other values of its parameters. `off`: why it is not run. `min_value`: findings of
    less, in pounds, are left out.
    """

    params: dict[str, date | Decimal] = field(default_factory=dict)
    off: str = ""
    min_value: Decimal | None = None

    def check(self) -> Iterator[tuple[str, str]]:
        """Something is agreed, and no least value below nothing."""
        if not (self.params or self.off.strip() or self.min_value is not None):
            yield "off", "nothing is agreed: give 'params', 'off' or 'min_value'"
        if self.min_value is not None and self.min_value < 0:
            yield "min_value", f"min_value is not below 0; found {self.min_value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractPack(Pack):
    """A contract of one provider in one financial year, or a part of it in whole months.

    `plan` columns: line, month (1 to 12 from April; 13 the adjustment after the year), activity,
    price (pounds of that month, with MFF). `local_prices`: provider, commissioner,
    treatment_function, point_of_delivery, tariff_code, price; blank is any; the row that says most
    wins; the price is final. `tests`: name, line, month, activity, actual, payable, finding, cash.
    """

    year: str = field(metadata=YEAR)
    provider: Code
    commissioners: list[Code]
    rounding: ContractRounding = "pence_final"
    tolerance: Decimal = Decimal(1)  # pounds, beside a provider's own figure
    switches: Switches = field(default_factory=Switches)
    lines: list[ServiceLine]
    agreed_waivers: list[AgreedWaiver] = field(default_factory=list)
    signatures: dict[str, SignatureTerms] = field(default_factory=dict)
    plan: CsvName | None = None
    local_prices: CsvName | None = None
    tests: CsvName | None = None

    def check(self) -> Iterator[tuple[str, str]]:
        """At least one line, and a tolerance that can be."""
        if not self.lines:
            yield "lines", "a contract has at least one line"
        if self.tolerance < 0:
            yield "tolerance", f"tolerance is not below 0; found {self.tolerance}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTermsPack(Pack):
    """Rates and limits of contract forms by year. `terms`: year, term, value, evidence, note."""

    terms: CsvName
