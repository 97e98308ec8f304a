"""Group emergency attendances, docs/grouping-other-care.md: each row by itself."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.group_outcome import (
    FIELD,
    UNGROUPED,
    Outcome,
    joined_names,
    not_validated,
    out_of_bounds,
    pack_of,
)
from tariff.engine.records import Records, in_full_order
from tariff.engine.words import Words, per_value
from tariff.packs.compile import Rulebook
from tariff.packs.emergency import CONCEPT, counted, third_digits
from tariff.packs.load import LoadedPack
from tariff.packs.model import EmergencyGroupsPack
from tariff.schemas import EMERGENCY

FAMILIES = ("investigation", "treatment")
COLUMNS = (
    "provider", "attendance_id", "arrival_date", "department_type", "patient_group", "age",
    "billed_hrg",
)  # fmt: skip
# Two digits, or two and a third whose leading zero was lost: 011 and 11 are other treatments.
AMBIGUOUS = ("11", "12", "31", "32", "33", "41", "42", "43", "51", "52")
UNKNOWN, NOTHING = -1, 0

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


class _Done:
    """What one family of codes (investigations or treatments) comes to, by row."""

    def __init__(self, records: Records, family: str, pack: LoadedPack, rows: Rows) -> None:
        assert isinstance(pack.manifest, EmergencyGroupsPack)
        ids, self.codes = records.codes(family)
        block = ids[rows] if ids.ndim == 2 else ids[rows, None]
        categories = _categories(pack, f"{family}s")
        of_code = np.array([categories.get(code, UNKNOWN) for code in self.codes], np.int64)
        of_code[0] = NOTHING
        self.invalid: Mask = (of_code == UNKNOWN)[block].any(axis=1)
        self.category: Rows = np.maximum(of_code, NOTHING)[block].max(axis=1)
        # the first of the highest category, a blank or unknown code never
        ranked = np.where(of_code == UNKNOWN, -2, of_code)
        ranked[0] = -1
        place = ranked[block].argmax(axis=1)
        self.dominant = block[np.arange(len(rows)), place].astype(np.int64)
        self.dominant[ranked[self.dominant] < 0] = 0
        named = tuple(getattr(pack.manifest, f"dental_{family}s"))
        dental = per_value(
            self.codes, lambda code: code in categories and _without_third(code) in named
        )
        self.dental: Mask = np.asarray(dental[block].any(axis=1))
        unmapped = per_value(
            self.codes, lambda code: CONCEPT.fullmatch(code) is not None and code not in categories
        )
        self.unmapped: Mask = np.asarray(unmapped[block].any(axis=1))


def _without_third(code: str) -> str:
    """Give an A&E code without its third digit; a SNOMED CT identifier as it is."""
    return code if CONCEPT.fullmatch(code) else code[:2]


def _categories(pack: LoadedPack, table: str) -> dict[str, int]:
    """Give the category of every code, with the third digits that it may have."""
    columns = pack.tables[table].columns
    digits = columns.get("third_digits", [""] * len(columns["code"]))
    out = {}
    for code, category, more in zip(columns["code"], columns["category"], digits, strict=True):
        for end in ("", *("" if CONCEPT.fullmatch(code) else third_digits(more))):
            out[code + end] = int(category)
    return out


def _groups(pack: LoadedPack) -> dict[tuple[int, int], tuple[str, str]]:
    """Give the HRG, and that of dental care, by the categories of investigation and treatment."""
    columns = pack.tables["groups"].columns
    pairs = zip(columns["investigation"], columns["treatment"], strict=True)
    hrgs = zip(columns["hrg"], columns["dental"], strict=True)
    return {
        (int(found), int(done)): (hrg, dental or hrg)
        for (found, done), (hrg, dental) in zip(pairs, hrgs, strict=True)
    }


def group_emergency(records: Records, rulebook: Rulebook, year: str | None) -> Outcome:
    """Group every attendance. `year` serves those without a date."""
    parts: dict[str, list[Rows]] = {}
    for day, rows in records.by_day("arrival_date", year):
        parts.setdefault(pack_of(rulebook.packs, "emergency_groups", day).id, []).append(rows)
    words = Words()
    text = {
        name: np.full(records.rows, -1, np.int64)
        for name in (
            "hrg", "hrg_provenance", "groups", "grouping_flag", "dominant_investigation",
            "dominant_treatment", "error_category", "group_reason",
        )
    }  # fmt: skip
    number = {f"{family}_category": np.zeros(records.rows, np.int32) for family in FAMILIES}
    errors = {
        name: np.zeros(records.rows, bool) for name in ("age", "investigations", "treatments")
    }
    unknown: Counter[str] = Counter()
    used = []
    for pack_id, pieces in parts.items():
        rows, pack = np.concatenate(pieces), rulebook.packs.by_id(pack_id)
        manifest = pack.manifest
        assert isinstance(manifest, EmergencyGroupsPack)
        used.append(pack)
        done = {family: _Done(records, family, pack, rows) for family in FAMILIES}
        wrong = np.zeros(len(rows), bool)
        if "age" in records.fields:
            wrong = out_of_bounds(records.numbers("age")[rows], manifest.age, mandatory=True)
            errors["age"][rows] = wrong
        for family, one in done.items():
            unknown[family] += int(one.invalid.sum())
            number[f"{family}_category"][rows] = one.category
            codes = words.ids_of([code or None for code in one.codes])
            text[f"dominant_{family}"][rows] = codes[one.dominant]
            if manifest.invalid_codes == "error":
                errors[f"{family}s"][rows] = one.invalid
                wrong = wrong | one.invalid
        hrg = _hrgs(pack, manifest, words, done["investigation"], done["treatment"])
        ids, values = records.codes("patient_group")
        dead = per_value(values, manifest.dead_on_arrival.__contains__)[ids[rows]]
        unmapped = done["investigation"].unmapped | done["treatment"].unmapped
        hrg[unmapped] = -1
        hrg[dead] = words.id_of(manifest.dead_hrg)
        hrg[wrong] = words.id_of(manifest.error_hrg)
        text["hrg"][rows] = hrg
        text["hrg_provenance"][rows] = np.where(hrg < 0, -1, words.id_of(manifest.provenance))
        text["groups"][rows] = words.id_of(pack_id)
        text["grouping_flag"][rows] = np.where(wrong, words.id_of(UNGROUPED), -1)
        text["error_category"][rows] = np.where(wrong, words.id_of(FIELD), -1)
        reason = np.where(unmapped, words.id_of("no_category_map"), words.id_of("no_group"))
        text["group_reason"][rows] = np.where(hrg < 0, reason, -1)
    order = records.order("attendance_id")
    columns = {name: words.array(ids[order]) for name, ids in text.items()}
    columns |= {name: pa.array(values[order]) for name, values in number.items()}
    columns["errors"] = joined_names(errors, records.rows).take(pa.array(order))
    columns["arrival_date"] = records.whole("arrival_date", order, pa.date32())
    for field in EMERGENCY:
        if field.name not in columns:
            columns[field.name] = records.texts(field.name, order)
    table = pa.table([columns[name] for name in EMERGENCY.names], schema=EMERGENCY)
    notices = _notices(records, unknown)
    return Outcome(in_full_order(table, ("provider", "attendance_id")), used, notices)


def _hrgs(
    pack: LoadedPack, manifest: EmergencyGroupsPack, words: Words, found: _Done, done: _Done
) -> Rows:
    """Give the HRG of the highest categories, looked up once a pair; -1 where none is held."""
    groups = _groups(pack)
    key = (found.category << 32) | done.category
    distinct, inverse = np.unique(key, return_inverse=True)
    pairs = [groups.get(counted(manifest, int(k) >> 32, int(k) & 0xFFFFFFFF)) for k in distinct]
    plain = words.ids_of([pair and pair[0] for pair in pairs])
    dental = words.ids_of([pair and pair[1] for pair in pairs])
    return np.where(found.dental | done.dental, dental[inverse], plain[inverse])


def _notices(records: Records, unknown: Counter[str]) -> list[str]:
    """What a reader should know."""
    notices = not_validated(records, ["age"])
    for family in FAMILIES:
        if f"{family}_01" not in records.fields:
            notices.append(f"The extract carries no {family}s: every attendance counts as of none.")
        if unknown[family]:
            notices.append(
                f"Attendances with a code that is no A&E {family}: {unknown[family]:,}. It was "
                "left out of grouping, unless the pack makes it an error."
            )
    ids, values = records.codes("treatment")
    ambiguous = int(per_value(values, AMBIGUOUS.__contains__)[ids].sum())
    if ambiguous:
        lost = int(per_value(values, lambda v: len(v) == 1)[ids].sum())
        signs = "no treatment of one digit says so"
        if lost:
            signs = f"{lost:,} treatments of one digit, which are no codes, say so"
        notices.append(
            f"Treatments written {', '.join(AMBIGUOUS)}: {ambiguous:,}. They are read as two "
            "digits; had a leading zero been lost, they would be other treatments with their third "
            f"digit ({signs})."
        )
    return notices
