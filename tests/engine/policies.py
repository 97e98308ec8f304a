"""Patients' stays in a few words, and what the policies make of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from tariff.engine.policies import Policies, apply_policies
from tariff.engine.run import Run
from tariff.packs.local_policies import (
    LocalMarginalRate,
    LocalPolicies,
    LocalReadmissions,
    MarginalTerm,
    ReadmissionTerm,
)
from tariff.packs.nodes import decode_text
from tests.engine.extracts import STAY, Row, factor, run, shipped

Told = dict[str, Any]


def spell(spell_id: str, discharged: str, *, nights: int = 1, **values: str) -> Row:
    """An emergency spell of patient P1 with pneumonia, billed £1,000."""
    day = date.fromisoformat(discharged)
    dates = {
        "admission_date": (day - timedelta(days=nights)).isoformat(),
        "discharge_date": discharged,
    }
    return {
        **STAY, "spell_id": spell_id, "commissioner": "01A", "billed_total": "1000.00",
        "billed_hrg": "DZ11C" if discharged < "2017-04-01" else "DZ11V", **dates, **values,
    }  # fmt: skip


def after(index: Row, days: int, spell_id: str = "B", **values: str) -> Row:
    """A spell of one night, admitted some days after the discharge of another."""
    day = date.fromisoformat(index["discharge_date"]) + timedelta(days=days + 1)
    return spell(spell_id, day.isoformat(), **values)


def agreed(*terms: ReadmissionTerm, exclusions: dict[str, bool] | None = None) -> LocalPolicies:
    """What was agreed on readmissions; spells count as billed."""
    local = LocalReadmissions(exclusions=exclusions or {}, terms=list(terms))
    return LocalPolicies(amount="billed", readmissions=local)


def baselines(*terms: MarginalTerm, **switches: bool) -> LocalPolicies:
    """What was agreed on the marginal rate; spells count as billed."""
    local = LocalMarginalRate(out_of_scope=switches, terms=list(terms))
    return LocalPolicies(amount="billed", marginal_rate=local)


def term(year: str, provider: str = "R1H", **given: Any) -> ReadmissionTerm:
    """A term; shares as text."""
    shares = {k: Decimal(v) if k.endswith("share") else v for k, v in given.items()}
    return ReadmissionTerm(provider=provider, year=year, **shares)  # type: ignore[arg-type]


def baseline(year: str, pounds: str, provider: str = "R1H", **given: Any) -> MarginalTerm:
    """The money paid in full in a year."""
    return MarginalTerm(provider=provider, year=year, baseline=Decimal(pounds), **given)  # type: ignore[arg-type]


ALL = agreed(*(term(f"{y}/{y % 100 + 1:02}", avoidable_share="1") for y in range(2010, 2019)))


def priced(*rows: Row) -> Run:
    """The rows as a run without signatures, at a factor of one."""
    return run(*rows, rules=False, mff=factor("1"), keep=True)


def applied(rows: list[Row], local: LocalPolicies, history: list[Row] | None = None) -> Policies:
    """The policies applied to rows and their history."""
    columns = priced(*rows).columns
    earlier = priced(*history).columns if history else None
    assert columns is not None
    return apply_policies(shipped(), local, columns, earlier)


def told(
    rows: list[Row], local: LocalPolicies, history: list[Row] | None = None
) -> dict[str, Told]:
    """The readmission columns by spell number, without `readmission_`; spells that are none too."""
    done = priced(*rows)
    assert done.columns is not None
    earlier = priced(*history).columns if history else None
    table = apply_policies(shipped(), local, done.columns, earlier).spells(done.spells)
    return {
        row["spell_id"]: {
            name.removeprefix("readmission_"): value
            for name, value in row.items()
            if name.startswith("readmission_")
        }
        for row in table.to_pylist()
    }


@cache
def decoded(text: str) -> tuple[LocalPolicies | None, tuple[str, ...]]:
    """A local file, and its problems."""
    found = decode_text(text, LocalPolicies, "local.yaml")
    return found.value, tuple(str(problem) for problem in found.problems)
