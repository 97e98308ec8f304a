"""The inline tests of contracts: what is payable for a year to date, and what a finding saves."""

from __future__ import annotations

from fractions import Fraction

from tariff.engine.contract import POUND, Contract, contract_of
from tariff.engine.contract_forms import Done, half_up
from tariff.engine.packtest import Outcome
from tariff.packs.load import LoadedPack, PackSet


def contract_tests(packs: PackSet, pack: LoadedPack) -> list[Outcome]:
    """Run every test of a contract.

    A finding takes its money off, and of the activity as much as that money is of all of it.
    """
    contract = contract_of(pack, packs)
    columns = pack.tables["tests"].columns
    names = list(columns)
    return [
        Outcome(pack.id, row["name"], _wrong(contract, row))
        for row in (
            dict(zip(names, cells, strict=True)) for cells in zip(*columns.values(), strict=True)
        )
    ]


def _wrong(contract: Contract, row: dict[str, str]) -> str:
    line, month = contract.by_id[row["line"]], int(row["month"])
    done = Done(Fraction(row["activity"]), Fraction(row["actual"]) * POUND)
    pays = line.pays(month, done)
    wrong = _compare("payable", row["payable"], pays)
    if row["finding"] and row["cash"]:
        pence = Fraction(row["finding"]) * POUND
        share = pence / done.pence if done.pence else Fraction(0)
        rest = Done(done.units * (1 - share), done.pence - pence)
        wrong += _compare("cash", row["cash"], pays - line.pays(month, rest))
    return "; ".join(wrong)


def _compare(what: str, expected: str, pence: int) -> list[str]:
    if half_up(Fraction(expected) * POUND) == pence:
        return []
    return [f"{what}: expected {expected}, found {pence / POUND:,.2f}"]
