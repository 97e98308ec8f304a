"""How far two groupers agree on the same records, and where they part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariff.errors import DataError
from tariff.national.read import Answer

MEASURES: dict[str, str] = {  # what must be the same
    "hrg": "HRG, with its split",
    "root": "HRG root",
    "chapter": "HRG chapter",
    "flag": "Grouping method flag",
}
_PART: dict[str, Callable[[str], str]] = {
    "root": lambda hrg: hrg[:4],
    "chapter": lambda hrg: hrg[:1],
}
LEAST_SHARED = 0.5  # of the smaller of two files: below, they are of different records


@dataclass(frozen=True)
class Level:
    """Two answers of spells, or of episodes.

    `differ` is our HRG, theirs and the count, the commonest first.
    """

    what: str  # spells or episodes
    compared: int
    only_ours: int
    only_theirs: int
    agree: dict[str, int]
    differ: list[tuple[str, str, int]]


def compare(ours: Answer, theirs: Answer) -> list[Level]:
    """Compare spells and episodes, as far as both sides have them."""
    levels = []
    for what in ("spells", "episodes"):
        mine, other = getattr(ours, what), getattr(theirs, what)
        if mine is not None and other is not None:
            levels.append(_level(what, mine, other, (ours.name, theirs.name)))
    if not levels:
        raise DataError(
            f"{ours.name} and {theirs.name} have nothing to compare: one tells of spells, the "
            "other of episodes",
            hint="give both files of each grouper",
        )
    return levels


def place_in(keys: pa.Array, others: pa.Array) -> NDArray[np.int64]:
    """Give the place of each key among others, -1 where it is not there."""
    found = pc.index_in(keys, value_set=others)
    out: NDArray[np.int64] = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return out


def refuse_other_records(
    what: str, names: tuple[str, str], counts: tuple[int, int], shared: int, same_code: int | None
) -> None:
    """Raise where two files are of different extracts or years.

    `counts` are the records of each, `shared` those of one key, `same_code` those of them that
    also have the same primary diagnosis (None where that is not known).
    """
    if shared < LEAST_SHARED * min(counts):
        raise DataError(
            f"only {shared:,} of the {min(counts):,} {what} that {names[0]} and {names[1]} could "
            f"share (of {counts[0]:,} and {counts[1]:,}) have the same provider and number: they "
            "are of different extracts or years",
            hint="give the grouper's output of this very extract",
        )
    if same_code is not None and same_code < LEAST_SHARED * shared:
        raise DataError(
            f"only {same_code:,} of the {shared:,} {what} that {names[0]} and {names[1]} share "
            "have the same primary diagnosis: they are of different extracts or years",
            hint="give the grouper's output of this very extract",
        )


def same_codes(ours: pa.Array, theirs: pa.Array) -> NDArray[np.bool_]:
    """Say where codes are the same; dots and the filler X make no difference."""

    def plain(codes: pa.Array) -> pa.Array:
        return pc.utf8_rtrim(pc.replace_substring(pc.utf8_upper(codes), ".", ""), "X")

    out: NDArray[np.bool_] = pc.equal(plain(ours), plain(theirs)).to_numpy(zero_copy_only=False)
    return out


def _level(what: str, ours: pa.Table, theirs: pa.Table, names: tuple[str, str]) -> Level:
    place = place_in(ours["key"].combine_chunks(), theirs["key"].combine_chunks())
    shared = np.flatnonzero(place >= 0)
    ours, others = ours.take(pa.array(shared)), theirs.take(pa.array(place[shared]))
    same = None
    if what == "episodes":
        same = int(
            same_codes(
                ours["diagnosis"].combine_chunks(), others["diagnosis"].combine_chunks()
            ).sum()
        )
    refuse_other_records(what, names, (len(place), theirs.num_rows), len(shared), same)
    pairs = Counter(zip(ours["hrg"].to_pylist(), others["hrg"].to_pylist(), strict=True))
    flags = int(pc.sum(pc.equal(ours["flag"], others["flag"])).as_py())
    agree = {"hrg": sum(count for (mine, other), count in pairs.items() if mine == other)}
    for name, part in _PART.items():
        agree[name] = sum(n for (mine, other), n in pairs.items() if part(mine) == part(other))
    agree["flag"] = flags
    differ = [(mine, other, n) for (mine, other), n in pairs.items() if mine != other]
    differ.sort(key=lambda line: (-line[2], line[0], line[1]))
    only_theirs = theirs.num_rows - len(np.unique(place[shared]))
    return Level(what, len(shared), len(place) - len(shared), only_theirs, agree, differ)


# ---------------------------------------------------------------- as data


def as_json(levels: list[Level], names: tuple[str, str]) -> dict[str, Any]:
    """Give everything as JSON."""
    return {
        "ours": names[0],
        "theirs": names[1],
        **{
            level.what: {
                "compared": level.compared,
                "only_ours": level.only_ours,
                "only_theirs": level.only_theirs,
                "agree": level.agree,
                "differ": [
                    {"ours": mine, "theirs": other, "count": count}
                    for mine, other, count in level.differ
                ],
            }
            for level in levels
        },
    }


CSV_COLUMNS = ("level", "measure", "ours", "theirs", "count", "of")


def as_rows(levels: list[Level]) -> Iterator[tuple[str, str, str, str, int, int]]:
    """Give everything as rows of `CSV_COLUMNS`; `of` is what the count is a share of."""
    for level in levels:
        total = level.compared
        yield level.what, "compared", "", "", total, total
        yield level.what, "only_ours", "", "", level.only_ours, total + level.only_ours
        yield level.what, "only_theirs", "", "", level.only_theirs, total + level.only_theirs
        for name in MEASURES:
            yield level.what, f"same_{name}", "", "", level.agree[name], total
        for mine, other, count in level.differ:
            yield level.what, "differ", mine, other, count, total
