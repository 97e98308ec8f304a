"""A contract made ready: its lines with exact figures, and the line that a record is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from tariff.engine.contract_forms import FORMULAS, Done, Formula, ToDate, cost_per_case, half_up
from tariff.engine.price import Terms
from tariff.errors import PackError, UsageError
from tariff.packs.contract_model import (
    NATIONAL,
    POUNDS,
    SHARES,
    ContractPack,
    Selection,
    ServiceLine,
)
from tariff.packs.contract_select import (
    PLANNED_MONTHS,
    YEAR_MONTHS,
    contract_dates,
    in_order,
    months_of,
)
from tariff.packs.lint import lint_contract_pack
from tariff.packs.lint_contract import national_terms
from tariff.packs.load import LoadedPack, PackSet, load_packs
from tariff.packs.problems import did_you_mean

POUND = 100
LOCAL_KEYS = (
    "provider", "commissioner", "treatment_function", "point_of_delivery", "tariff_code",
)  # fmt: skip
ZERO = Fraction(0)


@dataclass(frozen=True)
class Record:
    """What of a record decides its line. Text is empty where it is not known."""

    dataset: str
    provider: str
    commissioner: str
    site: str
    point_of_delivery: str
    treatment_function: str
    code: str  # HRG or tariff code
    month: int  # months since year 0, of the calendar; below 0 not known


@dataclass(frozen=True)
class Line:
    """A service line with its figures in pence and as fractions."""

    line: ServiceLine
    formula: Formula
    figures: dict[str, Fraction]
    first: int  # months of the financial year, 1 to 12
    last: int
    accrued: tuple[ToDate, ...]  # by month, 0 to 13: index 0 is nothing yet

    @property
    def id(self) -> str:
        """The name of the line."""
        return self.line.id

    def pays(self, month: int, done: Done) -> int:
        """Give what is payable for the year to date, in pence."""
        if month < self.first:
            return 0
        return half_up(self.formula(self.figures, self.accrued[month], done))

    def planned_unit(self, month: int) -> Fraction | None:
        """Give the planned price of one unit."""
        plan = self.line.plan
        if plan is None or not plan.activity:
            return None
        return self.accrued[month].unit_pence


@dataclass(frozen=True)
class Contract:
    """A contract that activity is put under."""

    pack: LoadedPack
    manifest: ContractPack
    lines: tuple[Line, ...]
    by_id: dict[str, Line] = field(repr=False)
    local: LocalPrices = field(repr=False)
    _order: tuple[ServiceLine, ...] = field(repr=False)
    warnings: tuple[str, ...] = ()  # what the checks of its pack have to say

    @property
    def months(self) -> tuple[int, int]:
        """The first and the last month, 1 to 12."""
        return min(line.first for line in self.lines), max(line.last for line in self.lines)

    @property
    def closes(self) -> int:
        """The last month with figures: 13 where the plan has an adjustment after the year."""
        plan = self.pack.tables.get("plan")
        after = plan is not None and str(PLANNED_MONTHS) in plan.columns["month"]
        return PLANNED_MONTHS if after else self.months[1]

    def month_of(self, calendar: int) -> int:
        """Give the month of the financial year of a calendar month; outside 1 to 12 as it falls."""
        year = int(self.manifest.year[:4])
        return calendar - (year * YEAR_MONTHS + 3) + 1

    def place(self, record: Record) -> tuple[str, int, str]:
        """Give the line and the month of a record, or why it is outside the contract."""
        manifest = self.manifest
        if record.provider != manifest.provider:
            return "", 0, "another provider"
        if manifest.commissioners and record.commissioner not in manifest.commissioners:
            return "", 0, "another commissioner" if record.commissioner else "no commissioner"
        if record.month < 0:
            return "", 0, "no date"
        month = self.month_of(record.month)
        begin, end = contract_dates(manifest)
        if not self._month(begin) <= month <= self._month(end):
            return "", 0, "not in the dates of the contract"
        for line in self._order:
            ready = self.by_id[line.id]
            if ready.first <= month <= ready.last and _selects(line.select, record):
                return line.id, month, ""
        return "", 0, "no line selects it"

    def _month(self, day: date) -> int:
        return self.month_of(day.year * YEAR_MONTHS + day.month - 1)


class LocalPrices:
    """The local prices of a contract: the row that says most of a record wins.

    `cells` are the texts that any row says, by column.
    """

    def __init__(self, pack: LoadedPack) -> None:
        table = pack.tables.get("local_prices")
        self.cells = {name: set(table.columns[name]) if table else set() for name in LOCAL_KEYS}
        found: dict[tuple[int, ...], dict[tuple[str, ...], int]] = {}  # by the cells that are told
        if table is not None:
            rows = zip(*(table.columns[name] for name in LOCAL_KEYS), strict=True)
            for row, price in zip(rows, table.columns["price"], strict=True):
                told = tuple(place for place, cell in enumerate(row) if cell)
                key = tuple(row[place] for place in told)
                found.setdefault(told, {})[key] = half_up(Fraction(price) * POUND)
        self._by_cells = sorted(found.items(), key=lambda item: -len(item[0]))

    def of(self, record: Record) -> int | None:
        """Give the price of a record in pence, None where none was agreed."""
        mine = (
            record.provider,
            record.commissioner,
            record.treatment_function,
            record.point_of_delivery,
            record.code,
        )
        for told, prices in self._by_cells:
            price = prices.get(tuple(mine[place] for place in told))
            if price is not None:
                return price
        return None


def _selects(select: Selection, record: Record) -> bool:
    for wanted, value in (
        (select.datasets, record.dataset),
        (select.points_of_delivery, record.point_of_delivery),
        (select.treatment_functions, record.treatment_function),
        (select.sites, record.site),
    ):
        if wanted and value not in wanted:
            return False
    return not select.hrgs or any(record.code.startswith(prefix) for prefix in select.hrgs)


def terms_under(contract: Contract, asked: Terms) -> Terms:
    """Give the terms of the price of a spell under a contract; what was asked for must agree.

    `pence_final` leaves the rounding to the price list, `none` to the contract's own sums.
    """
    manifest = contract.manifest
    name, agreed = contract.pack.id, manifest.rounding
    if asked.rounding not in (None, agreed):
        raise UsageError(
            f"--rounding {asked.rounding} is not that of contract '{name}', which is {agreed}",
            hint="leave it out: the contract says how totals are rounded",
        )
    if asked.delayed_discharge and not manifest.switches.delayed_discharge:
        raise UsageError(
            f"--delayed-discharge: contract '{name}' does not take delayed days off",
            hint="leave it out, or switch delayed_discharge on in the contract",
        )
    rounding = asked.rounding
    if agreed not in ("pence_final", "none"):
        rounding = agreed
    return Terms(manifest.switches.delayed_discharge, rounding)


# ---------------------------------------------------------------- made ready


def packs_with(contract: str | None, packs: Sequence[Path]) -> tuple[Path, ...]:
    """Give the folders of packs to load: where a contract is a folder, that too."""
    given = tuple(packs)
    if contract is not None and _is_folder(contract):
        return (Path(contract), *given)
    return given


def open_contract(contract: str, packs: PackSet, today: date | None = None) -> Contract:
    """Open a contract by the id of its pack or its folder. Raises `PackError` where it is wrong."""
    pack = _find(contract, packs)
    problems = lint_contract_pack(pack, packs, today or date.today())
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise PackError(errors)
    warnings = tuple(f"{p.message} ({p.code})" for p in problems if p.severity == "warning")
    return replace(contract_of(pack, packs), warnings=warnings)


def load_contract(contract: str, packs: Sequence[Path] = ()) -> tuple[Contract, PackSet]:
    """Load the packs in force and open a contract among them."""
    held = load_packs(packs_with(contract, packs))
    return open_contract(contract, held), held


def contract_of(pack: LoadedPack, packs: PackSet) -> Contract:
    """Make a contract ready that is known to be right."""
    manifest = pack.manifest
    assert isinstance(manifest, ContractPack)
    terms = national_terms(packs.packs)
    lines = tuple(_line(line, pack, manifest, terms) for line in manifest.lines)
    by_id = {line.id: line for line in lines}
    order = tuple(in_order(manifest.lines))
    return Contract(pack, manifest, lines, by_id, LocalPrices(pack), order)


def _is_folder(contract: str) -> bool:
    path = Path(contract)
    return (path / "pack.yaml").is_file() or (path.name == "pack.yaml" and path.is_file())


def _find(contract: str, packs: PackSet) -> LoadedPack:
    if _is_folder(contract):
        given = Path(contract)
        root = (given.parent if given.is_file() else given).resolve()
        (pack,) = (one for one in packs if one.root.resolve() == root)
        if not isinstance(pack.manifest, ContractPack):
            raise UsageError(f"{contract} is a pack of kind {pack.manifest.kind}, not a contract")
        return pack
    held = {one.id for one in packs.by_kind("contract")}
    if contract not in held:
        raise UsageError(
            f"there is no contract '{contract}'",
            hint=did_you_mean(contract, held, "contracts held") or "give its id or its folder",
        )
    return packs.by_id(contract)


def _line(
    line: ServiceLine,
    pack: LoadedPack,
    manifest: ContractPack,
    terms: dict[tuple[str, str], Decimal],
) -> Line:
    form = line.form
    figures = {
        key: Fraction(value) * (POUND if key in POUNDS else 1)
        for key in (*SHARES, *POUNDS)
        if (value := getattr(form, key)) is not None
    }
    key, term = NATIONAL.get(form.kind, ("", ""))
    if key and key not in figures:
        figures[key] = Fraction(terms[manifest.year, term])
    formula = FORMULAS[form.kind, form.model or ""]
    if form.kind == "marginal_rate" and not manifest.switches.marginal_rate:
        formula = cost_per_case
    first, last = months_of(line, manifest)
    return Line(line, formula, figures, first, last, _accrued(line, pack, first, last))


def _accrued(line: ServiceLine, pack: LoadedPack, first: int, last: int) -> tuple[ToDate, ...]:
    """Bring the annual figures to each month."""
    units = Fraction(line.plan.activity) if line.plan else ZERO
    pence = Fraction(line.plan.price) * POUND if line.plan else ZERO
    unit = pence / units if units else ZERO
    by_month = _planned(line, pack) if line.phasing == "plan" else {}
    out = []
    for month in range(PLANNED_MONTHS + 1):
        share = Fraction(min(max(month - first + 1, 0), last - first + 1), last - first + 1)
        if line.phasing == "annual":
            share = Fraction(int(month >= first))
        plan_units, plan_pence = units * share, pence * share
        if line.phasing == "plan":
            plan_units = sum((u for m, (u, _) in by_month.items() if m <= month), ZERO)
            plan_pence = sum((p for m, (_, p) in by_month.items() if m <= month), ZERO)
            share = plan_pence / pence if pence else share
        out.append(ToDate(share, plan_units, plan_pence, unit))
    return tuple(out)


def _planned(line: ServiceLine, pack: LoadedPack) -> dict[int, tuple[Fraction, Fraction]]:
    columns = pack.tables["plan"].columns
    rows = zip(
        columns["line"], columns["month"], columns["activity"], columns["price"], strict=True
    )
    return {
        int(month): (Fraction(activity), Fraction(price) * POUND)
        for name, month, activity, price in rows
        if name == line.id
    }
