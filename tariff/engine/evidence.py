"""What a finding shows of its records, and of the record they were compared with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from functools import cache

import numpy as np

from tariff.engine.amounts import decimal_factor
from tariff.engine.price import EPOCH
from tariff.engine.record_set import Block, RecordSet
from tariff.engine.select import looked_at
from tariff.engine.valued import Valued
from tariff.packs.compile import NULL64
from tariff.packs.match_fields import MATCH_FIELDS
from tariff.packs.model import (
    Every,
    Join,
    Negation,
    Operand,
    Predicate,
    Rule,
    Same,
    Shares,
    Some,
    Test,
)
from tariff.packs.needs import fields_of_operand
from tariff.schemas import MFF_UNIT

Lines = list[list[str]]

# identifiers of people never leave in evidence; the records are named by their own numbers
_PRIVATE = frozenset(
    {"patient_id", "spell_id", "attendance_id", "line_id", "period_id", "record_id", "provider"}
)
_FIRST = {
    "spells": ("admission_date", "discharge_date", "priced_hrg"),
    "attendances": ("attendance_date", "priced_hrg"),
    "emergency": ("arrival_date", "priced_hrg"),
    "critical_care": ("start_date", "end_date"),
    "lines": ("start_date", "end_date", "priced_hrg"),
}  # shown of each kind, whatever the rule looks at
MINUTES = 24 * 60
_SHOWN = 20  # values of a field of several


class Texts:
    """Texts of the records that are named, read many at a time."""

    def __init__(self, records: RecordSet, named: Iterable[int]) -> None:
        self.records = records
        self._places: dict[int, tuple[Block, int]] = {}  # record: its block, and place in a batch
        self._which: dict[int, list[int]] = {}  # by block
        for record in sorted(set(named)):
            block, place = records.place(record)
            mine = self._which.setdefault(id(block), [])
            self._places[record] = block, len(mine)
            mine.append(place)
        self._texts: dict[tuple[int, str], list[str | None]] = {}
        self._keys: dict[int, list[str]] = {}

    def text(self, name: str, record: int) -> str | None:
        """Give a code of a record, None where it is missing or the kind has none such."""
        block, place = self._places[record]
        key = id(block), name
        if key not in self._texts:
            which = np.array(self._which[id(block)], np.int64)
            self._texts[key] = (
                block.texts(name, which).to_pylist() if block.is_code(name) else [None] * len(which)
            )
        return self._texts[key][place]

    def kind(self, record: int) -> str:
        """Give the kind of a record."""
        return self._places[record][0].kind

    def source(self, record: int) -> str:
        """Give where a record is from."""
        return self._places[record][0].source

    def key(self, record: int) -> str:
        """Give the key of a record: kind, provider and number, or register and line."""
        block, place = self._places[record]
        if id(block) not in self._keys:
            self._keys[id(block)] = block.record_keys(np.array(self._which[id(block)], np.int64))
        return self._keys[id(block)][place]

    def shown(self, name: str, record: int) -> str | None:
        """Give the value of a field as a reader writes it."""
        block, _ = self._places[record]
        if block.is_code(name):
            return self.text(name, record)
        place = self._which[id(block)][self._places[record][1]]
        if block.is_many(name):
            return _several(block, name, place)
        value = int(block.number(name)[place])
        return None if value == NULL64 else written(name, value)


def _several(block: Block, name: str, place: int) -> str | None:
    start, ids, values = block.many(name)
    found = [values[code] for code in ids[start[place] : start[place + 1]].tolist()]
    texts = list(dict.fromkeys(text for text in found if text))
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more if texts else None


def written(name: str, value: int) -> str:
    """Write a number in the unit of its field."""
    field = MATCH_FIELDS[name]
    if field.kind == "date":
        return (EPOCH + timedelta(days=value)).isoformat()
    if name.endswith("_time"):  # minutes from midnight
        return clock(value)
    if name.endswith("_at"):
        day, minute = divmod(value, MINUTES)
        return f"{(EPOCH + timedelta(days=day)).isoformat()} {clock(minute)}"
    if field.kind == "money":
        return f"{value / 100:,.2f}"
    if field.kind == "flag":
        return "yes" if value else "no"
    return decimal_factor(value) if field.scale == MFF_UNIT else str(value)


def clock(minute: int) -> str:
    """Write a time of day."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


