"""Both policies between spells, applied to a run: columns of the spells, a table, a manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariff import schemas
from tariff.engine.columns import SpellColumns
from tariff.engine.manifest import pack_entry
from tariff.engine.marginal_rate import Line, Marginal, check_offers, marginal_rate
from tariff.engine.readmissions import BASES, Readmissions, readmissions
from tariff.engine.stays import FISCAL, Stays, calendar_month, groups_of, stays_of, tariff_year
from tariff.engine.tables import number_array
from tariff.errors import UsageError
from tariff.packs.compile import Rulebook
from tariff.packs.load import LoadedPack
from tariff.packs.local_policies import LocalPolicies, Term
from tariff.packs.policy_model import Exclusion, MarginalRatePack, ReadmissionsPack
from tariff.packs.problems import did_you_mean

READMISSIONS, MARGINAL_RATE = "readmissions", "marginal_rate"


@dataclass(frozen=True)
class Policies:
    """What the policies come to for the spells of an extract."""

    local: LocalPolicies
    packs: list[LoadedPack]
    stays: Stays
    readmissions: Readmissions
    marginal: Marginal
    notices: list[str]

    def spells(self, table: pa.Table) -> pa.Table:
        """Give the spells table of the extract with the columns of the readmissions."""
        found, stays = self.readmissions, self.stays
        here = found.spell < stays.here
        spell, index = found.spell[here], found.index[here]
        place = np.full(table.num_rows, -1, np.int64)
        place[spell] = np.arange(len(spell))
        rows = pa.array(place, mask=place < 0)
        exclusions = pa.array([item.name for item in found.exclusions], pa.string())
        excluded = found.excluded[here]
        columns = {
            "readmission_of": stays.keys(index),
            "readmission_days": number_array(found.days[here], pa.int32()),
            "readmission_index": pa.array(["non_elective", "elective"]).take(
                pa.array(found.elective[here].astype(np.int64))
            ),
            "readmission_excluded": exclusions.take(pa.array(excluded, mask=excluded < 0)),
            "readmission_pence": number_array(found.amount[here], pa.int64()),
            "readmission_basis": pa.array(BASES).take(pa.array(found.basis[here])),
            "readmission_withheld_pence": pa.array(found.withheld[here], pa.int64()),
            "readmission_charged_to": pa.array(stays.provider.values, pa.string()).take(
                pa.array(found.charged_to[here])
            ),
        }
        for field in schemas.READMISSION_COLUMNS:
            table = table.append_column(field, columns[field.name].take(rows).cast(field.type))
        return table

    def withheld(self, table: pa.Table) -> pa.Array:
        """Give the pence withheld from each spell of a spells table, of the extract or its history.

        What is charged to another provider than the spell's own is not taken off the spell.
        """
        found = self.readmissions
        own = found.deductions(own=True)[found.spell]
        keys = self.stays.keys(found.spell)
        asked = pc.binary_join_element_wise(table["provider"], table["spell_id"], ":")
        place = pc.index_in(asked, value_set=keys)
        return pc.fill_null(pa.array(own, pa.int64()).take(place), 0).combine_chunks()

    def charged_elsewhere(self) -> pa.Table:
        """Give what is withheld from another provider than the one that treated, one row each.

        `month` is that of the readmission's discharge, in months since year 0.
        """
        found, stays = self.readmissions, self.stays
        own = found.deductions(own=True)[found.spell]
        rows = np.flatnonzero(found.withheld - own)
        spells = found.spell[rows]
        names = pa.array(stays.provider.values, pa.string())
        commissioner = stays.commissioner.ids[spells].astype(np.int64)
        return pa.table(
            {
                "provider": names.take(pa.array(stays.provider.ids[spells].astype(np.int64))),
                "charged_to": names.take(pa.array(found.charged_to[rows].astype(np.int64))),
                "commissioner": pa.array(stays.commissioner.values, pa.string()).take(
                    pa.array(commissioner, mask=commissioner < 0)
                ),
                "month": pa.array(stays.month[spells] + FISCAL, pa.int64()),
                "pence": pa.array(found.withheld[rows], pa.int64()),
            }
        )

    def rated(self, provider: str) -> bool:
        """Say whether the marginal rate withholds anything from a provider."""
        return any(
            line.provider == provider and line.actual_to_date != line.payable_to_date
            for line in self.marginal.lines
        )

    def table(self) -> pa.Table:
        """Give the months of both policies (tariff.schemas.POLICIES)."""
        rows = [*self._readmission_rows(), *map(_marginal_row, self.marginal.lines)]
        return pa.Table.from_pylist(rows, schemas.POLICIES)

    def _readmission_rows(self) -> Iterable[dict[str, Any]]:
        found, stays = self.readmissions, self.stays
        counted = np.flatnonzero(found.excluded < 0)
        spells = found.spell[counted]
        keys, inverse = groups_of(
            found.charged_to[counted], stays.commissioner.ids[spells], stays.month[spells]
        )
        amount = np.where(
            found.basis[counted] == BASES.index("no_amount"), 0, found.amount[counted]
        )
        sums = np.zeros((2, len(keys)), np.int64)
        np.add.at(sums[0], inverse, amount)
        np.add.at(sums[1], inverse, found.withheld[counted])
        basis = np.zeros((len(keys), len(BASES)), np.int64)
        np.add.at(basis, (inverse, found.basis[counted]), 1)
        months = [
            (
                stays.provider.values[provider],
                "" if commissioner < 0 else stays.commissioner.values[commissioner],
                month,
                sums[0, place],
                sums[1, place],
                basis[place],
            )
            for place, (provider, commissioner, month) in enumerate(keys)
        ]
        to_date: dict[tuple[str, str, str], tuple[int, int]] = {}
        for name, with_, month, actual, withheld, kinds in sorted(months, key=lambda m: m[:3]):
            year = tariff_year(month)
            before = to_date.get((name, with_, year), (0, 0))
            now = to_date[name, with_, year] = (before[0] + actual, before[1] + withheld)
            yield _row(
                READMISSIONS, name, with_, month, int(kinds.sum()), int(actual), int(withheld),
                int(now[0]), int(now[1]),
                note=", ".join(f"{BASES[b]} {n}" for b, n in enumerate(kinds.tolist()) if n),
            )  # fmt: skip

    def manifest(self) -> dict[str, Any]:
        """Give the section of the manifest. Money is pence."""
        found = self.readmissions
        here = found.spell < self.stays.here
        names = [item.name for item in found.exclusions]
        years: dict[tuple[str, str, str], Line] = {}
        for line in self.marginal.lines:
            years[line.provider, line.commissioner, tariff_year(line.month)] = line
        return {
            "packs": [pack_entry(pack) for pack in self.packs],
            "amount": self.local.amount,
            READMISSIONS: {
                "emergencies": found.emergencies,
                "left_out": found.left_out,
                "outside_the_rule": found.outside,
                "found": int(here.sum()),
                "excluded": _counted(names, found.excluded[here]),
                "by_basis": _counted(list(BASES), found.basis[here]),
                "withheld": int(found.withheld[here].sum()),
            },
            MARGINAL_RATE: {
                "without_amount": self.marginal.without_amount,
                "years": [
                    {
                        "provider": provider,
                        "commissioner": commissioner or None,
                        "year": year,
                        "baseline": line.baseline,
                        "rate": None if line.rate is None else str(line.rate),
                        "actual": line.actual_to_date,
                        "payable": line.payable_to_date,
                        "withheld": line.actual_to_date - line.payable_to_date,
                        "note": line.note,
                    }
                    for (provider, commissioner, year), line in years.items()
                ],
            },
            "history_repeated": self.stays.repeated,
            "notices": self.notices,
        }

    def summary(self) -> list[str]:
        """Give the lines of the screen."""
        told = self.manifest()
        found, years = told[READMISSIONS], told[MARGINAL_RATE]["years"]
        excluded = sum(found["excluded"].values())
        lines = [
            f"Emergency readmissions: {found['found']:,} found, {excluded:,} excluded, "
            f"{_pounds(found['withheld'])} withheld"
        ]
        above = sum(year["withheld"] for year in years)
        with_baseline = sum(year["rate"] is not None for year in years)
        lines.append(
            f"Marginal rate: {with_baseline:,} of {len(years):,} provider years with a baseline, "
            f"{_pounds(above)} withheld"
        )
        return [*lines, *(f"note: {notice}" for notice in self.notices)]


def apply_policies(
    rulebook: Rulebook,
    local: LocalPolicies,
    columns: SpellColumns,
    history: SpellColumns | None = None,
) -> Policies:
    """Apply the policies to the spells of an extract, with those of its history where given."""
    of_readmissions = policy_pack(rulebook, READMISSIONS)
    of_rate = policy_pack(rulebook, MARGINAL_RATE)
    rules, rates = of_readmissions.manifest, of_rate.manifest
    assert isinstance(rules, ReadmissionsPack)
    assert isinstance(rates, MarginalRatePack)
    _check_switches(local.readmissions.exclusions, rules.exclusions, "exclusion")
    _check_switches(local.marginal_rate.out_of_scope, rates.out_of_scope, "out of scope rule")
    check_offers(local.marginal_rate, rates)
    runs = [columns] if history is None else [columns, history]
    stays = stays_of(runs, local.amount)
    found = readmissions(rules, local.readmissions, runs, stays)
    marginal = marginal_rate(rates, local.marginal_rate, runs, stays, found.deductions(own=True))
    notices = _notices(local, stays, found, marginal)
    return Policies(local, [of_readmissions, of_rate], stays, found, marginal, notices)


def policy_pack(rulebook: Rulebook, kind: str) -> LoadedPack:
    """Give the pack of a policy: of the earliest level of the search order."""
    packs = rulebook.packs.by_kind(kind)
    if not packs:
        raise UsageError(f"there is no pack of kind {kind}", hint="give one with --pack")
    return packs[0]


def _check_switches(switches: dict[str, bool], known: Iterable[Exclusion], what: str) -> None:
    names = {item.name for item in known}
    for name in switches:
        if name not in names:
            raise UsageError(
                f"--policies: there is no {what} '{name}'",
                hint=did_you_mean(name, names, f"{what}s"),
            )


def _counted(names: list[str], values: Any) -> dict[str, int]:
    counts = Counter(int(value) for value in values if value >= 0)
    return {name: counts[place] for place, name in enumerate(names) if counts[place]}


def _notices(
    local: LocalPolicies, stays: Stays, found: Readmissions, marginal: Marginal
) -> list[str]:
    notices = [
        f"Emergency spells not looked at for readmission, {reason.replace('_', ' ')}: {count:,}."
        for reason, count in found.left_out.items()
    ]
    notices += [
        f"No readmission rule in {year}: {count:,} emergency spells, nothing withheld."
        for year, count in found.outside.items()
    ]
    counts = _counted(list(BASES), found.basis[found.spell < stays.here])
    notices += [
        f"Readmissions listed and not withheld, because the local file gives {what} for them: "
        f"{counts[basis]:,}."
        for basis, what in (
            ("no_threshold", "no threshold"),
            ("no_avoidable_share", "no avoidable share"),
        )
        if basis in counts
    ]
    if "no_amount" in counts:
        notices.append(
            f"Readmissions without an amount ({local.amount}), nothing withheld: "
            f"{counts['no_amount']:,}."
        )
    elsewhere = found.withheld - found.deductions(own=True)[found.spell]
    if elsewhere.any():
        notices.append(
            "Readmissions charged to another provider than the one that treated, and not taken off "
            f"its spells: {int((elsewhere != 0).sum()):,}, {_pounds(int(elsewhere.sum()))}."
        )
    if marginal.without_amount:
        notices.append(
            "Spells in scope of the marginal rate without an amount, not in the actual: "
            f"{marginal.without_amount:,}."
        )
    without = sorted({line.note for line in marginal.lines if line.note})
    for note in without:
        names = sorted({line.provider for line in marginal.lines if line.note == note})
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        notices.append(f"Marginal rate, {shown}: {note}.")
    notices += _unused("readmission", local.readmissions.terms, found.used_terms, stays)
    notices += _unused("marginal rate", local.marginal_rate.terms, marginal.used_terms, stays)
    notices += [
        f"The threshold of {local.readmissions.terms[place].words} was not used: no readmission "
        "there falls under one."
        for place in sorted(found.unused_thresholds)
    ]
    if stays.repeated:
        notices.append(
            f"Spells of the history that the extract holds too, counted once: {stays.repeated:,}."
        )
    return notices


def _unused(what: str, terms: Iterable[Term], used: set[int], stays: Stays) -> list[str]:
    out = []
    for place, term in enumerate(terms):
        if place not in used:
            why = f"nothing in {term.year} falls under it"
            for name, names in (("provider", stays.provider), ("commissioner", stays.commissioner)):
                code = getattr(term, name)
                if code and code not in names.values:
                    why = f"{name} {code} is not in the extract"
                    break
            out.append(f"The {what} term of {term.words} was not used: {why}.")
    return out


def _pounds(pence: int) -> str:
    from tariff.report.text import pounds

    return pounds(pence)


def _marginal_row(line: Line) -> dict[str, Any]:
    return _row(
        MARGINAL_RATE, line.provider, line.commissioner, line.month, line.spells, line.actual,
        line.actual - line.payable, line.actual_to_date, line.actual_to_date - line.payable_to_date,
        baseline=line.baseline, rate="" if line.rate is None else str(line.rate), note=line.note,
    )  # fmt: skip


def _row(
    policy: str,
    provider: str,
    commissioner: str,
    month: int,
    spells: int,
    actual: int,
    withheld: int,
    actual_to_date: int,
    withheld_to_date: int,
    *,
    baseline: int | None = None,
    rate: str = "",
    note: str = "",
) -> dict[str, Any]:
    return {
        "policy": policy,
        "provider": provider,
        "commissioner": commissioner,
        "tariff_year": tariff_year(month),
        "month": calendar_month(month),
        "spells": spells,
        "actual_pence": actual,
        "payable_pence": actual - withheld,
        "withheld_pence": withheld,
        "actual_ytd_pence": actual_to_date,
        "payable_ytd_pence": actual_to_date - withheld_to_date,
        "withheld_ytd_pence": withheld_to_date,
        "baseline_pence": baseline,
        "rate": rate,
        "note": note,
    }
