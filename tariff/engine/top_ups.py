"""The specialised service of each spell and its rate (docs/pricing.md, step 8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tariff.engine.flags import OLDEST
from tariff.engine.members import Members
from tariff.engine.spell_codes import Bools, CodeIndex, any_of, listed
from tariff.packs.compile import half_up
from tariff.packs.grouping import NULL32
from tariff.packs.load import LoadedPack
from tariff.packs.model import TariffPack, TopUpRule

if TYPE_CHECKING:
    from tariff.engine.price import PriceInput

Ids = NDArray[np.int64]

# A printed percent has up to 14 decimals (below 10; 13 above): the last of them is rounded, which
# moves the share of a million pounds by less than a ten-millionth of a penny.
RATE_UNIT = 10**15
ADULT = 19  # age at admission


@dataclass(frozen=True)
class _Trigger:
    """Codes of one classification that give a service, at some ages."""

    row: int
    diagnoses: bool
    codes: frozenset[str]
    age: str  # child, adult, any
    secondary: str  # a procedure that must be there as well


class TopUpRules:
    """The services of every tariff, one row each; `packs` as in `Rulebook.prices.packs`.

    `services`, `printed` (percent, as printed; blank: no rate) and `rate` (units of 1e-15 of the
    price, 0 where there is none) are by row. Each service stands twice: after all of them come
    those that decide without being paid, in the same order and without a rate.
    """

    def __init__(self, packs: Sequence[LoadedPack]) -> None:
        self.services: list[str] = []
        self.printed: list[str] = []
        self.rows: list[dict[str, int]] = []  # by tariff: service to row
        self.first: list[bool] = []  # by tariff: the first given decides, not the dearest
        self.triggers: list[list[_Trigger]] = []
        self._eligible: list[frozenset[str] | None] = []  # by row; None: every provider
        for pack in packs:
            assert isinstance(pack.manifest, TariffPack)
            rule = pack.manifest.top_up_rule or TopUpRule(several="first")
            self.first.append(rule.several == "first")
            self.rows.append(self._services(pack, rule))
            self.triggers.append(list(_triggers(pack, self.rows[-1])))
        self.count = len(self.services)
        rates = [half_up(Decimal(text or 0) * (RATE_UNIT // 100)) for text in self.printed]
        # place of a row among those of all: the dearest first, on a tie the lower code as text
        order = sorted(range(self.count), key=lambda row: (-rates[row], self.services[row]))
        self.place = np.argsort(np.array(order, np.int64))
        self.rate: NDArray[np.int64] = np.array(rates + [0] * self.count, np.int64)
        self.services += self.services
        self.printed += [""] * self.count

    def _services(self, pack: LoadedPack, rule: TopUpRule) -> dict[str, int]:
        if "top_ups" not in pack.tables:
            return {}
        columns = pack.tables["top_ups"].columns
        providers = _providers(pack)
        out = {}
        for service, rate in zip(columns["service"], columns["rate"], strict=True):
            code = service_code(service)
            out[code] = len(self.services)
            self.services.append(service)
            self.printed.append(rate)
            open_to_all = providers is None or code in map(service_code, rule.open_services)
            self._eligible.append(None if open_to_all else _of(providers, code))
        return out

    def paid(self, row: int, provider: str) -> bool:
        """Say whether a service has a rate, and a provider may have it."""
        held = self._eligible[row]
        if not self.printed[row]:
            return False
        if held is None or provider in held:
            return True
        return len(provider) == 5 and provider.endswith("00") and provider[:3] in held


def service_code(text: str) -> str:
    """Give a service in the form it is compared in: a number without leading zeros."""
    return str(int(text)) if text.isascii() and text.isdecimal() else text.upper()


def _providers(pack: LoadedPack) -> dict[str, set[str]] | None:
    """Give the providers on the list of each service; None where the year has no list."""
    if "top_up_providers" not in pack.tables:
        return None
    columns = pack.tables["top_up_providers"].columns
    out: dict[str, set[str]] = {}
    for services, provider in zip(columns["services"], columns["provider"], strict=True):
        for service in services.split():
            out.setdefault(service_code(service), set()).add(provider)
    return out


def _of(providers: dict[str, set[str]] | None, code: str) -> frozenset[str]:
    return frozenset((providers or {}).get(code, ()))


def _triggers(pack: LoadedPack, rows: dict[str, int]) -> Iterator[_Trigger]:
    if "top_up_codes" not in pack.tables:
        return
    columns = pack.tables["top_up_codes"].columns
    names = ("service", "classification", "age", "secondary", "code")
    found: dict[tuple[str, str, str, str], set[str]] = {}
    for *key, code in zip(*(columns[name] for name in names), strict=True):
        found.setdefault((key[0], key[1], key[2], key[3]), set()).add(code)
    for (service, classification, age, secondary), codes in found.items():
        row = rows.get(service_code(service))
        if row is not None:
            yield _Trigger(row, classification == "icd10", frozenset(codes), age, secondary)


@dataclass
class TopUps:
    """`row`, per spell: the service that decides, a row of the rules; -1 none.

    `unknown`, per spell: a service is given that the year does not have (`codes` counts them).
    """

    row: NDArray[np.int32]
    unknown: NDArray[np.bool_]
    codes: Counter[str]


def top_ups(
    rules: TopUpRules, members: Members, spells: PriceInput, tariff: NDArray[np.int16]
) -> TopUps:
    """Give the service of each spell. Of `spells` the provider and the age are read."""
    out = TopUps(np.full(len(members), -1, np.int32), np.zeros(len(members), bool), Counter())
    given = _given(rules, members, tariff, out)
    spell, row = given if given is not None else _worked_out(rules, members, spells, tariff)
    if not len(spell):
        return out
    paid = _paid(rules, row, spells.provider[spell], spells.providers)
    first = np.array(rules.first, bool)[tariff[spell]]
    # the first decides even where it is not paid; the dearest is one of those that are
    sought = np.flatnonzero(first | paid)
    key = np.where(first, np.arange(len(spell)), rules.place[row])[sought]
    order = sought[np.lexsort((key, spell[sought]))]
    chosen = order[np.flatnonzero(np.diff(spell[order], prepend=-1))]
    out.row[spell[chosen]] = row[chosen] + np.where(paid[chosen], 0, rules.count)
    return out


def _paid(rules: TopUpRules, row: Ids, provider: Ids, providers: list[str]) -> Bools:
    """Say of services of providers which are paid."""
    pairs, which = np.unique(row * len(providers) + provider, return_inverse=True)
    split = (divmod(int(pair), len(providers)) for pair in pairs)
    return np.array([rules.paid(of, providers[by]) for of, by in split], bool)[which]


def _given(
    rules: TopUpRules, members: Members, tariff: NDArray[np.int16], out: TopUps
) -> tuple[Ids, Ids] | None:
    """Give the services of the extract that the year knows, in the order given: spell and row."""
    found = listed(members, "specialised_services")
    if found is None:
        return None
    codes = [service_code(value) for value in found.values]
    table = np.array([[rows.get(code, -1) for code in codes] for rows in rules.rows], np.int64)
    held = tariff[found.spell] >= 0
    spell, code = found.spell[held], found.code[held]
    row = table.reshape(-1, max(len(codes), 1))[tariff[spell], code] if len(spell) else spell
    out.unknown[spell[row < 0]] = True
    out.codes.update(found.values[index] for index in code[row < 0])
    return spell[row >= 0], row[row >= 0]


def _worked_out(
    rules: TopUpRules, members: Members, spells: PriceInput, tariff: NDArray[np.int16]
) -> tuple[Ids, Ids]:
    """Work services out from diagnoses and procedures, in the years that say how: spell and row."""
    parts: list[tuple[Ids, Ids]] = []
    for index in np.unique(tariff[tariff >= 0]):
        for trigger in rules.triggers[index]:
            fits = (tariff == index) & _age_fits(trigger.age, spells.age)
            which = np.flatnonzero(fits)
            if len(which):
                which = which[_triggered(trigger, members.take(which))]
                parts.append((which, np.full(len(which), trigger.row, np.int64)))
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    spell, row = (np.concatenate(column) for column in zip(*parts, strict=True))
    # in the order of their codes as text, each once
    by_code = np.argsort(np.array(sorted(range(rules.count), key=rules.services.__getitem__)))
    _, once = np.unique(spell * rules.count + by_code[row], return_index=True)
    return spell[once], row[once]


def _age_fits(age: str, ages: NDArray[np.int32]) -> Bools:
    if age == "any":
        return np.ones(len(ages), bool)
    fits: Bools = (ages < ADULT) if age == "child" else (ages >= ADULT)
    fits &= (ages != NULL32) & (ages <= OLDEST)
    return fits


def _triggered(trigger: _Trigger, members: Members) -> Bools:
    frame = members.frame
    index = CodeIndex.of(frame.diagnoses if trigger.diagnoses else frame.procedures)
    table = index.table(trigger.codes, whole=True)
    found = any_of(members, table, diagnoses=trigger.diagnoses, primary=False)
    if trigger.secondary:
        second = CodeIndex.of(frame.procedures).table(frozenset({trigger.secondary}))
        found &= any_of(members, second, diagnoses=False, primary=False)
    return found
