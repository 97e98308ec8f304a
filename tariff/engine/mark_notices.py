"""What the manifest says of exclusion and best practice: counts, codes not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from tariff.engine.columns import SpellColumns
from tariff.engine.exclusions import exclusions
from tariff.engine.flags import flags
from tariff.engine.marking import mark_rules
from tariff.engine.members import Members
from tariff.engine.payments import payments
from tariff.engine.spell_codes import last_code
from tariff.engine.top_ups import top_ups
from tariff.extract.rejects import masked
from tariff.packs.best_practice import CRITERIA
from tariff.packs.compile import NULL64

SHOWN = 5
WHOLLY = 2  # of `Marks.exclusion`


def exclusion_counts(columns: SpellColumns) -> dict[str, int]:
    """Count spells excluded, whole and in part, and episodes by the place of the mark."""
    given = columns.price_input
    rules = mark_rules(columns.rulebook).exclusions
    found = exclusions(rules, Members.of(columns.spells), given.year, given.years)
    return {
        "spells": int((found.state == 2).sum()),
        "spells_in_part": int((found.state == 1).sum()),
        **{f"episodes_marked_{place}": found.marks.get(place, 0) for place in ("first", "last")},
    }


def mark_notices(columns: SpellColumns) -> list[str]:
    """Say which flags, services and payments of the extract the year of the spell does not have."""
    return [
        *(
            f"{what} that the year of the spell does not have: {_listed(codes)}"
            for what, codes in _unknown(columns)
            if codes
        ),
        *_criteria_notice(columns),
        *_excluded_notice(columns),
    ]


def _criteria_notice(columns: SpellColumns) -> list[str]:
    """Name what is said of best practice criteria and means nothing."""
    met, said = last_code(Members.of(columns.spells), "best_practice_met")
    counts = np.bincount(met, minlength=len(said))
    codes = Counter(
        {
            value: int(count)
            for value, count in zip(said, counts, strict=True)
            if value and count and value not in CRITERIA
        }
    )
    if not codes:
        return []
    return [
        "Best practice criteria (best_practice_met) that are not known, as if nothing were said: "
        f"{_listed(codes)}"
    ]


def _excluded_notice(columns: SpellColumns) -> list[str]:
    """Say how much was billed for spells that have no national price."""
    billed = columns.number("billed")
    money = (columns.marks.exclusion == WHOLLY) & (billed != NULL64) & (billed != 0)
    if not money.any():
        return []
    return [
        f"Spells outside the national tariff (local price path): {int(money.sum()):,}, billed "
        f"£{int(billed[money].sum()) / 100:,.2f}. Their price is not checked."
    ]


def _unknown(columns: SpellColumns) -> Iterator[tuple[str, Counter[str]]]:
    rules, members = mark_rules(columns.rulebook), Members.of(columns.spells)
    given, tariff = columns.price_input, columns.prices.tariff
    fields = columns.frame.fields
    if "best_practice_flags" in fields:
        yield "Best practice flags", flags(rules.flags, members, given, tariff).unknown
    if "specialised_services" in fields:
        yield "Specialised services", top_ups(rules.top_ups, members, given, tariff).codes
    if "best_practice_payments" in fields:
        nowhere = np.full(len(members), -1, np.int16)
        priced = np.ones(len(members), bool)
        found = payments(rules.payments, members, tariff, given.hrg, nowhere, [], priced)
        yield "Best practice payments", found.codes


def _listed(codes: Counter[str]) -> str:
    """Give codes and how many spells have each, the most frequent first."""
    ordered = sorted(codes.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{masked(code, 'code')} ({count:,})" for code, count in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        shown.append(f"and {len(ordered) - SHOWN:,} more")
    return ", ".join(shown) + "."
