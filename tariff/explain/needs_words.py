"""What a rule needs, as its page says it: columns, files beside the extract, and alternatives."""

from __future__ import annotations

from tariff.explain.words import Line, field_name, noun
from tariff.packs.match_fields import FIELDS
from tariff.packs.model import Rule
from tariff.packs.needs import column_in_words, in_words, stands_for_records
from tariff.report.text import sentence_list

_SHORT = 100  # characters of alternatives that still read well in one line

Ways = list[tuple[str, ...]]


def needs_lines(rule: Rule) -> list[Line]:
    """Say what a rule needs, of each kind of records where there are several."""
    nothing = "nothing beside provider and "
    if len(rule.of) == 1:
        return _lines(rule.needs[rule.of[0]], 0) or [(0, nothing + noun(rule.of))]
    lines: list[Line] = []
    for kind in rule.of:
        lines.append((0, f"{noun((kind,))}:"))
        lines += _lines(rule.needs[kind], 1) or [(1, nothing + "identifier")]
    return lines


def _lines(needs: tuple[str, ...], depth: int) -> list[Line]:
    ways = {need: _ways(need) for need in needs}
    kept = list(needs)
    for need in reversed(needs):  # of two that say the same the first stays
        if any(_follows(ways, need, other) for other in kept if other != need):
            kept.remove(need)
    return [line for need in kept for line in _need(need, ways[need], depth)]


def _ways(need: str) -> Ways:
    return [tuple(dict.fromkeys(way.split("+"))) for way in need.split("|")]


def _follows(ways: dict[str, Ways], need: str, other: str) -> bool:
    """Say whether what is enough for another item is always enough for this one."""
    return all(any(set(way) <= set(there) for way in ways[need]) for there in ways[other])


def _need(need: str, ways: Ways, depth: int) -> list[Line]:
    """Say one item: its columns, and their titles where they are one or alternatives."""
    words = in_words(need)
    if "+" not in need:
        if any(stands_for_records(column) for column in need.split("|")):
            return [(depth, words)]
        titles = dict.fromkeys(_title(column) for column in need.split("|"))
        return [(depth, f"{words}: {' / '.join(titles)}")]
    if len(words) <= _SHORT:
        return [(depth, words)]
    groups: dict[tuple[str, ...], Ways] = {}  # alternatives of the same records together
    for way in ways:
        groups.setdefault(tuple(dict.fromkeys(_where(column) for column in way)), []).append(way)
    if len(groups) == 1:
        return [(depth, _group(ways))]
    return [(depth, "one of:"), *((depth + 1, _group(group)) for group in groups.values())]


def _group(ways: Ways) -> str:
    """Say alternatives of the same records: what all of them need, then of what else some."""
    common = [column for column in ways[0] if all(column in way for way in ways)]
    rest = dict.fromkeys(column for way in ways for column in way if column not in common)
    parts: dict[str, list[str]] = {}
    for column in common:
        parts.setdefault(_where(column), []).append(column)
    words = " and ".join(_of_records(where, columns) for where, columns in parts.items())
    if not rest:
        return words
    of_one = all(len(set(way) - set(common)) == 1 for way in ways)
    names = [column.rpartition(":")[2] for column in rest]
    some = " or ".join(names) if of_one else f"some of {sentence_list(names)}"
    return f"{words}, and {some}" if words else some


def _of_records(where: str, columns: list[str]) -> str:
    """Say the records, and the columns of them."""
    key = [column for column in columns if stands_for_records(column)]
    names = sentence_list([column.rpartition(":")[2] for column in columns if column not in key])
    if not where:
        return names or "spells"
    if key:
        records = column_in_words(key[0])
        return f"{records} with {names}" if names else records
    whose = column_in_words(columns[0]).partition(" of ")[2]
    return f"{names} of {whose}"


def _where(column: str) -> str:
    return column.rpartition(":")[0]


def _title(column: str) -> str:
    where, _, name = column.rpartition(":")
    kind = where.rpartition("/")[2] or "spells"
    known = FIELDS[kind].get(name)
    return known.title if known is not None else field_name(name)  # diag_14, of a family
