"""What one code fewer would have given: the spell without each code, put through the engine."""

from __future__ import annotations

from dataclasses import dataclass

from tariff.engine.pipeline import Stages, read_frame, run_stages
from tariff.engine.tables import spells_table
from tariff.explain import agree
from tariff.explain.rows import Row, batch_of, family_of, without
from tariff.explain.trace import Trace

FAMILIES = (("diagnosis", "diag_", True), ("procedure", "oper_", False))


@dataclass(frozen=True)
class Outcome:
    """A grouping and a price at it. `code` is the one taken away, empty for the spell as it is."""

    what: str
    code: str
    hrg: str | None
    pre_mff: int | None
    total: int | None
    complete: bool


def one_code_fewer(trace: Trace) -> list[Outcome]:
    """Give the spell as it is, then without each of its codes, priced at the HRG grouped."""
    variants: list[tuple[str, str, list[Row]]] = [("", "", trace.rows)]
    for what, prefix, keep_first in FAMILIES:
        seen: dict[str, None] = {}
        for row in trace.rows:
            for position, code in family_of(row, prefix):
                if not (keep_first and position == 1):
                    seen[code] = None
        for code in seen:
            rows = [without(row, prefix, code, keep_first=keep_first) for row in trace.rows]
            variants.append((what, code, rows))
    numbered = [
        row | {"spell_id": f"{number:06}"}
        for number, (_, _, rows) in enumerate(variants)
        for row in rows
    ]
    frame = read_frame([batch_of(numbered, trace.fields)], trace.fields)
    stages = Stages(trace.options.year, trace.options.mff, "grouped")
    spells = spells_table(run_stages(trace.columns.rulebook, frame, stages).columns).to_pylist()
    outcomes = [
        Outcome(
            what,
            code,
            spell["hrg"],
            spell["pre_mff_pence"],
            spell["total_pence"],
            spell["complete"],
        )
        for (what, code, _), spell in zip(variants, spells, strict=True)
    ]
    agree.same("the spell grouped by itself", outcomes[0].hrg, trace.spell["hrg"])
    return outcomes
