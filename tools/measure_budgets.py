"""What every rule finds in honest activity, beside its budget: `python tools/measure_budgets.py`.

Makes honest years of all datasets, in two tariff years, and runs every rule of any level and status
on them three times: each year against itself as the national record; its second half with the
first as history; and a month at freeze with flex before it. A rule's rate is the highest of these,
in findings for 10,000 records of its kinds. Exits with 1 where a deterministic rule or tier finds
anything, or another rule more than its budget.

`--write` puts budgets into the files of the rules that have too little: half as much again as
measured, rounded up to a plain number.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tariff.engine.run import Options, Run, check
from tariff.engine.run_inputs import Given
from tariff.extract import Extract, from_arrow
from tariff.extract.registers import read_registers
from tariff.packs.compile import Rulebook, rulebook_of
from tariff.packs.load import load_packs
from tariff.packs.match_fields import DATASET_OF
from tariff.packs.model import Rule
from tariff.simulate.plan import make_plan
from tariff.simulate.snapshots import Statement, stream_statement
from tariff.simulate.year import REGISTERS

RULES = Path(__file__).resolve().parent.parent / "rules" / "signatures"
CARE = tuple(DATASET_OF.values())
ENDS = {
    "episodes": "discharge_date",
    "attendances": "attendance_date",
    "emergency": "arrival_date",
    "critical_care": "end_date",
    "lines": "start_date",
}
EPISODES, SEED, YEARS, MONTHS = 100_000, 41, ("2022/23", "2018/19"), ("2022-09", "2018-09")
SPARE = 1.5  # of what is measured
PLAIN = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)  # times a power of ten
LEAST = 0.5

Tables = dict[str, pa.Table]


def honest(
    episodes: int,
    seed: int,
    year: str | None = None,
    month: str | None = None,
    statement: Statement = "freeze",
) -> Tables:
    """Make an honest year or month, and give its datasets and registers by name."""
    plan = make_plan(episodes, seed, year, month=month)
    made: dict[str, list[pa.RecordBatch]] = {}
    for chunk in stream_statement(plan, statement, (*CARE, "registers")):
        for name, batch in chunk.items():
            made.setdefault(name, []).append(batch)
    return {name: pa.Table.from_batches(batches) for name, batches in made.items()}


def opened(tables: Mapping[str, pa.Table]) -> dict[str, Extract]:
    """Open the datasets of a year as extracts."""
    return {name: from_arrow(tables[name], dataset=name) for name in CARE if name in tables}


def given_of(tables: Tables, **beside: Mapping[str, pa.Table]) -> Given:
    """Give a run a year with its registers, and other datasets by where they come from."""
    registers = read_registers((name, tables[name]) for name in REGISTERS)
    others = {source: opened(them) for source, them in beside.items()}
    return Given(opened(tables), registers=registers, **others)


def halves(tables: Tables) -> tuple[Tables, Tables]:
    """Part a year by the day on which records end, in two; the registers stand by the second."""
    days = pc.min_max(tables["episodes"]["discharge_date"]).as_py()
    middle = pa.scalar(days["min"] + (days["max"] - days["min"]) / 2, pa.date32())
    first, second = {}, dict(tables)
    for name, day in ENDS.items():
        late = pc.fill_null(pc.greater(tables[name][day], middle), True)
        first[name], second[name] = (tables[name].filter(each) for each in (pc.invert(late), late))
    return first, second


def every_rule(rulebook: Rulebook, given: Given, threads: int = 2) -> Run:
    """Check with every rule, of any level and status."""
    names = tuple(rule.id for _, rule in rulebook.packs.rules())
    options = Options(select=names, level="low", threads=threads)
    return check(given, options, rulebook=rulebook, spells=False)


@dataclass
class Found:
    """What rules found in one run."""

    records: dict[str, int]  # by kind
    hits: Counter[str] = field(default_factory=Counter)  # by rule
    certain: Counter[str] = field(default_factory=Counter)  # of them deterministic, by rule
    ran: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, run: Run) -> Found:
        """Count the findings of a run."""
        found = cls({kind: line["records"] for kind, line in run.manifest["kinds"].items()})
        found.ran = {line["id"] for line in run.manifest["rules"] if line["ran"]}
        rules, classes = (run.findings[name].to_pylist() for name in ("rule", "class"))
        found.hits.update(rules)
        found.certain.update(
            rule for rule, of in zip(rules, classes, strict=True) if of == "deterministic"
        )
        return found

    def among(self, rule: Rule) -> int:
        """Count the records of a rule's kinds."""
        return sum(self.records.get(kind, 0) for kind in rule.of)

    def rate(self, rule: Rule) -> float:
        """Give findings for 10,000 records of the rule's kinds."""
        return 10_000 * self.hits[rule.id] / max(self.among(rule), 1)

    def most(self, rule: Rule) -> int:
        """Give the most findings that the rule's budget has room for, whole ones."""
        return math.ceil(float(rule.budget) * self.among(rule) / 10_000)


