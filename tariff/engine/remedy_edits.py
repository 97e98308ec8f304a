"""How a remedy changes a record: fields, codes taken out, another primary diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from tariff.engine.counterfactual import NOTHING, Ask
from tariff.engine.engine_prices import EnginePrices
from tariff.engine.ledger import Ledger
from tariff.engine.made import Change, outside_stay
from tariff.engine.price import EPOCH
from tariff.engine.spells import Spells
from tariff.engine.valued import Valued
from tariff.packs.compile import NULL64
from tariff.packs.match_fields import MATCH_FIELDS
from tariff.packs.model import Removal, Rule

Lists = Mapping[str, Sequence[str]]
Maps = Mapping[str, Mapping[str, str]]


class Edits:
    """Finds the change that a remedy makes of each finding."""

    def __init__(self, ledger: Ledger, prices: EnginePrices) -> None:
        self.ledger = ledger
        self.prices = prices

    def choose(
        self, rule: Rule, findings: list[Valued], lists: Lists, maps: Maps
    ) -> list[Change | None]:
        """Give the change of each finding; None, with a note, where there is none."""
        remedy = rule.remedy
        out: dict[int, Change] = {id(f): change for f, change in self.sets(rule, findings, maps)}
        if remedy.remove is not None or remedy.swap:
            spells = [f for f in findings if id(f) in out and self._spell(f)]
            for finding in findings:
                if id(finding) in out and not self._spell(finding):
                    finding.ask("codes are taken out of spells alone")
                    del out[id(finding)]
            if remedy.swap:
                self._best(spells, out, lambda f: self._swaps(f, lists[remedy.swap]), one=False)
            elif remedy.remove is not None and remedy.remove.one:
                removal = remedy.remove
                self._best(spells, out, lambda f: self._singly(f, removal, lists), one=True)
            elif remedy.remove is not None:
                self._all(spells, out, remedy.remove, lists)
        return [out.get(id(finding)) for finding in findings]

    def sets(
        self, rule: Rule, findings: Iterable[Valued], maps: Maps
    ) -> Iterator[tuple[Valued, Change]]:
        """Give what the fields of each record become, where that can be said."""
        for finding in findings:
            (record,) = finding.challenged
            new = {}
            for edit in rule.remedy.set:
                value: str | None = edit.value
                if edit.kind == "field":
                    value = self.text(edit.value, record)
                elif edit.kind == "map":
                    value = maps[edit.value].get(self.text(edit.field, record) or "")
                if value is None:
                    finding.note = (
                        f"What {edit.field} should be is not known, so there is no value."
                    )
                    break
                new[edit.field] = value
            else:
                yield finding, Change(tuple(sorted(new.items())))

    def text(self, name: str, record: int) -> str | None:
        """Give a field of a record as it would be written in an extract."""
        block, place = self.ledger.records.place(record)
        if block.is_code(name):
            found: str | None = block.texts(name, np.array([place], np.int64)).to_pylist()[0]
            return found
        number = int(block.number(name)[place])
        if number == NULL64:
            return None
        if MATCH_FIELDS[name].kind == "date":
            return (EPOCH + timedelta(days=number)).isoformat()
        return str(number)

    def _spell(self, finding: Valued) -> bool:
        return self.prices.is_spell(finding.challenged[0])

    # -- codes

    def _all(
        self, findings: list[Valued], out: dict[int, Change], removal: Removal, lists: Lists
    ) -> None:
        """Take all codes out at once."""
        for finding in findings:
            if removal.what == "procedures" and not removal.list_:
                found = Change(outside=True) if self._any_outside(finding) else NOTHING
            else:
                found = _without(removal, self._codes(finding, removal, lists))
            if found == NOTHING and removal.what == "pairs":
                finding.stands = False
                del out[id(finding)]
                continue
            if found == NOTHING:
                finding.ask("the codes in question cannot be taken out of the record")
                del out[id(finding)]
                continue
            out[id(finding)] |= found

    def _best(
        self,
        findings: list[Valued],
        out: dict[int, Change],
        options_of: Callable[[Valued], list[Change]],
        *,
        one: bool,
    ) -> None:
        """Take the option with the lowest price; `one`: where no other lowers it."""

        asks: list[tuple[Valued, Ask, list[Ask]]] = []
        for finding in findings:
            base = self._ask(finding, out[id(finding)])
            options = [self._ask(finding, out[id(finding)] | c) for c in options_of(finding)]
            asks.append((finding, base, options))
        self.prices.fetch(ask for _, base, options in asks for ask in (base, *options))
        for finding, base, options in asks:
            now = self.prices.answer(base).total
            priced = [(self.prices.answer(ask).total, ask) for ask in options]
            known = [(total, ask) for total, ask in priced if total is not None]
            if now is None or not known:
                why = self.prices.answer(base).why or next(
                    (self.prices.answer(ask).why for ask in options), "no code is in question"
                )
                finding.ask(f"what the change does to the price is not known: {why}")
                del out[id(finding)]
                continue
            lower = [(total, ask) for total, ask in known if total < now]
            if one and len(lower) != 1:
                finding.stands = False
                del out[id(finding)]
                continue
            _, ask = min(lower or known, key=lambda pair: pair[0])
            out[id(finding)] = ask.change
            finding.note = self._told(finding, ask.change)

    def _ask(self, finding: Valued, change: Change) -> Ask:
        (record,) = finding.challenged
        return Ask((record,), change, self.ledger.factor(record))

    def _told(self, finding: Valued, change: Change) -> str:
        """Say what was changed."""
        if change.primary:
            return f"Priced with {change.primary} as the primary diagnosis."
        codes = ", ".join(sorted(change.diagnoses | change.procedures))
        return f"The price rests on {codes} alone: without it the record is priced lower."

    def _swaps(self, finding: Valued, prefixes: Sequence[str]) -> list[Change]:
        columns, rows = self._rows(finding)
        frame = columns.frame
        codes = [frame.diagnoses.values[code] for code in frame.diag[rows[0], 1:].tolist()]
        wanted = dict.fromkeys(code for code in codes if _begins(code, prefixes))
        return [Change(primary=code) for code in wanted]

    def _singly(self, finding: Valued, removal: Removal, lists: Lists) -> list[Change]:
        return [_without(removal, [code]) for code in self._codes(finding, removal, lists)]

    def _codes(self, finding: Valued, removal: Removal, lists: Lists) -> list[str]:
        """Give the codes of a spell that are in question, in a fixed order."""
        columns, rows = self._rows(finding)
        frame, entries = columns.frame, lists[removal.list_]
        if removal.what == "diagnoses":
            ids = frame.diag[rows, 1:]
            codes = {frame.diagnoses.values[code] for code in np.unique(ids).tolist()}
            return sorted(code for code in codes if _begins(code, entries))
        found: set[str] = set()
        for row in rows.tolist():
            texts = [frame.procedures.values[code] for code in frame.oper[row].tolist()]
            if removal.what == "pairs":
                found.update(_seconds(texts, entries))
                named = [frame.diagnoses.values[code] for code in frame.diag[row].tolist()]
                found.update(_seconds(named, entries) - {named[0]})
            else:
                found.update(code for code in texts if _begins(code, entries))
        return sorted(found)

    def _any_outside(self, finding: Valued) -> bool:
        columns, rows = self._rows(finding)
        return any(outside_stay(columns.frame, row) for row in rows.tolist())

    def _rows(self, finding: Valued) -> tuple[Spells, NDArray[np.int64]]:
        columns, place = self.prices.spells.home(finding.challenged[0])
        spells = columns.spells
        return spells, spells.perm[spells.start[place] : spells.start[place + 1]]


def _begins(code: str, prefixes: Sequence[str]) -> bool:
    return bool(code) and code.startswith(tuple(prefixes))


def _seconds(codes: Sequence[str], pairs: Sequence[str]) -> set[str]:
    """Give the codes of an episode that are the second of a pair of which the first is there."""
    given = [code for code in codes if code]
    out: set[str] = set()
    for pair in pairs:
        first, _, second = pair.partition("+")
        seconds = [code for code in given if code.startswith(second)]
        firsts = sum(code.startswith(first) for code in given) if seconds else 0
        # a code is no first of its own
        out.update(code for code in seconds if firsts > code.startswith(first))
    return out


def _without(removal: Removal, codes: Sequence[str]) -> Change:
    """Take codes out; a code of a pair is a diagnosis or a procedure, and no code is both."""
    found = frozenset(codes)
    if removal.what == "pairs":
        return Change(diagnoses=found, procedures=found)
    return Change(diagnoses=found) if removal.what == "diagnoses" else Change(procedures=found)
