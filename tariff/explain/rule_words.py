"""What a rule looks at and what it would allow, in plain English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tariff.explain.words import Line, Reader, article, between, days, field_name, minutes, noun
from tariff.extract.fields import REGISTERS
from tariff.packs.match_fields import FIELDS, MATCH_FIELDS
from tariff.packs.model import Applies, Edit, Operand, Pairing, Remedy, Removal, Rule, SetKey
from tariff.packs.rules import first_with
from tariff.report.text import long_date, pounds, sentence_list

_ON = {
    "discharge_date": "discharged",
    "admission_date": "admitted",
    "end_date": "that ended",
    "start_date": "that began",
}
_ON_SPELLS = {"end_date": "discharged", "start_date": "admitted"}
_AS = {"attendances": "an outpatient attendance", "emergency": "an emergency attendance"}
_DIRECTIONS = {
    "over": "Only what is billed above that is a finding.",
    "under": "Only what is billed below that is a finding.",
}


def names_of_sides(rule: Rule) -> tuple[str, str] | None:
    """Say how the two records of a rule are called."""
    name = noun(rule.of) if len(rule.of) == 1 else "record"
    if rule.pairing is not None:
        return f"the previous {name}", f"the current {name}"
    if rule.set_key is not None and not rule.set_key.copies:
        return f"the {name} that is kept", f"the other {name}"
    return None


def reader_of(rule: Rule, lists: Mapping[str, Sequence[str]]) -> Reader:
    """Give the reader of the predicates of a rule."""
    sides = names_of_sides(rule)
    own = sides[1] if sides else f"the {noun(rule.of) if len(rule.of) == 1 else 'record'}"
    return Reader(rule.params, lists, sides, own, rule.of)


def scope_lines(rule: Rule) -> list[Line]:
    """Say which records a rule looks at, and how they stand to each other."""
    name = noun(rule.of)
    if rule.pairing is not None:
        return _pairing(rule.pairing, name)
    if rule.set_key is not None:
        return _set(rule.set_key, name, Reader(rule.params, {}))
    whence = "" if rule.source == "extract" else f" of the {rule.source} record"
    return [(0, f"each {name}{whence} by itself")]


def _pairing(pairing: Pairing, name: str) -> list[Line]:
    same = sentence_list([field_name(field) for field in pairing.same])
    spells = name == "spell"
    first = "admitted first" if spells else "that begins first"
    records = "two spells" if spells else f"two records, each {article(name)},"
    begin, end = ("admission", "discharge") if spells else ("first day", "last day")
    lines = [(0, f"{records} with the same {same}; the previous one is the one {first}")]
    gap = f"from the {end} of the previous to the {begin} of the current"
    for ends, unit, what in (
        ((pairing.gap_min, pairing.gap_max), days, gap),
        ((pairing.minutes_min, pairing.minutes_max), minutes,
         "from the end of the previous to the beginning of the current"),
        ((pairing.starts_min, pairing.starts_max), days,
         f"from the {begin} of the previous to the {begin} of the current"),
    ):  # fmt: skip
        if ends != (None, None):
            lines.append((0, f"{between(*ends, unit)} {what}"))
    if pairing.overlap_min is not None:
        what = "stays" if spells else "records"
        lines.append((0, f"the two {what} overlap by {between(pairing.overlap_min, None, days)}"))
    if pairing.contains:
        what = "stay" if spells else "record"
        lines.append((0, f"the current {what} lies wholly inside the previous one"))
    return lines


def _set(key: SetKey, name: str, reader: Reader) -> list[Line]:
    if key.copies:
        rows = "two rows of a spell" if name == "spell" else f"two rows, each {article(name)}"
        return [(0, f"{rows} that are the same in every field")]
    same = sentence_list([field_name(field) for field in key.key])
    kept = "the dearest one is" if key.keep == "dearest" else "the first one is"
    records = "spells" if name == "spell" else f"records, each {article(name)},"
    lines = [(0, f"{records} with the same {same}; {kept} kept, each other one is looked at")]
    if key.near is not None:
        field, apart = key.near
        words = reader.difference(apart, MATCH_FIELDS[field])
        lines.append((0, f"of those that follow each other by {field_name(field)}, within {words}"))
    return lines


def dates_of(applies: Applies, of: tuple[str, ...] = ("spells",)) -> str:
    """Say for which records a rule is in force, by date; empty where it always is."""
    spells = _ON_SPELLS if of == ("spells",) else {}
    what = {**_ON, **spells}.get(applies.on, f"with the {field_name(applies.on)}")
    first = long_date(applies.from_.isoformat()) if applies.from_ else ""
    last = long_date(applies.to.isoformat()) if applies.to else ""
    if first and last:
        return f"{what} from {first} to {last}, or without that date"
    if first:
        return f"{what} on or after {first}, or without that date"
    return f"{what} on or before {last}, or without that date" if last else ""


# ---------------------------------------------------------------- remedies


def remedy(rule: Rule, lists: Mapping[str, Sequence[str]] | None = None) -> str:
    """Say what would be allowed if a finding stands."""
    return remedy_of(rule, rule.remedy, lists or {})


def remedy_of(rule: Rule, made: Remedy, lists: Mapping[str, Sequence[str]]) -> str:
    """Say what a remedy of a rule would allow."""
    words = _allowed(rule, made, lists)
    if rule.direction in _DIRECTIONS and made.kind != "query":
        words += f" {_DIRECTIONS[rule.direction]}"
    return words


def _allowed(rule: Rule, made: Remedy, lists: Mapping[str, Sequence[str]]) -> str:
    match made.kind:
        case "not_payable":
            if made.until:
                return f"Nothing yet: payment is suspended until {made.until.rstrip('.')}."
            return "Nothing: the record is not payable, and all that was billed for it is in doubt."
        case "keep_one":
            return _kept(rule)
        case "merge_and_regroup":
            return (
                "One spell: the spells are put together, grouped and priced as one stay. Where "
                "grouping is not official, that stay is priced at the dearest of the HRGs its "
                "parts were priced at and the one regrouped, so that a reconstruction never "
                "raises a claim."
            )
        case "edit_and_regroup":
            return f"The price of the same record with {_edits(made)}."
        case "reclassify":
            return _reclassified(rule, made)
        case "cap_units":
            if made.what == "quantity":
                to = _number(rule, made.to, "quantity", lists)
                return f"The line at {to}: what was billed in proportion to the units."
            return (
                "What was billed less the per-day rate of each "
                f"{field_name(made.what).removesuffix('s')} above those the engine works out."
            )
        case "reprice":
            return _repriced(rule, made, lists)
        case "redirect":
            return (
                "Nothing here: another payer owes it. The National Health Service as a whole is "
                "neither better nor worse off."
            )
        case "contract":
            share = rule.params[made.share]
            return f"What was billed less {share * 100:f}% of it (parameter {made.share})."
        case "query":
            return "It is a question: nothing is claimed."
    raise TypeError(made.kind)


def _kept(rule: Rule) -> str:
    if rule.set_key is not None and rule.set_key.copies:
        return "The row once; what its exact copies bill again is in doubt."
    if rule.set_key is not None:
        return "The record that is kept; what was billed for each other one is in doubt."
    join = first_with(rule.match)
    other = noun(join.of) if join is not None else "record"
    return f"The other {other} alone; what was billed for this record is in doubt."


def _repriced(rule: Rule, made: Remedy, lists: Mapping[str, Sequence[str]]) -> str:
    match made.what:
        case "price":
            return "The engine's price of the same record."
        case "short_stay":
            return "The engine's price, reduced where the short stay price is due."
        case "mff":
            return (
                "The billed price before MFF times the factor of the provider and year. Where "
                "only another year's factor is held, it is a question without a value."
            )
        case "amount":
            return f"An amount of money: {_number(rule, made.to, 'billed', lists)}."
        case "unit_price":
            price = _number(rule, made.to, "billed", lists)
            return f"The line at another price of a unit: the quantity times {price}."
        case "unbilled":
            return "The engine's price of a record that was not billed: an under-charge."
    return f"The engine's price without the {field_name(made.what)}."


def _reclassified(rule: Rule, made: Remedy) -> str:
    words = f"The price of the same care as {_AS[made.as_]}"
    if made.set:
        words += f" with {sentence_list([_edit(edit) for edit in made.set])}"
    if not made.hrg:
        words += ", grouped anew"
    if not made.price:
        return f"{words}. Where that price is not known it is a question."
    price = pounds(int(rule.params[made.price] * 100))
    return f"{words}: the local price of {price} (parameter {made.price})."


def _number(
    rule: Rule, operand: Operand | None, name: str, lists: Mapping[str, Sequence[str]]
) -> str:
    assert operand is not None
    join = first_with(rule.match)
    kinds = join.of if join is not None else ()
    other = f"the other {noun(kinds) if len(kinds) == 1 else 'record'}"
    other = "that row" if kinds and kinds[0] in REGISTERS else other
    reader = Reader(rule.params, lists, (other, f"the {noun(rule.of)}"))
    return reader.number(operand, FIELDS["lines"][name])


def _edits(made: Remedy) -> str:
    parts = [_edit(edit) for edit in made.set]
    if made.remove is not None:
        parts.append(_removed(made.remove))
    if made.swap:
        listed = made.swap.replace("_", " ")
        parts.append(
            f"its primary diagnosis in place of a secondary one of the list {listed}, whichever "
            "comes to the lowest price"
        )
    return sentence_list(parts)


def _edit(edit: Edit) -> str:
    name = field_name(edit.field)
    if edit.kind == "field":
        return f"{name} that of {field_name(edit.value)}"
    if edit.kind == "map":
        return f"{name} as the map {edit.value.replace('_', ' ')} has it"
    return f"{name} {edit.value}" if edit.value else f"no {name}"


def _removed(removal: Removal) -> str:
    listed = removal.list_.replace("_", " ")
    if removal.what == "pairs":
        words = f"the second code of each pair of the list {listed} left out"
    elif removal.list_:
        what = "secondary diagnoses" if removal.what == "diagnoses" else "procedures"
        words = f"the {what} of the list {listed} left out"
    else:
        words = "the procedures dated outside the stay left out"
    return f"{words}, each by itself, where exactly one of them lowers it" if removal.one else words
