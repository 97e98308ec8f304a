"""Every problem a pack can have: its code, its weight, and what to do about it.

A code is never used for anything else, even after the check behind it is gone. The table here is
the one in `docs/pack-problems.md`. `Problems` collects those of one file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, Protocol

from tariff.errors import Problem

MAX_PER_FILE = 200  # a file with more is not one to mend line by line


@dataclass(frozen=True, slots=True)
class Kind:
    """What a code stands for. `waivable`: a pack may accept it, with a reason."""

    title: str
    advice: str
    severity: Literal["error", "warning"] = "error"
    waivable: bool = False


KINDS: dict[str, Kind] = {
    # the file
    "PK001": Kind("file cannot be read", "Check that it exists, is a file, and may be read."),
    "PK002": Kind("file too large", "YAML up to 4 MiB, tables up to 64 MiB; use a CSV for bulk."),
    "PK003": Kind("not UTF-8", "Save the file as UTF-8."),
    "PK004": Kind("empty file", "Write the manifest, the rule or the table."),
    "PK005": Kind("YAML syntax", "Mend the file at the place named; quote text with `: ` or ` #`."),
    "PK006": Kind("anchor or alias", "Write the value out in full at each place."),
    "PK007": Kind("explicit tag", "Leave the tag out: the type of a value is that of its key."),
    "PK008": Kind("more than one document", "One file holds one document: remove what follows."),
    "PK009": Kind("nested too deep", "At most 20 levels."),
    "PK010": Kind("too many values", "At most 100,000 in one YAML file; use a CSV for bulk."),
    "PK011": Kind("key is not plain text", "A key is one word of text."),
    "PK012": Kind("duplicate key", "Keep one of the two."),
    # the values
    "PK020": Kind("unknown key", "See the schema of the kind for the keys it has."),
    "PK021": Kind("missing key", "Add it."),
    "PK022": Kind("wrong type", "Write the value as the message says."),
    "PK023": Kind("not an accepted value", "Use one of those listed."),
    "PK024": Kind("malformed value", "Write it in the form the message shows."),
    "PK025": Kind("empty value", "Give a value, or leave the key out where it is optional."),
    "PK026": Kind("table name refused", "Name a `.csv` file in the pack's own folder."),
    "PK027": Kind("keys do not agree", "See the message: one key rules out or asks for another."),
    # rules
    "PK100": Kind("file name of a rule", "Name the file `<id>-<name>.yaml`."),
    "PK101": Kind("malformed predicate", "See docs/signatures.md, Predicates."),
    "PK102": Kind("unknown field", "See docs/signatures.md and docs/fields.md for the fields."),
    "PK103": Kind("unknown list", "Add the list to `lists` of the pack, or mend its name."),
    "PK104": Kind("unknown parameter", "Add it to `params` of the rule, or mend its name."),
    "PK105": Kind("comparison does not fit the field", "Compare like with like, in one unit."),
    "PK106": Kind("key of another scope", "See docs/signatures.md, Scopes."),
    "PK107": Kind("remedy does not fit", "See docs/signatures.md, Remedies."),
    "PK108": Kind("rule id used twice", "An id is never used again: take the next number."),
    "PK109": Kind("malformed test", "See docs/signatures.md for the shape of a test."),
    "PK110": Kind("condition that can never hold", "Mend the bounds or the codes."),
    "PK111": Kind("tiers of a rule", "See docs/signatures.md, Tiers."),
    "PK112": Kind("join that cannot be made", "See docs/signatures.md, Joins."),
    # tables
    "PK200": Kind("table header", "The header must be the one that the message shows."),
    "PK201": Kind("ragged row", "Give every row as many cells as the header has."),
    "PK202": Kind("duplicate row", "Keep one of the two."),
    "PK203": Kind("bad cell", "Write the cell as the message says."),
    "PK204": Kind("table cannot be parsed", "Mend the quotes of the row."),
    "PK205": Kind("table without rows", "Add the rows."),
    # packs beside each other
    "PK300": Kind("no pack found", "Give a folder that has a `pack.yaml` in it or below it."),
    "PK301": Kind("unknown kind", "Use one of the kinds listed."),
    "PK302": Kind("two packs of one id", "Rename or remove one of them."),
    "PK303": Kind("pack within a pack", "Move the inner pack beside the outer one."),
    "PK304": Kind("reference to a missing pack", "Mend the id, or add the pack."),
    "PK305": Kind("engine version", "Use the version of tariff that the pack asks for."),
    # lint of one pack
    "PK400": Kind(
        "bounds upside down", "The lower bound must not be above the upper.", waivable=True
    ),
    "PK401": Kind(
        "CC bands of a cell", "Bands start at 0, follow each other and end open.", waivable=True
    ),
    "PK402": Kind("rows that cannot be told apart", "Give them different bounds.", waivable=True),
    "PK403": Kind("unknown condition", "Add it to `conditions`, or mend its name."),
    "PK404": Kind("HRG outside its root", "An HRG is its root and a letter.", waivable=True),
    "PK405": Kind("negative figure", "Prices, trim points and rates are not below 0."),
    "PK406": Kind("short stay price above the full price", "Check both figures.", waivable=True),
    "PK407": Kind(
        "combined beside separate prices",
        "Give the combined price or the other two.",
        waivable=True,
    ),
    "PK408": Kind("trim point below 1", "A trim point is at least one day.", waivable=True),
    "PK409": Kind("dates upside down", "`from` must not be after `to`."),
    "PK410": Kind(
        "last checked long ago", "Check the pack against its sources.", "warning", waivable=True
    ),
    "PK411": Kind(
        "factor out of range", "A market forces factor lies in 0.9 to 1.5.", waivable=True
    ),
    "PK412": Kind("code outside the classification", "Mend the code.", waivable=True),
    "PK413": Kind("group that no spell reaches", "Move it up, or remove it.", "warning", True),
    "PK414": Kind("unused condition or list", "Use it, or remove it.", "warning", waivable=True),
    "PK415": Kind("redirect that cannot be read", "Give it a condition, or mend the list."),
    "PK416": Kind("group that is not told", "Name the HRG, the column or the categories."),
    "PK417": Kind("word outside its list", "Use one of those that the message lists."),
    "PK418": Kind(
        "list of a flag that is not given", "Add the list, or mend its name.", "warning", True
    ),
    "PK419": Kind("priced and unpriced", "Check both tables.", "warning", waivable=True),
    "PK420": Kind("required text is empty", "Write it: the provider reads it."),
    "PK421": Kind("tests missing", "Give one test that finds and one that does not."),
    "PK422": Kind("word that is not neutral", "Write `appears` and `please evidence`."),
    "PK423": Kind("unused parameter", "Use it, or remove it.", "warning", waivable=True),
    "PK424": Kind("name that no table has", "Mend the name, or add the row it stands for."),
    "PK425": Kind("merger that leads nowhere", "Name the provider that took it over."),
    "PK430": Kind("lines of a contract overlap", "Let one select less, or mark it `carved_from`."),
    "PK431": Kind("line carved from another", "Name a wider line; each line has its own id."),
    "PK432": Kind("dates of a contract", "Give whole months within the financial year."),
    "PK433": Kind("gap in the dates of a line", "Give the line the months.", waivable=True),
    "PK434": Kind("plan or test of a contract", "Months add up to the annual figures of the line."),
    "PK435": Kind("agreed waiver", "Say who agreed to it, why, and until when."),
    "PK436": Kind("figure of a form is missing", "Write it in the form of the line."),
    "PK437": Kind("two local prices for one record", "Let one of them say more than the other."),
    "PK438": Kind(
        "low volume above the limit of the year", "Agree another form.", "warning", waivable=True
    ),
    "PK439": Kind("waiver of an unknown rule", "Mend the id of the rule.", waivable=True),
    "PK440": Kind("figures that look wrong", "Check them.", "warning", waivable=True),
    "PK441": Kind("unknown point of delivery", "Write the national code.", waivable=True),
    "PK442": Kind("terms of a contract on a signature", "Mend the id or the parameter."),
    "PK450": Kind(
        "rule that another one shadows", "Join the two, or tell them apart.", "warning", True
    ),
    "PK451": Kind(
        "exception or tier without a test",
        "Give a silent test for each exception, a test for each tier.",
        "warning",
        waivable=True,
    ),
    "PK490": Kind("unused waiver", "Remove it.", "warning"),
    "PK491": Kind("waiver of what cannot be waived", "Mend the problem, and remove the waiver."),
    # lint across packs
    "PK500": Kind("dates of two packs overlap", "End one where the other begins.", waivable=True),
    "PK501": Kind("root not in the design", "Mend the root, or mark it.", "warning", waivable=True),
    "PK502": Kind("HRG of a price list without label", "Add the label.", "warning", waivable=True),
    "PK503": Kind(
        "reference outside its dates", "Refer to a pack of the same dates.", waivable=True
    ),
    "PK504": Kind("provider in no table of factors", "Mend the code.", waivable=True),
    "PK505": Kind("gap between two contracts", "Let one begin as the other ends.", waivable=True),
}


class HasPosition(Protocol):
    """Anything that knows where it stands in its file, counted from 1."""

    @property
    def line(self) -> int:
        """Line in the file."""

    @property
    def column(self) -> int:
        """Column in the line."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file, counted from 1."""

    line: int = 1
    column: int = 1


