"""The main job: check an extract; and the stages of it for those who stop earlier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from tariff.engine.columns import SpellColumns
from tariff.engine.counterfactual import Counterfactuals, Question
from tariff.engine.findings import FindingsTable
from tariff.engine.manifest import build_manifest
from tariff.engine.match import Hits, Matcher
from tariff.engine.pipeline import PriceAt, Priced, Stages, check_year, read_frame, run_stages
from tariff.engine.price import MffChoice
from tariff.engine.select import Selected, check_fields, check_figures, select_rules
from tariff.engine.settle import Settlement
from tariff.engine.tables import episodes_table, spells_table
from tariff.errors import UsageError
from tariff.extract import Extract, from_arrow
from tariff.national.keys import read_keys
from tariff.national.read import read_files
from tariff.packs.compile import Rulebook
from tariff.packs.load import load_packs
from tariff.schemas import SPELLS


@dataclass(frozen=True)
class Options:
    """Options of a run; the command line has one for each."""

    packs: tuple[Path, ...] = ()
    year: str | None = None
    mff: MffChoice = field(default_factory=MffChoice)
    price_at: PriceAt = "billed"
    select: tuple[str, ...] = ()
    level: str = "high"
    rules: bool = True  # off: stop after the price
    threads: int = 2
    parts: int = 1
    grouped: Path | None = None  # the national grouper's _FCE file
    grouped_spells: Path | None = None  # its _spell file
    national_keys: Path | None = None  # what records that do not exist stand for in them

    def stages(self) -> Stages:
        """Give what the stages need; reads the national grouper's answer."""
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
        return Stages(self.year, self.mff, self.price_at, self.threads, self.parts, answer, keys)


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


def check(
    extract: Extract,
    options: Options | None = None,
    *,
    rulebook: Rulebook | None = None,
    stage: Callable[[str], None] | None = None,
    spells: bool = True,
    keep: bool = False,
) -> Run:
    """Read, group, price, match, settle. Raises `TariffError` for what a user can mend.

    `stage` is told what is being done; without `spells` the table of spells is left empty; `keep`
    asks for the table of episodes.
    """
    options = options or Options()
    started = datetime.now(UTC)
    check_year(options.year)
    check_year(options.mff.year)
    rulebook = rulebook or Rulebook(load_packs(options.packs))
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
    _refuse_same_file(extract)
    check_fields(selected, extract.fields, frame.blank_fields())
    say("grouping and pricing")
    priced = run_stages(rulebook, frame, stages)
    columns = priced.columns
    check_figures(selected, columns, given_factor=options.mff != MffChoice())
    say("matching")
    findings, settlement = match_and_settle(priced, selected, options)
    say("adding up")
    table = spells_table(columns, settlement.allowed()) if spells else SPELLS.empty_table()
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
    episodes = episodes_table(columns) if keep else None
    asked = list(settlement.counterfactuals.asked.values())
    return Run(table, findings, extract.rejects, manifest, episodes, columns, asked)


def _refuse_same_file(extract: Extract) -> None:
    """Raise where one file is given twice: every record of it would be a duplicate."""
    seen: dict[str, str] = {}
    for item in extract.inputs:
        other = seen.setdefault(item.sha256, item.name)
        if item.sha256 and other is not item.name:
            raise UsageError(
                f"{item.name} and {other} are the same file", hint="give each file once"
            )


def match_and_settle(
    priced: Priced, selected: Sequence[Selected], options: Options
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
    settlement = Settlement(columns, counterfactuals)
    valued = settlement.run([item.rule for item in running], hits)
    return FindingsTable(columns).build(valued, settlement.factor_questions), settlement


def group_and_price(
    table: Any, *, year: str | None = None, rulebook: Rulebook | None = None, threads: int = 2
) -> pa.Table:
    """Group and price episodes in canonical columns; give the spells (tariff.schemas.SPELLS)."""
    extract = from_arrow(table)
    rulebook = rulebook or Rulebook(load_packs())
    frame = read_frame(extract.batches(), extract.fields)
    priced = run_stages(rulebook, frame, Stages(year=year, threads=threads))
    return spells_table(priced.columns)