@cache
def label_of(name: str) -> str:
    """Give what a reader calls a field: its title, or its name where the title lists its codes."""
    title = MATCH_FIELDS[name].title
    if re.match(r"\d|Y |[a-z]", title):
        return name.replace("_", " ").capitalize()
    return re.split("[:;]", title)[0]


def evidence(texts: Texts, finding: Valued) -> Lines:
    """Give label and value of what the rule looks at."""
    kinds = dict.fromkeys(texts.kind(record) for record in finding.records)
    first = [name for kind in kinds for name in _FIRST.get(kind, ())]
    lines: Lines = []
    for name in dict.fromkeys([*first, *looked_at(finding.rule), "billed"]):
        if name in _PRIVATE:
            continue
        values = [texts.shown(name, record) for record in finding.records]
        if any(value is not None for value in values):
            lines.append([label_of(name), " | ".join(value or "–" for value in values)])
    if finding.kept is not None and len(finding.records) > 1:
        lines.append(["Kept", texts.text("record_id", finding.kept) or ""])
    past = [r for r in finding.records if texts.source(r) != "extract"]
    past = [] if finding.rule.source != "extract" else past
    if past:
        lines.append(["Paid earlier", ", ".join(texts.key(record) for record in past)])
    if finding.partner >= 0:
        lines += _of_partner(texts, finding.partner, partner_fields(finding.rule))
    return lines


def _of_partner(texts: Texts, partner: int, names: tuple[str, ...]) -> Lines:
    lines: Lines = [["Compared with", texts.key(partner)]]
    first = _FIRST.get(texts.kind(partner), ())
    for name in dict.fromkeys([*first, *names]):
        value = None if name in _PRIVATE else texts.shown(name, partner)
        if value is not None:
            lines.append([f"Compared with: {label_of(name)}", value])
    return lines


# ---------------------------------------------------------------- fields of a rule

_PARTNERS: dict[int, tuple[Rule, tuple[str, ...]]] = {}  # a rule is asked once a finding


def partner_fields(rule: Rule) -> tuple[str, ...]:
    """Give the fields that a rule looks at of the record it compares with, in a fixed order."""
    found = _PARTNERS.get(id(rule))
    if found is None or found[0] is not rule:
        found = _PARTNERS[id(rule)] = (rule, tuple(sorted(_of_other(rule))))
    return found[1]


def _of_other(rule: Rule) -> set[str]:
    joined = _first_join(rule.match)
    if joined is None:
        return set()
    found = {same.other or same.field for same in joined.same} | _side_0(joined.where)
    return found | _operand(rule.remedy.to)


def _first_join(predicate: Predicate) -> Join | None:
    """Give the join whose record is the partner: the first that must hold."""
    if isinstance(predicate, Join):
        return None if predicate.at_most == 0 else predicate
    if isinstance(predicate, Every):
        return next(filter(None, map(_first_join, predicate.parts)), None)
    return None


def _side_0(predicate: Predicate) -> set[str]:
    match predicate:
        case Test():
            own = set() if predicate.side else {predicate.field}
            return own | _operand(predicate.operand) | _operand(predicate.by)
        case Same() | Shares():
            return {predicate.field}
        case Every(parts) | Some(parts):
            return set().union(*map(_side_0, parts)) if parts else set()
        case Negation(part):
            return _side_0(part)
    return set()


def _operand(operand: Operand | None) -> set[str]:
    if operand is None or operand.side:
        return set()
    return set(fields_of_operand(operand))