START = Position()


class Problems:
    """The problems of one file, in the order found; all of them, up to a sane number."""

    def __init__(self, path: Path | str) -> None:
        self.path = shown(path)
        self.found: list[Problem] = []
        self._more = 0

    def add(self, code: str, at: HasPosition, message: str, hint: str = "") -> None:
        """Note a problem. Its severity is that of its code."""
        if len(self.found) >= MAX_PER_FILE:
            self._more += 1
            return
        kind = KINDS[code]
        self.found.append(
            Problem(self.path, at.line, at.column, code, message, hint, kind.severity)
        )

    @property
    def failed(self) -> bool:
        """Whether any of them is an error."""
        return any(problem.severity == "error" for problem in self.found)

    def sorted(self) -> list[Problem]:
        """All of them by place; one that stands for the rest where there were too many."""
        found = sorted(self.found)
        if self._more:
            last = found[-1]
            found.append(
                Problem(
                    self.path, last.line, last.column, last.code,
                    f"and {self._more} more problems in this file",
                )
            )  # fmt: skip
        return found

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.sorted())

    def __len__(self) -> int:
        return len(self.found)


def shown(path: Path | str) -> str:
    """A path as messages show it: relative where it lies below the working folder."""
    text = os.fspath(path)
    try:
        relative = os.path.relpath(text)
    except (ValueError, OSError):  # another drive, or a working folder that is gone
        return text
    return text if relative.startswith("..") else relative


