"""Find the tables of a sheet: where a heading row stands, what stands above it, where it ends.

A sheet may hold many tables, under numbered sections, with notes between them. A heading row is
found by a name it has (`HRG code`, `Treatment function`, `Drug name`, ...), never by its place.
Headings may take two rows: a group above (`Non-elective`), or names below merged cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tariff.packs.importing_prices.cells import NotAFigureError, figure, is_dash
from tariff.packs.importing_prices.sheets import Sheet

# names that make a row a heading row, among its first two cells
_STRONG = re.compile(
    r"hrg( codes?)?|core hrg|treatment functions?( codes?)?|tfcs?( codes?)?|provider codes?"
    r"|org(anisation)? codes?|drug name|device|product|(pss )?flags?|bpt? flag.*|services?"
    r"|outpatient services|direct access|service id|code type|generic name|local tariff id code"
    r"|opcs codes?|icd codes?"
    r"|hrg average length of stay|(best practice tariff )?additional payments?"
    r"|best practice tariff (additional payments?|adjustments?)|complexity resource group"
)
# names that do so as the first cell only
_WEAK = re.compile(
    r"codes?|level|id|type|band|description|task|name|procedure|group|disease stage|item|no\.?"
)
MAX_TITLE = 150  # characters: what is longer is a paragraph
_RETURN = re.compile(r"return to (contents|top).*", re.I)
_NUMBER = re.compile(r"(\d{1,2})\.?")
_LETTERED = re.compile(r"\d{1,2}[a-z]\.?")
_NUMBERED = re.compile(r"(\d{1,2})\.\s*(\D.*)")
_SUBNUMBERED = re.compile(r"(\d{1,2}[a-z])\.\s*(.*)")


@dataclass(frozen=True, slots=True)
class Block:
    """One table: headings by column, its rows, and the section it stands in."""

    sheet: Sheet
    headings: dict[int, str]
    groups: dict[int, str]  # what stands above a heading, over several columns
    row: int  # of the headings
    rows: range  # what follows, to the next table or section
    area: str  # title of the numbered section
    title: str  # the line before the headings
    notes: list[str] = field(default_factory=list)  # lines of the section before the headings

    def cells(self, row: int) -> list[tuple[int, str]]:
        """The cells of a row that hold something, links back to the contents left out."""
        return _cells(self.sheet.rows[row])

    def heading(self, column: int) -> str:
        """A heading with its group, as shown in messages."""
        parts = (self.groups.get(column, ""), self.headings.get(column, ""))
        return ": ".join(part for part in parts if part)

    def figures(self, row: int) -> list[tuple[int, str]]:
        """The cells of a row, beyond the first column, that are numbers."""
        first = min(self.headings)
        return [(at, text) for at, text in self.cells(row) if at > first and is_figure(text)]


def is_figure(text: str) -> bool:
    """Whether a cell is a number."""
    try:
        return figure(text) is not None
    except NotAFigureError:
        return False


def normal(text: str) -> str:
    """A heading in lower case, without pound signs and with single blanks."""
    text = re.sub(r"\(?£\)?", " ", text.lower().replace("–", "-"))
    text = re.sub(r"\bnon ?- ?elective|\bnon ?elective", "non-elective", text)
    return " ".join(text.split()).strip(" *:")


def blocks(sheet: Sheet) -> list[Block]:
    """The tables of a sheet in order."""
    return list(_blocks(sheet))


def titles(sheet: Sheet) -> list[str]:
    """The first texts above the headings: the title is one of them, below a banner perhaps."""
    found: list[str] = []
    for row in sheet.rows[:20]:
        cells = _cells(row)
        if is_heading_row(cells) or len(found) > 3:
            break
        found += [text for _, text in cells if len(text) <= MAX_TITLE]
    return found[:4]


def _cells(cells: list[str]) -> list[tuple[int, str]]:
    return [(at, text) for at, text in enumerate(cells) if text and not _RETURN.fullmatch(text)]


def is_heading_row(cells: list[tuple[int, str]]) -> bool:
    """Whether the cells of a row are headings: two or more, one a known name, none a number."""
    if len(cells) < 2 or any(is_figure(text) for _, text in cells):
        return False
    names = [normal(text) for _, text in cells[:2]]
    return bool(_WEAK.fullmatch(names[0])) or any(_STRONG.fullmatch(name) for name in names)


def _section(cells: list[tuple[int, str]]) -> tuple[str, str] | None:
    """Number and title of a section line."""
    texts = [text for _, text in cells]
    if len(texts) == 1:
        for form in (_NUMBERED, _SUBNUMBERED):
            found = form.fullmatch(texts[0])
            if found:
                return found[1], found[2].strip()
    if len(texts) != 2 or is_figure(texts[1]) or is_dash(texts[1]):
        return None
    if _NUMBER.fullmatch(texts[0]) or _LETTERED.fullmatch(texts[0]):
        return texts[0].rstrip("."), texts[1]
    return None


def _blocks(sheet: Sheet) -> Iterator[Block]:
    starts: list[tuple[int, str, str, list[str]]] = []
    ends: list[int] = []  # rows at which a table before them ends
    area, title = "", ""
    notes: list[str] = []
    for row, texts in enumerate(sheet.rows):
        cells = _cells(texts)
        if not cells:
            continue
        if is_heading_row(cells):
            starts.append((row, area, title, notes))
            ends.append(row)
            notes = []
            continue
        found = _section(cells)
        if found is not None:
            ends.append(row)
            title, notes = found[1], []
            if found[0].isdigit():
                area = found[1]
        elif len(cells) == 1:
            title = cells[0][1]
            notes = [*notes, title]
    ends.append(len(sheet.rows))
    for row, area, title, notes in starts:
        end = next(end for end in ends if end > row)
        bottom, headings, over = _headings(sheet, row, end)
        groups = _groups(sheet, row, min(headings)) | over
        yield Block(sheet, headings, groups, row, range(bottom + 1, end), area, title, notes)


def _headings(sheet: Sheet, row: int, end: int) -> tuple[int, dict[int, str], dict[int, str]]:
    """The last row of the headings, the heading of each column, and what stands over it."""
    headings = dict(_cells(sheet.rows[row]))
    first = min(headings)
    below = row + 1
    merged_to = sheet.merged.get((row, first), (row, first))[0]
    if merged_to > row:
        bottom = min(merged_to, end - 1)
    else:
        names = _cells(sheet.rows[below]) if below < end else []
        fills = any(at not in headings for at, _ in names)
        is_more = (
            len(names) > 1
            and fills
            and names[0][0] > first
            and not any(is_figure(text) or len(text) > 80 for _, text in names)
        )
        bottom = below if is_more else row
    over: dict[int, str] = {}
    for more in range(row + 1, bottom + 1):
        lower = dict(_cells(sheet.rows[more]))
        if lower:
            upper = _spread(sheet, row, headings, min(lower), max(lower))
            over |= {at: upper[at] for at in lower if at in upper}
            headings |= lower
    return bottom, headings, over


def _groups(sheet: Sheet, row: int, first: int) -> dict[int, str]:
    """What stands over several columns in the row above the headings."""
    above = row - 1
    while above >= 0 and not _cells(sheet.rows[above]):
        above -= 1
    if above < max(0, row - 2):
        return {}
    cells = _cells(sheet.rows[above])
    if not cells or _section(cells) or is_heading_row(cells) or any(is_figure(t) for _, t in cells):
        return {}
    names = {at: text for at, text in cells if at > first}
    last = max((at for at, _ in _cells(sheet.rows[row])), default=0)
    return _spread(sheet, above, names, first + 1, last)


def _spread(sheet: Sheet, row: int, names: dict[int, str], first: int, last: int) -> dict[int, str]:
    """Names carried to the right: over their merged cells, else to the next name."""
    out: dict[int, str] = {}
    for at in sorted(names):
        area = sheet.merged.get((row, at))
        to = area[1] if area else min((n for n in names if n > at), default=last + 1) - 1
        for column in range(at, to + 1):
            if first <= column <= max(last, at):
                out[column] = names[at]
    return out
