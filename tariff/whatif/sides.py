"""What A and B are: a tariff year, an edition of it, a price list, a folder of packs, or neither.

`own` prices each record in its own year; with a folder of packs without exactly one price list
the records keep their years too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from tariff.engine.price import Terms
from tariff.errors import UsageError
from tariff.packs.columns import CELLS
from tariff.packs.compile import Rulebook
from tariff.packs.editions import Editions, parsed
from tariff.packs.load import LoadedPack, PackSet, load_packs
from tariff.packs.model import TariffPack

OWN = "own"
_DASHED_YEAR = re.compile(r"(?:20)?(\d\d)[-_ /](?:20)?(\d\d)(=.*)?")


@dataclass(frozen=True)
class Side:
    """One side of a comparison: its packs, and the year that every record is priced in."""

    asked: str
    rulebook: Rulebook
    year: str | None  # None: each record's own
    terms: Terms = field(default_factory=Terms)
    contract: str | None = None  # id

    @property
    def label(self) -> str:
        """What a reader calls this side."""
        under = f", contract {self.contract}" if self.contract else ""
        return self._prices() + under

    def _prices(self) -> str:
        if self.year is None:
            return self.asked
        serving = self.serving
        assert serving is not None and isinstance(serving.manifest, TariffPack)
        return f"{self.year}, {serving.manifest.edition} ({serving.id})"

    @property
    def serving(self) -> LoadedPack | None:
        """The list of the side's year: that of admitted care, else the first that there is."""
        lists = _lists_of(self.rulebook, self.year or "")
        admitted = [pack for pack in lists if "prices" in pack.tables]
        return next(iter([*admitted, *lists]), None)

    @property
    def is_partial(self) -> bool:
        """Whether the list of the side's year holds some of its prices only."""
        serving = self.serving
        manifest = None if serving is None else serving.manifest
        return isinstance(manifest, TariffPack) and manifest.partial

    def check_admitted(self, letter: str) -> None:
        """Raise where the side's list has no prices of admitted care at all."""
        if self.year is None or self.rulebook.prices.index_of_year(self.year) >= 0:
            return
        assert self.serving is not None
        held = ", ".join(sorted(self.rulebook.prices.of_year))
        raise UsageError(
            f"{letter} has no prices of admitted care: the list of {self.year} that is held, "
            f"'{self.serving.id}', has none",
            hint=f"prices of admitted care are held of {held}; --pack names a folder with more",
        )


def sides(a: str, b: str, packs: Sequence[Path], editions: Editions) -> tuple[Side, Side]:
    """Read what `--a` and `--b` say. `packs` and `editions` are of both sides."""
    shared = load_packs(packs)
    one, other = (side(asked, packs, shared, editions) for asked in (a, b))
    book, theirs = one.rulebook, other.rulebook
    if (book.packs, book.editions) == (theirs.packs, theirs.editions):
        other = replace(other, rulebook=book)  # compiled once
    return one, other


def side(asked: str, packs: Sequence[Path], shared: PackSet, editions: Editions) -> Side:
    """Read one side. `shared` are the packs of both sides, `packs` those given."""
    year, _, edition = asked.partition("=")
    if CELLS["year"][0].fullmatch(year):
        if edition:
            others = tuple(pair for pair in editions.by_year if pair[0] != year)
            kept = tuple(name for name in editions.packs if _year_of(shared, name) != year)
            editions = Editions((*others, *parsed([asked]).by_year), kept)
        rulebook = Rulebook(shared, editions)
        _check_held(rulebook, year)
        return Side(asked, rulebook, year)
    if asked == OWN:
        return Side(asked, Rulebook(shared, editions), None)
    if asked in shared:
        return _of_list(asked, shared, shared.by_id(asked), editions)
    folder = Path(asked)
    if not folder.exists():
        dashed = _DASHED_YEAR.fullmatch(asked)
        if dashed:
            meant = f"20{dashed[1]}/{dashed[2]}{dashed[3] or ''}"
            raise UsageError(f"'{asked}' is no tariff year", hint=f"did you mean {meant}?")
        lists = ", ".join(pack.id for pack in shared.by_kind("tariff"))
        raise UsageError(
            f"'{asked}' is no tariff year, no pack that is held and no folder",
            hint=f"give a year such as 2022/23, a year and its edition (2025/26=pay-award), one of "
            f"{lists}, a folder of packs, or 'own' for each record's own year",
        )
    held = load_packs([folder, *packs])
    every = [pack for pack in held if _is_inside(pack, folder)]
    if every and all(pack.manifest.kind == "contract" for pack in every):
        _refuse_contract(every[0])
    inside = [pack for pack in every if pack.manifest.kind == "tariff"]
    if len(inside) == 1:
        return _of_list(folder.name, held, inside[0], editions)
    return Side(folder.name, Rulebook(held, editions), None)


def _of_list(asked: str, held: PackSet, pack: LoadedPack, editions: Editions) -> Side:
    if pack.manifest.kind == "contract":
        _refuse_contract(pack)
    if not isinstance(pack.manifest, TariffPack):
        raise UsageError(
            f"pack '{pack.id}' is of kind {pack.manifest.kind}: nothing is priced by it alone",
            hint="name a price list, or a folder of packs to put before those that ship",
        )
    year = pack.manifest.year
    others = tuple(pair for pair in editions.by_year if pair[0] != year)
    kept = tuple(name for name in editions.packs if _year_of(held, name) != year)
    return Side(asked, Rulebook(held, Editions(others, (*kept, pack.id))), year)


def _refuse_contract(pack: LoadedPack) -> NoReturn:
    raise UsageError(
        f"'{pack.id}' is a contract: --a and --b name what the activity is priced under",
        hint="give --contract twice, that of A and that of B; --a and --b may be left out then",
    )


def _lists_of(rulebook: Rulebook, year: str) -> list[LoadedPack]:
    """The price lists of a year, that which serves it first."""
    return [
        pack
        for pack in rulebook.tariffs
        if isinstance(pack.manifest, TariffPack) and pack.manifest.year == year
    ]


def _year_of(held: PackSet, pack_id: str) -> str:
    manifest = held.by_id(pack_id).manifest
    return manifest.year if isinstance(manifest, TariffPack) else ""


def _check_held(rulebook: Rulebook, year: str) -> None:
    if not _lists_of(rulebook, year):
        years = sorted({_year_of(rulebook.packs, pack.id) for pack in rulebook.tariffs})
        raise UsageError(
            f"no prices of {year} are held",
            hint=f"held: {', '.join(years)}; --pack names a folder with more",
        )


def _is_inside(pack: LoadedPack, folder: Path) -> bool:
    start = folder.parent if folder.is_file() else folder
    return pack.root.resolve().is_relative_to(start.resolve())
