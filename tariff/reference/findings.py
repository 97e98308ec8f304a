"""The findings of a rule: its hits with their values, less those that it is not about."""

from __future__ import annotations

from collections.abc import Sequence

from tariff.packs.model import Rule
from tariff.reference.care import Care
from tariff.reference.finding import Finding
from tariff.reference.match import Hit, tiers_of
from tariff.reference.remedies import Lists, Remedies, text_of
from tariff.reference.world import Entry, World

OTHER_FACTOR = {"mff_of_other_year", "mff_of_successor"}


def findings_of(
    care: Care, world: World, rule: Rule, hits: Sequence[Hit], held: Lists
) -> list[Finding]:
    """Value the hits of a rule; leave out those that its direction or its least value do."""
    entries = {entry.ref: entry for entry in world.entries}
    plain_rules = {each.key: each for each in tiers_of(rule)}
    found: list[Finding] = []
    asked: set[tuple[object, ...]] = set()
    for hit in hits:
        finding = Finding(
            plain_rules[hit.rule],
            tuple(entries[ref] for ref in hit.records),
            None if hit.kept is None else entries[hit.kept],
            None if hit.partner is None else entries[hit.partner],
        )
        if finding.rule.remedy.what == "mff" and _second_hand(care, finding.records[0]):
            cause = tuple(finding.records[0].get(n) for n in ("provider", "tariff_year"))
            if cause in asked:  # one question a provider and year
                continue
            asked.add(cause)
            finding.why = "only another year's factor is held"
        else:
            Remedies(care, world, held).value(finding)
        if finding.stands and _of_interest(finding):
            found.append(finding)
    return found


def _of_interest(finding: Finding) -> bool:
    value, rule = finding.value, finding.rule
    if value is None:
        return True
    if abs(value) < rule.min_value * 100:
        return False
    return {"over": value > 0, "under": value < 0}.get(rule.direction, True)


def _second_hand(care: Care, entry: Entry) -> bool:
    """Say whether the factor of a record is another year's, or a successor's."""
    if entry.kind == "spells":
        reasons = care.price(
            care.spell(entry.ref), text_of(entry, "priced_hrg"), None
        ).price_reasons
    else:
        row = care.others[entry.source, entry.kind][entry.place]
        price = care.price_row(entry.kind, row, care.fields[entry.source, entry.kind], None)
        reasons = None if price is None else price.price_reasons
    return bool(OTHER_FACTOR & set((reasons or "").split()))
