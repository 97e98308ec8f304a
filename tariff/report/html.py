"""The report as one HTML page: nothing outside it, no script, and it prints."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import jinja2

from tariff.engine import triage
from tariff.engine.triage import Limits
from tariff.report import care, comparisons, figures, quality, rulebook, text

FINDINGS_SHOWN = 50  # a rule
CAUSES_SHOWN = 50  # a class


@dataclass(slots=True)
class Bar:
    """A bar of the waterfall, in hundredths of its width."""

    kind: str  # total, a class, or under
    x: float
    width: float


@dataclass(slots=True)
class WaterfallRow:
    """A line of the reconciliation with its bars."""

    label: str
    step: bool  # else a total
    note: str
    amount: int
    remains: int
    bars: list[Bar]
    enters: float  # where the line from the row above comes in
    leaves: float  # where the line to the row below goes out


@dataclass(slots=True)
class Waterfall:
    """From billed, by the steps of settlement, to allowed."""

    rows: list[WaterfallRow]
    starts_at: int  # pence where the axis begins; 0 when it is not cut


def render(
    run: figures.RunTables, *, limit: int = FINDINGS_SHOWN, limits: Limits | None = None
) -> str:
    """The page. At most `limit` findings a rule are shown; all of them are counted.

    `limits` says which root causes are shown.
    """
    manifest = run.manifest
    money = figures.money(run)
    book = rulebook.rulebook(run, limit)
    facts = quality.quality(run)
    by_month = figures.by_month(run)
    spells = facts.counts.get("spells", run.spells.num_rows)
    counts = care.counted(run)
    records = sum(counts.values())
    page = _environment().get_template("report.html.j2")
    return page.render(
        title=_title(run),
        statements=sorted(key for key in figures.tally(run.spells.column("statement"), "") if key),
        manifest=manifest,
        version=str(manifest.get("tariff", {}).get("version", "")),
        times=manifest.get("run", {}),
        period=_period(run),
        money=money,
        next_step=next_step(money, book, facts, records),
        spells=spells,
        records=records,
        care=care.words(counts),
        noun="Spells" if set(counts) <= {"spells"} else "Records",
        copies=int(manifest.get("money", {}).get("billed_in_copies") or 0),
        waterfall=waterfall(money),
        book=book,
        classes_present=[line for line in money.classes if line.findings],
        breakdowns=[
            figures.by_provider(run),
            figures.by_point_of_delivery(run),
            *([by_month] if by_month else []),
        ],
        no_months=by_month is None and records > 0,
        causes=triage.shown(triage.causes(run.findings), _limits(limits)),
        in_workbook=_in_workbook(limits),
        comparisons=comparisons.comparisons(manifest),
        quality=facts,
        inputs=quality.inputs(manifest),
        packs=quality.packs(manifest),
        contract=manifest.get("contract"),
        notices=[str(notice) for notice in manifest.get("notices", [])],
    )


def _limits(limits: Limits | None) -> Limits:
    if limits is None or limits.rows is None:
        return Limits(0 if limits is None else limits.min_value, CAUSES_SHOWN)
    return limits


def _in_workbook(limits: Limits | None) -> bool:
    """Whether the workbook lists every root cause."""
    return limits is None or (limits.rows is None and not limits.min_value)


def next_step(
    money: figures.Money, book: rulebook.Rulebook, facts: quality.Quality, records: int
) -> str:
    """One plain sentence on what the reader does next."""
    if not records:
        return "No record was read: look at the rejected rows and the notices below first."
    if not book.ran:
        return "No rule ran, so nothing is queried yet: see below what each rule needs."
    if not money.billed:
        return (
            "The extract carries no billed money, so no charge could be checked: add the billed "
            "prices and run it again."
        )
    if not book.sections:
        waiting = text.counted(len(book.not_run), "rule")
        tail = f", but {waiting} could not run: see what they need" if book.not_run else ""
        return f"No rule that ran has a query on this account{tail}."
    first = max(book.sections, key=lambda rule: abs(rule.settled or 0))
    start = f"Begin with {first.id}, {_lower_first(first.title)}"
    start += f" ({text.pounds(abs(first.settled))} settled)" if first.settled else ""
    send = "then send the worklist in workbook.xlsx and ask for an answer to each line"
    if facts.reject_rows and money.billed_in_rejects:
        lost = text.counted(facts.reject_rows, "row")
        return (
            f"{start}, {send}; and have the {lost} that could not be read put right, since "
            f"{text.pounds(money.billed_in_rejects)} billed there was not checked."
        )
    return f"{start}, {send}."


def waterfall(money: figures.Money) -> Waterfall:
    """The bars of the reconciliation, on one scale, with the axis cut where steps are small."""
    levels = [money.billed, money.allowed]
    for step in money.steps:
        levels += [step.remains, step.remains + step.queried.under]
    low, high = min(levels), max(levels)
    span = high - low
    start = 0
    if low > 0 and span < high * 0.5:
        start = max(0, low - max(span // 3, high // 500))
    scale = (high - start) or 1

    def at(pence: int) -> float:
        return round(100 * max(0, pence - start) / scale, 3)

    def total(label: str, amount: int, note: str) -> WaterfallRow:
        end = at(amount)
        return WaterfallRow(label, False, note, amount, amount, [Bar("total", 0, end)], end, end)

    rows = [total("Billed", money.billed, "")]
    before = money.billed
    for step in money.steps:
        bars, edge = [], before
        for key in text.CLASSES:
            if pence := step.queried.over.get(key, 0):
                bars.append(Bar(key, at(edge - pence), round(at(edge) - at(edge - pence), 3)))
                edge -= pence
        if step.queried.under:
            back = edge - step.queried.under
            bars.append(Bar("under", at(edge), round(at(back) - at(edge), 3)))
        label = step.step[:1].upper() + step.step[1:]
        rows.append(
            WaterfallRow(
                label,
                True,
                _step_note(step),
                -step.settled,
                step.remains,
                bars,
                at(before),
                at(step.remains),
            )
        )
        before = step.remains
    rows.append(total("Allowed", money.allowed, "if every finding stands"))
    return Waterfall(rows, start)


def _step_note(step: figures.StepLine) -> str:
    """`10 findings, deterministic`; the number of each where there are several classes."""
    counts = step.queried.by_class
    present = [key for key in text.CLASSES if counts.get(key)]
    words = text.counted(step.findings, "finding")
    if len(present) == 1:
        return f"{words}, {present[0]}"
    return f"{words}: " + text.sentence_list([f"{counts[key]:,} {key}" for key in present])


def _title(run: figures.RunTables) -> str:
    providers = sorted(figures.tally(care.providers(run)))
    if not providers:
        return "Tariff check"
    if len(providers) > 3:
        return f"Tariff check of {len(providers):,} providers"
    noun = "provider" if len(providers) == 1 else "providers"
    return f"Tariff check of {noun} {text.sentence_list(providers)}"


def _period(run: figures.RunTables) -> str:
    """From the first to the last day on which care of any kind ended."""
    told = run.manifest.get("period", {})
    if list(care.tables(run)) == ["spells"] and told.get("first_discharge"):
        return text.period(told.get("first_discharge"), told.get("last_discharge"))
    return text.period(*care.days(run))


def _lower_first(words: str) -> str:
    """A title inside a sentence; initials such as HRG stay as they are."""
    return words if words[1:2].isupper() else words[:1].lower() + words[1:]


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        pounds=text.pounds,
        short_pounds=text.short_pounds,
        number=text.number,
        moment=text.moment,
        long_date=text.long_date,
        size=text.size,
        month_name=text.month_name,
        pod=text.point_of_delivery,
    )
    environment.globals.update(
        counted=text.counted,
        effects=text.EFFECTS,
        record=text.record,
        share=text.share,
        sentence_list=text.sentence_list,
        class_label=text.CLASS_LABEL,
        provenance_meaning=text.PROVENANCE_MEANING,
        DASH=text.DASH,
    )
    return environment
