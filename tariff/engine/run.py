"""The main job: check an extract; and the stages of it for those who stop earlier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from tariff.engine.columns import SpellColumns
from tariff.engine.contract import open_contract, packs_with, terms_under
from tariff.engine.contract_check import UnderContract
from tariff.engine.counterfactual import Counterfactuals, Question
from tariff.engine.findings import FindingsTable
from tariff.engine.manifest import build_manifest, input_entry, pack_entry
from tariff.engine.match import Hits, Matcher
from tariff.engine.periods import Periods, read_periods
from tariff.engine.pipeline import PriceAt, Priced, Stages, check_year, read_frame, run_stages
from tariff.engine.price import MffChoice, Terms
from tariff.engine.select import Selected, check_fields, check_figures, select_rules
from tariff.engine.settle import Settlement
from tariff.engine.tables import episodes_table, number_array, spells_table
from tariff.errors import UsageError
from tariff.extract import Extract, from_arrow
from tariff.national.keys import read_keys
from tariff.national.read import read_files
from tariff.packs.compile import Rulebook, rulebook_of
from tariff.packs.editions import Editions
from tariff.packs.load import load_packs
from tariff.schemas import SPELLS


@dataclass(frozen=True)
class Options:
    """Options of a run; the command line has one for each."""

    packs: tuple[Path, ...] = ()
    editions: Editions = field(default_factory=Editions)
    year: str | None = None
    mff: MffChoice = field(default_factory=MffChoice)
    price_at: PriceAt = "billed"
    select: tuple[str, ...] = ()
    level: str = "high"
    contract: str | None = None  # id of a contract, or its folder
    rules: bool = True  # off: stop after the price
    threads: int = 2
    parts: int = 1
    grouped: Path | None = None  # the national grouper's _FCE file
    grouped_spells: Path | None = None  # its _spell file
    national_keys: Path | None = None  # what records that do not exist stand for in them
    terms: Terms = field(default_factory=Terms)
    periods: tuple[Path, ...] = ()  # dated periods that come off the days

    def stages(self) -> Stages:
        """Give what the stages need; reads the national grouper's answer and dated periods."""
        answer = keys = None
        if self.grouped or self.grouped_spells:
            answer = read_files(self.grouped, self.grouped_spells)
        if self.national_keys is not None:
            if answer is None:
                raise UsageError(
                    "--national-keys says what stands in the national grouper's output",
                    hint="give that too, with --grouped",
                )
            keys = read_keys(self.national_keys)
        return Stages(
            self.year,
            self.mff,
            self.price_at,
            self.threads,
            self.parts,
            answer,
            keys,
            terms=self.terms,
            periods=read_periods(self.periods) if self.periods else None,
        )


@dataclass
class Run:
    """What a run gives. The tables follow tariff.schemas; the manifest docs/architecture.md."""

    spells: pa.Table
    findings: pa.Table
    rejects: pa.Table
    manifest: dict[str, Any]
    episodes: pa.Table | None = None
    columns: SpellColumns | None = field(default=None, repr=False)
    asked: list[Question] = field(default_factory=list, repr=False)  # records findings need
    periods: Periods | None = field(default=None, repr=False)  # dated ones that came off the days


