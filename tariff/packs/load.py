"""Find packs, read them with their tables and rules, and put them together as a `PackSet`.

The search order is: folders given, folders in `TARIFF_PACKS`, installed packages with an entry
point in the group `tariff.packs`, the packs that ship. A pack of an earlier level *replaces* one
of the same id on a later level, whole, and the set says so in `notices`; nothing is ever merged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import tariff
from tariff.errors import PackError, Problem, UsageError
from tariff.packs.model import GrouperPack, Pack, Rule, TariffPack
from tariff.packs.problems import Problems, did_you_mean, shown
from tariff.packs.read import MANIFEST, LoadedPack, Stamp, read_pack, stamp
from tariff.packs.tables import Table

__all__ = ["Level", "LoadedPack", "Loading", "PackSet", "Table", "load_packs", "read_levels"]

ENVIRONMENT = "TARIFF_PACKS"
ENTRY_POINTS = "tariff.packs"
MAX_FOLDER_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the search order: what it is called, and its folders."""

    name: str
    folders: tuple[Path, ...]
    kept: bool = False  # a pack that was read is not read again until one of its files changes


@dataclass(frozen=True, eq=False)
class PackSet:
    """The packs in force, each id once."""

    packs: tuple[LoadedPack, ...]
    notices: tuple[str, ...] = ()
    _ids: dict[str, LoadedPack] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {pack.id: pack for pack in self.packs})

    def __iter__(self) -> Iterator[LoadedPack]:
        return iter(self.packs)

    def __len__(self) -> int:
        return len(self.packs)

    def __contains__(self, pack_id: object) -> bool:
        return pack_id in self._ids

    def get(self, pack_id: str) -> LoadedPack | None:
        """The pack of an id, None where there is none."""
        return self._ids.get(pack_id)

    def by_id(self, pack_id: str) -> LoadedPack:
        """The pack of an id; a user's mistake where there is none."""
        pack = self._ids.get(pack_id)
        if pack is None:
            raise UsageError(
                f"there is no pack '{pack_id}'",
                hint=did_you_mean(pack_id, set(self._ids), "packs"),
            )
        return pack

    def by_kind(self, kind: str) -> list[LoadedPack]:
        """The packs of a kind: those of an earlier level first, then by date and id."""
        return [pack for pack in self.packs if pack.manifest.kind == kind]

    def select(self, kind: str, on: date) -> LoadedPack | None:
        """The pack of a kind whose dates hold a day: of the earliest level, the newest one."""
        held = [pack for pack in self.by_kind(kind) if pack.holds(on)]
        return min(held, key=_preference) if held else None

    def nearest(self, kind: str, on: date | None) -> LoadedPack | None:
        """Like `select`; else the one nearest in time, the earlier on a tie. No day: the newest."""
        packs = self.by_kind(kind)
        if on is None:
            return max(
                packs, key=lambda pack: pack.manifest.applies.from_ or date.min, default=None
            )
        return self.select(kind, on) or min(
            packs, key=lambda pack: (_distance(pack, on), _preference(pack)), default=None
        )

    def rules(self) -> list[tuple[LoadedPack, Rule]]:
        """Every signature with the pack it is of, by id."""
        pairs = [(pack, rule) for pack in self.packs for rule in pack.rules]
        return sorted(pairs, key=lambda pair: pair[1].id)


@dataclass(frozen=True, slots=True)
class Loading:
    """What was found: the packs that could be read, every problem, and what replaced what."""

    packs: tuple[LoadedPack, ...]
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]


def load_packs(extra: Sequence[Path] = (), *, shipped: bool = True) -> PackSet:
    """The packs in force. `extra` comes first in the search order.

    Raises `PackError` with every problem of every file.
    """
    loading = read_levels(search_order(extra, shipped=shipped))
    errors = [problem for problem in loading.problems if problem.severity == "error"]
    if errors:
        raise PackError(errors)
    return _together(loading.packs, loading.notices)


@lru_cache(maxsize=2)
def _together(packs: tuple[LoadedPack, ...], notices: tuple[str, ...]) -> PackSet:
    """The set of packs; of the same ones the same set, so that what is made of it can be kept."""
    return PackSet(packs, notices)


def search_order(extra: Sequence[Path] = (), *, shipped: bool = True) -> list[Level]:
    """The levels in order, the empty ones left out."""
    named = os.environ.get(ENVIRONMENT, "").split(os.pathsep)
    levels = [
        Level("the packs given", tuple(Path(path) for path in extra)),
        Level(ENVIRONMENT, tuple(Path(name) for name in named if name)),
        Level("installed packages", tuple(_installed())),
        Level("the shipped packs", (shipped_folder(),) if shipped else (), kept=True),
    ]
    return [level for level in levels if level.folders]


def shipped_folder() -> Path:
    """Where the packs that ship stand: the package `tariff.rules`, or `rules` of a checkout."""
    try:
        return Path(str(files("tariff.rules")))
    except ModuleNotFoundError:
        checkout = Path(tariff.__file__).resolve().parent.parent / "rules"
        if (checkout / "__init__.py").is_file():
            return checkout
        raise UsageError(
            "the shipped packs are missing", hint="install tariff-challenge again"
        ) from None


def _installed() -> Iterator[Path]:
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            yield Path(str(files(entry.module)))
        except (ImportError, TypeError) as error:
            raise UsageError(
                f"the packs '{entry.name}' of an installed package cannot be found: {error}",
                hint=f"mend or remove the package that offers {entry.value}",
            ) from error


