"""The rules of best practice flags of every tariff, compiled (docs/pricing.md, step 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tariff.packs.best_practice import priced_rows
from tariff.packs.load import LoadedPack
from tariff.packs.model import TariffPack

NO_RANK = np.iinfo(np.int32).max
_UNRANKED = 999  # hierarchy of a flag that the list of the HRG does not rank
_SETTING = "APC"
Codes = frozenset[str]


@dataclass(frozen=True)
class FlagRule:
    """One rule: all of it is needed. An empty `methods` or `procedures` asks for nothing."""

    flag: int
    hrgs: NDArray[np.bool_]  # by HRG id
    methods: Codes
    ages: tuple[int, int] | None  # from, to; None: any
    age_unknown: bool
    procedures: Codes
    procedure_primary: bool
    secondary: tuple[Codes, ...]  # a procedure of each
    diagnoses: tuple[tuple[Codes, bool], ...]  # a diagnosis of each; whether a primary one


class FlagRules:
    """The flag rules of every tariff. `packs` are those of `Rulebook.prices.packs`, in order.

    `flags` are the flags of all years by name; the index of one is its id, in `ids`.
    """

    def __init__(self, packs: Sequence[LoadedPack], hrg_ids: Mapping[str, int]) -> None:
        self._hrg_ids = hrg_ids
        self.known = [_flags_of(pack) for pack in packs]  # by tariff
        self.flags = sorted({flag for flags in self.known for flag in flags})
        self.ids = {flag: index for index, flag in enumerate(self.flags)}
        self.rules = [list(self._rules(pack)) for pack in packs]  # by tariff
        # [tariff, HRG]: whether a rule may hold for it
        self.flagged = np.zeros((len(packs), len(hrg_ids)), bool)
        # [tariff, HRG, flag]: the lowest of those that a spell has decides; NO_RANK: no price
        self.rank = np.full((len(packs), len(hrg_ids), len(self.flags)), NO_RANK, np.int32)
        for index, pack in enumerate(packs):
            for rule in self.rules[index]:
                self.flagged[index] |= rule.hrgs
            self._fill_ranks(index, pack)

    def _rules(self, pack: LoadedPack) -> Iterator[FlagRule]:
        if "best_practice_flags" not in pack.tables:
            return
        assert isinstance(pack.manifest, TariffPack)
        readings = pack.manifest.best_practice_list_readings
        lists = lists_of(pack)
        table = pack.tables["best_practice_flags"]
        for row in range(len(table)):
            cell = {name: column[row] for name, column in table.columns.items()}
            if cell["setting"] and _SETTING not in cell["setting"].split():
                continue
            named = {
                name: [readings.get(word, word) for word in cell[name].split()]
                for name in ("hrg_lists", "procedure_lists", "diagnosis_lists")
            }
            if not all(word in lists for words in named.values() for word in words):
                continue  # a list that is neither held nor read: never holds
            hrgs = np.zeros(len(self._hrg_ids), bool)
            held = (self._hrg_ids.get(h) for w in named["hrg_lists"] for h in lists[w])
            hrgs[[index for index in held if index is not None]] = True
            places = cell["diagnosis_position"].split()
            places += ["Any"] * (len(named["diagnosis_lists"]) - len(places))
            yield FlagRule(
                flag=self.ids[cell["flag"]],
                hrgs=hrgs,
                methods=frozenset(cell["admission_methods"].split()),
                ages=_ages(cell["age_min"], cell["age_max"]),
                age_unknown=cell["age_unknown"] == "yes",
                procedures=frozenset().union(*(lists[w] for w in named["procedure_lists"])),
                procedure_primary=cell["procedure_position"] == "Primary",
                secondary=tuple(
                    lists.get(readings.get(word, word), frozenset({word}))
                    for word in cell["secondary_procedures"].split()
                ),
                diagnoses=tuple(
                    (lists[word], place == "Primary")
                    for word, place in zip(named["diagnosis_lists"], places, strict=False)
                ),
            )

    def _fill_ranks(self, index: int, pack: LoadedPack) -> None:
        """Rank the flags of each HRG that have a price for it: by the printed order, then by name.

        Rows that price no admitted spell are none (tariff.packs.best_practice).
        """
        if "best_practice_prices" not in pack.tables:
            return
        assert isinstance(pack.manifest, TariffPack)
        order = _hierarchy(pack)
        for row in priced_rows(pack):
            hrg, flag = row["code"], row["flag"]
            if flag and hrg in self._hrg_ids and row["short_stay"] != "yes":
                at = index, self._hrg_ids[hrg], self.ids[flag]
                rank = order.get((flag, hrg), _UNRANKED)
                self.rank[at] = rank * len(self.flags) + self.ids[flag]


def lists_of(pack: LoadedPack) -> dict[str, Codes]:
    """Give the code lists of a tariff that flags name."""
    lists: dict[str, set[str]] = {}
    if "best_practice_codes" in pack.tables:
        columns = pack.tables["best_practice_codes"].columns
        for name, code in zip(columns["list"], columns["code"], strict=True):
            lists.setdefault(name, set()).add(code.replace(".", ""))
    return {name: frozenset(codes) for name, codes in lists.items()}


def _flags_of(pack: LoadedPack) -> Codes:
    """Give every flag that a tariff knows."""
    names: set[str] = set()
    for table in ("best_practice_flags", "best_practice_prices"):
        if table in pack.tables:
            names.update(pack.tables[table].columns["flag"])
    return frozenset(names - {""})


def _hierarchy(pack: LoadedPack) -> dict[tuple[str, str], int]:
    """Give the printed place of a flag among those of an HRG: in the list `<flag>_HRG`."""
    if "best_practice_codes" not in pack.tables:
        return {}
    columns = pack.tables["best_practice_codes"].columns
    return {
        (name.removesuffix("_HRG"), hrg): int(place)
        for name, hrg, place in zip(
            *(columns[name] for name in ("list", "code", "hierarchy")), strict=True
        )
        if place and name.endswith("_HRG")
    }


def _ages(low: str, high: str) -> tuple[int, int] | None:
    if not low and not high:
        return None
    return int(low or 0), int(high or NO_RANK)
