"""Compile packs to the flat, immutable arrays that the kernel reads.

A `Rulebook` holds everything a run needs: one vocabulary of HRGs over all packs, a compiled
grouper per design, the price tables of all tariffs in one array, points of delivery and MFF.
Tables that depend on the codes an extract holds are made from it by `Grouper.code_tables`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tariff.packs.load import LoadedPack, PackSet
from tariff.packs.model import (
    PROVENANCE_ORDER,
    CcListsPack,
    CodeSet,
    CodesPack,
    Condition,
    FieldValuesPack,
    GrouperPack,
    LabelsPack,
    MffPack,
    PodPack,
    Provenance,
    RootsPack,
    SplitsPack,
    TariffPack,
)
from tariff.schemas import MFF_UNIT

NULL32 = np.iinfo(np.int32).min
NULL64 = np.iinfo(np.int64).min
OPEN_MIN = NULL32 + 1
OPEN_MAX = np.iinfo(np.int32).max

PRICE_COLUMNS = ("day_case", "ordinary_elective", "non_elective", "none")
TRIMS = ("elective", "non_elective", "none")
ROUNDING = ("pence_final", "pound_final", "pound_pre_mff", "pound_per_component")
TABLE_COLUMNS = 10
DIGITS = "0123456789"

# bits of a code's flags, as in _core/group.pyx
CODE_VALID, NEVER_PRIMARY, CHILD_PRIMARY, MAY_DRIVE, INTERVENTION = 1, 2, 4, 8, 16
# bits of a root's flags
IN_DESIGN, CC_NOT_HELD, CC_USED = 1, 2, 4

SPLIT_BOUNDS = (
    ("cc_min", "cc_max"),
    ("age_min", "age_max"),
    ("interventions_min", "interventions_max"),
    ("stay_min", "stay_max"),
)


def weakest(provenances: list[Provenance]) -> Provenance:
    """Give the weakest of several provenances: what a result that rests on all may claim."""
    return max(provenances, key=PROVENANCE_ORDER.index)


def longest_prefix(code: str, rows: dict[str, int]) -> int:
    """Give the row of the longest prefix of `code` in `rows`, -1 where there is none."""
    for length in range(len(code), 0, -1):
        row = rows.get(code[:length])
        if row is not None:
            return row
    return -1


def _in_set(code: str, codes: CodeSet) -> bool:
    return code in codes.codes or any(code.startswith(prefix) for prefix in codes.prefixes)


class Classification:
    """A list of valid codes and the tests of docs/grouping.md, section Codes."""

    def __init__(self, pack: LoadedPack) -> None:
        assert isinstance(pack.manifest, CodesPack)
        self.pack = pack
        self.manifest = pack.manifest
        self.codes = frozenset(pack.tables["codes"].columns["code"])

    def _listed(self, code: str) -> bool:
        if code in self.codes:
            return True
        if len(code) != 4 or code[:3] not in self.codes:
            return False
        if self.manifest.filler and code[3] == self.manifest.filler:
            return True
        place = self.manifest.place_digit_categories
        return place is not None and place.from_ <= code[:3] <= place.to and code[3] in DIGITS

    def valid(self, code: str) -> bool:
        """Say whether a clean code is a code of the classification."""
        if self._listed(code):
            return True
        return self.manifest.classification == "icd10" and len(code) == 5 and self._listed(code[:4])

    def chapter(self, code: str) -> str:
        """Give the chapter of a code, empty where it is in none."""
        category = code[:3]
        for chapter in self.manifest.chapters:
            if chapter.from_ <= category <= chapter.to:
                return chapter.chapter
        return ""


@dataclass(frozen=True)
class CodeTables:
    """What a grouper knows of the codes of a run, indexed by run id (0 is a blank)."""

    d_flags: NDArray[np.uint8]
    d_root: NDArray[np.int32]
    d_root_child: NDArray[np.int32]
    d_rank: NDArray[np.int32]
    p_flags: NDArray[np.uint8]
    p_root: NDArray[np.int32]
    p_root_child: NDArray[np.int32]
    p_rank: NDArray[np.int32]
    p_any: NDArray[np.uint32]
    p_none: NDArray[np.uint32]
    cc: NDArray[np.uint8]  # [list, code]


class Grouper:
    """One grouper: a design's splits with the tables that lead to them."""

    def __init__(self, pack: LoadedPack, packs: PackSet, hrg_ids: dict[str, int]) -> None:
        assert isinstance(pack.manifest, GrouperPack)
        self.pack = pack
        manifest = pack.manifest
        self.manifest = manifest
        splits = packs.by_id(manifest.splits)
        roots = packs.by_id(manifest.roots)
        cc_lists = packs.by_id(manifest.cc_lists)
        fields = packs.by_id(manifest.field_values)
        code_packs = [packs.by_id(name) for name in manifest.codes]
        assert isinstance(splits.manifest, SplitsPack)
        assert isinstance(roots.manifest, RootsPack)
        assert isinstance(cc_lists.manifest, CcListsPack)
        assert isinstance(fields.manifest, FieldValuesPack)
        self.field_values = fields.manifest
        self.roots_manifest = roots.manifest
        self.cc_manifest = cc_lists.manifest
        self.used = [pack, splits, roots, cc_lists, fields, *code_packs]
        self.provenance = weakest([used.manifest.provenance for used in self.used])
        classifications = {c.manifest.classification: c for c in map(Classification, code_packs)}
        self.icd10, self.opcs4 = classifications["icd10"], classifications["opcs4"]
        self.error_hrg = hrg_ids[manifest.error_hrg]
        self._compile_cc(cc_lists)
        self._compile_splits(splits, splits.manifest, hrg_ids)
        self._compile_roots(roots)

    # -- tables

    def _compile_cc(self, pack: LoadedPack) -> None:
        columns = pack.tables["members"].columns
        self.cc_members = {
            code: subchapters.split()
            for code, subchapters in zip(columns["code"], columns["subchapters"], strict=True)
        }
        held = sorted({name for names in self.cc_members.values() for name in names})
        self.cc_list_ids = {name: index for index, name in enumerate(held)}

    def _compile_splits(
        self, pack: LoadedPack, manifest: SplitsPack, hrg_ids: dict[str, int]
    ) -> None:
        columns = pack.tables["splits"].columns
        order = sorted(range(len(columns["hrg"])), key=lambda row: (columns["root"][row], row))
        names = sorted(manifest.conditions)
        self.conditions = {name: manifest.conditions[name] for name in names}
        self.condition_bits = {name: 1 << index for index, name in enumerate(names)}
        rows = np.zeros((len(order), 11), np.int32)
        self.split_hrgs = [columns["hrg"][row] for row in order]
        starts: dict[str, list[int]] = {}
        uses_cc: set[str] = set()
        for position, row in enumerate(order):
            root = columns["root"][row]
            starts.setdefault(root, [position, position])[1] = position + 1
            out = rows[position]
            out[0] = hrg_ids[columns["hrg"][row]]
            for place, (low, high) in enumerate(SPLIT_BOUNDS):
                out[1 + 2 * place] = int(columns[low][row] or OPEN_MIN)
                out[2 + 2 * place] = int(columns[high][row] or OPEN_MAX)
            if columns["cc_min"][row] or columns["cc_max"][row]:
                uses_cc.add(root)
            needed = columns["condition"][row].split()
            out[9] = sum(self.condition_bits[name] for name in needed)
            scored = columns["diagnosis_score_min"][row] or columns["diagnosis_score_max"][row]
            out[10] = bool(scored) or any(self.conditions[name].unsupported for name in needed)
        self.splits = rows
        self.root_bounds = starts
        self.roots_with_cc = uses_cc

    def _compile_roots(self, pack: LoadedPack) -> None:
        self.diagnosis_table = pack.tables["diagnoses"].columns
        self.procedure_table = pack.tables["procedures"].columns
        named = {
            root
            for table in (self.diagnosis_table, self.procedure_table)
            for column in ("root", "root_child")
            for root in table[column]
            if root
        }
        self.roots = sorted(named | set(self.root_bounds))
        self.root_ids = {root: index for index, root in enumerate(self.roots)}
        count = len(self.roots)
        self.root_start = np.zeros(count, np.int32)
        self.root_end = np.zeros(count, np.int32)
        self.root_list = np.full(count, -1, np.int32)
        self.root_flags = np.zeros(count, np.uint8)
        for index, root in enumerate(self.roots):
            if root in self.root_bounds:
                self.root_start[index], self.root_end[index] = self.root_bounds[root]
                self.root_flags[index] |= IN_DESIGN
            if root in self.roots_with_cc:
                self.root_flags[index] |= CC_USED
                if root[:2] in self.cc_manifest.missing or root[:2] not in self.cc_list_ids:
                    self.root_flags[index] |= CC_NOT_HELD
                self.root_list[index] = self.cc_list_ids.get(root[:2], -1)

    # -- tables over the codes of a run

    def cc_subchapters(self, code: str) -> list[str]:
        """Give the subchapters whose CC list holds a valid diagnosis."""
        if len(code) == 3:
            code += self.icd10.manifest.filler
        return self.cc_members.get(code) or self.cc_members.get(code[:4], [])

    def code_tables(self, diagnoses: list[str], procedures: list[str]) -> CodeTables:
        """Look up each distinct code once. Index 0 of both lists is the blank."""
        prefixes = {c: i for i, c in enumerate(self.diagnosis_table["code"])}
        d_flags = np.zeros(len(diagnoses), np.uint8)
        d_rows = np.full(len(diagnoses), -1, np.int64)
        cc = np.zeros((max(len(self.cc_list_ids), 1), len(diagnoses)), np.uint8)
        for index, code in enumerate(diagnoses):
            if not code or not self.icd10.valid(code):
                continue
            flags = CODE_VALID
            if _in_set(code, self.icd10.manifest.never_primary):
                flags |= NEVER_PRIMARY
            if _in_set(code, self.icd10.manifest.child_primary):
                flags |= CHILD_PRIMARY
            d_flags[index] = flags
            d_rows[index] = longest_prefix(code, prefixes)
            for name in self.cc_subchapters(code):
                cc[self.cc_list_ids[name], index] = self.cc_manifest.default_score

        prefixes = {c: i for i, c in enumerate(self.procedure_table["code"])}
        p_flags = np.zeros(len(procedures), np.uint8)
        p_rows = np.full(len(procedures), -1, np.int64)
        p_any = np.zeros(len(procedures), np.uint32)
        p_none = np.zeros(len(procedures), np.uint32)
        ranks = np.array([int(rank) for rank in self.procedure_table["rank"]] or [0], np.int32)
        excluded = tuple(self.manifest.intervention_chapters_excluded)
        for index, code in enumerate(procedures):
            if not code or not self.opcs4.valid(code):
                continue
            flags = CODE_VALID
            row = longest_prefix(code, prefixes)
            p_rows[index] = row
            if (
                row >= 0
                and self.procedure_table["root"][row]
                and ranks[row] > 0
                and not _in_set(code, self.opcs4.manifest.never_dominant)
            ):
                flags |= MAY_DRIVE
            if not code.startswith(excluded):
                flags |= INTERVENTION
            p_flags[index] = flags
            for name, condition in self.conditions.items():
                if code.startswith(tuple(condition.any_procedure)):
                    p_any[index] |= self.condition_bits[name]
                if code.startswith(tuple(condition.no_procedure)):
                    p_none[index] |= self.condition_bits[name]
        return CodeTables(
            d_flags,
            *self._roots_of(self.diagnosis_table, d_rows),
            p_flags,
            *self._roots_of(self.procedure_table, p_rows),
            p_any,
            p_none,
            cc,
        )

    def _roots_of(
        self, table: dict[str, list[str]], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        root = np.array([self.root_ids.get(name, -1) for name in table["root"]] + [-1], np.int32)
        child = np.array(
            [self.root_ids.get(name, -1) for name in table["root_child"]] + [-1], np.int32
        )
        rank = np.array([int(text) for text in table["rank"]] + [0], np.int32)
        return root[rows], child[rows], rank[rows]

    @property
    def none_mask(self) -> int:
        """Bits of the conditions that hold unless a procedure rules them out."""
        return sum(
            self.condition_bits[name] for name, c in self.conditions.items() if c.no_procedure
        )

    def condition_masks(self, field_name: str, values: list[str]) -> NDArray[np.uint32]:
        """Bits of the conditions that each value of a field brings about."""
        masks = np.zeros(len(values), np.uint32)
        for name, condition in self.conditions.items():
            wanted = _condition_codes(condition, field_name)
            for index, value in enumerate(values):
                if value in wanted:
                    masks[index] |= self.condition_bits[name]
        return masks


def _condition_codes(condition: Condition, field_name: str) -> list[str]:
    if field_name == "discharge_destination":
        return list(condition.discharge_destination)
    return list(condition.admission_source)


def pence(text: str) -> int:
    """Give pounds as printed in pence, half up; NULL64 for a blank."""
    return half_up(Decimal(text) * 100) if text else int(NULL64)


def half_up(number: Decimal) -> int:
    """Round to a whole number, halves away from zero."""
    return int(number.to_integral_value(ROUND_HALF_UP))


class Prices:
    """The price lists of all tariffs in one array, by tariff and HRG."""

    def __init__(self, packs: list[LoadedPack], hrg_ids: dict[str, int]) -> None:
        self.packs = packs
        self.manifests = [pack.manifest for pack in packs if isinstance(pack.manifest, TariffPack)]
        self.table = np.full((len(packs), len(hrg_ids), TABLE_COLUMNS), NULL64, np.int64)
        self.table[:, :, 8] = 0
        self.table[:, :, 9] = 0
        self.rounding = np.zeros(len(packs), np.uint8)
        self.short_stay_rule = np.zeros((len(packs), 3), np.int32)
        for index, (pack, manifest) in enumerate(zip(packs, self.manifests, strict=True)):
            self._fill(index, pack, manifest, hrg_ids)

    def _fill(
        self, index: int, pack: LoadedPack, manifest: TariffPack, hrg_ids: dict[str, int]
    ) -> None:
        columns = pack.tables["prices"].columns
        borrowed = set(manifest.borrowed.columns) if manifest.borrowed else set()
        of_other = sum(
            bit
            for bit, trim in enumerate(TRIMS[:2], start=1)  # bit 1 elective, 2 non-elective
            if borrowed & {f"{trim}_trim", "per_day"}
        )
        self.rounding[index] = ROUNDING.index(manifest.rounding)
        if manifest.short_stay_rule is not None:
            rule = manifest.short_stay_rule
            self.short_stay_rule[index] = (1, rule.max_adjusted_days, rule.min_age)
        for row, hrg in enumerate(columns["hrg"]):
            out = self.table[index, hrg_ids[hrg]]
            combined = columns["combined"][row]
            out[0] = pence(columns["day_case"][row] or combined)
            out[1] = pence(columns["ordinary_elective"][row] or combined)
            out[2] = pence(columns["non_elective"][row])
            for place, name in ((3, "elective_trim"), (4, "non_elective_trim")):
                out[place] = int(columns[name][row] or NULL64)
            out[5] = pence(columns["per_day"][row])
            flag = columns["short_stay"][row]
            out[6] = {"yes": 1, "no": 0}.get(flag, int(NULL64))
            out[7] = pence(columns["short_stay_price"][row])
            share = columns["short_stay_percent"][row]
            if flag == "yes" and not columns["short_stay_price"][row] and share:
                pounds = Decimal(columns["non_elective"][row] or 0) * Decimal(share) / 100
                out[7] = half_up(pounds) * 100
            out[8] = 1
            out[9] = of_other

    def index_of_year(self, year: str) -> int:
        """Give the index of a year's price list, -2 where none is held."""
        for index, manifest in enumerate(self.manifests):
            if manifest.year == year:
                return index
        return -2

    def holds_short_stay(self, index: int) -> bool:
        """Say whether a price list flags the HRGs of the reduced short stay price."""
        return bool((self.table[index, :, 6] == 1).any())

    def short_stay_methods(self, methods: list[str]) -> NDArray[np.uint8]:
        """[tariff, method]: whether the method may bring the reduced short stay price."""
        out = np.zeros((len(self.manifests), len(methods)), np.uint8)
        for index, manifest in enumerate(self.manifests):
            if manifest.short_stay_rule is not None:
                out[index] = [m in manifest.short_stay_rule.admission_methods for m in methods]
        return out


def year_start(year: str) -> int:
    """Give the calendar year in which a financial year such as `2022/23` begins."""
    return int(year[:4])


def financial_year(day: date) -> str:
    """Give the financial year of a day: 1 April to 31 March."""
    start = day.year if (day.month, day.day) >= (4, 1) else day.year - 1
    return f"{start:04}/{(start + 1) % 100:02}"


class MarketForces:
    """Market forces factors by provider and year, in units of 1e-9."""

    def __init__(self, pack: LoadedPack) -> None:
        assert isinstance(pack.manifest, MffPack)
        self.pack = pack
        columns = pack.tables["factors"].columns
        self.factors: dict[str, dict[str, int]] = {}
        for provider, year, factor in zip(
            columns["provider"], columns["year"], columns["mff"], strict=True
        ):
            self.factors.setdefault(provider, {})[year] = half_up(Decimal(factor) * MFF_UNIT)
        names = pack.tables["providers"].columns
        self.names = dict(zip(names["provider"], names["name"], strict=True))
        self.years = sorted({year for years in self.factors.values() for year in years})

    def factor(self, provider: str, year: str) -> tuple[int, str]:
        """Give the factor and the year it is of: the nearest held, the earlier on a tie.

        A provider in no table has NULL64 and an empty year.
        """
        held = self.factors.get(provider)
        if not held and len(provider) == 5 and provider.endswith("00"):
            held = self.factors.get(provider[:3])  # R1H00 is the trust R1H, written in full
        if not held:
            return int(NULL64), ""
        wanted = year_start(year)
        best = min(held, key=lambda y: (abs(year_start(y) - wanted), year_start(y)))
        return held[best], best


class PointsOfDelivery:
    """The points of delivery of admitted care, in order of test."""

    def __init__(self, pack: LoadedPack) -> None:
        assert isinstance(pack.manifest, PodPack)
        self.pack = pack
        self.groups = pack.manifest.groups
        self.codes = [group.code for group in self.groups]
        self.rules = np.array(
            [
                (
                    OPEN_MAX if group.max_adjusted_days is None else group.max_adjusted_days,
                    PRICE_COLUMNS.index(group.price),
                    TRIMS.index(group.trim),
                )
                for group in self.groups
            ],
            np.int32,
        )

    def methods(self, values: list[str]) -> NDArray[np.uint8]:
        """[group, admission method]: whether the group takes it."""
        return np.array(
            [[value in group.admission_methods for value in values] for group in self.groups],
            np.uint8,
        )

    def classes(self, values: list[str]) -> NDArray[np.uint8]:
        """[group, patient classification]: whether the group takes it."""
        return np.array(
            [
                [not g.patient_classifications or v in g.patient_classifications for v in values]
                for g in self.groups
            ],
            np.uint8,
        )


@dataclass
class Rulebook:
    """Every pack of a run, compiled."""

    packs: PackSet
    hrgs: list[str] = field(init=False)
    hrg_ids: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        names: set[str] = set()
        for pack in self.packs.by_kind("splits"):
            names.update(pack.tables["splits"].columns["hrg"])
        for pack in self.packs.by_kind("tariff"):
            names.update(pack.tables["prices"].columns["hrg"])
        for pack in self.packs.by_kind("grouper"):
            assert isinstance(pack.manifest, GrouperPack)
            names.add(pack.manifest.error_hrg)
        self.hrgs = sorted(names)
        self.hrg_ids = {hrg: index for index, hrg in enumerate(self.hrgs)}

    @cached_property
    def groupers(self) -> list[Grouper]:
        """Compiled groupers, oldest first."""
        packs = sorted(
            self.packs.by_kind("grouper"),
            key=lambda pack: (pack.manifest.applies.from_ or date.min, pack.manifest.id),
        )
        return [Grouper(pack, self.packs, self.hrg_ids) for pack in packs]

    @cached_property
    def prices(self) -> Prices:
        """Compiled price lists, by year."""
        packs = sorted(
            self.packs.by_kind("tariff"),
            key=lambda pack: (getattr(pack.manifest, "year", ""), pack.level, pack.manifest.id),
        )
        return Prices(packs, self.hrg_ids)

    @cached_property
    def mff(self) -> MarketForces:
        """Market forces factors."""
        return MarketForces(self.packs.by_kind("mff")[0])

    @cached_property
    def points_of_delivery(self) -> PointsOfDelivery:
        """Points of delivery of admitted care."""
        return PointsOfDelivery(self.packs.by_kind("points_of_delivery")[0])

    @cached_property
    def labels(self) -> dict[str, str]:
        """Labels of HRGs."""
        out: dict[str, str] = {}
        for pack in self.packs.by_kind("labels"):
            assert isinstance(pack.manifest, LabelsPack)
            columns = pack.tables["labels"].columns
            out.update(zip(columns["hrg"], columns["label"], strict=True))
        return out

    def grouper_of(self, day: date | None) -> int:
        """Give the index of the grouper whose dates hold the day, else the nearest.

        On a tie the earlier one serves; without a day, the newest.
        """
        if day is None:
            return len(self.groupers) - 1
        distances = []
        for index, grouper in enumerate(self.groupers):
            applies = grouper.pack.manifest.applies
            low, high = applies.from_ or date.min, applies.to or date.max
            gap = max((low - day).days, (day - high).days, 0)
            distances.append((gap, index))
        return min(distances)[1]
