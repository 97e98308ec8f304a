"""The main job: check an extract; and the stages of it for those who stop earlier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.contract import Contract, open_contract, packs_with, terms_under
from tariff.engine.contract_check import UnderContract
from tariff.engine.counterfactual import Counterfactuals, Question
from tariff.engine.findings import FindingsTable
from tariff.engine.kind_counts import Counted
from tariff.engine.manifest import build_manifest, input_entry, pack_entry
from tariff.engine.match import Hits, Matcher
from tariff.engine.periods import Periods, read_periods
from tariff.engine.pipeline import PriceAt, Priced, Stages, check_year, read_frame, run_stages
from tariff.engine.price import MffChoice, Terms
from tariff.engine.price_other_care import check_factor_year
from tariff.engine.record_set import RecordSet
from tariff.engine.run_inputs import Given
from tariff.engine.run_read import Reader
from tariff.engine.select import Selected, check_fields, check_figures, reaches, select_rules
from tariff.engine.settle import Settlement
from tariff.engine.tables import episodes_table, number_array, spells_table
from tariff.errors import UsageError
from tariff.extract import Extract, from_arrow
from tariff.national.keys import read_keys
from tariff.national.read import read_files
from tariff.packs.compile import Rulebook, rulebook_of
from tariff.packs.contract_model import ContractPack
from tariff.packs.contract_rules import switched_off, under_contract
from tariff.packs.editions import Editions
from tariff.packs.load import load_packs
from tariff.packs.model import Rule
from tariff.packs.tiers import expanded
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
    others: dict[str, pa.Table] = field(default_factory=dict)  # other care of the extract, by kind


def check(
    given: Extract | Given,
    options: Options | None = None,
    *,
    rulebook: Rulebook | None = None,
    stage: Callable[[str], None] | None = None,
    spells: bool = True,
    keep: bool = False,
    history: Extract | None = None,
) -> Run:
    """Read, group, price, match, settle. Raises `TariffError` for what a user can mend.

    `stage` is told what is being done; without `spells` the tables of records are left empty;
    `keep` asks for the table of episodes. `history` is for an extract that is given by itself.
    """
    options = options or Options()
    started = datetime.now(UTC)
    if not isinstance(given, Given):
        before = {} if history is None else {history.dataset: history}
        given = Given({given.dataset: given}, before)
    rulebook, contract, options = _opened(options, rulebook)
    selected, off = _selected(rulebook, options, contract)
    say = stage or (lambda text: None)
    say("grouping and pricing")
    stages = options.stages()
    read = Reader(rulebook, stages).read(given)
    columns = read.columns
    check_fields(selected, *given.items(read.blank))
    check_figures(selected, columns, given_factor=options.mff != MffChoice())
    for item in selected:
        if item.rule.id in off:
            item.not_run, item.kinds = f"off: {off[item.rule.id]}", ()
    say("matching")
    under = None
    table = spells_table(columns) if contract else SPELLS.empty_table()
    if contract is not None:
        past = spells_table(read.past) if read.past is not None else None
        under = UnderContract(contract, rulebook.packs, columns, table, history=past)
    findings, settlement = match_and_settle(read.priced, read.records, selected, options, under)
    say("adding up")
    counted = Counted(read, settlement)
    if not spells:
        table = SPELLS.empty_table()
    elif contract is None:
        table = spells_table(columns, counted.allowed(columns))
    else:
        table = _with_allowed(table, counted.allowed(columns))
    manifest = build_manifest(given, options, rulebook, read, selected, findings, counted, started)
    _add_answers(manifest, read.priced, stages, settlement)
    if under is not None:
        manifest["contract"] = section = under.section()
        manifest["notices"] = [*section["notices"], *manifest["notices"]]
        manifest["packs"].append(pack_entry(under.contract.pack))
    return Run(
        table,
        findings,
        given.rejects,
        manifest,
        episodes_table(columns) if keep else None,
        columns,
        list(settlement.counterfactuals.asked.values()),
        stages.periods,
        counted.tables() if spells else {},
    )


def _opened(
    options: Options, rulebook: Rulebook | None
) -> tuple[Rulebook, Contract | None, Options]:
    """Open the packs and the contract of a run, whose terms the options take over."""
    check_year(options.year)
    check_year(options.mff.year)
    rulebook = rulebook or rulebook_of(
        load_packs(packs_with(options.contract, options.packs)), options.editions
    )
    contract = None
    if options.contract is not None:
        contract = open_contract(options.contract, rulebook.packs)
        options = replace(options, terms=terms_under(contract, options.terms))
    check_factor_year(options.mff, rulebook)
    return rulebook, contract, options


def _selected(
    rulebook: Rulebook, options: Options, contract: Contract | None
) -> tuple[list[Selected], dict[str, str]]:
    """Give the rules of a run, as a contract has them, and those that it switches off."""
    if not options.rules:
        return [], {}
    selected = select_rules(rulebook.packs, only=options.select, level=options.level)
    if contract is None:
        return selected, {}
    known = [rule.id for _, rule in rulebook.packs.rules()]
    agreed = under_contract([item.rule for item in selected], contract.pack, known)
    for item, rule in zip(selected, agreed, strict=True):
        item.rule = rule
    assert isinstance(contract.pack.manifest, ContractPack)
    return selected, switched_off(contract.pack.manifest)


def _add_answers(
    manifest: dict[str, Any], priced: Priced, stages: Stages, settlement: Settlement
) -> None:
    """Say what the national grouper's answer and dated periods did."""
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