def plain(measured: float) -> float:
    """Give the budget for a rate: half as much again, rounded up to a plain number."""
    wanted = measured * SPARE
    if wanted <= 0:
        return 0.0
    if wanted <= LEAST:
        return LEAST
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(step * power for step in PLAIN if step * power >= wanted - 1e-9)


def runs(episodes: int, years: Iterable[str], months: Iterable[str]) -> Iterator[tuple[str, Given]]:
    """Give what is run, with a name."""
    for year in years:
        tables = honest(episodes, SEED, year)
        yield f"{year} against itself", given_of(tables, national=tables)
        first, second = halves(tables)
        yield f"{year}, second half after the first", given_of(second, history=first)
        del tables, first, second
    for month in months:
        freeze = honest(episodes // 10, SEED, month=month)
        flex = honest(episodes // 10, SEED, month=month, statement="flex")
        yield f"{month}, freeze after flex", given_of(freeze, earlier=flex, national=freeze)


def write(rule: Rule, budget: float) -> None:
    """Put the budget of a rule into its file, after `step` where it has none yet."""
    (path,) = RULES.glob(f"*/{rule.id}-*.yaml")
    text = re.sub(r"^budget: .*\n", "", path.read_text("utf-8"), flags=re.MULTILINE)
    if budget:
        text = re.sub(r"^(step: .*\n)", rf"\1budget: {budget:g}\n", text, flags=re.MULTILINE)
    path.write_text(text, "utf-8")


def main() -> int:
    """Measure, print, and write the budgets where asked; 1 where a budget is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--episodes", type=int, default=EPISODES)
    parser.add_argument(
        "--write", action="store_true", help="write the budgets into the rule files"
    )
    asked = parser.parse_args()
    rulebook = rulebook_of(load_packs())
    rules = {rule.id: rule for _, rule in rulebook.packs.rules()}
    highest: dict[str, float] = {}
    certain: Counter[str] = Counter()
    for name, given in runs(asked.episodes, YEARS, MONTHS):
        found = Found.of(every_rule(rulebook, given))
        print(f"{name}: {sum(found.hits.values()):,} findings, {len(found.ran)} rules ran")
        certain += found.certain
        for rule in rules.values():
            if rule.id in found.ran:
                highest[rule.id] = max(highest.get(rule.id, 0.0), found.rate(rule))
    broken = 0
    for rule in rules.values():
        if rule.id not in highest:
            continue
        rate, sure = highest[rule.id], certain[rule.id]
        if asked.write and (sure or rate > float(rule.budget)):
            write(rule, 0.0 if sure else plain(rate))
        over = sure > 0 or rate > float(rule.budget)
        broken += over
        if rate:
            mark = f"  deterministic: {sure}" if sure else "  above its budget" if over else ""
            print(f"{rule.id}  {rate:8.2f}  budget {rule.budget:f}{mark}")
    silent = sum(not rate for rate in highest.values())
    print(f"{silent} silent; not run: {', '.join(sorted(rules.keys() - highest.keys()))}")
    return 1 if broken and not asked.write else 0


if __name__ == "__main__":
    sys.exit(main())
