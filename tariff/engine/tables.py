"""The spells table that leaves a run (tariff.schemas.SPELLS)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.frame import VALIDATED_CODES, VALIDATED_NUMBERS, Vocabulary
from tariff.engine.marking import mark_rules
from tariff.engine.reasons import (
    CATEGORIES,
    FLAGS,
    GROUP_REASONS,
    INCOMPLETE,
    PROCEDURE_FLAGS,
    price_reason_names,
)
from tariff.packs.compile import NULL64
from tariff.packs.grouping import NULL32
from tariff.schemas import EPISODES, MFF, MFF_UNIT, SPELLS

_CODES = (
    "patient_id",
    "site",
    "commissioner",
    "gp_practice",
    "sex",
    "admission_method",
    "admission_source",
    "discharge_method",
    "discharge_destination",
    "patient_classification",
    "treatment_function",
    "activity_month",
    "statement",
    "hrg",
    "error_category",
    "billed_hrg",
    "priced_hrg",
    "point_of_delivery",
    "billed_point_of_delivery",
)
_NUMBERS = {
    "age": "age",
    "admission_date": "admission_date",
    "discharge_date": "discharge_date",
    "spell_days": "spell_days",
    "critical_care_days": "critical_care_days",
    "rehabilitation_days": "rehabilitation_days",
    "palliative_care_days": "palliative_care_days",
    "exclusion": "exclusion",
    "deducted_days": "deducted_days",
    "adjusted_days": "adjusted_days",
    "delayed_days": "delayed_days",
    "trim_days": "trim_days",
    "excess_days": "excess_days",
    "billed_excess_days": "billed_excess_days",
    "billed_price_pence": "billed_price",
    "billed_total_pence": "billed_total",
    "billed_pence": "billed",
    "duplicate_rows": "duplicate_rows",
}


NATIONAL_GROUPER = "national-grouper"  # where its own answer stands


def number_array(values: NDArray[Any], type_: pa.DataType) -> pa.Array:
    """Give numbers with NULL64 as nulls."""
    wide = values.astype(np.int64)
    missing = wide == NULL64
    if pa.types.is_date32(type_):
        days = np.where(missing, 0, wide).astype(np.int32)
        return pa.array(days, pa.int32(), mask=missing).cast(pa.date32())
    return pa.array(np.where(missing, 0, wide), pa.int64(), mask=missing).cast(type_)


def factor_array(values: NDArray[np.int64]) -> pa.Array:
    """Give factors in units of 1e-9 as decimals."""
    distinct, inverse = np.unique(values, return_inverse=True)
    decimals = [None if v == NULL64 else Decimal(int(v)) / MFF_UNIT for v in distinct]
    return pa.array(decimals, MFF).take(pa.array(inverse))


def _named(names: list[str], ids: NDArray[Any]) -> pa.Array:
    wide = ids.astype(np.int64)
    return pa.array(names, pa.string()).take(pa.array(wide, mask=wide < 0))


def _named_from_one(names: Sequence[str], ids: NDArray[Any]) -> pa.Array:
    """Names by id, where 0 is none."""
    wide = ids.astype(np.int64)
    return _named(list(names), np.where(wide == 0, -1, wide))


def _scored(columns: SpellColumns, hrg: NDArray[Any], grouper: NDArray[Any]) -> NDArray[np.bool_]:
    """Say which HRGs are of a root that their grouper splits by CC score."""
    table = np.array(
        [
            [*(name[:4] in compiled.roots_with_cc for name in columns.hrgs), False]
            for compiled in columns.rulebook.groupers
        ]
    )
    scored: NDArray[np.bool_] = table[grouper, hrg]
    return scored


def _drivers(
    columns: SpellColumns, flag: NDArray[np.uint8], code: NDArray[np.uint16]
) -> tuple[pa.Array, pa.Array]:
    """Grouping flags, and the codes that drove, as text."""
    frame = columns.frame
    flags = np.select([flag == ord(letter) for letter in FLAGS], list(range(len(FLAGS))), -1)
    texts = [*frame.diagnoses.values, *frame.procedures.values]
    wide = code.astype(np.int64)
    of_procedure = np.isin(flag, [ord(letter) for letter in PROCEDURE_FLAGS])
    wide = np.where(of_procedure, wide + len(frame.diagnoses.values), wide)
    return _named(list(FLAGS), flags), _named(texts, np.where(code == 0, -1, wide))


def _cc_scores(
    scores: NDArray[np.int32], scored: NDArray[np.bool_], category: NDArray[np.uint8]
) -> pa.Array:
    return pa.array(scores, mask=~scored | (category != 0) | (scores == NULL32))


def _code_lists(block: NDArray[np.uint16], vocabulary: Vocabulary) -> pa.Array:
    """Give the codes of each row as a list, blanks left out."""
    there = block != 0
    offsets = np.concatenate(([0], np.cumsum(there.sum(axis=1)))).astype(np.int32)
    values = pa.array(vocabulary.values, pa.string()).take(pa.array(block[there].astype(np.int64)))
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _unbundled_lists(columns: SpellColumns, rows: NDArray[np.int64]) -> pa.Array:
    """Give the unbundled HRGs of each row as a list."""
    found = columns.groups.unbundled
    if found is None:
        return pa.array([[]] * len(rows), pa.list_(pa.string()))
    counts = np.bincount(found.row, minlength=columns.frame.rows)
    starts = np.concatenate(([0], np.cumsum(counts)))
    lengths = counts[rows]
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    index = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    texts = pa.array(found.texts(), pa.string()).take(
        pa.array(index + np.repeat(starts[rows], lengths))
    )
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), texts)


def error_names(bits: int) -> str:
    """Names of the fields in error, as the bits of the kernel count them."""
    names = (*VALIDATED_CODES, *VALIDATED_NUMBERS, "diag_01", "diagnoses", "procedures")
    return " ".join(name for index, name in enumerate(names) if bits >> index & 1)


def episodes_table(columns: SpellColumns) -> pa.Table:
    """Give the episodes as grouped, in order of their spells (tariff.schemas.EPISODES)."""
    frame, groups, spells = columns.frame, columns.groups, columns.spells
    rows = spells.perm
    order = frame.numbers[VALIDATED_NUMBERS.index("episode_order")][rows]
    stays = spells.stays()[rows]
    treatment = frame.code_fields[VALIDATED_CODES.index("treatment_function")][rows]
    flag, code = _drivers(columns, groups.row_flag[rows], groups.row_code[rows])
    bits, inverse = np.unique(groups.row_errors[rows], return_inverse=True)
    place = np.arange(len(rows)) - np.repeat(spells.start[:-1], spells.episodes) + 1
    hrg = groups.row_hrg[rows].astype(np.int64)
    scored = _scored(columns, hrg, np.repeat(groups.grouper, spells.episodes))
    return pa.table(
        [
            _named(frame.vocabularies["provider"].values, frame.columns["provider"][rows]),
            frame.texts["spell_id"].take(rows),
            pa.array(order, mask=order == NULL32),
            _named_from_one(frame.vocabularies["treatment_function"].values, treatment),
            pa.array(stays, mask=stays == NULL32),
            _code_lists(frame.diag[rows], frame.diagnoses),
            _code_lists(frame.oper[rows], frame.procedures),
            _named(columns.hrgs, hrg),
            flag,
            code,
            _cc_scores(groups.row_cc[rows], scored, groups.row_category[rows]),
            _named_from_one(CATEGORIES, groups.row_category[rows]),
            pa.array([error_names(int(b)) or None for b in bits], pa.string()).take(
                pa.array(inverse)
            ),
            _named_from_one(GROUP_REASONS, groups.row_reason[rows]),
            pa.array(np.repeat(groups.episode, spells.episodes) == place),
            _unbundled_lists(columns, rows),
        ],
        schema=EPISODES,
    )


def without_prices(table: pa.Table) -> pa.Table:
    """Give spells as grouped: every column of the price is empty."""
    first, last = SPELLS.get_field_index("priced_hrg"), SPELLS.get_field_index("price_reasons")
    for index, field in enumerate(SPELLS):
        if first <= index <= last or field.name == "allowed_pence":
            empty = pa.nulls(table.num_rows, field.type)
            if not field.nullable:
                empty = pa.repeat(pa.scalar(False), table.num_rows)
            table = table.set_column(index, field, empty)
    return table


def _provenances(columns: SpellColumns, grouped: NDArray[np.bool_]) -> pa.Array:
    """Give what the HRG of each spell rests on: its grouper, and what drove it."""
    groups = columns.groups
    kinds = groups.grouper.astype(np.int64) << 8 | groups.flag
    kinds[columns.official] = -1
    found, inverse = np.unique(kinds, return_inverse=True)
    groupers = columns.rulebook.groupers
    names = [
        "official" if kind < 0 else groupers[kind >> 8].provenance_of(kind & 0xFF)
        for kind in found.tolist()
    ]
    return _named(names, np.where(grouped, inverse, -1))


_AMOUNTS = (
    "per_day", "base", "short_stay", "long_stay", "top_up", "best_practice", "pre_mff", "total",
)  # fmt: skip


def _best_practice(columns: SpellColumns) -> dict[str, pa.Array]:
    """Give which best practice price stands in place of the list price."""
    index, prices = columns.printed()
    taken = pa.array(index, mask=index < 0)
    return {
        f"best_practice_{name}": pa.array(
            [getattr(price, part) or None for price in prices], pa.string()
        ).take(taken)
        for name, part in (("area", "area"), ("flag", "flag"), ("paid", "payment"))
    }


def _top_up(columns: SpellColumns) -> dict[str, pa.Array]:
    """Give the specialised service that counts, and its rate as printed."""
    rules = mark_rules(columns.rulebook).top_ups
    row = columns.marks.top_up_row.astype(np.int64)
    row = np.where(columns.prices.listed == NULL64, -1, row)
    taken = pa.array(row, mask=row < 0)
    return {
        "top_up_service": pa.array(rules.services, pa.string()).take(taken),
        "top_up_rate": pa.array([p or None for p in rules.printed], pa.string()).take(taken),
    }


def spells_table(columns: SpellColumns, allowed: NDArray[np.int64] | None = None) -> pa.Table:
    """Give the spells, sorted by provider and spell number. `allowed` is pence after settlement."""
    spells, groups, prices = columns.spells, columns.groups, columns.prices
    rulebook, frame = columns.rulebook, columns.frame
    out: dict[str, pa.Array] = {
        "provider": columns.texts("provider"),
        "spell_id": columns.texts("spell_id"),
        "episodes": pa.array(spells.episodes),
    }
    for name in _CODES:
        out[name] = columns.texts(name)
    for column, name in _NUMBERS.items():
        out[column] = number_array(columns.number(name), SPELLS.field(column).type)

    groupers = rulebook.groupers
    position = np.where(groups.episode > 0, groups.episode - 1, 0)
    dominant_row = spells.perm[spells.start[:-1] + position]
    primary = frame.diag[dominant_row, 0].astype(np.int64)
    primary[primary == 0] = -1
    out["primary_diagnosis"] = _named(frame.diagnoses.values, primary)
    # after the packs comes the national grouper itself
    grouper = np.where(columns.official, len(groupers), groups.grouper)
    out["hrg_provenance"] = _provenances(columns, groups.hrg >= 0)
    out["grouper"] = _named([*(g.pack.id for g in groupers), NATIONAL_GROUPER], grouper)
    out["grouping_flag"], out["dominant_code"] = _drivers(columns, groups.flag, groups.code)
    out["dominant_episode"] = pa.array(groups.episode, mask=groups.episode <= 0)
    scored = _scored(columns, groups.hrg, groups.grouper)
    out["cc_score"] = _cc_scores(groups.cc, scored, groups.category)
    out["error_category"] = _named_from_one(CATEGORIES, groups.category)
    out["group_reason"] = _named_from_one(GROUP_REASONS, groups.reason)

    years = columns.price_input.years
    out["tariff_year"] = _named(years, columns.price_input.year)
    out["tariff"] = _named([p.id for p in rulebook.prices.packs], prices.tariff)
    for name in _AMOUNTS:
        out[f"{name}_pence"] = number_array(getattr(prices, name), pa.int64())
    out["list_pence"] = number_array(prices.listed, pa.int64())
    out |= _best_practice(columns)
    out |= _top_up(columns)
    out["mff"] = factor_array(prices.mff)
    out["mff_year"] = _named(prices.mff_years, prices.mff_year)
    out["complete"] = pa.array((prices.reasons & INCOMPLETE) == 0)
    bits, inverse = np.unique(prices.reasons, return_inverse=True)
    reasons = [price_reason_names(int(b)) or None for b in bits]
    out["price_reasons"] = pa.array(reasons, pa.string()).take(pa.array(inverse))
    out["billed_mff"] = factor_array(columns.number("billed_mff"))
    billed = columns.number("billed")
    out["allowed_pence"] = number_array(billed if allowed is None else allowed, pa.int64())
    return pa.table([out[field.name].cast(field.type) for field in SPELLS], schema=SPELLS)