def check(
    extract: Extract,
    options: Options | None = None,
    *,
    rulebook: Rulebook | None = None,
    stage: Callable[[str], None] | None = None,
    spells: bool = True,
    keep: bool = False,
    history: Extract | None = None,
) -> Run:
    """Read, group, price, match, settle. Raises `TariffError` for what a user can mend.

    `stage` is told what is being done; without `spells` the table of spells is left empty; `keep`
    asks for the table of episodes. `history` holds earlier months, for the year to date of a
    contract.
    """
    options = options or Options()
    started = datetime.now(UTC)
    check_year(options.year)
    check_year(options.mff.year)
    rulebook = rulebook or rulebook_of(
        load_packs(packs_with(options.contract, options.packs)), options.editions
    )
    contract = None
    if options.contract is not None:
        contract = open_contract(options.contract, rulebook.packs)
        options = replace(options, terms=terms_under(contract, options.terms))
    elif history is not None:
        raise UsageError(
            "earlier months count in the year to date of a contract, and none is given",
            hint="give the contract with --contract",
        )
    if options.mff.year is not None and options.mff.year not in rulebook.mff.years:
        raise UsageError(
            f"no market forces factors of {options.mff.year} are held",
            hint=f"held: {', '.join(rulebook.mff.years)}",
        )
    selected: list[Selected] = []
    if options.rules:
        selected = select_rules(rulebook.packs, only=options.select, level=options.level)
    say = stage or (lambda text: None)
    stages = options.stages()
    frame = read_frame(extract.batches(), extract.fields)
    refuse_same_file(extract)
    check_fields(selected, extract.fields, frame.blank_fields())
    say("grouping and pricing")
    priced = run_stages(rulebook, frame, stages)
    columns = priced.columns
    check_figures(selected, columns, given_factor=options.mff != MffChoice())
    say("matching")
    table = spells_table(columns) if contract else SPELLS.empty_table()
    under = None
    earlier = _earlier(history, options, rulebook)
    if contract is not None:
        past = earlier.spells if earlier else None
        under = UnderContract(contract, rulebook.packs, columns, table, history=past)
    findings, settlement = match_and_settle(priced, selected, options, under)
    say("adding up")
    if not spells:
        table = SPELLS.empty_table()
    elif contract is None:
        table = spells_table(columns, settlement.allowed())
    else:
        table = _with_allowed(table, settlement)
    manifest = build_manifest(
        extract, options, rulebook, columns, selected, findings, settlement, started
    )
    if stages.answer is not None:
        manifest["inputs"] += stages.answer.inputs()
        notices = [
            *priced.joined.notices,
            *priced.joined.unanswered(settlement.counterfactuals.asked),
        ]
        manifest["notices"] = [*notices, *manifest["notices"]]
    if stages.periods is not None:
        manifest["inputs"] += [input_entry(item, "periods") for item in stages.periods.inputs]
        manifest["notices"] = [*stages.periods.notices, *manifest["notices"]]
    if under is not None:
        manifest["contract"] = section = under.section()
        manifest["notices"] = [*section["notices"], *manifest["notices"]]
        manifest["packs"].append(pack_entry(under.contract.pack))
    if earlier is not None:
        manifest["history"] = earlier.manifest["inputs"]
    episodes = episodes_table(columns) if keep else None
    asked = list(settlement.counterfactuals.asked.values())
    return Run(table, findings, extract.rejects, manifest, episodes, columns, asked, stages.periods)


def _earlier(history: Extract | None, options: Options, rulebook: Rulebook) -> Run | None:
    """Group and price earlier months; they are not checked."""
    if history is None:
        return None
    return check(history, replace(options, contract=None, rules=False), rulebook=rulebook)


def _with_allowed(table: pa.Table, settlement: Settlement) -> pa.Table:
    place = SPELLS.get_field_index("allowed_pence")
    allowed = number_array(settlement.allowed(), pa.int64())
    return table.set_column(place, SPELLS.field(place), allowed)


def refuse_same_file(extract: Extract) -> None:
    """Raise where one file is given twice: every record of it would be a duplicate."""
    seen: dict[str, str] = {}
    for item in extract.inputs:
        other = seen.get(item.sha256)
        if item.sha256 and other is not None:
            both = f"{item.name} and {other} are the same file"
            raise UsageError(
                f"{item.name} is given twice" if item.name == other else both,
                hint="give each file once",
            )
        seen[item.sha256] = item.name


def match_and_settle(
    priced: Priced,
    selected: Sequence[Selected],
    options: Options,
    under: UnderContract | None = None,
) -> tuple[pa.Table, Settlement]:
    """Match the rules that run and settle what they find."""
    columns = priced.columns
    running = [item for item in selected if not item.not_run]
    hits = Hits({}, {})
    if running:
        matcher = Matcher(columns, threads=options.threads, parts=options.parts)
        hits = matcher.run([(item.rule, item.lists) for item in running])
    counterfactuals = Counterfactuals(
        columns, priced.group_run, priced.pricer, priced.joined.answers
    )
    agree = None if under is None else under.agreements.apply
    settlement = Settlement(columns, counterfactuals, agree)
    valued = settlement.run([item.rule for item in running], hits)
    if under is not None:
        under.value(valued, settlement.billed.copies)
    return FindingsTable(columns).build(valued, settlement.factor_questions), settlement


def group_and_price(
    table: Any, *, year: str | None = None, rulebook: Rulebook | None = None, threads: int = 2
) -> pa.Table:
    """Group and price episodes in canonical columns; give the spells (tariff.schemas.SPELLS)."""
    extract = from_arrow(table)
    rulebook = rulebook or rulebook_of(load_packs())
    frame = read_frame(extract.batches(), extract.fields)
    priced = run_stages(rulebook, frame, Stages(year=year, threads=threads))
    return spells_table(priced.columns)
