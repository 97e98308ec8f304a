"""The inline tests of packs: those of all rules in one run, those of a price list in one call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariff.engine.columns import SpellColumns
from tariff.engine.packtest_prices import price_tests
from tariff.engine.pipeline import Stages, read_frame, run_stages
from tariff.engine.run import Options, match_and_settle
from tariff.engine.select import Selected
from tariff.extract import from_arrow
from tariff.packs.compile import Rulebook
from tariff.packs.contract_model import ContractPack
from tariff.packs.load import LoadedPack
from tariff.packs.model import OtherCarePack, RuleTest, SignaturesPack, TariffPack


@dataclass(frozen=True)
class Outcome:
    """One inline test: what it is of, and what was wrong (empty where it passed)."""

    of: str
    name: str
    wrong: str = ""


def run_tests(rulebook: Rulebook, packs: Sequence[LoadedPack]) -> list[Outcome]:
    """Run the tests of some packs against a rulebook that holds them."""
    out: list[Outcome] = []
    for pack in packs:
        if isinstance(pack.manifest, SignaturesPack):
            out += _signatures(rulebook, pack)
        elif isinstance(pack.manifest, TariffPack) and "tests" in pack.tables:
            out += [Outcome(pack.id, name, wrong) for name, wrong in price_tests(rulebook, pack)]
        elif isinstance(pack.manifest, OtherCarePack) and "tests" in pack.tables:
            from tariff.engine.packtest_other import other_care_tests

            out += other_care_tests(rulebook, pack)
        elif isinstance(pack.manifest, ContractPack) and "tests" in pack.tables:
            from tariff.engine.packtest_contract import contract_tests

            out += contract_tests(rulebook.packs, pack)
    return out


# ---------------------------------------------------------------- signatures


def _signatures(rulebook: Rulebook, pack: LoadedPack) -> list[Outcome]:
    """Every test of every rule in one run: each has patients and spells of its own."""
    assert isinstance(pack.manifest, SignaturesPack)
    tests = [(rule, test) for rule in pack.rules for test in rule.tests]
    if not tests:
        return []
    keys = {"provider": "X00", "patient_id": "P1", "episode_order": "1"}
    defaults = keys | {name: str(value) for name, value in pack.manifest.test_defaults.items()}
    rows = [
        {
            **row,
            **{
                name: f"{index}/{row[name]}" for name in ("patient_id", "spell_id") if row.get(name)
            },
        }
        for index, (_, test) in enumerate(tests)
        for row in ({**defaults, **given} for given in test.rows)
    ]
    names = sorted({name for row in rows for name in row})
    table = pa.table({n: pa.array([row.get(n) for row in rows], pa.string()) for n in names})
    extract = from_arrow(table, max_bad_rows=1.0)
    batches = list(extract.batches())
    unread = {
        int(rows[line - 1]["spell_id"].partition("/")[0]): f"{column}: {reason}"
        for line, column, reason in zip(
            *(extract.rejects[name].to_pylist() for name in ("line", "column", "reason")),
            strict=True,
        )
    }
    if not batches:
        return [
            Outcome(rule.id, test.name, f"a row cannot be read: {unread.get(index, '')}")
            for index, (rule, test) in enumerate(tests)
        ]
    priced = run_stages(rulebook, read_frame(batches, extract.fields), Stages())
    lists = {name: [str(c) for c in codes] for name, codes in pack.manifest.lists.items()}
    selected = [Selected(rule, pack.manifest.id, lists) for rule in pack.rules]
    outcomes = []
    found: dict[tuple[int, str], list[int | None]] = {}
    # each rule alone, so that a value is never what another rule left of it
    for item in selected:
        findings, settlement = match_and_settle(priced, [item], Options())
        for row in findings.select(["spell_ids", "value_pence"]).to_pylist():
            if row["spell_ids"]:  # a question has none: it is counted below
                index = int(row["spell_ids"][0].partition("/")[0])
                found.setdefault((index, item.rule.id), []).append(row["value_pence"])
        for _, spells in settlement.factor_questions:
            for index in _tests_asking(priced.columns, spells):
                found.setdefault((index, item.rule.id), []).append(None)
    for index, (rule, test) in enumerate(tests):
        wrong = _compare(test, found.get((index, rule.id), []))
        if index in unread:
            wrong = f"a row cannot be read: {unread[index]}"
        outcomes.append(Outcome(rule.id, test.name, wrong))
    return outcomes


def _tests_asking(columns: SpellColumns, spells: NDArray[np.int64]) -> list[int]:
    """Give the test of each question: one a provider and year, in the test its spells are of."""
    given = columns.price_input
    names = columns.texts("spell_id", spells).to_pylist()
    asked = {
        (int(name.partition("/")[0]), int(given.provider[s]), int(given.year[s]))
        for name, s in zip(names, spells.tolist(), strict=True)
    }
    return [index for index, _, _ in sorted(asked)]


def _compare(test: RuleTest, values: list[int | None]) -> str:
    if len(values) != test.finds:
        return f"expected {test.finds} findings, found {len(values)}"
    if test.value is not None:
        value = sum(pence for pence in values if pence is not None)
        if value != int(test.value * 100):
            return f"expected a value of {test.value:,.2f}, found {value / 100:,.2f}"
    return ""


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Give outcomes as JSON for a CI pipeline."""
    return json.dumps(
        [{"of": o.of, "name": o.name, "passed": not o.wrong, "wrong": o.wrong} for o in outcomes],
        indent=2,
        ensure_ascii=False,
    )
