"""Engine and oracle agree on both policies between spells, spell by spell and month by month."""

from __future__ import annotations

import dataclasses
from random import Random

from hypothesis import given

from tariff.engine.policies import Policies, apply_policies
from tariff.engine.stays import calendar_month
from tariff.engine.tables import spells_table
from tariff.packs.local_policies import LocalPolicies
from tariff.packs.policy_model import MarginalRatePack, ReadmissionsPack
from tariff.reference.marginal_rate import months
from tariff.reference.readmissions import Readmission, Stay, find_readmissions, withheld_of_own
from tariff.schemas import READMISSION_COLUMNS
from tests.differential.policies import STARTS, priced, random_local, random_rows, stays_of_run
from tests.differential.strategies import RANDOMS, example_settings
from tests.engine.extracts import Row, shipped


def told(done: Policies, columns: object) -> dict[tuple[str, str], dict[str, object]]:
    """The readmission columns of the engine, by spell."""
    table = done.spells(spells_table(columns))  # type: ignore[arg-type]
    names = ["provider", "spell_id", *(field.name for field in READMISSION_COLUMNS)]
    rows = table.select(names).to_pylist()
    return {(row.pop("provider"), row.pop("spell_id")): row for row in rows}


def as_columns(stay: Stay, found: Readmission | None) -> dict[str, object]:
    """What the spells table says of a stay, from the oracle."""
    if found is None:
        return {field.name: None for field in READMISSION_COLUMNS}
    return {
        "readmission_of": f"{found.index.provider}:{found.index.spell_id}",
        "readmission_days": found.days,
        "readmission_index": "elective" if found.elective else "non_elective",
        "readmission_excluded": found.excluded,
        "readmission_pence": stay.amount,
        "readmission_basis": found.basis,
        "readmission_withheld_pence": found.withheld,
        "readmission_charged_to": found.index.provider,
    }


def compare(rows: list[Row], history: list[Row], local: LocalPolicies) -> dict[str, int]:
    """Run both sides; give how often each basis was met."""
    rulebook = shipped()
    columns = priced(rulebook, rows)
    earlier = priced(rulebook, history) if history else None
    done = apply_policies(rulebook, local, columns, earlier)
    rules, rates = (pack.manifest for pack in done.packs)
    assert isinstance(rules, ReadmissionsPack)
    assert isinstance(rates, MarginalRatePack)
    here = stays_of_run(columns, rows, local)
    keys = {stay.key for stay in here}
    stays = list(here)
    if earlier is not None:
        stays += [s for s in stays_of_run(earlier, history, local) if s.key not in keys]
    found = find_readmissions(rules, local.readmissions, stays)
    engine = told(done, columns)
    for stay in here:
        assert engine[stay.key] == as_columns(stay, found.get(stay.key)), stay.key
    oracle = months(rates, local.marginal_rate, stays, withheld_of_own(found))
    lines = {
        (line.provider, line.commissioner, calendar_month(line.month)): (line.actual, line.payable)
        for line in done.marginal.lines
    }
    assert lines == {key: dataclasses.astuple(month) for key, month in oracle.items()}
    # whatever the terms: once, at most its own price, and months that add up
    for key, row in engine.items():
        if row["readmission_of"] is not None:
            assert 0 <= row["readmission_withheld_pence"] <= max(row["readmission_pence"] or 0, 0)  # type: ignore[operator, call-overload]
            assert row["readmission_of"] != ":".join(key)
    table = done.table().to_pylist()
    years: dict[tuple[str, ...], list[int]] = {}
    for row in table:
        assert row["actual_pence"] - row["payable_pence"] == row["withheld_pence"]
        year = tuple(row[n] for n in ("policy", "provider", "commissioner", "tariff_year"))
        sums = years.setdefault(year, [0, 0])
        sums[0] += row["payable_pence"]
        sums[1] += row["withheld_pence"]
        assert sums == [row["payable_ytd_pence"], row["withheld_ytd_pence"]]
    # the order of the rows changes nothing
    backwards = priced(rulebook, rows[::-1])
    again = apply_policies(rulebook, local, backwards, earlier)
    assert told(again, backwards) == engine
    assert again.table().equals(done.table())
    return done.manifest()["readmissions"]["by_basis"]  # type: ignore[no-any-return]


@example_settings(40)
@given(RANDOMS)
def test_engine_and_oracle_agree(rng: Random) -> None:
    rows = random_rows(rng, rng.randint(3, 30))
    history = random_rows(rng, 8) if rng.random() < 0.5 else []
    if history and rng.random() < 0.5:
        history.append(rows[0])  # a spell of both
    compare(rows, history, random_local(rng))


def test_the_random_histories_reach_every_basis() -> None:
    """Else the test above would agree on nothing."""
    met: set[str] = set()
    for seed, start in enumerate(STARTS):
        rng = Random(seed)
        local = dataclasses.replace(random_local(rng), amount="billed")
        met |= set(compare(random_rows(rng, 90, start), [], local))
    assert met == {
        "excluded", "no_amount", "avoidable_share", "not_paid", "within_threshold",
        "above_threshold", "no_threshold", "no_avoidable_share",
    }  # fmt: skip
