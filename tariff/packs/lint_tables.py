"""Checks of one pack's tables and lists: bounds, bands, figures, conditions, order of groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from tariff.packs import lint_best_practice, lint_contract, lint_other_care, lint_prices
from tariff.packs.findings import Findings
from tariff.packs.model import (
    CodesPack,
    FieldValuesPack,
    PodGroup,
    PodPack,
    SplitsPack,
)

SPLIT_BOUNDS = ("cc", "age", "interventions", "stay", "diagnosis_score")
PRICES = (
    "outpatient_procedure",
    "combined",
    "day_case",
    "ordinary_elective",
    "non_elective",
    "per_day",
    "short_stay_percent",
    "short_stay_price",
)
CODE_FORMS = {
    "icd10": (re.compile(r"[A-Z][0-9]{2}[0-9X]{0,2}"), "a letter, two digits and up to two more"),
    "opcs4": (re.compile(r"[A-Z][0-9]{2,3}"), "a letter and two or three digits"),
}
EXCLUDED_BY = ("treatment_function", "administrative_category")
LOWEST_MFF, HIGHEST_MFF = Decimal("0.9"), Decimal("1.5")


def check(findings: Findings) -> None:
    """The checks that the kind of the pack asks for."""
    checks = {
        "codes": _codes,
        "field_values": _field_values,
        "splits": _splits,
        "roots": _redirects,
        "attendance_groups": lint_other_care.attendances,
        "emergency_groups": lint_other_care.emergency,
        "critical_care_groups": lint_other_care.critical_care,
        "other_care": lint_other_care.pricing,
        "tariff": _prices,
        "mff": _factors,
        "points_of_delivery": _groups,
        "contract": lint_contract.contract,
        "contract_terms": lint_contract.terms,
    }
    run = checks.get(findings.pack.manifest.kind)
    if run is not None:
        run(findings)


# ---------------------------------------------------------------- codes and fields


def _codes(findings: Findings) -> None:
    pack = findings.pack
    manifest = pack.manifest
    assert isinstance(manifest, CodesPack)
    for index, chapter in enumerate(manifest.chapters):
        if chapter.from_ > chapter.to:
            message = f"the range {chapter.from_} to {chapter.to} ends before it begins"
            findings.add("PK400", pack.at("chapters", index), message, row=str(chapter.from_))
    form, words = CODE_FORMS[manifest.classification]
    for index, code in enumerate(pack.tables["codes"].columns["code"]):
        if not form.fullmatch(code):
            message = f"'{code}' is no {manifest.classification} code: {words}"
            findings.of_cell("PK412", "codes", index, "code", message, row=code)
    if "limits" in pack.tables:
        _limits(findings)


def _limits(findings: Findings) -> None:
    """Codes kept for patients of one sex or some ages."""
    table = findings.pack.tables["limits"]
    lows, highs = table.integers("age_min"), table.integers("age_max")
    for index, (code, sex) in enumerate(
        zip(table.columns["code"], table.columns["sex"], strict=True)
    ):
        low, high = lows[index], highs[index]
        if sex not in ("", "1", "2"):
            message = f"'{sex}' is no sex: 1 is male, 2 is female, a blank either"
            findings.of_cell("PK400", "limits", index, "sex", message, row=code)
        if low is not None and high is not None and low > high:
            message = f"the ages {low} to {high} end before they begin"
            findings.of_cell("PK400", "limits", index, "age_min", message, row=code)
        if not sex and low is None and high is None:
            message = f"'{code}' is kept for everyone: neither sex nor ages are given"
            findings.of_cell("PK400", "limits", index, "code", message, row=code)


def _field_values(findings: Findings) -> None:
    manifest = findings.pack.manifest
    assert isinstance(manifest, FieldValuesPack)
    for name, accepted in manifest.numeric.items():
        if accepted.min > accepted.max:
            at = findings.pack.at("numeric", name)
            message = f"{name}: min {accepted.min} is above max {accepted.max}"
            findings.add("PK400", at, message, row=name)


# ---------------------------------------------------------------- splits


def _splits(findings: Findings) -> None:
    pack = findings.pack
    manifest = pack.manifest
    assert isinstance(manifest, SplitsPack)
    used: set[str] = set()
    for name in pack.tables:
        _splits_table(findings, manifest, name, used)
    for name in sorted(set(manifest.conditions) - used):
        at = pack.at("conditions", name)
        findings.add("PK414", at, f"no row uses the condition '{name}'", row=name)
    _conditions(findings, manifest)


def _splits_table(findings: Findings, manifest: SplitsPack, of: str, used: set[str]) -> None:
    table = findings.pack.tables[of]
    columns = table.columns
    bounds = {
        name: list(zip(table.integers(f"{name}_min"), table.integers(f"{name}_max"), strict=True))
        for name in SPLIT_BOUNDS
    }
    seen: dict[tuple[object, ...], int] = {}
    cells: dict[tuple[object, ...], list[int]] = {}
    for index, (hrg, root, condition) in enumerate(
        zip(columns["hrg"], columns["root"], columns["condition"], strict=True)
    ):
        for name in SPLIT_BOUNDS:
            low, high = bounds[name][index]
            if low is not None and high is not None and low > high:
                message = f"{hrg}: {name}_min {low} is above {name}_max {high}"
                findings.of_cell("PK400", of, index, f"{name}_min", message, row=hrg)
        if hrg[:-1] != root:
            message = f"{hrg} does not stand under its root: {root} and one letter"
            findings.of_cell("PK404", of, index, "root", message, row=hrg)
        for name in condition.split():
            used.add(name)
            if name not in manifest.conditions:
                message = f"{hrg}: unknown condition '{name}'"
                findings.of_cell("PK403", of, index, "condition", message, row=hrg)
        others = tuple(bounds[name][index] for name in SPLIT_BOUNDS[1:])
        cell = (root, condition, *others)
        first = seen.setdefault((*cell, bounds["cc"][index]), index)
        if first != index:
            message = f"{hrg} has the bounds of {columns['hrg'][first]}: it is never chosen"
            findings.of_cell("PK402", of, index, "hrg", message, row=hrg)
        cells.setdefault(cell, []).append(index)
    for indices in cells.values():
        _bands(findings, of, indices, bounds["cc"])


def _bands(
    findings: Findings,
    of: str,
    indices: Sequence[int],
    bounds: Sequence[tuple[int | None, int | None]],
) -> None:
    """The CC bands of rows that differ in nothing else: from 0, without a gap, open at the end."""
    if all(bounds[index] == (None, None) for index in indices):
        return
    columns = findings.pack.tables[of].columns
    expected: int | None = 0
    for index in sorted(indices, key=lambda index: bounds[index][0] or 0):
        low, high = bounds[index]
        hrg, root = columns["hrg"][index], columns["root"][index]
        if expected is None or (low or 0) != expected:
            after = "no band" if expected is None else f"a band from {expected}"
            message = f"{hrg}: the CC band begins at {low or 0}; {after} is due"
            findings.of_cell("PK401", of, index, "cc_min", message, row=root)
        expected = None if high is None else high + 1
    if expected is not None:
        hrg = columns["hrg"][indices[0]]
        message = f"{hrg}: no CC band of its cell is open above {expected - 1}"
        row = columns["root"][indices[0]]
        findings.of_cell("PK401", of, indices[0], "cc_max", message, row=row)


def _conditions(findings: Findings, manifest: SplitsPack) -> None:
    """Each condition asks one thing."""
    for name, condition in manifest.conditions.items():
        asked = [
            condition.discharge_destination,
            condition.admission_source,
            condition.any_procedure,
            condition.no_procedure,
            condition.any_diagnosis,
        ]
        if sum(map(bool, asked)) != 1:
            at = findings.pack.at("conditions", name)
            findings.add("PK027", at, f"condition '{name}' must ask exactly one thing", row=name)


# ---------------------------------------------------------------- redirects


def _redirects(findings: Findings) -> None:
    """Each redirect asks for something, of lists that are there, within bounds that can be met."""
    if "redirects" not in findings.pack.tables:
        return
    table = findings.pack.tables["redirects"]
    columns = table.columns
    lists = set(findings.pack.tables["lists"].columns["list"] if "lists" in findings.pack.tables
                else ())  # fmt: skip
    asks = [name for name in columns if name not in ("root", "to", "doubt", "note")]
    for index, (root, to) in enumerate(zip(columns["root"], columns["to"], strict=True)):
        if not any(columns[name][index] for name in asks):
            message = f"{root} always becomes {to}: no condition is given"
            findings.of_cell("PK415", "redirects", index, "root", message, row=root)
        words = " ".join(columns[name][index] for name in asks).replace("+", " ").split()
        for word in words:
            if word[0] == "@" and word[1:] not in lists:
                message = f"unknown list '{word[1:]}'"
                findings.of_cell("PK415", "redirects", index, "root", message, row=root)
        for name in ("age", "stay"):
            low, high = columns[f"{name}_min"][index], columns[f"{name}_max"][index]
            if low and high and int(low) > int(high):
                message = f"{root}: {name}_min {low} is above {name}_max {high}"
                findings.of_cell("PK400", "redirects", index, f"{name}_min", message, row=root)


# ---------------------------------------------------------------- figures


def _prices(findings: Findings) -> None:
    lint_prices.check(findings)
    lint_best_practice.check(findings)
    table = findings.pack.tables.get("prices")
    if table is None:
        return
    hrgs = table.columns["hrg"]
    for name in (*PRICES, "elective_trim", "non_elective_trim"):
        for index, figure in enumerate(table.decimals(name)):
            if figure is None:
                continue
            if figure < 0:
                message = f"{hrgs[index]}: {name} {figure} is below 0"
                findings.of_cell("PK405", "prices", index, name, message, row=hrgs[index])
            elif name.endswith("_trim") and figure < 1:
                message = f"{hrgs[index]}: a trim point of {figure} days"
                findings.of_cell("PK408", "prices", index, name, message, row=hrgs[index])
    full, short = table.decimals("non_elective"), table.decimals("short_stay_price")
    columns = table.columns
    for index, (price, reduced) in enumerate(zip(full, short, strict=True)):
        if price is not None and reduced is not None and reduced > price:
            message = f"{hrgs[index]}: the short stay price {reduced} is above the full {price}"
            findings.of_cell("PK406", "prices", index, "short_stay_price", message, row=hrgs[index])
    for index, combined in enumerate(columns["combined"]):
        separate = columns["day_case"][index] or columns["ordinary_elective"][index]
        if combined and separate:
            message = f"{hrgs[index]}: a combined price beside separate ones"
            findings.of_cell("PK407", "prices", index, "combined", message, row=hrgs[index])


def _factors(findings: Findings) -> None:
    table = findings.pack.tables["factors"]
    for index, factor in enumerate(table.decimals("mff")):
        if factor is not None and not LOWEST_MFF <= factor <= HIGHEST_MFF:
            provider = table.columns["provider"][index]
            message = f"{provider} {table.columns['year'][index]}: a factor of {factor}"
            findings.of_cell("PK411", "factors", index, "mff", message, row=provider)
    if "successors" in findings.pack.tables:
        _successors(findings)


def _successors(findings: Findings) -> None:
    """Every merger leads to a provider that is still there."""
    columns = findings.pack.tables["successors"].columns
    became = dict(zip(columns["old"], columns["new"], strict=True))
    for index, old in enumerate(became):
        seen, code = [old], became[old]
        while code in became and code not in seen:
            seen.append(code)
            code = became[code]
        if code in seen:
            message = f"{old} is its own successor: {' > '.join([*seen, code])}"
            findings.of_cell("PK425", "successors", index, "new", message, row=old)


# ---------------------------------------------------------------- points of delivery


def _groups(findings: Findings) -> None:
    manifest = findings.pack.manifest
    assert isinstance(manifest, PodPack)
    _excluded(findings)
    for index, group in enumerate(manifest.groups):
        for earlier in manifest.groups[:index]:
            if earlier.code == group.code:
                at = findings.pack.at("groups", index, "code")
                findings.add("PK202", at, f"group {group.code} is given twice", row=group.code)
            elif _covers(earlier, group):
                at = findings.pack.at("groups", index)
                message = f"group {group.code} is never reached: {earlier.code} takes its spells"
                findings.add("PK413", at, message, row=group.code)
                break


def _covers(earlier: PodGroup, later: PodGroup) -> bool:
    """Whether every spell that fits the later group fits the earlier one."""
    if not set(later.admission_methods) <= set(earlier.admission_methods):
        return False
    classes, others = earlier.patient_classifications, later.patient_classifications
    if classes and not (others and set(others) <= set(classes)):
        return False
    most, other_most = earlier.max_adjusted_days, later.max_adjusted_days
    return most is None or (other_most is not None and other_most <= most)


def _excluded(findings: Findings) -> None:
    """What is excluded is a code of a field that is asked for it, in years that are in order."""
    table = findings.pack.tables.get("excluded")
    if table is None:
        return
    columns = table.columns
    for index, code in enumerate(columns["code"]):
        for name, known in (("of", EXCLUDED_BY), ("evidence", ("S", "D", "K"))):
            if (word := columns[name][index]) not in known:
                message = f"{name}: '{word}' is none of {', '.join(known)}"
                findings.of_cell("PK417", "excluded", index, name, message, row=code)
        first, last = columns["from_year"][index], columns["to_year"][index]
        if first and last and first > last:
            message = f"{code}: from {first} is after to {last}"
            findings.of_cell("PK400", "excluded", index, "from_year", message, row=code)
