"""What each code of a spell scores or counts, or why it does not; and the days of its stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tariff.explain.rows import Row, family_of
from tariff.reference.group import cc_code, cc_row, cc_score_of, deducted_days, episode_duration
from tariff.reference.tables import GroupTables
from tariff.reference.validate import valid_diagnosis, valid_procedure
from tariff.reference.values import number, primary


@dataclass(frozen=True)
class Counted:
    """A code that scores or counts, or why it does not."""

    episode: int
    code: str
    count: int
    why: str


@dataclass(frozen=True)
class Days:
    """The days of an episode: how long it was, what is taken off, and what is left."""

    duration: int | None
    how: str
    off: int
    stay: int | None


def total(lines: Sequence[Counted]) -> int:
    """Add the counts."""
    return sum(line.count for line in lines)


def counted_once(
    rows: Sequence[Row],
    prefix: str,
    count: Callable[[str], tuple[int, str]],
    skip: Callable[[int, int], bool] = lambda episode, position: False,
) -> list[Counted]:
    """Count each code of a family, the same code once. `count` gives the count and why."""
    seen: set[str] = set()
    out = []
    for episode, row in enumerate(rows, 1):
        for position, code in family_of(row, prefix):
            if skip(episode, position):
                continue
            counts, why = count(code)
            if code in seen and counts:
                counts, why = 0, "repeated: counts once"
            seen.add(code)
            out.append(Counted(episode, code, counts, why))
    return out


def scores(
    tables: GroupTables, rows: Sequence[Row], dominant: int, subchapter: str, driver: str | None
) -> list[Counted]:
    """Score each diagnosis but the primary of the dominant episode, and one that drives."""
    first = primary(rows[dominant - 1])

    def count(code: str) -> tuple[int, str]:
        if not valid_diagnosis(tables.codes, code):
            return 0, "not a valid code: left out"
        if code == first:
            return 0, "equal to the primary: does not score"
        if code == driver:
            return 0, "drives: does not score"
        if subchapter not in cc_row(tables, code):
            return 0, f"not in the list of {subchapter}"
        read = cc_code(tables, code)
        why = f"in the list of {subchapter}" + (f" as {read}" if read != code else "")
        score = cc_score_of(tables, code, subchapter)
        return score, why if score else f"{why}, with a score of 0"

    def skip(episode: int, position: int) -> bool:
        return (episode, position) == (dominant, 1)

    return counted_once(rows, "diag_", count, skip)


def interventions(tables: GroupTables, rows: Sequence[Row], dominant: str | None) -> list[Counted]:
    """Count each procedure but the dominant one."""

    def count(code: str) -> tuple[int, str]:
        if not valid_procedure(tables.codes, code):
            return 0, "not a valid code: left out"
        if code == dominant:
            return 0, "drives: does not count"
        if code.startswith(tables.excluded_chapters):
            return 0, f"chapter {code[0]} does not count"
        return 1, "counts"

    return counted_once(rows, "oper_", count)


def days_of(rows: Sequence[Row]) -> list[Days]:
    """Give the days of each episode."""
    out = []
    for row in rows:
        duration = episode_duration(row, alone=len(rows) == 1)
        off = deducted_days(row)
        stay = None if duration is None else max(0, duration - off)
        out.append(Days(duration, _how(row, duration), off, stay))
    return out


def _how(row: Row, duration: int | None) -> str:
    if duration is None:
        return "not known"
    if number(row, "episode_duration") is not None:
        return "as given"
    dated = "episode_start_date" in row and "episode_end_date" in row
    return "from the episode dates" if dated else "from the spell dates"
