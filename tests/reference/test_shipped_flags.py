"""Every rule of a best practice flag that ships holds for a spell made to its criteria."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tariff.reference.flags import flags_of
from tariff.reference.price_tables import BestPractice, FlagRule
from tariff.reference.spells import assemble
from tests.reference.vectors import Row, admitted, price_of, shipped

RULES = {"2016/17": 43, "2017/18": 51, "2018/19": 51, "2022/23": 3}
FLAGS = {"2016/17": 37, "2017/18": 49, "2018/19": 49, "2022/23": 3}


def made_to(held: BestPractice, rule: FlagRule, year: str) -> Row:
    """A spell that meets a rule, and no more than it asks."""

    def one_of(name: str) -> str:
        return min(held.lists.get(name, {name}))  # a code is named as itself

    procedures = [one_of(name) for name in (*rule.procedure_lists[:1], *rule.secondary_procedures)]
    row = admitted(
        year,
        age=rule.age[0] if rule.age[0] is not None else 5,
        admission_method=rule.admission_methods[0],
        billed_hrg=one_of(rule.hrg_lists[0]),
        diag_01="Z000",
    )
    row |= {f"oper_{place:02}": code for place, code in enumerate(procedures, 1)}
    for place, (name, primary) in enumerate(rule.diagnosis_lists, 2):
        row["diag_01" if primary else f"diag_{place:02}"] = one_of(name)
    return row


@pytest.mark.parametrize("year", RULES)
def test_every_rule_holds_and_asks_for_each_of_its_criteria(year: str) -> None:
    held = shipped()[1].lists[year].best_practice
    assert (len(held.rules), len({rule.flag for rule in held.rules})) == (RULES[year], FLAGS[year])
    for rule in held.rules:
        alone = replace(held, rules=(rule,))
        row = made_to(held, rule, year)

        def found(row: Row, alone: BestPractice = alone) -> list[str]:
            return flags_of(alone, assemble([row])[0], str(row["billed_hrg"]))

        assert found(row) == [rule.flag], row
        assert found(row | {"billed_hrg": "XX99Z"}) == []
        assert found(row | {"admission_method": "31"}) == []
        if rule.age[0] is not None:
            assert found(row | {"age": rule.age[0] - 1}) == []
            assert found(row | {"age": 999}) == ([rule.flag] if rule.age_unknown else [])
        if any(name.startswith("oper") for name in row):
            assert found({n: v for n, v in row.items() if not n.startswith("oper")}) == []
        if rule.diagnosis_lists:
            codes = {n: "Z000" for n in row if n.startswith("diag")}
            assert found(row | codes) == []


@pytest.mark.parametrize(
    ("record", "flag", "base"),
    [
        ({}, "BP01", 860_600),  # flagged: not the HRG price of 9,246
        ({"admission_method": "81"}, "BP01", 860_600),
        ({"age": 59}, None, 924_600),
        ({"admission_method": "31"}, None, 924_600),
        ({"oper_01": "X999"}, None, 924_600),
        ({"best_practice_flags": ""}, None, 924_600),
    ],
)
def test_a_hip_fracture_by_its_codes(record: Row, flag: str | None, base: int) -> None:
    held = shipped()[1].lists["2022/23"].best_practice
    (rule,) = [rule for rule in held.rules if rule.flag == "BP01"]
    row = made_to(held, rule, "2022/23") | {"age": 84, "billed_hrg": "HT12C"}
    price = price_of(row | record, 10**9)
    assert price.best_practice_flag == flag
    assert (price.list_pence, price.base_pence) == (924_600, base)
