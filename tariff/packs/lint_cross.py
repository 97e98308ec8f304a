"""Checks of packs beside each other: dates, roots and codes, labels, rule ids."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations
from pathlib import Path

from tariff.packs.findings import Findings
from tariff.packs.model import (
    AttendanceGroupsPack,
    CodesPack,
    CriticalCareGroupsPack,
    EmergencyGroupsPack,
    GrouperPack,
    LabelsPack,
    Pack,
    SplitsPack,
    TariffPack,
)
from tariff.packs.problems import shown
from tariff.packs.read import LoadedPack

FindingsOf = Mapping[Path, Findings]

_CHOSEN_BY_DATE = (
    GrouperPack,
    AttendanceGroupsPack,
    EmergencyGroupsPack,
    CriticalCareGroupsPack,
)


def check(packs: Sequence[LoadedPack], findings: FindingsOf) -> None:
    """All checks that need more than one pack."""
    by_id = {pack.id: pack for pack in packs}
    _overlaps(packs, findings)
    _rule_ids(packs, findings)
    _labels(packs, findings)
    for pack in packs:
        if isinstance(pack.manifest, GrouperPack):
            _design_dates(pack, by_id, findings[pack.root])
    _roots(packs, by_id, findings)


# ---------------------------------------------------------------- dates and ids


def _slot(manifest: Pack) -> tuple[str, ...] | None:
    """What only one pack may hold at a time; None where packs are named, not chosen by date."""
    if isinstance(manifest, TariffPack):
        return ("tariff", manifest.year, manifest.edition)
    return (manifest.kind,) if isinstance(manifest, _CHOSEN_BY_DATE) else None


def _overlaps(packs: Sequence[LoadedPack], findings: FindingsOf) -> None:
    for first, second in combinations(packs, 2):
        slot = _slot(first.manifest)
        if slot is None or slot != _slot(second.manifest):
            continue
        begin, end = _common(first, second)
        if begin <= end:
            findings[second.root].add(
                "PK500",
                second.at("applies"),
                f"its dates overlap with those of '{first.id}' from {begin} to {end}",
                row=first.id,
                hint=f"see {shown(first.root)}",
            )


def _common(first: LoadedPack, second: LoadedPack) -> tuple[date, date]:
    one, other = first.manifest.applies, second.manifest.applies
    begin = max(one.from_ or date.min, other.from_ or date.min)
    return begin, min(one.to or date.max, other.to or date.max)


def _design_dates(pack: LoadedPack, by_id: Mapping[str, LoadedPack], findings: Findings) -> None:
    """A grouper lies within the dates of the design it uses."""
    manifest = pack.manifest
    assert isinstance(manifest, GrouperPack)
    splits = by_id.get(manifest.splits)
    if splits is None:
        return
    mine, design = manifest.applies, splits.manifest.applies
    if (mine.from_ or date.min) < (design.from_ or date.min) or (mine.to or date.max) > (
        design.to or date.max
    ):
        findings.add(
            "PK503",
            pack.at("splits"),
            f"'{splits.id}' does not hold all the dates of this grouper",
            row=splits.id,
        )


def _rule_ids(packs: Sequence[LoadedPack], findings: FindingsOf) -> None:
    owners: dict[str, LoadedPack] = {}
    for pack in packs:
        for rule in pack.rules:
            owner = owners.setdefault(rule.id, pack)
            if owner is not pack:
                findings[pack.root].add(
                    "PK108",
                    pack.rule_files[rule.id].at("id"),
                    f"rule id {rule.id} is also that of a rule in pack '{owner.id}'",
                    row=rule.id,
                    path=rule.path,
                )


# ---------------------------------------------------------------- grouping


def _roots(
    packs: Sequence[LoadedPack], by_id: Mapping[str, LoadedPack], findings: FindingsOf
) -> None:
    """Codes of roots and CC lists are codes; roots are in a design that uses them."""
    codes: dict[tuple[str, str], set[str]] = {}  # (pack, classification): the codes it may use
    designs: dict[str, set[str]] = {}
    for pack in packs:
        manifest = pack.manifest
        if not isinstance(manifest, GrouperPack):
            continue
        splits = by_id.get(manifest.splits)
        if splits is not None and isinstance(splits.manifest, SplitsPack):
            roots = [root for table in splits.tables.values() for root in table.columns["root"]]
            designs.setdefault(manifest.roots, set()).update(roots)
        for code_pack in filter(None, map(by_id.get, manifest.codes)):
            if isinstance(code_pack.manifest, CodesPack):
                for user in (
                    manifest.roots, manifest.cc_lists, manifest.injuries, manifest.services
                ):  # fmt: skip
                    key = (user, code_pack.manifest.classification)
                    codes.setdefault(key, set()).update(_codes(code_pack, code_pack.manifest))
    every_root: set[str] = set().union(*designs.values())  # whichever of them is in force
    for pack in packs:
        for table, classification in (
            ("diagnoses", "icd10"), ("procedures", "opcs4"), ("members", "icd10"),
            ("scores", "icd10"), ("trauma_diagnoses", "icd10"), ("burn_diagnoses", "icd10"),
            ("burn_areas", "icd10"), ("trauma_procedures", "opcs4"), ("burn_procedures", "opcs4"),
            ("unbundled", "opcs4"), ("services", "opcs4"),
        ):  # fmt: skip
            known = codes.get((pack.id, classification))
            if table in pack.tables and known is not None:
                _known_codes(findings[pack.root], table, "code", known)
        known = codes.get((pack.id, "icd10"))
        if "dagger_pairs" in pack.tables and known is not None:
            for column in ("dagger", "asterisk"):
                _known_codes(findings[pack.root], "dagger_pairs", column, known)
        if pack.id in designs and pack.manifest.kind == "roots":
            for table in ("diagnoses", "procedures"):
                _known_roots(findings[pack.root], table, every_root)
            if "redirects" in pack.tables:
                of = {kind: codes.get((pack.id, kind), set()) for kind in ("icd10", "opcs4")}
                _known_redirects(findings[pack.root], every_root, of)


def _codes(pack: LoadedPack, manifest: CodesPack) -> Iterator[str]:
    """The codes of a classification, a category without subdivision with the filler too."""
    for code in pack.tables["codes"].columns["code"]:
        yield code
        if manifest.filler and len(code) == 3:
            yield code + manifest.filler


REDIRECTED = {
    "driver": "opcs4",
    "procedures": "opcs4",
    "no_procedures": "opcs4",
    "primary": "icd10",
    "diagnoses": "icd10",
    "no_diagnoses": "icd10",
}


def _known_redirects(findings: Findings, roots: set[str], codes: Mapping[str, set[str]]) -> None:
    """Roots of redirects are in a design; their codes begin codes of the classification."""
    columns = findings.pack.tables["redirects"].columns
    for column in ("root", "to"):
        for index, root in enumerate(columns[column]):
            if root not in roots:
                message = f"no design has the root '{root}'"
                findings.of_cell("PK501", "redirects", index, column, message, row=root)
    ordered = {kind: sorted(known) for kind, known in codes.items()}
    for column, kind in REDIRECTED.items():
        for index, cell in enumerate(columns[column]):
            for code in cell.replace("+", " ").split():
                if code[0] != "@" and not _begins(code, ordered[kind]):
                    message = f"'{code}' begins no code of the classification"
                    findings.of_cell("PK412", "redirects", index, column, message, row=code)


def _begins(code: str, ordered: Sequence[str]) -> bool:
    """Say whether a code, a fifth character left aside, begins one of a sorted list."""
    place = bisect_left(ordered, code[:4])
    return place < len(ordered) and ordered[place].startswith(code[:4])


def _known_codes(findings: Findings, table: str, column: str, known: Iterable[str]) -> None:
    """Each code begins a code of the classification, a fifth character left aside."""
    ordered = sorted(known)
    for index, code in enumerate(findings.pack.tables[table].columns[column]):
        if not _begins(code, ordered):
            message = f"'{code}' begins no code of the classification"
            findings.of_cell("PK412", table, index, column, message, row=code)


def _known_roots(findings: Findings, table: str, designs: set[str]) -> None:
    columns = findings.pack.tables[table].columns
    for column in ("root", "root_child"):
        for index, root in enumerate(columns[column]):
            if root and root not in designs:
                message = f"{columns['code'][index]}: no design has the root '{root}'"
                findings.of_cell("PK501", table, index, column, message, row=root)


def _labels(packs: Sequence[LoadedPack], findings: FindingsOf) -> None:
    """Each HRG of a price list has a label."""
    labels: set[str] = set()
    for pack in packs:
        if isinstance(pack.manifest, LabelsPack):
            labels.update(pack.tables["labels"].columns["hrg"])
    for pack in packs:
        if not labels or not isinstance(pack.manifest, TariffPack) or "prices" not in pack.tables:
            continue
        names = pack.tables.get("names")
        own = set(names.columns["code"]) if names else set()
        for index, hrg in enumerate(pack.tables["prices"].columns["hrg"]):
            if hrg not in labels and hrg not in own:
                message = f"{hrg} has no label in any labels pack"
                findings[pack.root].of_cell("PK502", "prices", index, "hrg", message, row=hrg)
