"""What imported tables are held against: the design of a year, its prices and its codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tariff.errors import UsageError
from tariff.packs.compile import financial_year
from tariff.packs.lint_tables import CODE_FORMS
from tariff.packs.load import LoadedPack, PackSet
from tariff.packs.model import CodesPack, GrouperPack, TariffPack

CATEGORY, CODE = 3, 4  # characters; a fifth one of ICD-10 is not part of the list of codes
PRICES = ("combined", "day_case", "ordinary_elective", "non_elective")


class CodeList:
    """The codes of a classification, and how they stand in the tables of packs."""

    def __init__(self, pack: LoadedPack) -> None:
        assert isinstance(pack.manifest, CodesPack)
        self.manifest = pack.manifest
        self.codes = frozenset(pack.tables["codes"].columns["code"])
        self._form, _ = CODE_FORMS[self.manifest.classification]
        filled = {code + self.manifest.filler for code in self.codes if len(code) == CATEGORY}
        self._beginnings = {
            code[:length] for code in self.codes | filled for length in (CATEGORY, CODE)
        }

    def holds(self, code: str) -> bool:
        """Whether a code has the form of the classification, and is a code or begins one."""
        return bool(self._form.fullmatch(code)) and code[:CODE] in self._beginnings

    def prefix(self, code: str) -> str:
        """A code as a table of prefixes has it: without the filler, as I10 fits I10X too."""
        bare, filler = code[:CATEGORY], code[CATEGORY:]
        return bare if filler == self.manifest.filler and bare in self.codes else code

    def exact(self, code: str) -> str:
        """A code as a CC list has it: with the filler. Blank for a category with codes below it."""
        filled = code + self.manifest.filler if len(code) == CATEGORY else code
        return filled if self.prefix(filled[:CODE]) in self.codes else ""

    def never_dominant(self, code: str) -> bool:
        """Whether the pack says that a procedure may not be the dominant one."""
        never = self.manifest.never_dominant
        return code in never.codes or code.startswith(tuple(never.prefixes))


@dataclass(frozen=True)
class Design:
    """The design that the grouper of a year uses."""

    grouper: LoadedPack
    roots: frozenset[str]
    root_of: dict[str, str]  # what a cell may say: a root, or the one HRG of a root not split
    without_price: frozenset[str]  # roots that ought to have a price and have none
    subchapters: frozenset[str]
    cc_subchapters: frozenset[str]  # those that have a root split by CC
    price_lists: tuple[str, ...]
    icd10: CodeList
    opcs4: CodeList

    @property
    def manifest(self) -> GrouperPack:
        """The manifest of the grouper."""
        assert isinstance(self.grouper.manifest, GrouperPack)
        return self.grouper.manifest


def design_of(packs: PackSet, year: str | None) -> Design:
    """The design of a financial year, the newest without one; `UsageError` where none is held."""
    grouper = packs.nearest("grouper", None) if year is None else _of_year(packs, year)
    assert grouper is not None
    manifest = grouper.manifest
    assert isinstance(manifest, GrouperPack)
    hrgs: dict[str, set[str]] = {}
    cc_subchapters: set[str] = set()
    no_price_due: set[str] = set()  # the design itself says that a root has none
    for name, table in packs.by_id(manifest.splits).tables.items():
        columns = ("hrg", "root", "cc_min", "cc_max")
        for hrg, root, *cc in zip(*map(table.columns.__getitem__, columns), strict=True):
            hrgs.setdefault(root, set()).add(hrg)
            if any(cc):
                cc_subchapters.add(root[:2])
            if name == "unpriced":
                no_price_due.add(root)
    lists = [
        pack
        for pack in packs.by_kind("tariff")
        if "prices" in pack.tables and _of_same_years(pack, grouper)
    ]
    priced = {hrg for pack in lists for hrg in _priced(pack)}
    codes = {
        of.manifest.classification: of for of in map(CodeList, map(packs.by_id, manifest.codes))
    }
    return Design(
        grouper=grouper,
        roots=frozenset(hrgs),
        root_of={root: root for root in hrgs}
        | {hrg: root for root, found in hrgs.items() if len(found) == 1 for hrg in found},
        without_price=frozenset(
            root
            for root, found in hrgs.items()
            if lists and root not in no_price_due and not priced & found
        ),
        subchapters=frozenset(root[:2] for root in hrgs),
        cc_subchapters=frozenset(cc_subchapters),
        price_lists=tuple(pack.id for pack in lists),
        icd10=codes["icd10"],
        opcs4=codes["opcs4"],
    )


def years_of(pack: LoadedPack) -> str:
    """The financial years of a pack's dates, in words."""
    applies = pack.manifest.applies
    first = financial_year(applies.from_) if applies.from_ else "the beginning"
    last = financial_year(applies.to) if applies.to else "today"
    return first if first == last else f"{first} to {last}"


def _of_year(packs: PackSet, year: str) -> LoadedPack:
    start = int(year[:4]) if year[:4].isdecimal() else 0
    if not 1990 <= start < 2100 or year != financial_year(date(start, 4, 1)):
        raise UsageError(
            f"--year {year} is not a financial year", hint="for example --year 2024/25"
        )
    grouper = packs.select("grouper", date(start, 4, 1))
    if grouper is None:
        held = ", ".join(years_of(pack) for pack in packs.by_kind("grouper"))
        raise UsageError(f"no design of {year} is held", hint=f"designs: {held}")
    return grouper


def _of_same_years(price_list: LoadedPack, grouper: LoadedPack) -> bool:
    manifest = price_list.manifest
    assert isinstance(manifest, TariffPack)
    return grouper.holds(date(int(manifest.year[:4]), 4, 1))


def _priced(pack: LoadedPack) -> list[str]:
    """The HRGs with a price for admitted care."""
    columns = pack.tables["prices"].columns
    figures = zip(*(columns[name] for name in PRICES), strict=True)
    return [hrg for hrg, row in zip(columns["hrg"], figures, strict=True) if any(row)]
