"""Predicates, bounds and remedies of rules in plain English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tariff.packs.match_fields import MATCH_FIELDS, MatchField, scaled
from tariff.packs.model import (
    Applies,
    Every,
    Negation,
    Operand,
    Pairing,
    Predicate,
    Remedy,
    Rule,
    Same,
    SetKey,
    Some,
    Test,
)
from tariff.report.text import long_date, pounds, sentence_list
from tariff.schemas import MFF_UNIT

LISTED = 12  # codes of a list that are written out

_NAMES = {
    "hrg": "HRG that the engine grouped",
    "hrg_root": "root of the HRG that the engine grouped",
    "priced_hrg": "HRG that is priced",
    "priced_root": "root of the HRG that is priced",
    "billed_hrg": "billed HRG",
    "mff": "market forces factor",
    "billed_mff": "billed market forces factor",
    "billed_mff_amount": "billed market forces amount",
    "pre_mff": "price before MFF",
    "base": "base price",
    "total": "price",
    "short_stay": "short stay reduction",
    "short_stay_eligible": "reduced short stay price",
    "long_stay": "long stay payment",
    "billed": "billed amount",
    "gp_practice": "GP practice",
    "activity_month_end": "end of the month it was billed in",
    "patient_id": "patient",
}
_COMPARED = {"at_least": "at least", "at_most": "at most", "above": "above", "below": "below"}
_DATED = {
    "at_least": "on or after",
    "at_most": "on or before",
    "above": "after",
    "below": "before",
    "equals": "on",
}

Line = tuple[int, str]  # depth and words


def field_name(name: str) -> str:
    """Give a field in words."""
    return _NAMES.get(name, name.replace("_", " "))


def decimal(factor: int | Decimal) -> str:
    """Give a factor, in units of 1e-9 where it is an integer, without trailing zeros."""
    value = Decimal(factor) / MFF_UNIT if isinstance(factor, int) else factor
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def days(count: int) -> str:
    """Give a number of days."""
    return f"{count:,} day{'' if abs(count) == 1 else 's'}"


def _shown(field: MatchField, value: int) -> str:
    """Give a number in the unit of a field."""
    if field.kind == "money":
        return pounds(value)
    if field.kind == "date":
        return long_date((date(1970, 1, 1) + timedelta(days=value)).isoformat())
    if field.kind == "flag":  # short_stay_eligible, the only one
        return "due" if value else "not due"
    if field.unit == "1e-9":
        return decimal(value)
    if field.unit == "days":
        return days(value)
    unit = field.unit.removesuffix("s") if abs(value) == 1 else field.unit
    return f"{value:,} {unit}".rstrip()


def _difference(field: MatchField, value: int) -> str:
    return days(value) if field.kind == "date" else _shown(field, value)


def codes(values: Sequence[str]) -> str:
    """Give codes, the first of them where they are many."""
    if len(values) > LISTED:
        return f"{', '.join(values[:LISTED])} and {len(values) - LISTED:,} more"
    return " or ".join(part for part in (", ".join(values[:-1]), *values[-1:]) if part)


def span(low: int | None, high: int | None) -> str:
    """Give a range of which at most one end is open."""
    if low is not None and high is not None:
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return f"{low:,} or more" if low is not None else f"{high:,} or less"


@dataclass(frozen=True)
class Reader:
    """Reads the predicates of one rule. `sides` name the two records of a pair."""

    params: Mapping[str, Decimal]
    lists: Mapping[str, Sequence[str]]
    sides: tuple[str, str] | None = None

    def lines(self, predicate: Predicate, depth: int = 0) -> list[Line]:
        """Give a predicate as lines, its parts below it."""
        match predicate:
            case Every(parts):
                return self._parts("all of these hold", parts, depth)
            case Some(parts):
                return self._parts("any of these holds", parts, depth)
            case Negation(part):
                if isinstance(part, Test | Same):
                    return [(depth, f"it is not so that {self.sentence(part)}")]
                return [(depth, "it is not so that"), *self.lines(part, depth + 1)]
            case _:
                return [(depth, self.sentence(predicate))]

    def _parts(self, words: str, parts: Sequence[Predicate], depth: int) -> list[Line]:
        if not parts:
            return [(depth, "always")]
        if len(parts) == 1:
            return self.lines(parts[0], depth)
        below = [line for part in parts for line in self.lines(part, depth + 1)]
        return [(depth, f"{words}:"), *below]

    def top(self, predicate: Predicate) -> list[Line]:
        """Give the outermost predicate; that all of its parts must hold goes without saying."""
        if isinstance(predicate, Every):
            return [line for part in predicate.parts for line in self.top(part)]
        return self.lines(predicate)

    def sentence(self, predicate: Test | Same) -> str:
        """Give one comparison as a sentence."""
        if isinstance(predicate, Same):
            return f"both have the same {field_name(predicate.field)}"
        field = MATCH_FIELDS[predicate.field]
        words = self._says(predicate, field)
        if words.startswith("is ") and predicate.field.endswith(("_days", "_rows")):
            words = f"are {words.removeprefix('is ')}"
        return f"{self._subject(predicate.field, predicate.side)} {words}"

    def _subject(self, name: str, side: int) -> str:
        words = f"the {field_name(name)}"
        return words if self.sides is None else f"{words} of {self.sides[side]}"

    def _says(self, test: Test, field: MatchField) -> str:
        match test.operation:
            case "in":
                one = len(test.codes) == 1
                return f"is {test.codes[0]}" if one else f"is one of {codes(test.codes)}"
            case "starts":
                return f"begins with {codes(test.codes)}"
            case "list":
                values = [str(code) for code in self.lists.get(test.codes[0], ())]
                return f"is in the list {test.codes[0].replace('_', ' ')} ({codes(values)})"
            case "missing":
                return "is empty"
            case "present":
                return "is filled in"
            case "equals":
                if field.kind == "date":
                    return f"is on {self._operand(test.operand, field)}"
                return f"is {self._operand(test.operand, field)}"
            case "differs":
                words = f"differs from {self._operand(test.operand, field)}"
                return words + (f" by more than {self._by(test.by, field)}" if test.by else "")
        compared = _DATED if field.kind == "date" else _COMPARED
        return f"is {compared[test.operation]} {self._operand(test.operand, field)}"

    def _by(self, operand: Operand, field: MatchField) -> str:
        if operand.kind == "param":
            return self._param(operand, field, difference=True)
        return _difference(field, int(operand.value) + operand.plus)

    def _operand(self, operand: Operand | None, field: MatchField) -> str:
        assert operand is not None
        if operand.kind == "constant":
            return _shown(field, int(operand.value) + operand.plus)
        if operand.kind == "param":
            return self._param(operand, field)
        words = self._subject(operand.value, operand.side)
        if operand.plus:
            sign = "plus" if operand.plus > 0 else "less"
            words += f" {sign} {_difference(field, abs(operand.plus))}"
        return words

    def _param(self, operand: Operand, field: MatchField, *, difference: bool = False) -> str:
        units = scaled(field, self.params[operand.value])
        assert units is not None
        shown = (_difference if difference else _shown)(field, units + operand.plus)
        return f"{shown} (parameter {operand.value})"


def names_of_sides(rule: Rule) -> tuple[str, str] | None:
    """Say how the two records of a rule are called."""
    if rule.pairing is not None:
        return "the previous spell", "the current spell"
    if rule.set_key is not None and rule.set_key.of == "spells":
        return "the spell that is kept", "the other spell"
    return None


def scope_lines(rule: Rule) -> list[Line]:
    """Say which records a rule looks at, and how they stand to each other."""
    if rule.pairing is not None:
        return _pairing(rule.pairing)
    if rule.set_key is not None:
        return _set(rule.set_key)
    return [(0, "each spell by itself")]


def _pairing(pairing: Pairing) -> list[Line]:
    same = sentence_list([field_name(name) for name in pairing.same])
    lines = [
        (0, f"two spells with the same {same}; the previous one is the one admitted first"),
    ]
    low, high = pairing.gap_min, pairing.gap_max
    between = "from the discharge of the previous to the admission of the current"
    if low is not None and high is not None:
        lines.append((0, f"{low:,} to {days(high)} {between}"))
    elif low is not None:
        lines.append((0, f"at least {days(low)} {between}"))
    elif high is not None:
        lines.append((0, f"at most {days(high)} {between}"))
    if pairing.overlap_min is not None:
        lines.append((0, f"the two stays overlap by at least {days(pairing.overlap_min)}"))
    if pairing.contains:
        lines.append((0, "the current stay lies wholly inside the previous one"))
    return lines


def _set(key: SetKey) -> list[Line]:
    if key.of == "episodes":
        return [(0, "two rows of a spell that are the same in every field")]
    same = sentence_list([field_name(name) for name in key.key])
    kept = "the dearest one is" if key.keep == "dearest" else "the first one is"
    return [(0, f"spells with the same {same}; {kept} kept, each other one is looked at")]


def dates_of(applies: Applies) -> str:
    """Say for which records a rule is in force, by date; empty where it always is."""
    what = "discharged" if applies.on == "discharge_date" else "admitted"
    first = long_date(applies.from_.isoformat()) if applies.from_ else ""
    last = long_date(applies.to.isoformat()) if applies.to else ""
    if first and last:
        return f"{what} from {first} to {last}, or without that date"
    if first:
        return f"{what} on or after {first}, or without that date"
    return f"{what} on or before {last}, or without that date" if last else ""


def remedy(rule: Rule) -> str:
    """Say what would be allowed if a finding stands."""
    made = rule.remedy
    copies = rule.set_key is not None and rule.set_key.of == "episodes"
    match made.kind:
        case "not_payable":
            return "Nothing: the record is not payable, and all that was billed for it is in doubt."
        case "keep_one":
            if copies:
                return "The row once; what its exact copies bill again is in doubt."
            return "The record that is kept; what was billed for each other one is in doubt."
        case "merge_and_regroup":
            return (
                "One spell: the spells are put together, grouped and priced as one stay. Where "
                "grouping is not official, that stay is priced at the dearest of the HRGs its "
                "parts were priced at and the one regrouped, so that a reconstruction never "
                "raises a claim."
            )
        case "edit_and_regroup":
            return f"The price of the same record with {_edits(made)}."
        case "cap_units":
            return (
                "What was billed less the per-day rate of each "
                f"{field_name(made.what).removesuffix('s')} above those the engine works out."
            )
        case "reprice":
            return {
                "price": "The engine's price of the same record.",
                "short_stay": "The engine's price, reduced where the short stay price is due.",
                "mff": (
                    "The billed price before MFF times the factor of the provider and year. Where "
                    "only another year's factor is held, it is a question without a value."
                ),
            }.get(made.what, f"The same record with its {field_name(made.what)} put right.")
        case "query":
            return "It is a question: nothing is claimed."
    return f"As agreed: {made.kind.replace('_', ' ')}. No value is worked out."


def _edits(made: Remedy) -> str:
    return sentence_list([f"{field_name(name)} {value}" for name, value in made.set])
