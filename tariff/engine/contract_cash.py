"""What findings are worth under a contract: pay(actual) - pay(actual - finding), year to date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from tariff.engine.columns import SpellColumns
from tariff.engine.contract import Contract, Record
from tariff.engine.contract_ledger import EXACT, Cell, Ledger, last_month
from tariff.engine.price import EPOCH
from tariff.engine.valued import Move, Valued
from tariff.packs.compile import NULL64
from tariff.packs.contract_model import AgreedWaiver
from tariff.packs.contract_select import YEAR_MONTHS, contract_dates

_TEXTS = (
    "provider", "commissioner", "site", "point_of_delivery", "billed_point_of_delivery",
    "treatment_function", "priced_hrg", "activity_month",
)  # fmt: skip


class Spells:
    """The spells of a run as records of a contract, read many at a time."""

    def __init__(self, columns: SpellColumns) -> None:
        self._columns = columns
        self._found: dict[int, Record] = {}

    def holds(self, record: int) -> bool:
        """Say whether a record of a run is a spell of it."""
        return record < len(self._columns)

    def fetch(self, spells: Iterable[int]) -> None:
        """Read what decides the line of some spells."""
        new = np.array(sorted(set(spells) - self._found.keys()), np.int64)
        texts = {name: self._columns.texts(name, new).to_pylist() for name in _TEXTS}
        for place, spell in enumerate(new.tolist()):
            mine = {name: values[place] or "" for name, values in texts.items()}
            self._found[spell] = self._made(spell, mine)

    def record(self, spell: int) -> Record:
        """Give what decides the line of a spell."""
        if spell not in self._found:
            self.fetch([spell])
        return self._found[spell]

    def day(self, spell: int) -> date | None:
        """Give the day of discharge."""
        days = int(self._columns.number("discharge_date")[spell])
        return None if days == NULL64 else EPOCH + timedelta(days=days)

    def _made(self, spell: int, texts: dict[str, str]) -> Record:
        day, written, month = self.day(spell), texts["activity_month"], -1
        if day is not None:
            month = day.year * YEAR_MONTHS + day.month - 1
        elif written:
            month = int(written[:4]) * YEAR_MONTHS + int(written[5:7]) - 1
        return Record(
            "episodes",
            texts["provider"],
            texts["commissioner"],
            texts["site"],
            texts["point_of_delivery"] or texts["billed_point_of_delivery"],
            texts["treatment_function"],
            texts["priced_hrg"],
            month,
        )


@dataclass
class Agreements:
    """The waivers of a contract, and how often each was used."""

    contract: Contract
    spells: Spells
    used: dict[int, int] = field(default_factory=dict)
    spared: dict[int, int] = field(default_factory=dict)  # pence that were not claimed
    too_late: dict[int, int] = field(default_factory=dict)  # findings after a waiver had ended

    def apply(self, findings: Sequence[Valued]) -> None:
        """Mark what is not claimed, because the parties agreed so."""
        self.spells.fetch(spell for finding in findings for spell in finding.spells)
        for finding in findings:
            note = self._note(finding)
            if note:
                finding.agreed, finding.note = True, note
                finding.allowed = finding.billed

    def _note(self, finding: Valued) -> str:
        if not finding.spells or not finding.value:
            return ""
        record = self.spells.record(finding.spells[0])
        if self.contract.place(record)[2]:
            return ""
        return self._waived(finding, record) or self._as_agreed(finding, record)

    def _waived(self, finding: Valued, record: Record) -> str:
        for index, waiver in enumerate(self.contract.manifest.agreed_waivers):
            if not _fits(waiver, finding.rule.id, record):
                continue
            if self._last_day(finding) > waiver.expires:
                self.too_late[index] = self.too_late.get(index, 0) + 1
                continue
            self.used[index] = self.used.get(index, 0) + 1
            self.spared[index] = self.spared.get(index, 0) + (finding.value or 0)
            return (
                f"Agreed in contract {self.contract.pack.id} until {waiver.expires} by "
                f"{waiver.agreed_by}: {waiver.reason}"
            )
        return ""

    def _as_agreed(self, finding: Valued, record: Record) -> str:
        """A price that differs by no more than the tolerance, or is the local one."""
        remedy = finding.rule.remedy
        if remedy.kind != "reprice" or finding.billed is None:
            return ""
        tolerance = self.contract.manifest.tolerance * 100
        name = self.contract.pack.id
        if abs(finding.value or 0) <= tolerance:
            return f"Within the tolerance of contract {name}."
        local = self.contract.local.of(record) if remedy.what != "mff" else None
        if local is not None and abs(finding.billed - local) <= tolerance:
            return f"Billed at the local price of contract {name}."
        return ""

    def _last_day(self, finding: Valued) -> date:
        """Give the last discharge; without one, the end of the contract."""
        days = [day for spell in finding.spells if (day := self.spells.day(spell))]
        return max(days, default=contract_dates(self.contract.manifest)[1])

    def entries(self) -> list[dict[str, Any]]:
        """Give each waiver and what it did, for the manifest."""
        return [
            {
                "rule": str(waiver.rule),
                "reason": waiver.reason,
                "agreed_by": waiver.agreed_by,
                "expires": waiver.expires.isoformat(),
                "findings": self.used.get(index, 0),
                "value": self.spared.get(index, 0),
                "after_expiry": self.too_late.get(index, 0),
            }
            for index, waiver in enumerate(self.contract.manifest.agreed_waivers)
        ]

    def notices(self, last_day: date | None) -> list[str]:
        """Say which waivers were not used, and which have ended."""
        out = []
        for entry in self.entries():
            name = f"The agreed waiver of {entry['rule']} ({entry['agreed_by']})"
            ended = last_day is not None and date.fromisoformat(entry["expires"]) < last_day
            if ended or entry["after_expiry"]:
                out.append(
                    f"{name} ended on {entry['expires']}; findings after it, which stand: "
                    f"{entry['after_expiry']:,}."
                )
            if not entry["findings"]:
                out.append(f"{name} was not used.")
        return out


def _fits(waiver: AgreedWaiver, rule: str, record: Record) -> bool:
    pods, hrgs = waiver.points_of_delivery, waiver.hrgs
    return (
        waiver.rule == rule
        and (not pods or record.point_of_delivery in pods)
        and (not hrgs or any(record.code.startswith(prefix) for prefix in hrgs))
    )


class Cash:
    """Prices findings twice: as they are, and through the contract."""

    def __init__(self, contract: Contract, ledger: Ledger, spells: Spells) -> None:
        self._contract = contract
        self._spells = spells
        self._month = last_month(contract, ledger)
        self._actual = {line.id: ledger.to_date(line.id, self._month) for line in contract.lines}
        self._pays = {
            line.id: line.pays(self._month, self._actual[line.id].done()) for line in contract.lines
        }

    def fetch(self, findings: Sequence[Valued]) -> None:
        """Read the spells that findings move."""
        self._spells.fetch(spell for finding in findings for spell in finding.spells)

    def of(self, moves: Iterable[Move]) -> int | None:
        """Give what payment changes by if these amounts go; None where all are outside it."""
        taken: dict[str, Cell] = {}
        for spell, pence, units in moves:
            if not self._spells.holds(spell):
                continue  # a record of other care, whose contract is another run's
            line, _, reason = self._contract.place(self._spells.record(spell))
            if not reason:
                cell = taken.setdefault(line, Cell())
                cell.money += pence * EXACT
                cell.activity += units
        if not taken:
            return None
        return sum(self._change(line, cell) for line, cell in taken.items())

    def _change(self, line: str, taken: Cell) -> int:
        rest = Cell()
        rest.add(self._actual[line])
        rest.add(taken, -1)
        pays = self._contract.by_id[line].pays(self._month, rest.done())
        return self._pays[line] - pays


def value_findings(cash: Cash, findings: Sequence[Valued]) -> dict[str, int]:
    """Give each finding its cash value, and the sums for the manifest.

    Caps and baselines make values that do not add up, so what all findings change together stands
    beside their sum.
    """
    cash.fetch(findings)
    moved: list[Move] = []
    outside = 0
    for finding in findings:
        if finding.settled is None:
            continue
        # what settles to nothing is worth nothing, where its records are of the contract
        moves = finding.moves or [(spell, 0, 0) for spell in finding.spells]
        finding.cash = cash.of(moves)
        if finding.cash is None:
            outside += finding.settled
        moved += finding.moves
    return {
        "settled": sum(finding.settled or 0 for finding in findings),
        "settled_outside": outside,
        "sum": sum(finding.cash or 0 for finding in findings),
        "together": cash.of(moved) or 0,
    }
