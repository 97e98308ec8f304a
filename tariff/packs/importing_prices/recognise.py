"""Which sheet is which: by the words of its name and title, else by its headings.

Sheets are numbered anew each year, so the number counts for nothing. The first kind whose words
fit is the one; kinds without a reader only explain, or list what changed since the year before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from tariff.packs.importing_prices import (
    admitted,
    attendances,
    best_practice,
    factors,
    flags,
    listed,
    maternity,
    other,
    services,
    top_ups,
    unbundled,
    unpriced,
)
from tariff.packs.importing_prices.blocks import blocks, normal, titles
from tariff.packs.importing_prices.reading import Reading
from tariff.packs.importing_prices.sheets import Sheet

Reader = Callable[[Reading], None]


class Kind(NamedTuple):
    """A kind of sheet: the words of its name or title, and what reads it."""

    what: str
    words: str
    read: Reader | None = None
    headings: str = ""  # words that the headings of a sheet of no telling title have, in any order


KINDS = (
    Kind("contents and front page", r"^(front page|contents)( |$)|workbook - contents"),
    Kind("HRGs added or removed", r"prices (added|removed)"),
    Kind("technical notes on maternity", r"maternity.*technical"),
    Kind("definitions of maternity", r"maternity.*definitions"),
    Kind("maternity factors", r"maternity.*factors", maternity.read_factors),
    Kind("maternity prices", r"maternity (pathway|prices)", maternity.read_prices),
    Kind(
        "best practice flags: codes",
        r"(bpts?|best practice).*(opcs|icd|hrg)s? ?(codes?|hrgs?)?$|best practice.*flags.*hrgs\b",
        flags.read_lists,
        r"flag .*list.*(opcs|icd|hrg)",
    ),
    Kind(
        "best practice flags",
        r"(bpts?|best practice tariff) flags",
        flags.read_rules,
        r"bpt flag.*hrg criteria",
    ),
    Kind("best practice prices", r"\bbpts?\b|best practice tariff", best_practice.read),
    Kind("HRG-based price types", r"price types?", unpriced.read_types, r"hrg.*price type"),
    Kind("HRGs without a price", r"hrgs? with no\b", unpriced.read_hrgs, r"hrg.*mandated currency"),
    Kind(
        "treatment functions without a price",
        r"(tfcs?|treatment function codes?) with no\b",
        unpriced.read_functions,
    ),
    Kind("full unbundled HRG list", r"unbundled hrg list", unbundled.read_list, r"hrg.*rebundled"),
    Kind("non-mandatory prices", r"non-? ?mandatory|guide prices", other.read_guide),
    Kind("other prices", r"other (national|unit|mandatory)? ?prices", other.read_binding),
    Kind(
        "unbundled prices",
        r"unbundled (service|prices|diagnostic)|diagnostic imaging",
        unbundled.read_prices,
        r"hrg.*cost of reporting",
    ),
    Kind(
        "trigger codes of top-ups",
        r"opcs and icd.*top-? ?ups?|specialis\w+ service codes|sscs",
        top_ups.read_codes,
    ),
    Kind(
        "top-up rates",
        r"top-? ?up|special(ist|ised) (services? )?flags|prescribed specialised",
        top_ups.read_rates,
        r"flag.*top-? ?up",
    ),
    Kind(
        "short stay bands",
        r"short stay emergency|ssem",
        factors.read_bands,
        r"average length of stay",
    ),
    Kind(
        "service clarification",
        r"service clarification|clarification of services",
        services.read_excluded,
    ),
    Kind(
        "processing and zero prices",
        r"processing (adjustments )?and (prices|zero)",
        services.read_processed,
    ),
    Kind(
        "market forces factors",
        r"market forces|\bmff\b",
        factors.read_factors,
        r"provider code.*(mff|payment index)",
    ),
    Kind("high-cost devices", r"(high cost|hc) devices", listed.read_devices, r"device.*comments"),
    Kind("high-cost drugs", r"(high cost|hc) drugs", listed.read_drugs, r"drug name"),
    Kind("innovative products", r"innovat", listed.read_products),
    Kind(
        "admitted prices",
        r"admitted patient care|\bapc\b.*oproc",
        admitted.read,
        r"hrg.*non-elective.*(per day|per diem|daily)",
    ),
    Kind(
        "outpatient attendances",
        r"outpatient|op attendances",
        attendances.read_outpatients,
        r"wf01b",
    ),
    Kind(
        "emergency attendances",
        r"\ba ?& ?e\b|accident|emergency",
        attendances.read_emergency,
        r"type 1 (and|&) 2",
    ),
)


def kind_of(sheet: Sheet) -> Kind | None:
    """The kind of a sheet, None where nothing tells."""
    name = re.sub(r"[_\s]+", " ", sheet.name.lower()).strip()
    name = re.sub(r"^\d+[a-z]? ", "", name)
    for title in map(normal, titles(sheet) or [""]):
        for kind in KINDS:
            if re.search(kind.words, title) or re.search(kind.words, name):
                return kind
    return _by_headings(sheet)


def _by_headings(sheet: Sheet) -> Kind | None:
    for block in blocks(sheet):
        text = " ".join(normal(block.heading(at)) for at in sorted(block.headings))
        for kind in KINDS:
            if kind.headings and re.search(kind.headings, text):
                return kind
    return None
