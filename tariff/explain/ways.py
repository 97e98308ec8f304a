"""The part of an HRG's page that tells what leads to it: codes, injuries, services, redirects.

All of it by the newest grouper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tariff.explain.drivers import service_name
from tariff.explain.page import Page
from tariff.explain.redirects import asks, of_sets
from tariff.explain.words import codes, span
from tariff.packs.compile import Rulebook
from tariff.packs.grouping import Classification, Grouper, longest_prefix
from tariff.report.text import PROVENANCE_MEANING, counted, sentence_list

CODES_SHOWN = 24
LINES_SHOWN = 12
Row = Mapping[str, str]


def tell(page: Page, rulebook: Rulebook, hrg: str) -> None:
    """Add what leads to an HRG or a root."""
    grouper, root = rulebook.groupers[-1], hrg[:4]
    unbundled = _unbundled(rulebook, hrg)
    if unbundled:
        page.heading(f"Unbundled: what leads to {hrg}")
        page.say("It stands beside the HRG of an episode and does not change it.")
        page.bullets(_first(unbundled))
    if not unbundled or root in grouper.root_ids:
        _codes(page, grouper, root)
    _other_ways(page, grouper, root)
    _redirects(page, grouper, root)


def _first(lines: Sequence[str]) -> list[str]:
    more = len(lines) - LINES_SHOWN
    return [*lines[:LINES_SHOWN], *([f"and {more:,} more"] if more > 0 else [])]


def _doubted(row: Row) -> str:
    return f" (in doubt: {row['note'] or 'no reason is given'})" if row["doubt"] else ""


# ---------------------------------------------------------------- codes


def _codes(page: Page, grouper: Grouper, root: str) -> None:
    page.heading(f"Codes that lead to {root}")
    roots = grouper.used[2]
    page.say(
        f"By the tables of {roots.id} ({roots.manifest.provenance}: "
        f"{PROVENANCE_MEANING[roots.manifest.provenance]}). A code is read by its longest prefix; "
        "a code marked ? is in doubt."
    )
    page.bullets(
        [
            line
            for what, table, classification in (
                ("diagnoses", grouper.diagnosis_table, grouper.icd10),
                ("procedures", grouper.procedure_table, grouper.opcs4),
            )
            for line in _led(what, table, classification, root, grouper)
        ]
    )


def _led(
    what: str,
    table: dict[str, list[str]],
    classification: Classification,
    root: str,
    grouper: Grouper,
) -> list[str]:
    """Lines of the prefixes that lead to a root, by the ages they do it for."""
    prefixes = {code: index for index, code in enumerate(table["code"])}
    led: dict[int, int] = {}
    for code in classification.codes:
        row = longest_prefix(code, prefixes)
        if row >= 0 and root in (table["root"][row], table["root_child"][row]):
            led[row] = led.get(row, 0) + 1
    by_age: dict[str, list[int]] = {}
    for row in sorted(led, key=table["code"].__getitem__):
        by_age.setdefault(_ages(table, row, root, grouper), []).append(row)
    lines = []
    for ages, rows in by_age.items():
        shown = [table["code"][row] + ("?" if table["doubt"][row] else "") for row in rows]
        more = f" and {len(shown) - CODES_SHOWN:,} more" if len(shown) > CODES_SHOWN else ""
        lines.append(
            f"{what}{ages}: {counted(len(rows), 'prefix', 'prefixes')} with "
            f"{counted(sum(led[row] for row in rows), 'valid code')}: "
            f"{', '.join(shown[:CODES_SHOWN])}{more}"
        )
    return lines or [f"{what}: none"]


def _ages(table: dict[str, list[str]], row: int, root: str, grouper: Grouper) -> str:
    child = grouper.roots_manifest.child_max_age
    if table["root"][row] != root:
        return f" up to {child} years"
    if table["root_child"][row] and table["root_child"][row] != root:
        return f" above {child} years"
    return ""


# ---------------------------------------------------------------- injuries, services, short stays


def _other_ways(page: Page, grouper: Grouper, root: str) -> None:
    lines = []
    if root in grouper.trauma_names:
        lines.append(
            "multiple trauma: the primary diagnosis is an injury, and another site is injured "
            f"beside it; the rows of {sentence_list(list(grouper.trauma_names))} are tried in "
            "that order"
        )
    if root in grouper.burn_names:
        lines.append(
            "a deep burn among the diagnoses, multiple trauma aside; the rows of "
            f"{sentence_list(list(grouper.burn_names))} are tried in that order"
        )
    for service, led in grouper.service_roots.items():
        if led == root:
            classes = codes([str(code) for code in grouper.same_day_classifications])
            lines.append(
                f"a day of nothing but {service_name(service)}: stay 0, patient classification "
                f"{classes}, and no procedure that drives"
            )
    if root in grouper.short_stay_roots:
        most = grouper.roots_manifest.short_stay_max
        lines.append(
            f"its procedures drive only where the stay is {span(None, most)}, or not known"
        )
    if lines:
        page.heading(f"Other conditions of {root}")
        page.bullets(lines)


# ---------------------------------------------------------------- redirects


def _redirects(page: Page, grouper: Grouper, root: str) -> None:
    for heading, here, there, word in (
        (f"Redirects to {root}", "to", "root", "from"),
        (f"Redirects from {root}, in order", "root", "to", "to"),
    ):
        same: dict[str, list[str]] = {}  # what they ask: the other roots
        for row in grouper.redirects:
            if row[here] == root != row[there]:
                asked = ("; ".join(asks(row)) or "always") + _doubted(row)
                same.setdefault(asked, []).append(row[there])
        if same:
            page.heading(heading)
            page.bullets(
                _first(
                    [
                        f"{word} {sentence_list(list(dict.fromkeys(others)))}: {asked}"
                        for asked, others in same.items()
                    ]
                )
            )


# ---------------------------------------------------------------- unbundled HRGs


def leads_unbundled(rulebook: Rulebook, hrg: str) -> bool:
    """Say whether a name is of an unbundled HRG or the root of some."""
    return len(hrg) >= 4 and bool(_unbundled(rulebook, hrg))


def _unbundled(rulebook: Rulebook, hrg: str) -> list[str]:
    """Give the procedures and days that lead to an unbundled HRG, or to those of a root."""
    grouper = rulebook.groupers[-1]
    services = grouper.service_pack
    if services is None:
        return []
    columns = rulebook.packs.by_id(services.id).tables["unbundled"].columns
    of_hrg: dict[str, dict[str, list[str]]] = {}  # what they ask beside: the procedures
    for cells in zip(*columns.values(), strict=True):
        row = dict(zip(columns, cells, strict=True))
        beside = f"; with {of_sets(row['with_codes'])}" if row["with_codes"] else ""
        of_hrg.setdefault(row["hrg"], {}).setdefault(beside + _doubted(row), []).append(row["code"])
    if services.palliative_hrg is not None:
        of_hrg.setdefault(services.palliative_hrg, {})[""] = ["palliative care days"]
    ages = [(row["hrg"], row["to"], _age(row)) for row in grouper.unbundled_ages]
    named = [(name, name, "") for name in of_hrg] + [age for age in ages if age[0] in of_hrg]
    return [
        f"{name}: {codes(led)}{beside}{age}"
        + ("; once a rehabilitation day" if base in services.by_rehabilitation_day else "")
        for base, name, age in named
        if name.startswith(hrg)
        for beside, led in of_hrg[base].items()
    ]


def _age(row: Row) -> str:
    low, high = row["age_min"], row["age_max"]
    return f"; age {span(int(low) if low else None, int(high) if high else None)}"
