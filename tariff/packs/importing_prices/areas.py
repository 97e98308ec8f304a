"""Best practice areas: HRGs of which a flagged spell is paid another price than the one listed."""

from __future__ import annotations

from tariff.packs.importing_prices.reading import Row

Tables = dict[str, list[Row]]
Area = dict[str, object]


def areas(tables: Tables) -> list[Area]:
    """The areas for a manifest, in order of their names.

    An HRG is in one where the area applies below the HRG, or has prices that ask for a flag.
    """
    flagged = {row["code"] for row in tables.get("best_practice_prices", []) if row["flag"]}
    named = {row["code"]: row["area"] for row in tables.get("best_practice_prices", [])}
    settings = _settings_by_flag(tables)
    found: dict[tuple[str, str], list[str]] = {}
    for row in tables.get("best_practice_hrgs", []):
        if not row["level"].startswith("sub-HRG") and row["hrg"] not in flagged:
            continue
        area = row["area"] or named.get(row["hrg"], "") or row["flag"]
        for setting in _settings(row["settings"]) or settings.get(row["hrg"], {"non_elective"}):
            found.setdefault((area, setting), []).append(row["hrg"])
    return [
        {"area": area, "setting": setting, "hrgs": sorted(found[area, setting])}
        for area, setting in sorted(found)
    ]


def _settings(printed: str) -> set[str]:
    names = set(printed.split())
    found = {"elective"} if names & {"day_case", "ordinary_elective"} else set()
    return found | ({"non_elective"} if "non_elective" in names else set())


def _settings_by_flag(tables: Tables) -> dict[str, set[str]]:
    """The setting of each HRG by the admission methods of the flags whose lists have it."""
    of_list: dict[str, set[str]] = {}
    for row in tables.get("best_practice_flags", []):
        elective = row["admission_methods"].startswith("1")
        for name in row["hrg_lists"].split():
            of_list.setdefault(name, set()).add("elective" if elective else "non_elective")
    found: dict[str, set[str]] = {}
    for row in tables.get("best_practice_codes", []):
        if row["classification"] == "hrg":
            found.setdefault(row["code"], set()).update(of_list.get(row["list"], set()))
    return {hrg: names for hrg, names in found.items() if names}
