"""Which episodes of a spell are excluded, and for what reason (docs/pricing.md, step 1)."""

from __future__ import annotations

from dataclasses import replace

from tariff.explain.areas import rows_of
from tariff.packs.load import LoadedPack
from tariff.reference.exclusions import ALL, exclusion_of
from tariff.reference.price_tables import Exclusion, PriceTables
from tariff.reference.spells import Spell


def reasons(settings: LoadedPack, rules: PriceTables, spell: Spell, year: str | None) -> list[str]:
    """Give a line for each excluded episode: its number, what excludes it, and why.

    `settings` is the pack of the points of delivery, whose table tells the reasons.
    """
    ways: list[tuple[str, tuple[Exclusion, ...], tuple[str, ...]]]
    ways = [(f"serial number with the mark {mark}", (), (mark,)) for mark in rules.serial_marks]
    ways += [
        (
            f"{row['of'].replace('_', ' ')} {row['code']}, {row['reason']}",
            (Exclusion(row["of"], row["code"], row["from_year"] or None, row["to_year"] or None),),
            (),
        )
        for row in rows_of(settings, "excluded")
    ]
    out = []
    for number, episode in enumerate(spell.episodes, 1):
        one = replace(spell, episodes=(episode,))
        found = [
            words
            for words, exclusions, marks in ways
            if exclusion_of(replace(rules, exclusions=exclusions, serial_marks=marks), one, year)
            == ALL
        ]
        if found:
            out.append(f"episode {number} ({' and '.join(found)})")
    return out
