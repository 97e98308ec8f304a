"""Adds the differences of records up: over all, by provider, point of delivery, chapter, HRG."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff.packs.load import PackSet
from tariff.whatif.effects import EFFECTS

LEVELS = ("all", "provider", "point_of_delivery", "chapter", "subchapter", "hrg")
COUNTS = ("records", "in_both", "in_a_only", "in_b_only", "in_neither")
MONEY = ("total_a", "total_b", "difference")
KINDS = ("price", "rule", "only")

_HRG = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z](?![A-Z0-9])")  # a code may begin with one: EB03A_LOCAL
NOT_AN_HRG = "Not an HRG"

COMPARE = pa.schema(
    [
        pa.field("level", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),  # empty: not stated
        pa.field("name", pa.string()),
        *(pa.field(name, pa.int64(), nullable=False) for name in COUNTS),
        *(pa.field(f"{name}_pence", pa.int64(), nullable=False) for name in MONEY),
        *(pa.field(f"{name}_pence", pa.int64(), nullable=False) for name in EFFECTS),
        *(pa.field(f"{kind}_effects_pence", pa.int64(), nullable=False) for kind in KINDS),
    ]
)

# a record under both sides; what it is called and by what it is grouped is A's, else B's
COMPARED = pa.schema(
    [
        pa.field("provider", pa.string(), nullable=False),
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("point_of_delivery", pa.string()),
        pa.field("hrg", pa.string()),
        *(
            pa.field(f"{name}_{side}", kind)
            for side in ("a", "b")
            for name, kind in (
                ("tariff", pa.string()),
                ("priced_hrg", pa.string()),
                ("pre_mff_pence", pa.int64()),
                ("mff", pa.decimal128(12, 9)),
                ("total_pence", pa.int64()),
                ("complete", pa.bool_()),
                ("price_reasons", pa.string()),
            )
        ),
        pa.field("difference_pence", pa.int64(), nullable=False),
        *(pa.field(f"{name}_pence", pa.int64(), nullable=False) for name in EFFECTS),
    ]
)


def subchapters_of(packs: PackSet) -> frozenset[str]:
    """Give the subchapters of HRGs that packs know."""
    return frozenset(
        subchapter
        for pack in packs.by_kind("labels")
        for subchapter in pack.tables["subchapters"].columns["subchapter"]
    )


def beginnings(
    codes: pa.Array | pa.ChunkedArray, length: int, subchapters: frozenset[str]
) -> pa.Array:
    """Give chapter (1 character) or subchapter (2) of HRGs; empty for a code that is no HRG."""
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    found = codes.dictionary_encode()
    parts = [
        code[:length] if _HRG.match(code) and code[:2] in subchapters else ""
        for code in found.dictionary.to_pylist()
    ]
    return pc.fill_null(pa.array(parts, pa.string()).take(found.indices), "")


def like_for_like(compared: pa.Table) -> dict[str, int]:
    """Give how many records have a complete price on both sides, and what those come to."""
    both = compared.filter(pc.and_(compared["complete_a"], compared["complete_b"]))
    totals = {
        f"total_{side}": int(pc.sum(both[f"total_pence_{side}"], min_count=0).as_py())
        for side in ("a", "b")
    }
    difference = totals["total_b"] - totals["total_a"]
    return {"records": both.num_rows, **totals, "difference": difference}


def levels_table(
    compared: pa.Table, names: dict[str, dict[str, str]], subchapters: frozenset[str]
) -> pa.Table:
    """Give the sums at each level (COMPARE), keys in order. `names` are titles by level and key."""
    hrg = pc.fill_null(compared["hrg"], "")
    keys = {
        "all": pa.chunked_array([pa.array([""] * compared.num_rows, pa.string())]),
        "provider": compared["provider"],
        "point_of_delivery": pc.fill_null(compared["point_of_delivery"], ""),
        "chapter": beginnings(hrg, 1, subchapters),
        "subchapter": beginnings(hrg, 2, subchapters),
        "hrg": hrg,
    }
    figures = _figures(compared)
    parts = []
    for level in LEVELS:
        frame = pa.table({"key": keys[level], **figures})
        sums = frame.group_by(["key"], use_threads=False).aggregate(
            [(name, "sum") for name in figures]
        )
        sums = sums.sort_by("key")
        columns = {name: sums[f"{name}_sum"] for name in figures}
        for kind in KINDS:
            of_kind = [f"{name}_pence" for name, (what, _) in EFFECTS.items() if what == kind]
            columns[f"{kind}_effects_pence"] = _summed([columns[name] for name in of_kind])
        titles = names.get(level, {})
        columns["key"] = sums["key"]
        columns["name"] = pa.array([titles.get(k) for k in sums["key"].to_pylist()], pa.string())
        columns["level"] = pa.array([level] * sums.num_rows, pa.string())
        parts.append(pa.table([columns[name] for name in COMPARE.names], names=COMPARE.names))
    return pa.concat_tables(parts).cast(COMPARE).combine_chunks()


def _figures(compared: pa.Table) -> dict[str, pa.ChunkedArray]:
    known = {side: pc.is_valid(compared[f"total_pence_{side}"]) for side in ("a", "b")}
    absent = {side: pc.invert(known[side]) for side in known}
    counted = {
        "records": pa.array(np.ones(compared.num_rows, np.int64)),
        "in_both": pc.and_(known["a"], known["b"]),
        "in_a_only": pc.and_(known["a"], absent["b"]),
        "in_b_only": pc.and_(absent["a"], known["b"]),
        "in_neither": pc.and_(absent["a"], absent["b"]),
    }
    out = {name: pc.cast(mask, pa.int64()) for name, mask in counted.items()}
    for side in ("a", "b"):
        out[f"total_{side}_pence"] = pc.fill_null(compared[f"total_pence_{side}"], 0)
    for name in ("difference", *EFFECTS):
        out[f"{name}_pence"] = compared[f"{name}_pence"]
    return out


def _summed(columns: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    total = columns[0]
    for column in columns[1:]:
        total = pc.add(total, column)
    return total