def _with_allowed(table: pa.Table, allowed: NDArray[np.int64]) -> pa.Table:
    place = SPELLS.get_field_index("allowed_pence")
    return table.set_column(place, SPELLS.field(place), number_array(allowed, pa.int64()))


def match_and_settle(
    priced: Priced,
    records: RecordSet,
    selected: Sequence[Selected],
    options: Options,
    under: UnderContract | None = None,
) -> tuple[pa.Table, Settlement]:
    """Match the rules that run and settle what they find."""
    hits = match_rules(records, selected, options)
    return settle_hits(priced, records, selected, hits, under)


def match_rules(records: RecordSet, selected: Sequence[Selected], options: Options) -> Hits:
    """Match the rules that run, each tier by itself, on the kinds of records they run on."""
    running = [(rule, item.lists) for item in selected for rule in running_rules(item)]
    matcher = Matcher(records, threads=options.threads, parts=options.parts)
    return matcher.run(running)


def running_rules(item: Selected) -> tuple[Rule, ...]:
    """Give what a selected rule runs as: its tiers, on the kinds of records that have its needs."""
    if item.not_run:
        return ()
    return tuple(
        replace(rule, of=item.kinds)
        for rule in expanded(item.rule)
        if reaches(rule.level, item.level)
    )


def settle_hits(
    priced: Priced,
    records: RecordSet,
    selected: Sequence[Selected],
    hits: Hits,
    under: UnderContract | None = None,
) -> tuple[pa.Table, Settlement]:
    """Value and settle what was found."""
    columns = priced.columns
    counterfactuals = Counterfactuals(
        columns, priced.group_run, priced.pricer, priced.joined.answers, records
    )
    agree = None if under is None else under.agreements.apply
    settlement = Settlement(records, columns, counterfactuals, agree)
    running = [(rule, item) for item in selected for rule in running_rules(item)]
    valued = settlement.run(
        [rule for rule, _ in running],
        hits,
        lists={rule.key: item.lists for rule, item in running},
        maps={rule.key: item.maps for rule, item in running},
    )
    if under is not None:
        under.value(valued, settlement.billed.copies)
    findings = FindingsTable(records, columns).build(valued, settlement.factor_questions)
    return findings, settlement


def group_and_price(
    table: Any, *, year: str | None = None, rulebook: Rulebook | None = None, threads: int = 2
) -> pa.Table:
    """Group and price episodes in canonical columns; give the spells (tariff.schemas.SPELLS)."""
    extract = from_arrow(table)
    rulebook = rulebook or rulebook_of(load_packs())
    frame = read_frame(extract.batches(), extract.fields)
    priced = run_stages(rulebook, frame, Stages(year=year, threads=threads))
    return spells_table(priced.columns)