def did_you_mean(word: str, known: list[str] | set[str] | frozenset[str], what: str) -> str:
    """A hint for a misspelt word: the nearest known one, or all of them where they are few."""
    names = sorted(known)
    near = get_close_matches(word, names, 1, 0.6) or get_close_matches(
        word.lower().replace("-", "_"), names, 1, 0.6
    )
    if near:
        return f"did you mean '{near[0]}'?"
    if not names:
        return f"there are no {what}"
    if len(names) <= 40:
        return f"{what}: {', '.join(names)}"
    return ""


_CHAPTERS = {
    "PK0": "Files, keys and values",
    "PK1": "Rules",
    "PK2": "Tables",
    "PK3": "Packs beside each other",
    "PK4": "Lint of one pack",
    "PK5": "Lint across packs",
}


def page() -> str:
    """The text of `docs/pack-problems.md`."""
    lines = [
        "# Problems of packs",
        "",
        "`tariff pack check` prints every problem of every file at once, as",
        "`path:line:column: CODE message`, with a hint where there is one. An error makes a pack",
        "invalid (exit 3); a warning does so with `--warnings-as-errors`. A code is never used for",
        "anything else.",
        "",
        "A pack may accept a problem whose code can be waived, for one row or, without `row`, for",
        "all. What a row is depends on the check: an HRG, a root, a code, a rule id, a pack id.",
        "",
        "```yaml",
        "waivers:",
        "  - {code: PK406, row: AA22C, reason: Printed so in Annex A.}",
        "```",
        "",
        "This page is generated from `tariff/packs/problems.py`.",
    ]
    for prefix, title in _CHAPTERS.items():
        lines += ["", f"## {title}", "", "| code | problem | what to do | |", "|---|---|---|---|"]
        for code, kind in KINDS.items():
            if code.startswith(prefix):
                notes: list[str] = [kind.severity] if kind.severity == "warning" else []
                notes += ["can be waived"] if kind.waivable else []
                lines.append(f"| {code} | {kind.title} | {kind.advice} | {', '.join(notes)} |")
    return "\n".join(lines) + "\n"
