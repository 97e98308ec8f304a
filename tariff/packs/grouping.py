"""Compile a grouper and its tables to the flat arrays that `_core/group.pyx` reads.

Two kinds of array: those of the grouper alone, and those over the codes that an extract holds
(`Grouper.code_tables`), so that the kernel meets small whole numbers only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tariff.packs.load import LoadedPack, PackSet
from tariff.packs.model import (
    PROVENANCE_ORDER,
    CcListsPack,
    CodeSet,
    CodesPack,
    FieldValuesPack,
    GrouperPack,
    InjuriesPack,
    Provenance,
    RootsPack,
    ServicesPack,
    SplitsPack,
)

T = TypeVar("T")

NULL32 = np.iinfo(np.int32).min
OPEN_MIN = NULL32 + 1
OPEN_MAX = np.iinfo(np.int32).max
DIGITS = "0123456789"

# Bits and columns as in _core/group.pyx.
CODE_VALID = 1
NEVER_PRIMARY, CHILD_PRIMARY, VAGUE_PRIMARY, IMPOSSIBLE_SITE, VAGUE_BURN = 2, 4, 8, 16, 32
BURN, BURN_AREA, DEEP_BURN, DAGGER = 64, 128, 256, 512
MAY_DRIVE, INTERVENTION, NEVER_DOMINANT, VAGUE_DOMINANT = 2, 4, 8, 16
ACCOMPANIES, SHORT_STAY = 32, 64
SERVICE_SHIFT = 16
FLAGS, ROOT, ROOT_CHILD, RANK = range(4)
SITE, TRAUMA_SCORE, BURN_SCORE, ANY_OF_DIAGNOSIS = 4, 5, 6, 7  # of a diagnosis
ANY, NONE, TRAUMA_WORK, BURN_WORK = 4, 5, 6, 7  # of a procedure
CODE_COLUMNS = 8
IN_DESIGN, CC_NOT_HELD, CC_USED = 1, 2, 4
(ROOT_START, ROOT_END, ROOT_LIST, ROOT_FLAGS, REDIRECT_START, REDIRECT_END) = range(6)
(OF_DRIVER, ANY_PROCEDURE, NO_PROCEDURE, OF_PRIMARY, ANY_DIAGNOSIS, NO_DIAGNOSIS, OF_SOURCE) = (
    range(7)
)
ACCOMPANYING = "ignored"  # the service of procedures that may accompany any other

SPLIT_BOUNDS = ("cc", "age", "interventions", "stay", "diagnosis_score")
SPLIT_CONDITIONS = 1 + 2 * len(SPLIT_BOUNDS)


def weakest(provenances: list[Provenance]) -> Provenance:
    """Give the weakest of several provenances: what a result that rests on all may claim."""
    return max(provenances, key=PROVENANCE_ORDER.index)


def _claim(deciding: list[LoadedPack], used: list[LoadedPack]) -> Provenance:
    """Give what an HRG may claim: the weakest it rests on, but for what is published in full.

    Splits, valid codes and accepted values restate the national ones: they take nothing from an
    HRG whose grouper, roots and scores are official.
    """
    weakest_used = weakest([pack.manifest.provenance for pack in used])
    if weakest_used == "published" and all(
        pack.manifest.provenance == "official" for pack in deciding
    ):
        return "official"
    return weakest_used


def longest_prefix(code: str, rows: dict[str, int]) -> int:
    """Give the row of the longest prefix of `code` in `rows`, -1 where there is none."""
    for length in range(len(code), 0, -1):
        row = rows.get(code[:length])
        if row is not None:
            return row
    return -1


def longest_value(code: str, rows: Mapping[str, T]) -> T | None:
    """Give what the longest prefix of `code` in `rows` stands for."""
    for length in range(len(code), 0, -1):
        if code[:length] in rows:
            return rows[code[:length]]
    return None


def _in_set(code: str, codes: CodeSet) -> bool:
    return code in codes.codes or any(code.startswith(prefix) for prefix in codes.prefixes)


@dataclass(frozen=True, slots=True)
class Limit:
    """The patients a code is kept for: one sex (blank: either), ages in whole years."""

    sex: str = ""
    age_min: int | None = None
    age_max: int | None = None


class Classification:
    """A list of valid codes and the tests of docs/grouping.md, section Codes."""

    def __init__(self, pack: LoadedPack) -> None:
        assert isinstance(pack.manifest, CodesPack)
        self.pack = pack
        self.manifest = pack.manifest
        self.codes = frozenset(pack.tables["codes"].columns["code"])
        self._limits: dict[str, Limit] = {}
        if "limits" in pack.tables:
            table = pack.tables["limits"]
            ages = zip(table.integers("age_min"), table.integers("age_max"), strict=True)
            for code, sex, (low, high) in zip(
                table.columns["code"], table.columns["sex"], ages, strict=True
            ):
                self._limits[code] = Limit(sex, low, high)

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

    def possible_site(self, code: str) -> bool:
        """Say whether the fifth character of a code, if it has one, may stand there."""
        if len(code) < 5:
            return True
        for rule in self.manifest.fifth_characters:
            if code.startswith(tuple(rule.categories)):
                return code[4] in rule.allowed
        return True

    def of_child(self, code: str) -> bool:
        """Say whether a code is a primary diagnosis of children alone."""
        return bool(code) and _in_set(code, self.manifest.child_primary)

    def limit(self, code: str) -> Limit:
        """Give the patients a code is kept for, as its longest entry has them."""
        return longest_value(code, self._limits) or Limit()

    def chapter(self, code: str) -> str:
        """Give the chapter of a code, empty where it is in none."""
        category = code[:3]
        for chapter in self.manifest.chapters:
            if chapter.from_ <= category <= chapter.to:
                return chapter.chapter
        return ""


@dataclass(frozen=True)
class CodeTables:
    """What a grouper knows of the codes of a run, by run id (0 is a blank)."""

    diagnoses: NDArray[np.int32]  # [code, column]
    procedures: NDArray[np.int32]  # [code, column]
    diagnosis_sets: NDArray[np.uint8]  # [set, code], of the redirects
    procedure_sets: NDArray[np.uint8]
    pairs: NDArray[np.int32]  # [pair, 2]: dagger and asterisk
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
        injuries = packs.by_id(manifest.injuries) if manifest.injuries else None
        services = packs.by_id(manifest.services) if manifest.services else None
        assert isinstance(splits.manifest, SplitsPack)
        assert isinstance(roots.manifest, RootsPack)
        assert isinstance(cc_lists.manifest, CcListsPack)
        assert isinstance(fields.manifest, FieldValuesPack)
        self.field_values = fields.manifest
        self.roots_manifest = roots.manifest
        self.cc_manifest = cc_lists.manifest
        core = [pack, splits, roots, cc_lists, fields, *code_packs]
        others = {"MB": injuries, "G": services}  # by the flags of what they decide
        self.used = [*core, *(other for other in others.values() if other is not None)]
        self.provenance = _claim([pack, roots, cc_lists], core)
        self._by_flag = {
            ord(flag): weakest([self.provenance, other.manifest.provenance])
            for flags, other in others.items()
            if other is not None
            for flag in flags
        }
        classifications = {c.manifest.classification: c for c in map(Classification, code_packs)}
        self.icd10, self.opcs4 = classifications["icd10"], classifications["opcs4"]
        self.error_hrg = hrg_ids[manifest.error_hrg]
        self.diagnosis_table = roots.tables["diagnoses"].columns
        self.procedure_table = roots.tables["procedures"].columns
        self._compile_cc(cc_lists)
        self._compile_splits(splits, splits.manifest, hrg_ids)
        self._read_injuries(injuries)
        self._read_services(services)
        self._read_redirects(roots)
        self._compile_roots()
        self._compile_redirects()

    def provenance_of(self, flag: int) -> Provenance:
        """Say what an HRG rests on, given the flag of what drove it."""
        return self._by_flag.get(flag, self.provenance)

    # -- tables of the grouper alone

    def _compile_cc(self, pack: LoadedPack) -> None:
        """Scores by code and subchapter."""
        columns = pack.tables["members"].columns
        self.cc_members = {
            code: dict.fromkeys(subchapters.split(), self.cc_manifest.default_score)
            for code, subchapters in zip(columns["code"], columns["subchapters"], strict=True)
        }
        if "scores" in pack.tables:
            for row in zip(*pack.tables["scores"].columns.values(), strict=True):
                code, subchapter, score = row
                self.cc_members.setdefault(code, {})[subchapter] = int(score)
        held = sorted({name for names in self.cc_members.values() for name in names})
        self.cc_list_ids = {name: index for index, name in enumerate(held)}

    def _compile_splits(
        self, pack: LoadedPack, manifest: SplitsPack, hrg_ids: dict[str, int]
    ) -> None:
        tables = [
            pack.tables[name].columns for name in ("splits", "unpriced") if name in pack.tables
        ]
        columns = {name: [cell for t in tables for cell in t[name]] for name in tables[0]}
        order = sorted(range(len(columns["hrg"])), key=lambda row: (columns["root"][row], row))
        names = sorted(manifest.conditions)
        self.conditions = {name: manifest.conditions[name] for name in names}
        self.condition_bits = {name: 1 << index for index, name in enumerate(names)}
        rows = np.zeros((len(order), SPLIT_CONDITIONS + 1), np.int32)
        self.split_hrgs = [columns["hrg"][row] for row in order]
        starts: dict[str, list[int]] = {}
        uses_cc: set[str] = set()
        for position, row in enumerate(order):
            root = columns["root"][row]
            starts.setdefault(root, [position, position])[1] = position + 1
            out = rows[position]
            out[0] = hrg_ids[columns["hrg"][row]]
            for place, name in enumerate(SPLIT_BOUNDS):
                out[1 + 2 * place] = int(columns[f"{name}_min"][row] or OPEN_MIN)
                out[2 + 2 * place] = int(columns[f"{name}_max"][row] or OPEN_MAX)
            if columns["cc_min"][row] or columns["cc_max"][row]:
                uses_cc.add(root)
            needed = columns["condition"][row].split()
            out[SPLIT_CONDITIONS] = sum(self.condition_bits[name] for name in needed)
        self.splits = rows
        self.root_bounds = starts
        self.roots_with_cc = uses_cc

    def _read_injuries(self, pack: LoadedPack | None) -> None:
        """Scores of injuries by prefix; nothing of it where the grouper has no such pack."""
        self.injuries: dict[str, dict[str, tuple[int, int]]] = {}
        self.trauma_names: Sequence[str] = ()
        self.burn_names: Sequence[str] = ()
        if pack is None:
            return
        assert isinstance(pack.manifest, InjuriesPack)
        self.trauma_names = pack.manifest.trauma_roots
        self.burn_names = pack.manifest.burn_roots
        columns = pack.tables["trauma_diagnoses"].columns
        sites = {site: index for index, site in enumerate(sorted(set(columns["site"])), 1)}
        for name, table in pack.tables.items():
            own = table.columns
            where = [0] * len(table)  # the site of an injury; of a burn whether it is deep
            if "site" in own:
                where = [sites[site] for site in own["site"]]
            elif "deep" in own:
                where = [flag == "yes" for flag in own["deep"]]
            scored = zip(where, map(int, own["score"]), strict=True)
            self.injuries[name] = dict(zip(own["code"], scored, strict=True))

    def _read_services(self, pack: LoadedPack | None) -> None:
        """Services by prefix, from 1; 0 is none."""
        self.services: dict[str, int] = {}
        self.service_names: list[str] = []
        self.service_roots: dict[str, str] = {}
        self.same_day_classifications: Sequence[str] = ()
        self.service_pack: ServicesPack | None = None
        self.unbundled: dict[str, list[tuple[list[tuple[str, ...]], str]]] = {}
        self.unbundled_ages: list[dict[str, str]] = []
        if pack is None:
            return
        assert isinstance(pack.manifest, ServicesPack)
        self.same_day_classifications = pack.manifest.same_day_classifications
        columns = pack.tables["services"].columns
        self.service_names = sorted(set(columns["service"]) - {ACCOMPANYING})
        ids = {name: index for index, name in enumerate(self.service_names, 1)}
        ids[ACCOMPANYING] = -1
        self.services = {
            code: ids[name] for code, name in zip(columns["code"], columns["service"], strict=True)
        }
        own = pack.tables["same_day"].columns
        self.service_roots = dict(zip(own["service"], own["root"], strict=True))
        self.service_pack = pack.manifest
        for code, with_codes, hrg in zip(
            *(pack.tables["unbundled"].columns[n] for n in ("code", "with_codes", "hrg")),
            strict=True,
        ):
            self.unbundled.setdefault(code, []).append((sets_of(with_codes, {}), hrg))
        self.unbundled_ages = _rows(pack, "unbundled_ages")

    def _read_redirects(self, pack: LoadedPack) -> None:
        """Read the rows of the redirects, their lists, and the roots of short stays."""
        self.dagger_pairs: list[dict[str, str]] = []
        if "dagger_pairs" in pack.tables:
            self.dagger_pairs = _rows(pack, "dagger_pairs")
        self.short_stay_roots: frozenset[str] = frozenset()
        if "short_stay" in pack.tables:
            self.short_stay_roots = frozenset(pack.tables["short_stay"].columns["root"])
        self.redirects: list[dict[str, str]] = []
        if "redirects" in pack.tables:
            self.redirects = _rows(pack, "redirects")
        lists: dict[str, list[str]] = {}
        if "lists" in pack.tables:
            columns = pack.tables["lists"].columns
            for name, code in zip(columns["list"], columns["code"], strict=True):
                lists.setdefault(name, []).append(code)
        self.lists = {name: tuple(codes) for name, codes in lists.items()}

    def _compile_roots(self) -> None:
        named = {
            root
            for table in (self.diagnosis_table, self.procedure_table)
            for column in ("root", "root_child")
            for root in table[column]
            if root
        }
        named.update(row[name] for row in self.redirects for name in ("root", "to"))
        named.update(self.trauma_names, self.burn_names, self.service_roots.values())
        self.roots = sorted(named | set(self.root_bounds))
        self.root_ids = {root: index for index, root in enumerate(self.roots)}
        table = np.zeros((len(self.roots), 6), np.int32)
        table[:, ROOT_LIST] = -1
        for root, out in zip(self.roots, table, strict=True):
            if root in self.root_bounds:
                out[ROOT_START], out[ROOT_END] = self.root_bounds[root]
                out[ROOT_FLAGS] |= IN_DESIGN
            if root in self.roots_with_cc:
                out[ROOT_FLAGS] |= CC_USED
                if root[:2] in self.cc_manifest.missing or root[:2] not in self.cc_list_ids:
                    out[ROOT_FLAGS] |= CC_NOT_HELD
                out[ROOT_LIST] = self.cc_list_ids.get(root[:2], -1)
        self.root_table = table
        self.trauma_roots = self._ids(self.trauma_names)
        self.burn_roots = self._ids(self.burn_names)
        self.same_day_roots = np.array(
            [
                -1,
                *(self.root_ids.get(self.service_roots.get(n, ""), -1) for n in self.service_names),
            ],
            np.int32,
        )

    def _ids(self, names: Iterable[str]) -> NDArray[np.int32]:
        return np.array([self.root_ids[name] for name in names], np.int32)

    def _compile_redirects(self) -> None:
        """Lay the redirects out by the root they start from, in their order."""
        order = sorted(
            range(len(self.redirects)), key=lambda i: (self.root_ids[self.redirects[i]["root"]], i)
        )
        self.diagnosis_sets: list[tuple[str, ...]] = []
        self.procedure_sets: list[tuple[str, ...]] = []
        self.source_sets: list[tuple[str, ...]] = []
        rows: list[list[int]] = []
        tests: list[tuple[int, int]] = []
        for place, index in enumerate(order):
            row = self.redirects[index]
            start = len(tests)
            for kind, column, sets in (
                (OF_DRIVER, "driver", self.procedure_sets),
                (ANY_PROCEDURE, "procedures", self.procedure_sets),
                (NO_PROCEDURE, "no_procedures", self.procedure_sets),
                (OF_PRIMARY, "primary", self.diagnosis_sets),
                (ANY_DIAGNOSIS, "diagnoses", self.diagnosis_sets),
                (NO_DIAGNOSIS, "no_diagnoses", self.diagnosis_sets),
                (OF_SOURCE, "admission_source", self.source_sets),
            ):
                for wanted in sets_of(row[column], self.lists):
                    if wanted not in sets:
                        sets.append(wanted)
                    tests.append((kind, sets.index(wanted)))
            bounds = [
                int(row[name] or (OPEN_MIN if name.endswith("min") else OPEN_MAX))
                for name in ("age_min", "age_max", "stay_min", "stay_max")
            ]
            rows.append([index, self.root_ids[row["to"]], *bounds, start, len(tests)])
            out = self.root_table[self.root_ids[row["root"]]]
            if out[REDIRECT_END] == 0:
                out[REDIRECT_START] = place
            out[REDIRECT_END] = place + 1
        self.redirect_rows = np.array(rows or [[0] * 8], np.int32)
        self.redirect_tests = np.array(tests or [(0, 0)], np.int32)

    # -- tables over the codes of a run

    def cc_scores(self, code: str) -> dict[str, int]:
        """Give the subchapters whose CC list holds a valid diagnosis, with its scores."""
        if len(code) == 3:
            code += self.icd10.manifest.filler
        return self.cc_members.get(code) or self.cc_members.get(code[:4], {})

    def code_tables(self, diagnoses: list[str], procedures: list[str]) -> CodeTables:
        """Look up each distinct code once. Index 0 of both lists is the blank."""
        cc = np.zeros((max(len(self.cc_list_ids), 1), len(diagnoses)), np.uint8)
        prefixes = {c: i for i, c in enumerate(self.diagnosis_table["code"])}
        d = np.zeros((len(diagnoses), CODE_COLUMNS), np.int32)
        d[:, (ROOT, ROOT_CHILD)] = -1
        for index, code in enumerate(diagnoses):
            if code and self.icd10.valid(code):
                self._describe_diagnosis(code, longest_prefix(code, prefixes), d[index])
                for name, score in self.cc_scores(code).items():
                    cc[self.cc_list_ids[name], index] = score
        prefixes = {c: i for i, c in enumerate(self.procedure_table["code"])}
        p = np.zeros((len(procedures), CODE_COLUMNS), np.int32)
        p[:, (ROOT, ROOT_CHILD)] = -1
        for index, code in enumerate(procedures):
            if code and self.opcs4.valid(code):
                self._describe_procedure(code, longest_prefix(code, prefixes), p[index])
        return CodeTables(
            d,
            p,
            _members(self.diagnosis_sets, diagnoses, d),
            _members(self.procedure_sets, procedures, p),
            self._pairs(diagnoses, d),
            cc,
        )

    def _pairs(self, codes: list[str], table: NDArray[np.int32]) -> NDArray[np.int32]:
        """Give the dagger and asterisk codes that drive as pairs; mark the daggers."""
        found = [
            (dagger, asterisk)
            for pair in self.dagger_pairs
            for dagger, first in enumerate(codes)
            if first.startswith(pair["dagger"]) and table[dagger, FLAGS] & CODE_VALID
            for asterisk, second in enumerate(codes)
            if second.startswith(pair["asterisk"]) and table[asterisk, FLAGS] & CODE_VALID
        ]
        for dagger, _ in found:
            table[dagger, FLAGS] |= DAGGER
        return np.array(found or [(0, 0)], np.int32)

    def _describe_diagnosis(self, code: str, row: int, out: NDArray[np.int32]) -> None:
        rules = self.icd10.manifest
        flags = CODE_VALID
        for bit, codes in (
            (NEVER_PRIMARY, rules.never_primary),
            (CHILD_PRIMARY, rules.child_primary),
            (VAGUE_PRIMARY, rules.vague_primary),
            (VAGUE_BURN, rules.vague_burn),
        ):
            if _in_set(code, codes):
                flags |= bit
        if not self.icd10.possible_site(code):
            flags |= IMPOSSIBLE_SITE
        self._root_row(self.diagnosis_table, row, out)
        out[SITE], out[TRAUMA_SCORE] = self._injury("trauma_diagnoses", code) or (0, 0)
        burn, area = self._injury("burn_diagnoses", code), self._injury("burn_areas", code)
        out[BURN_SCORE] = (burn or area or (0, 0))[1]
        flags |= BURN * (burn is not None) | BURN_AREA * (area is not None)
        flags |= DEEP_BURN * (burn is not None and burn[0])
        out[FLAGS] = flags
        for name, condition in self.conditions.items():
            if code.startswith(tuple(condition.any_diagnosis)):
                out[ANY_OF_DIAGNOSIS] |= self.condition_bits[name]

    def _describe_procedure(self, code: str, row: int, out: NDArray[np.int32]) -> None:
        rules = self.opcs4.manifest
        flags = CODE_VALID
        self._root_row(self.procedure_table, row, out)
        if _in_set(code, rules.never_dominant):
            flags |= NEVER_DOMINANT
        elif out[ROOT] >= 0 and out[RANK] > 0:
            flags |= MAY_DRIVE
            if self.procedure_table["root"][row] in self.short_stay_roots:
                flags |= SHORT_STAY
        if _in_set(code, rules.vague_dominant):
            flags |= VAGUE_DOMINANT
        if not code.startswith(tuple(self.manifest.intervention_chapters_excluded)):
            flags |= INTERVENTION
        service = longest_value(code, self.services) or 0
        flags |= ACCOMPANIES if service < 0 else service << SERVICE_SHIFT
        out[FLAGS] = flags
        for name, condition in self.conditions.items():
            if code.startswith(tuple(condition.any_procedure)):
                out[ANY] |= self.condition_bits[name]
            if code.startswith(tuple(condition.no_procedure)):
                out[NONE] |= self.condition_bits[name]
        out[TRAUMA_WORK] = (self._injury("trauma_procedures", code) or (0, 0))[1]
        out[BURN_WORK] = (self._injury("burn_procedures", code) or (0, 0))[1]

    def _root_row(self, table: dict[str, list[str]], row: int, out: NDArray[np.int32]) -> None:
        if row >= 0:
            out[ROOT] = self.root_ids.get(table["root"][row], -1)
            out[ROOT_CHILD] = self.root_ids.get(table["root_child"][row], -1)
            out[RANK] = int(table["rank"][row])

    def _injury(self, table: str, code: str) -> tuple[int, int] | None:
        return longest_value(code, self.injuries.get(table, {}))

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
            wanted = getattr(condition, field_name)
            for index, value in enumerate(values):
                if value in wanted:
                    masks[index] |= self.condition_bits[name]
        return masks

    def source_members(self, values: list[str]) -> NDArray[np.uint8]:
        """[set, admission source]: whether a redirect takes it."""
        rows = [[value in wanted for value in values] for wanted in self.source_sets]
        return np.array(rows or [[False] * len(values)], np.uint8)


def _rows(pack: LoadedPack, table: str) -> list[dict[str, str]]:
    columns = pack.tables[table].columns
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def sets_of(cell: str, lists: dict[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Read a cell of a redirect: sets of prefixes, of which each must be met."""
    return [
        tuple(
            code
            for word in part.split()
            for code in (lists[word[1:]] if word.startswith("@") else (word,))
        )
        for part in cell.split("+")
        if part.strip()
    ]


def _members(
    sets: list[tuple[str, ...]], codes: list[str], table: NDArray[np.int32]
) -> NDArray[np.uint8]:
    """[set, code]: whether a valid code starts with a prefix of the set."""
    sets_of_prefix: dict[str, list[int]] = {}  # a few look-ups a code, however many sets there are
    for number, prefixes in enumerate(sets):
        for prefix in prefixes:
            sets_of_prefix.setdefault(prefix, []).append(number)
    out = np.zeros((max(len(sets), 1), len(codes)), np.uint8)
    for index, code in enumerate(codes):
        if table[index, FLAGS] & CODE_VALID:
            for length in range(1, len(code) + 1):
                for number in sets_of_prefix.get(code[:length], ()):
                    out[number, index] = 1
    return out
