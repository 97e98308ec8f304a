"""The stages of a run up to the price: batches to a frame, spells, groups, prices, columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.deductions import Deductions
from tariff.engine.frame import Frame
from tariff.engine.group import GroupRun, group_spells
from tariff.engine.marking import delayed_days, mark, mark_rules
from tariff.engine.members import Members
from tariff.engine.periods import Periods
from tariff.engine.price import EPOCH, MffChoice, PriceInput, Pricer, Terms, years_of
from tariff.engine.spells import Spells
from tariff.errors import DataError, UsageError
from tariff.extract.plan import batch_schema
from tariff.national.answers import take_answers
from tariff.national.join import Joined, take_over
from tariff.national.keys import Keys
from tariff.national.read import Answer
from tariff.packs.compile import Rulebook, year_start
from tariff.packs.grouping import NULL32

PriceAt = Literal["billed", "grouped"]


@dataclass(frozen=True)
class Stages:
    """What the stages need to know beside the data."""

    year: str | None = None  # of records without a discharge date
    mff: MffChoice = field(default_factory=MffChoice)
    price_at: PriceAt = "billed"
    threads: int = 1
    parts: int = 1
    answer: Answer | None = None  # the national grouper's own, which stands before the engine's
    keys: Keys | None = None  # of records that do not exist, which it also answered
    as_year: str | None = None  # group and price every record as though it were of this year
    terms: Terms = field(default_factory=Terms)
    periods: Periods | None = None  # dated ones, which stand before the counts of days


@dataclass
class Priced:
    """The outcome of the stages."""

    columns: SpellColumns
    group_run: GroupRun
    pricer: Pricer
    joined: Joined


def read_frame(
    batches: Iterable[pa.RecordBatch], fields: frozenset[str], *, may_be_empty: bool = False
) -> Frame:
    """Read every batch into a frame. DataError where no row is left, unless that may be."""
    frame = Frame(fields)
    for batch in batches:
        frame.append(batch)
    if not frame.rows and may_be_empty:
        return empty_frame()
    if not frame.rows:
        raise DataError(
            "no row of the extract could be used", hint="look at the reasons in the rejects"
        )
    frame.close()
    return frame


def empty_frame() -> Frame:
    """Give a frame without a row, of a run that has no admitted care."""
    names = ["provider", "spell_id"]
    frame = Frame(frozenset(names))
    frame.append(pa.RecordBatch.from_pylist([], schema=batch_schema(names)))
    frame.close()
    return frame


def run_stages(rulebook: Rulebook, frame: Frame, stages: Stages, source: str = "extract") -> Priced:
    """Assemble, group and price the spells of a frame. `source`: docs/signatures.md, Records."""
    spells = Spells(frame)
    left = spells.date("discharge_date", from_end=True)
    discharged, default = left, stages.year
    if stages.as_year is not None:
        discharged, default = np.full_like(left, NULL32), stages.as_year
    grouper_of = _groupers(rulebook, discharged, default)
    group_run, groups = group_spells(
        rulebook, spells, grouper_of, threads=stages.threads, parts=stages.parts
    )
    hrgs, billed_hrg = _billed_hrgs(rulebook, spells)
    joined = Joined(np.zeros(len(spells), bool))
    if stages.answer is not None:
        joined = take_over(stages.answer, rulebook, spells, groups, hrgs)
        if stages.keys is not None:
            take_answers(joined, stages.keys, stages.answer, rulebook, spells)
    if stages.price_at not in ("billed", "grouped"):
        raise UsageError(
            f"spells cannot be priced at '{stages.price_at}'", hint="at billed or grouped HRGs"
        )
    if stages.price_at == "billed":
        priced = np.where(billed_hrg >= 0, billed_hrg, groups.hrg)
    else:
        priced = groups.hrg.copy()
    known = np.where(priced >= len(rulebook.hrgs), -2, priced).astype(np.int32)
    year, years = years_of(discharged, default)
    deductions = Deductions(
        spells, stages.periods, home_leave=rulebook.points_of_delivery.home_leave
    )
    spell_days = spells.spell_days()
    deductions.note_longer(spell_days)
    price_input = PriceInput(
        year,
        known,
        spells.of_first("admission_method"),  # type: ignore[arg-type]
        spells.of_first("patient_classification"),  # type: ignore[arg-type]
        spells.of_first("age"),  # type: ignore[arg-type]
        spell_days,
        deductions.days,
        frame.columns["provider"][spells.first].astype(np.int64),
        years,
        frame.vocabularies["admission_method"].values,
        frame.vocabularies["patient_classification"].values,
        frame.vocabularies["provider"].values,
    )
    pricer = Pricer(rulebook, stages.mff, stages.terms)
    members = Members.of(spells)
    price_input.marks = mark(
        mark_rules(rulebook),
        members,
        price_input,
        pricer.tariffs(price_input),
        delayed_days(members, spells.date("admission_date"), left),
    )
    prices = pricer.run(price_input, threads=stages.threads, parts=stages.parts)
    columns = SpellColumns(
        rulebook,
        spells,
        groups,
        price_input,
        prices,
        hrgs,
        billed_hrg,
        priced,
        joined.spells,
        deductions,
        pricer,
        source,
    )
    return Priced(columns, group_run, pricer, joined)


def _groupers(
    rulebook: Rulebook, discharged: NDArray[np.int32], year: str | None
) -> NDArray[np.int16]:
    """Give the grouper of each spell by its discharge, else by the year given."""
    default = None
    if year is not None:
        default = EPOCH.replace(year=year_start(year), month=4, day=1)
    out = np.full(len(discharged), rulebook.grouper_of(default), np.int16)
    known = discharged != NULL32
    days, inverse = np.unique(discharged[known], return_inverse=True)
    chosen = np.array(
        [rulebook.grouper_of(EPOCH + timedelta(days=int(day))) for day in days], np.int16
    )
    if len(days):
        out[known] = chosen[inverse]
    return out


def _billed_hrgs(rulebook: Rulebook, spells: Spells) -> tuple[list[str], NDArray[np.int32]]:
    """HRGs of the packs and then others that are billed; the billed one of each spell (-1 none)."""
    ids = spells.last_code("billed_hrg")
    vocabulary = spells.frame.vocabularies.get("billed_hrg")
    values = vocabulary.values if vocabulary else [""]
    others = sorted({value.upper() for value in values if value} - set(rulebook.hrg_ids))
    places = {
        **rulebook.hrg_ids,
        **{value: len(rulebook.hrgs) + index for index, value in enumerate(others)},
    }
    mapping = np.array([places.get(value.upper(), -1) for value in values], np.int32)
    return [*rulebook.hrgs, *others], mapping[ids]


def check_year(year: str | None) -> None:
    """Raise where a tariff year is not written `2024/25`."""
    if year is None:
        return
    start, _, end = year.partition("/")
    good = start.isdigit() and end.isdigit() and len(start) == 4 and len(end) == 2
    if not good or (int(start) + 1) % 100 != int(end):
        raise UsageError(f"'{year}' is not a tariff year", hint="write it as 2024/25")
