"""Checks of contracts: overlapping lines, gaps in dates, plans that do not add up, waivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations, pairwise
from pathlib import Path

from tariff.packs.contract_model import NATIONAL, ContractPack, ContractTermsPack, ServiceLine
from tariff.packs.contract_rules import wrong_terms
from tariff.packs.contract_select import (
    PLANNED_MONTHS,
    YEAR_MONTHS,
    contract_dates,
    dates_of,
    first_day,
    last_day,
    months_of,
    narrower,
    overlap,
    same_selection,
    whole_months,
)
from tariff.packs.findings import Findings
from tariff.packs.model import MffPack, Rule
from tariff.packs.problems import did_you_mean
from tariff.packs.read import LoadedPack

DAY = timedelta(days=1)
TERMS = ("marginal_rate", "blended_share", "variable_share", "low_volume_limit")
_KEYS = ("provider", "commissioner", "treatment_function", "point_of_delivery", "tariff_code")


def contract(findings: Findings) -> None:
    """All checks of one contract by itself."""
    manifest = _manifest(findings.pack)
    ids = [line.id for line in manifest.lines]
    for index, line in enumerate(manifest.lines):
        if line.id in ids[:index]:
            _say(findings, "PK431", index, f"line '{line.id}' is in the contract twice")
    if not _dates(findings, manifest):
        return
    _overlaps(findings, manifest)
    _gaps(findings, manifest)
    _plan(findings, manifest)
    for index, line in enumerate(manifest.lines):
        form = line.form
        if form.fixed is not None and form.in_fixed is not None and form.fixed < form.in_fixed:
            message = (
                f"line '{line.id}': the fixed payment {form.fixed} is below the activity that is "
                f"in it, {form.in_fixed}"
            )
            _say(findings, "PK440", index, message, "check which is which")
    _waivers(findings, manifest)
    if "local_prices" in findings.pack.tables:
        _local_prices(findings)
    if "tests" in findings.pack.tables:
        _tests(findings, manifest)


def terms(findings: Findings) -> None:
    """Terms have names that forms look for."""
    columns = findings.pack.tables["terms"].columns
    for index, name in enumerate(columns["term"]):
        if name not in TERMS:
            message = f"no form has the term '{name}'; expected one of {', '.join(TERMS)}"
            findings.of_cell("PK417", "terms", index, "term", message, row=name)
        if columns["evidence"][index] not in ("S", "D", "K"):
            message = f"evidence is S, D or K; found '{columns['evidence'][index]}'"
            findings.of_cell("PK417", "terms", index, "evidence", message, row=name)
        if Decimal(columns["value"][index]) < 0:
            message = f"value is below 0: {columns['value'][index]}"
            findings.of_cell("PK405", "terms", index, "value", message, row=name)


# ---------------------------------------------------------------- dates and lines


def _dates(findings: Findings, manifest: ContractPack) -> bool:
    """Say whether the dates of contract and lines can be used: whole months of the year."""
    pack = findings.pack
    year_begins, year_ends = first_day(manifest.year), last_day(manifest.year)
    begin, end = contract_dates(manifest)
    right = True
    if int(manifest.year[5:]) != (int(manifest.year[:4]) + 1) % 100:
        findings.add("PK432", pack.at("year"), f"{manifest.year} is no financial year")
        return False
    if not (year_begins <= begin and end <= year_ends and whole_months(begin, end)):
        message = f"{begin} to {end} are not whole months of {manifest.year}"
        hint = "a contract is of one financial year: write a pack for each"
        findings.add("PK432", pack.at("applies"), message, hint=hint)
        return False
    for index, line in enumerate(manifest.lines):
        first, last = dates_of(line, manifest)
        if not (begin <= first <= last <= end and whole_months(first, last)):
            message = f"line '{line.id}': {first} to {last} are not whole months of the contract"
            _say(findings, "PK432", index, message)
            right = False
    return right


def _overlaps(findings: Findings, manifest: ContractPack) -> None:
    """Two lines of the same activity: one is narrower, and says so."""
    known = {line.id for line in manifest.lines}
    for index, line in enumerate(manifest.lines):
        for name in line.carved_from:
            if name not in known or name == line.id:
                message = f"line '{line.id}' is carved from '{name}', which is no other line"
                _say(findings, "PK431", index, message, did_you_mean(name, known, "lines"))
    for (place, one), (index, other) in combinations(enumerate(manifest.lines), 2):
        if not overlap(one, other, manifest):
            continue
        if other.id in one.carved_from or one.id in other.carved_from:
            inner, outer, at = (one, other, place)
            if one.id in other.carved_from:
                inner, outer, at = other, one, index
            if not narrower(inner, outer):
                message = (
                    f"line '{inner.id}' is carved from '{outer.id}', but is not narrower than it"
                )
                _say(findings, "PK431", at, message)
            continue
        message = f"lines '{one.id}' and '{other.id}' select the same activity"
        hint = "let one select less; or, where it is narrower, name the other in its carved_from"
        _say(findings, "PK430", index, message, hint)


def _gaps(findings: Findings, manifest: ContractPack) -> None:
    """The lines of one selection follow each other without a gap."""
    begin, end = contract_dates(manifest)
    groups: dict[tuple[object, ...], list[tuple[date, date, int]]] = {}
    for index, line in enumerate(manifest.lines):
        groups.setdefault(same_selection(line), []).append((*dates_of(line, manifest), index))
    for group in groups.values():
        ordered = sorted(group)
        edges = [(begin - DAY, begin - DAY, ordered[0][2]), *ordered, (end + DAY, end, -1)]
        for (_, before, place), (after, _, index) in pairwise(edges):
            if after > before + DAY:
                which = index if index >= 0 else place
                name = manifest.lines[which].id
                message = f"line '{name}': nothing holds from {before + DAY} to {after - DAY}"
                at = findings.pack.at("lines", which)
                hint = "such activity would be outside the contract; give the line those months"
                findings.add("PK433", at, message, row=name, hint=hint)


# ---------------------------------------------------------------- figures


def _plan(findings: Findings, manifest: ContractPack) -> None:
    """The months of a plan are those of its line, and add up to the annual figures."""
    by_id = {line.id: line for line in manifest.lines}
    sums: dict[str, list[Decimal]] = {}
    table = findings.pack.tables.get("plan")
    columns = table.columns if table else {"line": []}
    for index, name in enumerate(columns["line"]):
        line = by_id.get(name)
        if line is None:
            message = f"the contract has no line '{name}'"
            findings.of_cell("PK434", "plan", index, "line", message, row=name)
            continue
        month = int(columns["month"][index])
        first, last = months_of(line, manifest)
        if not (first <= month <= last or month == PLANNED_MONTHS):
            message = f"line '{name}' has the months {first} to {last} (13 after them), not {month}"
            findings.of_cell("PK434", "plan", index, "month", message, row=name)
        if Decimal(columns["activity"][index]) < 0:
            message = f"activity is not below 0; found {columns['activity'][index]}"
            findings.of_cell("PK405", "plan", index, "activity", message, row=name)
        total = sums.setdefault(name, [Decimal(0), Decimal(0)])
        total[0] += Decimal(columns["activity"][index])
        total[1] += Decimal(columns["price"][index])
    for index, line in enumerate(manifest.lines):
        if line.id in sums:
            _adds_up(findings, index, line, sums[line.id])
            if line.phasing != "plan":
                message = f"line '{line.id}' has months in the plan, but is phased {line.phasing}"
                hint = "write `phasing: plan` for its months to count, or take them out"
                _say(findings, "PK440", index, message, hint)
        elif line.phasing == "plan":
            message = f"line '{line.id}' is phased by the plan, which has no months of it"
            _say(findings, "PK434", index, message)


def _adds_up(findings: Findings, index: int, line: ServiceLine, sums: Sequence[Decimal]) -> None:
    if line.plan is None:
        message = f"the plan has months of line '{line.id}', which states no annual plan"
        _say(findings, "PK434", index, message, "the annual figures are the check of the months")
        return
    for what, stated, added in (
        ("activity", line.plan.activity, sums[0]),
        ("price", line.plan.price, sums[1]),
    ):
        if stated != added:
            message = f"line '{line.id}': the months add up to {what} {added}, not {stated}"
            findings.add("PK434", findings.pack.at("lines", index, "plan"), message, row=line.id)


def _waivers(findings: Findings, manifest: ContractPack) -> None:
    """An agreed waiver has an owner and a reason, and begins before it ends."""
    begin, _ = contract_dates(manifest)
    for index, waiver in enumerate(manifest.agreed_waivers):
        for key, what in (("agreed_by", "no one agreed to it"), ("reason", "it gives no reason")):
            if not getattr(waiver, key).strip():
                at = findings.pack.at("agreed_waivers", index, key)
                findings.add("PK435", at, f"waiver of {waiver.rule}: {what}", row=waiver.rule)
        if waiver.expires < begin:
            at = findings.pack.at("agreed_waivers", index, "expires")
            message = f"waiver of {waiver.rule} ended on {waiver.expires}, before the contract"
            findings.add("PK435", at, message, row=waiver.rule)


def _local_prices(findings: Findings) -> None:
    """No price is negative; of two that fit the same record one says more."""
    columns = findings.pack.tables["local_prices"].columns
    rows = list(zip(*(columns[name] for name in _KEYS), strict=True))
    for index, price in enumerate(columns["price"]):
        if Decimal(price) < 0:
            findings.of_cell("PK405", "local_prices", index, "price", f"price is below 0: {price}")
    said = [frozenset(place for place, cell in enumerate(row) if cell) for row in rows]
    shapes = sorted(set(said), key=sorted)
    for one, other in combinations(shapes, 2):
        if len(one) != len(other):
            continue
        common = sorted(one & other)
        held: dict[tuple[str, ...], int] = {}
        for index, row in enumerate(rows):
            if said[index] == one:
                held.setdefault(tuple(row[place] for place in common), index)
        for index, row in enumerate(rows):
            first = held.get(tuple(row[place] for place in common))
            if said[index] == other and first is not None:
                line = findings.pack.tables["local_prices"].lines[first]
                message = f"as near as the price in line {line}: both may fit one record"
                findings.of_cell("PK437", "local_prices", index, "price", message)


def _tests(findings: Findings, manifest: ContractPack) -> None:
    known = {line.id for line in manifest.lines}
    columns = findings.pack.tables["tests"].columns
    for index, name in enumerate(columns["line"]):
        if name not in known:
            message = f"the contract has no line '{name}'"
            findings.of_cell("PK434", "tests", index, "line", message, row=name)
        if not 1 <= int(columns["month"][index]) <= YEAR_MONTHS + 1:
            findings.of_cell("PK434", "tests", index, "month", "a month is 1 to 13", row=name)


# ---------------------------------------------------------------- beside other packs


def across(packs: Sequence[LoadedPack], findings: Mapping[Path, Findings]) -> None:
    """Checks of contracts beside terms, factors, signatures and each other."""
    contracts = [pack for pack in packs if isinstance(pack.manifest, ContractPack)]
    if not contracts:
        return
    held = national_terms(packs)
    providers: set[str] = set()
    for pack in packs:
        if isinstance(pack.manifest, MffPack) and pack.has_tables:
            providers.update(pack.tables["providers"].columns["provider"])
            providers.update(pack.tables["factors"].columns["provider"])
    rules = {rule.id: rule for pack in packs for rule in pack.rules}
    spelt: dict[str, str] = {}  # each point of delivery, and other spellings of it, to the code
    for pack in packs:
        if pack.manifest.kind == "pod_codes" and pack.has_tables:
            codes, aliases = (pack.tables[name].columns for name in ("codes", "aliases"))
            spelt |= dict(zip(aliases["alias"], aliases["code"], strict=True))
            spelt |= {code: code for code in codes["code"]}
    for pack in contracts:
        mine = findings.get(pack.root)
        if mine is not None:
            _beside(mine, held, providers, set(rules))
            _signatures(mine, rules)
            _points_of_delivery(mine, spelt)
    _gaps_between(contracts, findings)


def _signatures(findings: Findings, rules: Mapping[str, Rule]) -> None:
    """What was agreed on signatures names rules and parameters that there are."""
    pack = findings.pack
    assert isinstance(pack.manifest, ContractPack)
    for where, message, hint in wrong_terms(pack.manifest, rules) if rules else ():
        findings.add("PK442", pack.at(*where), message, row=str(where[1]), hint=hint)


def national_terms(packs: Sequence[LoadedPack]) -> dict[tuple[str, str], Decimal]:
    """Give the terms of every year; those of a pack earlier in the search order win."""
    out: dict[tuple[str, str], Decimal] = {}
    for pack in packs:
        if isinstance(pack.manifest, ContractTermsPack) and "terms" in pack.tables:
            columns = pack.tables["terms"].columns
            for year, term, value in zip(
                columns["year"], columns["term"], columns["value"], strict=True
            ):
                out.setdefault((year, term), Decimal(value))
    return out


def _beside(
    findings: Findings,
    held: Mapping[tuple[str, str], Decimal],
    providers: set[str],
    rules: set[str],
) -> None:
    pack = findings.pack
    manifest = _manifest(pack)
    if providers and manifest.provider not in providers:
        message = f"provider '{manifest.provider}' is in no table of market forces factors"
        hint = did_you_mean(manifest.provider, providers, "providers")
        findings.add("PK504", pack.at("provider"), message, row=manifest.provider, hint=hint)
    for index, line in enumerate(manifest.lines):
        key, term = NATIONAL.get(line.form.kind, ("", ""))
        if key and getattr(line.form, key) is None and (manifest.year, term) not in held:
            message = f"line '{line.id}' gives no {key}, and none is held for {manifest.year}"
            _say(findings, "PK436", index, message, f"write {key} in its form")
    _low_volume(findings, manifest, held.get((manifest.year, "low_volume_limit")))
    for index, waiver in enumerate(manifest.agreed_waivers):
        if rules and waiver.rule not in rules:
            message = f"waiver of rule '{waiver.rule}', which no pack has"
            hint = did_you_mean(waiver.rule, rules, "rules")
            at = pack.at("agreed_waivers", index, "rule")
            findings.add("PK439", at, message, row=waiver.rule, hint=hint)


def _low_volume(findings: Findings, manifest: ContractPack, limit: Decimal | None) -> None:
    """The limit is of a provider and a commissioner: all lines together stay under it."""
    lines = [(i, n) for i, n in enumerate(manifest.lines) if n.form.kind == "low_volume" and n.plan]
    together = sum((line.plan.price for _, line in lines if line.plan), Decimal(0))
    parties = max(len(manifest.commissioners), 1)
    if limit is None or not lines or together < limit * parties:
        return
    message = f"line '{lines[0][1].id}': {together}"
    if len(lines) > 1:
        message = f"lines {', '.join(repr(str(line.id)) for _, line in lines)}: {together} together"
    message += f" is not under the limit of {limit}"
    if parties > 1:
        message += f" for each of {parties} commissioners"
    at = findings.pack.at("lines", lines[0][0], "plan")
    findings.add("PK438", at, message, row=lines[0][1].id)


def _points_of_delivery(findings: Findings, spelt: Mapping[str, str]) -> None:
    """Lines and waivers select by the codes that records have."""
    manifest = _manifest(findings.pack)
    selects = [("lines", i, line.select, line.id) for i, line in enumerate(manifest.lines)]
    for key, index, select, name in selects if spelt else ():
        for code in select.points_of_delivery:
            right = spelt.get(code)
            if right == code:
                continue
            known = {text for text, of in spelt.items() if text == of}
            near = spelt.get(code) or spelt.get(code.upper())
            hint = f"write '{near}'" if near else did_you_mean(code.upper(), known, "codes")
            message = f"line '{name}' selects point of delivery '{code}', which is no national code"
            findings.add("PK441", findings.pack.at(key, index), message, row=name, hint=hint)


def _gaps_between(contracts: Sequence[LoadedPack], findings: Mapping[Path, Findings]) -> None:
    """Contracts of the same parties and year follow each other without a gap."""
    groups: dict[tuple[object, ...], list[tuple[date, date, LoadedPack]]] = {}
    for pack in contracts:
        manifest = _manifest(pack)
        key = (manifest.provider, frozenset(manifest.commissioners), manifest.year)
        groups.setdefault(key, []).append((*contract_dates(manifest), pack))
    for group in groups.values():
        ordered = sorted(group, key=lambda item: (item[0], item[1], item[2].id))
        for (_, before, first), (after, _, second) in pairwise(ordered):
            if after > before + DAY and second.root in findings:
                message = f"between '{first.id}' and this no contract holds from {before + DAY} to"
                findings[second.root].add(
                    "PK505", second.at("applies"), f"{message} {after - DAY}", row=first.id
                )


def _say(findings: Findings, code: str, index: int, message: str, hint: str = "") -> None:
    name = _manifest(findings.pack).lines[index].id
    findings.add(code, findings.pack.at("lines", index), message, row=name, hint=hint)


def _manifest(pack: LoadedPack) -> ContractPack:
    assert isinstance(pack.manifest, ContractPack)
    return pack.manifest
