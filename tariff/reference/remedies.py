"""What a finding is worth: what was billed less what its remedy allows.

Written from docs/signatures.md (Remedies) and docs/money.md. Of the questions of docs/money.md
those about the record, its HRG and its trim point are known here; those about criteria of best
practice and specialised services are not. Grouping tables are taken for reconstructed ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from tariff.packs.model import Every, Join, Negation, Predicate, Rule, Same, Some, Test
from tariff.reference.care import (
    Care,
    as_other_care,
    ending_last,
    total_of,
    total_of_other,
    value_of,
    with_values,
)
from tariff.reference.care import merged as as_one
from tariff.reference.edits import best_edit, edited_hrg, edits_of
from tariff.reference.exclusions import exclusion_of
from tariff.reference.facts import plain
from tariff.reference.finding import Finding
from tariff.reference.predicates import Context, number_named, operand
from tariff.reference.price import Price
from tariff.reference.spells import Spell
from tariff.reference.values import EPOCH, Value, half_up
from tariff.reference.world import Entry, World
from tariff.schemas import MFF_UNIT


@dataclass(frozen=True)
class Lists:
    """Named lists and maps of the pack of a rule."""

    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def text_of(entry: Entry, name: str) -> str | None:
    """Return a field as text."""
    value = entry.get(name)
    return None if value is None else str(value)


def factor_of(entry: Entry) -> int | None:
    """Return the factor that a record is compared at.

    That billed, else the table's; 1 where a price alone was billed, and comparisons are before MFF.
    Of a record of another file nothing was billed: the table's.
    """
    if entry.source in ("national", "earlier"):
        return entry.number("mff")
    given = [entry.get(n) for n in ("billed_total", "billed_mff_amount", "billed_mff")]
    if entry.number("billed_price") is not None and given == [None, None, None]:
        return MFF_UNIT
    billed = entry.number("billed_mff")
    return entry.number("mff") if billed is None else billed


class Remedies:
    """Values findings of one world."""

    def __init__(self, care: Care, world: World, held: Lists) -> None:
        self.care = care
        self.world = world
        self.held = held

    def value(self, finding: Finding) -> None:
        """Fill in what was billed and what is allowed."""
        remedy = finding.rule.remedy
        self._bill(finding)
        if finding.billed is None:
            finding.why = finding.why or "not billed"
            return
        if rests_on_price(finding.rule) and (why := self._doubt(finding)):
            finding.why = why
            return
        by_kind: dict[str, Callable[[Finding], None]] = {
            "not_payable": self._nothing,
            "redirect": self._nothing,
            "keep_one": self._nothing,
            "merge_and_regroup": self._merge,
            "edit_and_regroup": self._edit,
            "reclassify": self._reclassify,
            "cap_units": self._quantity if remedy.what == "quantity" else self._excess_days,
            "reprice": self._reprice,
            "contract": self._share,
        }
        if remedy.kind in by_kind:
            by_kind[remedy.kind](finding)

    def _bill(self, finding: Finding) -> None:
        """Add up what was billed for the records that are challenged."""
        key = finding.rule.set_key
        if key is not None and key.key == ("all_fields",):
            (entry,) = finding.records
            if entry.kind == "spells":
                finding.billed = self.care.spell(entry.ref).billed.duplicate_pence or 0
            else:
                finding.billed = (entry.number("billed") or 0) * (
                    entry.number("duplicate_rows") or 0
                )
            return
        amounts = [entry.number("billed") for entry in finding.challenged]
        there = [amount for amount in amounts if amount is not None]
        if finding.rule.remedy.what == "unbilled":  # what another file says of money is no bill
            finding.billed = 0
        elif amounts and len(there) == len(amounts):
            finding.billed = sum(there)

    # -- questions

    def _doubt(self, finding: Finding) -> str:
        """Say why the price of a spell may not be the one due; empty where nothing is known to."""
        for entry in finding.records:
            if entry.kind != "spells":
                continue
            spell = self.care.spell(entry.ref)
            if entry.get("billed_hrg") is None:
                return "the HRG that is priced is the engine's own, of reconstructed tables"
            if finding.rule.remedy.kind == "not_payable":
                continue  # to pay nothing asks for no price
            if exclusion_of(self.care.tables.prices, spell, text_of(entry, "tariff_year")):
                return "excluded"
            if (entry.number("billed") or 0) < 0:
                return "a credit"
            if finding.rule.remedy.kind == "reclassify":
                continue
            days = max(entry.number(n) or 0 for n in ("excess_days", "billed_excess_days"))
            reasons = (self._as_it_is(entry).price_reasons or "").split()
            if days > 0 and "trim_of_other_edition" in reasons:
                return "trim point and rate are another year's"
        return ""

    def _as_it_is(self, entry: Entry, without: str = "") -> Price:
        spell = self.care.spell(entry.ref)
        return self.care.price(spell, text_of(entry, "priced_hrg"), factor_of(entry), without)

    # -- remedies that price nothing

    def _nothing(self, finding: Finding) -> None:
        key = finding.rule.set_key
        copies = key is not None and key.key == ("all_fields",)
        kept = finding.kept if finding.kept in finding.challenged and not copies else None
        finding.allowed = 0 if kept is None else kept.number("billed")

    def _share(self, finding: Finding) -> None:
        share = number_named(finding.rule.remedy.share, self._context(finding))
        assert finding.billed is not None
        finding.allowed = finding.billed - half_up(finding.billed * share)

    def _quantity(self, finding: Finding) -> None:
        units, to = finding.one.number("quantity"), self._to(finding, "quantity")
        assert finding.billed is not None
        if units is not None and units > 0 and to is not None:
            to = min(max(to, 0), units)
            finding.allowed = half_up(Fraction(finding.billed * to, units))

    def _to(self, finding: Finding, compared: str) -> int | None:
        """Return the number of a remedy, of this record or its partner."""
        asked, this = finding.rule.remedy.to, finding.one
        assert asked is not None
        other = finding.other or Entry("", "lines", -1, {})
        found = operand(asked, compared, (other, this), self._context(finding))
        return None if found is None else half_up(found)

    def _context(self, finding: Finding) -> Context:
        return Context(self.world, finding.rule.params, self.held.lists)

    def _excess_days(self, finding: Finding) -> None:
        """Take the excess days too many off, at the rate, no more than the price is above."""
        entry = finding.one
        price, factor = self._as_it_is(entry), factor_of(entry)
        billed, due = entry.number("billed_excess_days"), entry.number("excess_days")
        if price.per_day_pence is None or factor is None or billed is None or due is None:
            finding.why = "the rate per day or the factor is not known"
            return
        assert finding.billed is not None
        over = (billed - due) * price.per_day_pence
        stated, right = entry.number("billed_price"), entry.number("pre_mff")
        if stated is not None and right is not None:
            apart = stated - right
            over = min(over, max(apart, 0)) if over > 0 else max(over, min(apart, 0))
        if stated is None:
            off = half_up(Fraction(over * factor, MFF_UNIT))
        else:  # the price with them less the price without
            off = _times(stated, factor) - _times(stated - over, factor)
        finding.allowed = finding.billed - off
        if over > 0:
            finding.allowed = max(finding.allowed, min(finding.billed, 0))

    def _reprice(self, finding: Finding) -> None:
        entry, what = finding.one, finding.rule.remedy.what
        if what == "amount":
            finding.allowed = self._to(finding, "billed")
        elif what == "unit_price":
            units, each = entry.number("quantity"), self._to(finding, "unit_price")
            finding.allowed = None if units is None or each is None else units * each
        elif what == "mff":
            price, factor = entry.number("billed_price"), entry.number("mff")
            finding.allowed = None if price is None or factor is None else _times(price, factor)
        elif entry.kind == "spells":
            finding.allowed = total_of(self._as_it_is(entry, what))
        else:
            row = dict(self.care.others[entry.source, entry.kind][entry.place])
            if what == "best_practice":
                row["best_practice_met"] = None
            finding.allowed = self._total_of_row(entry, row)

    def _total_of_row(self, entry: Entry, row: Mapping[str, Value]) -> int | None:
        fields = self.care.fields[entry.source, entry.kind] | row.keys()
        return total_of_other(self.care.price_row(entry.kind, row, fields, factor_of(entry)))

    # -- records changed

    def _new_values(self, finding: Finding) -> dict[str, str] | None:
        """Return what fields become, as it would be written; None where that is not known."""
        found: dict[str, str] = {}
        for edit in finding.rule.remedy.set:
            value: str | None = edit.value
            if edit.kind == "field":
                value = _written(finding.one, edit.value)
            elif edit.kind == "map":
                own = _written(finding.one, edit.field)
                value = self.held.maps[edit.value].get(own or "")
            if value is None:
                return None
            found[edit.field] = value
        return found

    def _edit(self, finding: Finding) -> None:
        entry, rule = finding.one, finding.rule
        values = self._new_values(finding)
        if values is None:
            finding.why = "what the field should be is not known"
            return
        set_to = {name: value_of(name, entry.kind, text) for name, text in values.items()}
        if entry.kind != "spells":
            if rule.remedy.remove is None and not rule.remedy.swap:
                row = {**self.care.others[entry.source, entry.kind][entry.place], **set_to}
                finding.allowed = self._total_of_row(entry, row)
            return
        stated = values.get("billed_hrg")
        base = with_values(self.care.spell(entry.ref), set_to)
        if rule.needs_official_grouping:
            finding.why = "needs official grouping"
            return

        def priced(spell: Spell) -> int | None:
            hrg = stated or edited_hrg(self.care, entry, spell)
            return None if hrg is None else total_of(self.care.price(spell, hrg, factor_of(entry)))

        if rule.remedy.remove is None and not rule.remedy.swap:
            finding.allowed = priced(base)
            return
        options = edits_of(rule.remedy, base, self.held.lists)
        finding.stands, finding.allowed = best_edit(rule.remedy, base, options, priced)

    def _reclassify(self, finding: Finding) -> None:
        entry, remedy = finding.one, finding.rule.remedy
        if remedy.price:
            price = half_up(number_named(remedy.price, self._context(finding)) * 100)
            finding.allowed = price if price > 0 else None
            return
        values = self._new_values(finding)
        if values is None:
            return
        hrg = text_of(entry, "priced_hrg") if remedy.hrg else None
        row = as_other_care(self.care.spell(entry.ref), remedy.as_, hrg)
        row |= {name: value_of(name, remedy.as_, text) for name, text in values.items()}
        price_of = self.care.price_row(remedy.as_, row, frozenset(row), factor_of(entry))
        finding.allowed = total_of_other(price_of)

    # -- records put together

    def _merge(self, finding: Finding) -> None:
        """Price spells as one: the dearest of the HRGs of its parts and the one regrouped."""
        if finding.rule.needs_official_grouping:
            finding.why = "needs official grouping"
            return
        past = [e.number("billed") for e in finding.records if e not in finding.challenged]
        first = finding.records[0]
        parts = [self.care.spell(entry.ref) for entry in finding.records]
        spell = as_one(parts)
        again = self.care.hrg_of(first.ref, spell, of_parts=True)
        hrgs = {text_of(entry, "priced_hrg") for entry in self._with_nights(finding.records)}
        hrgs |= {again} - {self.care.error_hrg(spell), None}
        whole = ending_last(spell, parts)
        prices = [self.care.price(whole, hrg, factor_of(first)) for hrg in sorted(hrgs, key=str)]
        if None in past or any(total_of(price) is None for price in prices):
            finding.why = "the price of one of the HRGs in question is not known"
            return
        dearest = max(prices, key=lambda price: price.base_pence or 0)
        paid = sum(amount for amount in past if amount is not None)
        finding.allowed = max((total_of(dearest) or 0) - paid, 0)

    def _with_nights(self, entries: Sequence[Entry]) -> list[Entry]:
        """Leave out day cases and regular attendances where another part is an admission."""
        groups = {group.code: group for group in self.care.tables.prices.groups}
        kept = []
        for entry in entries:
            group = groups.get(text_of(entry, "point_of_delivery") or "")
            if group is not None and group.trim != "none":
                kept.append(entry)
        return kept or list(entries)


def rests_on_price(rule: Rule) -> bool:
    """Say whether a value rests on a price of the national list."""
    kind, what = rule.remedy.kind, rule.remedy.what
    if kind in ("merge_and_regroup", "edit_and_regroup", "reclassify"):
        return True
    if kind == "cap_units":
        return what != "quantity"
    if kind == "not_payable":  # because of the HRG that is priced
        return any(_looks_at(predicate, "priced_hrg") for predicate in _predicates(rule))
    return kind == "reprice" and what not in ("mff", "amount", "unit_price")


def _predicates(rule: Rule) -> list[Predicate]:
    return [rule.match, *(exception.when for exception in rule.exceptions)]


def _looks_at(predicate: Predicate, name: str, this: int | None = None) -> bool:
    """Say whether a predicate looks at a field; in a join of this record, its side 1."""
    match predicate:
        case Test(field=found, side=side, operand=asked):
            own = found == name and this in (None, side)
            return own or (asked is not None and asked.value == name and this in (None, asked.side))
        case Same(field=found):
            return found == name
        case Every(parts) | Some(parts):
            return any(_looks_at(part, name, this) for part in parts)
        case Negation(part):
            return _looks_at(part, name, this)
        case Join(same=alike, where=where):
            return any(_looks_at(each, name) for each in alike) or _looks_at(where, name, 1)
    return False


def _times(price: int, factor: int) -> int:
    return half_up(Fraction(price * factor, MFF_UNIT))


def _written(entry: Entry, name: str) -> str | None:
    """Return a field as it would be written in a file."""
    value = entry.get(name)
    if isinstance(value, int) and name.endswith("_date"):
        return (EPOCH.fromordinal(EPOCH.toordinal() + value)).isoformat()
    return None if value is None else str(plain(value))  # type: ignore[arg-type]
