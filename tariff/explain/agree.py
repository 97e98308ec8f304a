"""The one rule of every story told here: it comes to what the engine says, or it is not told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tariff.engine.reasons import INCOMPLETE, PRICE_REASONS
from tariff.explain.beside import shown
from tariff.explain.counts import total
from tariff.explain.regroup import Regrouped
from tariff.explain.reprice import Repriced
from tariff.explain.validity import Validity
from tariff.schemas import MFF_UNIT


def same(what: str, told: object, engine: object) -> None:
    """Raise where a story comes to something else than the engine (never says of whom)."""
    if told != engine:
        raise AssertionError(f"explain and engine differ: {what}")


def validity(told: Sequence[Validity], episodes: Sequence[dict[str, Any]]) -> None:
    """Compare categories and fields in error, episode by episode."""
    same("number of episodes", len(told), len(episodes))
    for mine, engine in zip(told, episodes, strict=True):
        same("error_category of an episode", mine.category or None, engine["error_category"])
        same("errors of an episode", set(mine.fields), set((engine["errors"] or "").split()))


def grouping(told: Regrouped, spell: dict[str, Any], engine: dict[str, Any]) -> None:
    """Compare a spell as grouped; `engine` has what the spells table leaves out."""
    driver = told.driver
    assert driver is not None
    same("hrg", told.hrg, spell["hrg"])
    same("group_reason", told.reason, spell["group_reason"])
    same("grouping_flag", driver.flag, spell["grouping_flag"])
    same("dominant_code", driver.code, spell["dominant_code"])
    same("dominant_episode", driver.episode, spell["dominant_episode"])
    same("root", told.root, engine["root"])
    same("stay", told.stay, engine["stay"])
    if told.tried:
        same("interventions", total(told.interventions), engine["interventions"])
        complications = None if told.injured else told.score if told.scored else 0
        same("cc_score", complications, engine["cc_score"])


def unbundled(
    told: Sequence[Sequence[tuple[str, str]]], episodes: Sequence[dict[str, Any]]
) -> None:
    """Compare the unbundled HRGs of each episode."""
    for mine, engine in zip(told, episodes, strict=True):
        same("unbundled HRGs of an episode", [hrg for _, hrg in mine], engine["unbundled_hrgs"])


def price(told: Repriced, spell: dict[str, Any]) -> None:
    """Compare every component of a price."""
    engine_mff = None if spell["mff"] is None else int(spell["mff"] * MFF_UNIT)
    for name, mine, theirs in (
        ("tariff_year", told.year, spell["tariff_year"]),
        ("spell_days", told.spell_days, spell["spell_days"]),
        ("adjusted_days", told.adjusted, spell["adjusted_days"]),
        ("point_of_delivery", told.group and told.group.code, spell["point_of_delivery"]),
        ("exclusion", told.exclusion, spell["exclusion"]),
        ("deducted_days", told.deducted, spell["deducted_days"]),
        ("delayed_days", told.delayed, spell["delayed_days"]),
        ("list", told.listed, spell["list_pence"]),
        ("base", told.base, spell["base_pence"]),
        ("short_stay", told.short_stay, spell["short_stay_pence"]),
        ("trim_days", told.trim, spell["trim_days"]),
        ("excess_days", told.excess, spell["excess_days"]),
        ("per_day", told.per_day, spell["per_day_pence"]),
        ("long_stay", told.long_stay, spell["long_stay_pence"]),
        ("top_up", None if told.top_up is None else shown(told.top_up), spell["top_up_pence"]),
        ("best_practice", told.payments, spell["best_practice_pence"]),
        ("pre_mff", told.pre_mff, spell["pre_mff_pence"]),
        ("mff", told.mff, engine_mff),
        ("mff_year", told.mff_year, spell["mff_year"]),
        ("total", told.total, spell["total_pence"]),
        ("price_reasons", told.reasons, set((spell["price_reasons"] or "").split())),
        ("complete", not told.reasons & _INCOMPLETE, spell["complete"]),
    ):
        same(name, mine, theirs)


_INCOMPLETE = {name for bit, name in enumerate(PRICE_REASONS) if INCOMPLETE >> bit & 1}