def read_levels(levels: Sequence[Level]) -> Loading:
    """Every pack of the levels, each id from the first level that has it."""
    packs: dict[str, LoadedPack] = {}
    problems: list[Problem] = []
    notices: list[str] = []
    seen: set[str] = set()
    for rank, level in enumerate(levels):
        here: dict[str, LoadedPack] = {}
        for folder in _unique(_pack_folders(level, problems), seen):
            pack, found = (_kept_pack if level.kept else read_pack)(folder, rank)
            problems += found
            if pack is None:
                continue
            other = here.setdefault(pack.id, pack)
            if other is not pack:
                problems.append(_twice(pack, other, level))
        for pack_id, pack in here.items():
            winner = packs.setdefault(pack_id, pack)
            if winner is not pack:
                notices.append(
                    f"pack '{pack_id}' {winner.manifest.version} in {shown(winner.root)} replaces "
                    f"{pack.manifest.version} of {level.name}"
                )
    in_order = tuple(sorted(packs.values(), key=_order))
    problems += _missing_references(in_order, complete=not problems)
    return Loading(in_order, tuple(problems), tuple(notices))


_kept: dict[tuple[Path, int], tuple[Stamp, LoadedPack]] = {}


def _kept_pack(folder: Path, level: int) -> tuple[LoadedPack | None, list[Problem]]:
    """Like `read_pack`; a pack without a problem is read once while its files stay as they are."""
    now = stamp(folder)
    before, pack = _kept.get((folder, level), ((), None))
    if before == now:
        return pack, []
    pack, found = read_pack(folder, level)
    if pack is not None and not found:
        _kept[folder, level] = now, pack
    return pack, found


def _pack_folders(level: Level, problems: list[Problem]) -> Iterator[Path]:
    """The folders of a level that hold a manifest, in order of their names."""
    for given in level.folders:
        start = given.parent if given.name == MANIFEST else given
        if (start / MANIFEST).is_file():
            yield start
            continue
        found = False
        for folder, below, names in os.walk(start):
            here = Path(folder)
            depth = len(here.relative_to(start).parts)
            is_pack = MANIFEST in names
            keep = not is_pack and depth < MAX_FOLDER_DEPTH
            below[:] = sorted(name for name in below if name[0] not in "._") if keep else []
            if is_pack:
                found = True
                yield here
        if not found:
            why = "has no pack.yaml in it or below it" if start.is_dir() else "is not a folder"
            problems.append(
                Problem(
                    shown(given), 1, 1, "PK300", f"no pack found: {shown(given)} {why}",
                    f"it is named by {level.name}",
                )
            )  # fmt: skip


def _unique(folders: Iterator[Path], seen: set[str]) -> Iterator[Path]:
    """Each folder once, however often and by whatever path it is named."""
    for folder in folders:
        real = os.path.realpath(folder)
        if real not in seen:
            seen.add(real)
            yield folder


def _twice(pack: LoadedPack, other: LoadedPack, level: Level) -> Problem:
    problems = Problems(pack.root / MANIFEST)
    problems.add(
        "PK302",
        pack.at("id"),
        f"pack '{pack.id}' is in {level.name} twice: {shown(other.root)} and {shown(pack.root)}",
        "rename or remove one of them",
    )
    return problems.found[0]


def references(manifest: Pack) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """The packs that a manifest names: where, which id, of which kind."""
    if isinstance(manifest, GrouperPack):
        for key in ("splits", "roots", "cc_lists", "field_values"):
            yield (key,), getattr(manifest, key), key
        for key in ("injuries", "services"):
            if getattr(manifest, key):
                yield (key,), getattr(manifest, key), key
        for index, pack_id in enumerate(manifest.codes):
            yield ("codes", index), pack_id, "codes"
    elif isinstance(manifest, TariffPack) and manifest.borrowed is not None:
        yield ("borrowed", "from"), manifest.borrowed.from_, "tariff"


def _missing_references(packs: Sequence[LoadedPack], *, complete: bool) -> Iterator[Problem]:
    """References to packs that are not there. A pack that is there but broken is not missing."""
    kinds = {pack.id: pack.manifest.kind for pack in packs}
    for pack in packs:
        problems = Problems(pack.root / MANIFEST)
        for where, pack_id, kind in references(pack.manifest):
            known = {name for name, of in kinds.items() if of == kind}
            if pack_id in known or (pack_id not in kinds and not complete):
                continue
            what = f"is of kind {kinds[pack_id]}" if pack_id in kinds else "is not there"
            problems.add(
                "PK304",
                pack.at(*where),
                f"pack '{pack_id}' {what}; a pack of kind {kind} is needed",
                did_you_mean(pack_id, known, f"packs of kind {kind}"),
            )
        yield from problems


def _order(pack: LoadedPack) -> tuple[int, str, date, str]:
    return pack.level, pack.manifest.kind, _start(pack), pack.id


def _start(pack: LoadedPack) -> date:
    return pack.manifest.applies.from_ or date.min


def _preference(pack: LoadedPack) -> tuple[int, int, str]:
    """Earliest level first, then the newest start, then the id."""
    return pack.level, -_start(pack).toordinal(), pack.id


def _distance(pack: LoadedPack, on: date) -> tuple[int, int]:
    """Days between a day and the dates of a pack, and whether the pack is the later one."""
    applies = pack.manifest.applies
    before = (on - applies.to).days if applies.to and on > applies.to else 0
    after = (applies.from_ - on).days if applies.from_ and on < applies.from_ else 0
    return before + after, int(after > 0)
